//! New tasks: bought, configured without having been bought, or made as the reverse of another.

use serde_json::{Map, Value};

use super::find::{instance_of, judged, judged_one, named, rule_of};
use super::names::kept;
use super::shape::answer;
use super::view::known;
use super::{Call, change};
use crate::cloud::Done;
use crate::cloud::world::{Birth, World};
use crate::dialect::ApiError;

/// What Reserve says about the check after configuring (the page on Reserve).
const AFTER: &str = "autoStartModulesAfterConfig";

/// What makes a second purchase the first one (ClientToken: at most 64 characters, one for each request).
const TOKEN: &str = "ClientToken";

pub(super) fn buy(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let wanted = call.text("JobId");
    if !wanted.is_empty() {
        // A task that was configured first and is paid for now.
        let task = call.task(world, wanted);
        let task = task.ok_or_else(|| ApiError::new("InvalidJobId", format!("The job {wanted} does not exist.")))?;
        task.billing = pay_type(call.text("PayType"));
        return Ok(answer(call, &known(task, call)));
    }
    let kind_name = if call.action.task.is_empty() { kind_of(call.text("Type")) } else { call.action.task.as_str() };
    if let Some(before) = bought_before(world, call, kind_name) {
        return Ok(before);
    }
    let mut data = kept(call.parameters);
    if let Some(token) = call.parameters.get(TOKEN) {
        data.insert(TOKEN.to_owned(), token.clone());
    }
    if call.parameters.get("AutoStart").and_then(Value::as_bool) != Some(true) {
        data.remove("AutoStart");
    }
    make(world, call, kind_name, "NotConfigured", data)
}

pub(super) fn configure(world: &mut World, call: &Call<'_>, starts: bool) -> Result<Done, ApiError> {
    let mut data = kept(call.parameters);
    let after = after_configuring(data.get("Reserve"));
    if starts || after == "auto" {
        data.insert("AutoStart".to_owned(), true.into());
    }
    if named(call).is_none() {
        // Configured first and bought later.
        let kind_name = match call.text("JobType") {
            "" => call.action.rules.keys().next().map_or("migration", String::as_str),
            said => kind_of(said),
        };
        let status = if after == "none" { "NotStarted" } else { "Prechecking" };
        return make(world, call, kind_name, status, data);
    }
    let now = call.now;
    let kinds = &call.provider.kinds;
    let task = judged_one(world, call)?;
    let to =
        if after == "none" { Some("NotStarted".into()) } else { rule_of(call, task).and_then(|r| r.moves_to.clone()) };
    task.data.remove("AutoStart");
    task.data.extend(data);
    if let (Some(kind), Some(to)) = (kinds.get(&task.kind), to) {
        task.enter(kind, to, now);
    }
    Ok(answer(call, &known(task, call)))
}

/// A sync in the other direction, which is checked and starts at once.
pub(super) fn reverse(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let ids = judged(world, call)?;
    let first = ids.first().and_then(|id| call.task(world, id));
    let mut data = first.map(|task| task.data.clone()).unwrap_or_default();
    data.insert("AutoStart".to_owned(), true.into());
    make(world, call, "sync", "Prechecking", data)
}

fn make(
    world: &mut World,
    call: &Call<'_>,
    kind_name: &str,
    status: &str,
    mut data: Map<String, Value>,
) -> Result<Done, ApiError> {
    let Some(kind) = call.provider.kinds.get(kind_name) else {
        let message = format!("This version has no tasks of the kind {kind_name}.");
        return Err(ApiError::new("InvalidParameter", message));
    };
    data.insert("RegionId".to_owned(), call.region.into());
    let birth = Birth {
        version: &call.provider.version,
        kind_name,
        kind,
        id: None,
        status: status.into(),
        billing: pay_type(call.text("PayType")),
        moves: true,
        parent: None,
        data,
    };
    let made = world.make(birth, call.now);
    let task = made.and_then(|id| call.task(world, &id));
    let task = task.ok_or_else(|| ApiError::new("ServiceUnavailable", "No task could be made."))?;
    let made = if kind.named_by_instance { instance_of(task) } else { task.id.clone() };
    let mut done = answer(call, &known(task, call));
    done.made = Some(made);
    Ok(done)
}

/// The answer once more, if the same ClientToken bought a task of this kind.
fn bought_before(world: &mut World, call: &Call<'_>, kind_name: &str) -> Option<Done> {
    let token = call.text(TOKEN);
    if token.is_empty() {
        return None;
    }
    let ids = world.ids();
    ids.iter().find_map(|id| {
        let task = call.task(world, id).filter(|task| task.kind == kind_name && task.text("/ClientToken") == token)?;
        Some(answer(call, &known(task, call)))
    })
}

/// How a task is paid: afterwards, if nothing else is said. Some actions spell it PREPAY.
pub(super) fn pay_type(said: &str) -> String {
    let in_advance = ["PrePaid", "PREPAY"].iter().any(|spelt| spelt.eq_ignore_ascii_case(said));
    if in_advance { "PrePaid" } else { "PostPaid" }.to_owned()
}

/// A kind as calls spell it: MIGRATION, SYNC, SUBSCRIBE, in any capitals.
fn kind_of(said: &str) -> &'static str {
    change::KINDS
        .iter()
        .find(|(_, request, _)| request.eq_ignore_ascii_case(said))
        .map_or("migration", |(kind, _, _)| *kind)
}

fn after_configuring(reserve: Option<&Value>) -> String {
    let text = reserve.and_then(Value::as_str).unwrap_or("");
    let parsed: Value = serde_json::from_str(text).unwrap_or_default();
    parsed.get(AFTER).and_then(Value::as_str).unwrap_or("").to_owned()
}
