//! Answers out of what a task holds: every documented member there, secrets empty; and the pages of lists.

use serde_json::{Map, Value};

use super::task::Task;
use super::{Call, Done};
use crate::dialect::ApiError;
use crate::table::{Member, Type, Types};

/// A value of that type with every member that it can have; what is not given is empty or zero, and so is what is secret.
pub(super) fn complete(types: &Types, kind: &Type, given: Option<&Value>) -> Value {
    fill(types, kind, given, false)
}

/// The same for a member of a task, whose secrets a test can have shown (`ShowSecrets` of its data).
pub(super) fn complete_of(task: &Task, types: &Types, kind: &Type, member: &str) -> Value {
    fill(types, kind, task.data.get(member), shows_secrets(task.data.get("ShowSecrets")))
}

/// A structure of the table, out of what is known of a task. A test can have its secrets shown (`ShowSecrets`).
pub(super) fn structure(call: &Call<'_>, name: &str, known: &Value) -> Value {
    fill(&call.provider.types, &Type::Structure(name.to_owned()), Some(known), shows_secrets(known.get("ShowSecrets")))
}

/// The answer that the action's row describes, out of what is known.
pub(super) fn answer(call: &Call<'_>, known: &Value) -> Done {
    let members =
        shape(&call.provider.types, &call.action.answer, Some(known), shows_secrets(known.get("ShowSecrets")));
    Done { members, made: None }
}

/// The answer of a list, whose items are whole already.
pub(super) fn list_answer(call: &Call<'_>, known: &Value) -> Done {
    Done { members: shape(&call.provider.types, &call.action.answer, Some(known), true), made: None }
}

fn shows_secrets(said: Option<&Value>) -> bool {
    said.and_then(Value::as_bool) == Some(true)
}

fn shape(types: &Types, members: &[Member], given: Option<&Value>, secrets: bool) -> Map<String, Value> {
    let member = |member: &Member| {
        let inner = given.and_then(|value| value.get(&member.name)).filter(|_| secrets || !member.secret);
        (member.name.clone(), fill(types, &member.kind, inner, secrets))
    };
    members.iter().map(member).collect()
}

fn fill(types: &Types, kind: &Type, given: Option<&Value>, secrets: bool) -> Value {
    match kind {
        Type::Text => given.filter(|value| value.is_string()).cloned().unwrap_or_else(|| "".into()),
        Type::Integer | Type::Unsigned => given.filter(|value| value.is_number()).cloned().unwrap_or_else(|| 0.into()),
        Type::Boolean => given.filter(|value| value.is_boolean()).cloned().unwrap_or_else(|| false.into()),
        Type::Float => given.filter(|value| value.is_number()).cloned().unwrap_or_else(|| 0.0.into()),
        Type::Map => given.filter(|value| value.is_object()).cloned().unwrap_or_else(|| Value::Object(Map::new())),
        Type::Array(element) => {
            let elements = given.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            Value::Array(elements.iter().map(|inner| fill(types, element, Some(inner), secrets)).collect())
        }
        Type::Structure(name) => Value::Object(shape(types, types.members(name), given, secrets)),
    }
}

/// The page that `Offset` and `Limit` say (20 if nothing is said, at most 100).
pub(super) fn page<T>(call: &Call<'_>, items: Vec<T>) -> Result<Vec<T>, ApiError> {
    let offset = call.number("Offset").unwrap_or(0);
    let limit = call.number("Limit").unwrap_or(20);
    let wrong = |name: &str| {
        let message = format!("The value of the parameter `{name}` is out of range.");
        ApiError::new("InvalidParameterValue.InvalidParameterValueError", message)
    };
    let offset = usize::try_from(offset).map_err(|_| wrong("Offset"))?;
    if !(1..=100).contains(&limit) {
        return Err(wrong("Limit"));
    }
    Ok(items.into_iter().skip(offset).take(usize::try_from(limit).unwrap_or(100)).collect())
}

/// Whether a task's tags satisfy every filter of the call.
pub(super) fn tags_match(call: &Call<'_>, data: &Map<String, Value>) -> bool {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let tags = list(data.get("Tags"));
    list(call.parameters.get("TagFilters")).iter().all(|filter| {
        let wanted = list(filter.get("TagValue"));
        tags.iter().any(|tag| {
            let empty = Value::String(String::new());
            let value = tag.get("TagValue").unwrap_or(&empty);
            tag.get("TagKey") == filter.get("TagKey") && (wanted.is_empty() || wanted.contains(value))
        })
    })
}
