//! The service of 2021-12-06: migrations, syncs, their consistency checks, and subscriptions, each read and changed as its
//! rows say.

pub(super) mod checks;
pub(super) mod compare;
pub(super) mod edits;
pub(super) mod groups;
pub(super) mod instances;
pub(super) mod migration;
pub(super) mod offers;
pub(super) mod reports;
pub(super) mod subscription;
pub(super) mod sync;

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::Call;
use super::task::Task;
use super::world::World;
use crate::dialect::ApiError;

/// The code for a value that is of the right type and still wrong.
fn invalid(name: &str, rule: &str) -> ApiError {
    let code = "InvalidParameterValue.InvalidParameterValueError";
    ApiError::new(code, format!("The value of the parameter `{name}` {rule}."))
}

/// The tasks that a list is about: the one that it names, or all of its kind, newest first unless it says otherwise.
fn listed<'a>(world: &'a mut World, call: &Call<'_>, order: &str) -> Result<Vec<&'a Task>, ApiError> {
    let by_id = call.action.task_id.as_deref().is_some_and(|name| !call.text(name).is_empty());
    let mut found: Vec<&Task> =
        if by_id { world.judged(call).map(|task| &*task).into_iter().collect() } else { world.of_kind(call) };
    match call.text(order).to_ascii_uppercase().as_str() {
        "ASC" => {}
        "" | "DESC" => found.reverse(),
        _ => return Err(invalid(order, "must be ASC or DESC")),
    }
    Ok(found)
}

/// Whether a filter of one text lets a value through; an empty one lets everything through.
fn is(call: &Call<'_>, name: &str, value: &str) -> bool {
    call.text(name).is_empty() || call.text(name) == value
}

/// Whether a filter of several texts lets a value through; an empty one lets everything through.
fn among(call: &Call<'_>, name: &str, value: &Value) -> bool {
    call.parameters.get(name).and_then(Value::as_array).is_none_or(|list| list.is_empty() || list.contains(value))
}

/// What a task was told, and what is known of it beside; the second wins.
fn known(task: &Task, beside: Value) -> Value {
    let mut all = task.data.clone();
    if let Value::Object(beside) = beside {
        all.extend(beside);
    }
    Value::Object(all)
}
