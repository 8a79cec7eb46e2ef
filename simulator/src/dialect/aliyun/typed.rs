//! Flattened parameters against their row: everything required is there, every value is of its type.
//!
//! What a row does not know is left out and not refused: old SDKs add RegionId to every call.

use serde_json::{Map, Number, Value};

use crate::dialect::ApiError;
use crate::table::{Member, Type};

/// The parameters that the row knows, with numbers as numbers; one that is empty counts as absent.
pub(crate) fn check_parameters(given: &Map<String, Value>, members: &[Member]) -> Result<Map<String, Value>, ApiError> {
    let mut checked = Map::new();
    for (name, value) in given {
        let text = value.as_str().unwrap_or("");
        let pattern = pattern_of(name);
        let known = members.iter().find(|member| member.name == *name || member.name == pattern);
        if let Some(member) = known.filter(|_| !text.is_empty()) {
            checked.insert(name.clone(), typed(name, text, &member.kind)?);
        }
    }
    let there = |member: &Member| checked.keys().any(|name| *name == member.name || pattern_of(name) == member.name);
    match members.iter().find(|member| member.required && !there(member)) {
        Some(absent) => {
            let message = format!(
                "The input parameter \"{}\" that is mandatory for processing this request is not supplied.",
                absent.name
            );
            Err(ApiError::new("MissingParameter", message))
        }
        None => Ok(checked),
    }
}

/// `Tag.1.Key` is one of `Tag.N.Key`.
fn pattern_of(name: &str) -> String {
    let segment = |segment| if is_number(segment) { "N" } else { segment };
    name.split('.').map(segment).collect::<Vec<_>>().join(".")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn typed(name: &str, text: &str, kind: &Type) -> Result<Value, ApiError> {
    let value = match kind {
        Type::Integer | Type::Unsigned => text.parse::<i64>().ok().map(Value::from),
        Type::Float => text.parse().ok().and_then(Number::from_f64).map(Value::Number),
        // One Python SDK writes True and False.
        Type::Boolean => text.to_ascii_lowercase().parse().ok().map(Value::Bool),
        _ => Some(Value::from(text)),
    };
    value.ok_or_else(|| ApiError::new("InvalidParameter", format!("The specified parameter {name} must be {kind}.")))
}
