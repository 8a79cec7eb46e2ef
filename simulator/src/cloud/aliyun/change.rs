//! Changes of tasks that are there, one or a list of them: all or none.

use serde_json::{Value, json};

use super::Call;
use super::find::{judged, rule_of};
use super::make::pay_type;
use super::names::kept;
use super::shape::answer;
use super::view::known;
use crate::cloud::world::World;
use crate::cloud::{Done, Task};
use crate::dialect::ApiError;

/// A kind of task as the tables, calls and answers spell it.
pub(super) const KINDS: [(&str, &str, &str); 3] =
    [("migration", "MIGRATION", "online"), ("sync", "SYNC", "sync"), ("subscription", "SUBSCRIBE", "subscribe")];

/// The statuses out of which a start takes a task up again after an error.
const BROKEN: [&str; 4] = ["MigrationFailed", "InitializeFailed", "Failed", "Abnormal"];

pub(super) fn start(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    each(world, call, |task| {
        if task.status.as_str().is_some_and(|status| BROKEN.contains(&status)) {
            task.resumed = true;
        }
        advance(task, call);
        task.data.insert("AutoStart".to_owned(), true.into());
    })
}

pub(super) fn change(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    each(world, call, |task| {
        task.data.extend(kept(call.parameters));
        advance(task, call);
    })
}

/// What it was told is forgotten; how large it is and where it is stay.
pub(super) fn reset(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    each(world, call, |task| {
        task.data.retain(|name, _| ["ClientToken", "DtsJobClass", "RegionId", "Tags"].contains(&name.as_str()));
        advance(task, call);
    })
}

pub(super) fn remove(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    for id in judged(world, call)? {
        world.remove(&id);
    }
    Ok(answer(call, &json!({})))
}

pub(super) fn pay_otherwise(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let billing = pay_type(call.text("ChargeType"));
    each(world, call, |task| task.enter_billing(billing.clone(), call.now))
}

fn each(world: &mut World, call: &Call<'_>, change: impl Fn(&mut Task)) -> Result<Done, ApiError> {
    let mut shown = json!({});
    for id in judged(world, call)? {
        let Some(task) = call.task(world, &id) else { continue };
        change(task);
        shown = known(task, call);
    }
    Ok(answer(call, &shown))
}

/// Puts the rule's move into effect.
fn advance(task: &mut Task, call: &Call<'_>) {
    let Some(rule) = rule_of(call, task) else { return };
    let status = task.status.as_str().unwrap_or("");
    let via =
        rule.via.iter().find(|(from, _)| from.eq_ignore_ascii_case(status)).map(|(_, to)| Value::from(to.as_str()));
    if let (Some(kind), Some(to)) = (call.provider.kinds.get(&task.kind), via.or_else(|| rule.moves_to.clone())) {
        task.enter(kind, to, call.now);
    }
}
