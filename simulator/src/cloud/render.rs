//! Answers out of what a task holds: every documented member there, secrets empty; and the pages of lists.

use serde_json::{Map, Value};

use super::Call;
use crate::dialect::ApiError;
use crate::table::{Type, Types};

/// A value of that type with every member that it can have; what is not given is empty or zero.
pub(super) fn complete(types: &Types, kind: &Type, given: Option<&Value>) -> Value {
    match kind {
        Type::Text => given.filter(|value| value.is_string()).cloned().unwrap_or_else(|| "".into()),
        Type::Integer | Type::Unsigned => given.filter(|value| value.is_number()).cloned().unwrap_or_else(|| 0.into()),
        Type::Array(element) => {
            let elements = given.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            Value::Array(elements.iter().map(|inner| complete(types, element, Some(inner))).collect())
        }
        Type::Structure(name) => {
            let member = |member: &crate::table::Member| {
                let inner = given.and_then(|value| value.get(&member.name)).filter(|_| !member.secret);
                (member.name.clone(), complete(types, &member.kind, inner))
            };
            Value::Object(types.members(name).iter().map(member).collect())
        }
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
