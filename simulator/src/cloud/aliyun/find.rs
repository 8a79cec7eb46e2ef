//! The tasks that a call names: whether they are there, and whether their states allow the call.

use serde_json::Value;

use super::Call;
use crate::cloud::Task;
use crate::cloud::world::{INSTANCE_PREFIX, World};
use crate::dialect::ApiError;
use crate::table::{IdParameter, Named, Rule};

/// The statuses in which a task is between two others.
const CHANGING: &str = "Modifying";

/// The task's id that is in an instance's.
pub(super) fn of_instance(id: &str) -> &str {
    id.strip_prefix(INSTANCE_PREFIX).unwrap_or(id)
}

/// The id of a task's instance.
pub(super) fn instance_of(task: &Task) -> String {
    format!("{INSTANCE_PREFIX}{}", task.id)
}

/// The tasks that a call names; none if it names none. Nothing is said about whether they are there.
pub(super) fn named<'a>(call: &Call<'a>) -> Option<(&'a IdParameter, Vec<String>)> {
    let parameter = call.action.ids.iter().find(|parameter| !call.text(&parameter.name).is_empty())?;
    let given = call.text(&parameter.name).split(',').map(str::trim).filter(|id| !id.is_empty());
    let own = |id: &str| match parameter.names {
        Named::Job => id.to_owned(),
        Named::Instance => of_instance(id).to_owned(),
    };
    Some((parameter, given.map(own).collect()))
}

/// The tasks that a call must name: all there, all in states that allow it.
pub(super) fn judged(world: &mut World, call: &Call<'_>) -> Result<Vec<String>, ApiError> {
    let Some((parameter, ids)) = named(call).filter(|(_, ids)| !ids.is_empty()) else {
        let names: Vec<&str> = call.action.ids.iter().map(|parameter| parameter.name.as_str()).collect();
        let message = format!("One of the input parameters {} is needed for this request.", names.join(", "));
        return Err(ApiError::new("MissingParameter", message));
    };
    for id in &ids {
        let task = call.task(world, id).filter(|task| belongs(parameter, call, task));
        let task = task.ok_or_else(|| not_found(call, parameter, id))?;
        judge(call, task)?;
    }
    Ok(ids)
}

/// The only task that a call must name.
pub(super) fn judged_one<'w>(world: &'w mut World, call: &Call<'_>) -> Result<&'w mut Task, ApiError> {
    let id = judged(world, call)?.swap_remove(0);
    call.task(world, &id).ok_or_else(|| ApiError::new("InvalidJobId", format!("The job {id} does not exist.")))
}

/// Whether a state allows an action: the status, and how the task is paid.
fn judge(call: &Call<'_>, task: &Task) -> Result<(), ApiError> {
    let action = call.action;
    let status = task.status.as_str().unwrap_or("");
    let denied = |code: &str, why: &str| {
        let message = format!("The job {} is {why}, which does not allow {}.", task.id, action.name);
        Err(ApiError::new(code, message))
    };
    let code = action.state_code.as_deref().unwrap_or("OperationDenied.JobStatus");
    let allowed = action.rules.get(&task.kind).and_then(|rule| rule.allowed.as_ref());
    // The pages do not agree on capitals, and the cloud has been seen to answer `synchronizing`.
    let same = |wire: &Value| wire.as_str().is_some_and(|wire| wire.eq_ignore_ascii_case(status));
    if allowed.is_some_and(|allowed| !allowed.iter().any(same)) {
        let changing = status.eq_ignore_ascii_case(CHANGING);
        return denied(if changing { "DTS.Msg.OperationDenied.JobStatusModifying" } else { code }, status);
    }
    let paid_otherwise = action.allowed_billing.as_ref().is_some_and(|allowed| !allowed.contains(&task.billing));
    if paid_otherwise || action.denied_billing.contains(&task.billing) {
        return denied(code, &task.billing);
    }
    Ok(())
}

/// The rule of the action for that kind of task.
pub(super) fn rule_of<'a>(call: &Call<'a>, task: &Task) -> Option<&'a Rule> {
    call.action.rules.get(&task.kind)
}

/// Whether the parameter, the action and the other ids can mean this task.
fn belongs(parameter: &IdParameter, call: &Call<'_>, task: &Task) -> bool {
    let rules = &call.action.rules;
    let other = |other: &&IdParameter| other.names != parameter.names && !call.text(&other.name).is_empty();
    let agrees = call.action.ids.iter().filter(other).all(|other| of_instance(call.text(&other.name)) == task.id);
    parameter.kind.as_ref().is_none_or(|kind| *kind == task.kind)
        && (rules.is_empty() || rules.contains_key(&task.kind))
        && agrees
}

fn not_found(call: &Call<'_>, parameter: &IdParameter, id: &str) -> ApiError {
    let code = match parameter.names {
        Named::Job => call.action.not_found_code.as_deref().unwrap_or("InvalidJobId"),
        Named::Instance => "Forbidden.InstanceNotFound",
    };
    ApiError::new(code, format!("The job {id} does not exist."))
}
