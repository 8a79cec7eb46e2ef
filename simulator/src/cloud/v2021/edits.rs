//! What actions do to a task of any kind: buy it, tell it something, forget that, isolate it, pass over a failed check.

use serde_json::{Map, Value, json};

use super::super::task::Task;
use super::super::world::{Birth, World};
use super::super::{Call, Done};
use super::{checks, invalid};
use crate::dialect::ApiError;
use crate::table::{Kind, Template};

/// How a task is paid, by the parameter that says so.
const PAYMENTS: [(&str, &[&str]); 2] = [("PayMode", &["PrePay", "PostPay"]), ("PayType", &["0", "1"])];

pub(in crate::cloud) fn buy(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let most = call.action.most.map_or(1, i64::from);
    let count = call.number("Count").unwrap_or(1);
    if !(1..=most).contains(&count) {
        return Err(invalid("Count", &format!("must be between 1 and {most}")));
    }
    for (name, values) in PAYMENTS {
        let given = call.number(name).map_or_else(|| call.text(name).to_owned(), |number| number.to_string());
        if call.parameters.contains_key(name) && !values.contains(&given.as_str()) {
            return Err(invalid(name, &format!("must be {}", values.join(" or "))));
        }
    }
    let mut data = call.parameters.clone();
    data.insert("Region".to_owned(), call.region.into());
    let mut status = call.kind.first_status.clone();
    if let Some(template) = &call.action.template
        && copy_from(world, call, template, &mut data)?
    {
        status = template.status.clone();
    }
    let mut made = Vec::new();
    for _ in 0..count {
        let birth = Birth {
            version: &call.provider.version,
            kind_name: &call.action.task,
            kind: call.kind,
            id: None,
            status: status.clone(),
            billing: call.kind.first_billing.clone(),
            moves: true,
            parent: None,
            data: data.clone(),
        };
        made.extend(world.make(birth, call.now));
    }
    let ids = call.action.answer.first().map_or("JobIds", |member| member.name.as_str());
    Ok(Done { made: made.first().cloned(), ..Done::from(json!({ ids: made })) })
}

/// Copies what another task was told; whether it was told anything.
fn copy_from(
    world: &World,
    call: &Call<'_>,
    template: &Template,
    data: &mut Map<String, Value>,
) -> Result<bool, ApiError> {
    let id = call.text(&template.parameter);
    if id.is_empty() {
        return Ok(false);
    }
    let Some(other) = world.task(id).filter(|other| call.is_about(other)) else {
        let code = call.action.not_found_code.as_deref().unwrap_or("ResourceNotFound");
        return Err(ApiError::new(code, format!("The task {id} does not exist.")));
    };
    for name in told_by(call, &template.action) {
        if let Some(value) = other.data.get(name) {
            data.insert(name.to_owned(), value.clone());
        }
    }
    Ok(call.kind.configured_by.as_ref().is_some_and(|member| data.contains_key(member)))
}

pub(in crate::cloud) fn set(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let action = call.action;
    let names_a_task = |name: &str| {
        action.task_id.as_deref() == Some(name) || action.parent.as_ref().is_some_and(|parent| parent.parameter == name)
    };
    for (name, value) in call.parameters.iter().filter(|(name, _)| !names_a_task(name)) {
        let member = action.keeps.get(name).unwrap_or(name);
        task.data.insert(member.clone(), value.clone());
    }
    if let Some(stage) = &action.stage {
        task.data.insert("ModifyStage".to_owned(), stage.as_str().into());
        task.staged = call.now;
    }
    call.advance(task);
    Ok(Done::default())
}

/// Takes back what another action told the task.
pub(in crate::cloud) fn undo(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    for name in call.action.undoes.iter().flat_map(|action| told_by(call, action)) {
        task.data.remove(name);
    }
    call.advance(task);
    Ok(Done::default())
}

/// The members of a task's data that an action gives, without its name, which stays.
fn told_by<'a>(call: &Call<'a>, action: &str) -> impl Iterator<Item = &'a str> {
    let name = call.kind.name_member.as_str();
    let parameters = call.provider.actions.get(action).map_or(&[][..], |action| action.parameters.as_slice());
    parameters.iter().map(|member| member.name.as_str()).filter(move |member| *member != name)
}

pub(in crate::cloud) fn isolate(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    if is_unbilled(call.kind, task) {
        let id = task.id.clone();
        world.remove(&id);
    } else {
        call.advance(task);
    }
    Ok(Done::default())
}

/// Whether nobody pays for the task: then it cannot be got back once it is isolated.
pub(super) fn is_unbilled(kind: &Kind, task: &Task) -> bool {
    kind.unbilled_prefix.as_ref().is_some_and(|prefix| task.billing.starts_with(prefix.as_str()))
}

/// Passes over items of a check; it has passed once the one is passed over that failed.
pub(in crate::cloud) fn skip_check(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let steps = call.parameters.get("StepIds").cloned().unwrap_or_else(|| json!([]));
    let enough = steps.as_array().is_some_and(|steps| steps.contains(&checks::FAILING.into()));
    task.data.insert("SkippedSteps".to_owned(), steps);
    if enough {
        call.advance(task);
    }
    Ok(super::super::render::answer(call, &json!({})))
}
