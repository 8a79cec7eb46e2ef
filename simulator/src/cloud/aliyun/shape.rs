//! Answers: out of what is known, the members that the row documents, each of its documented type.

use serde_json::{Map, Number, Value};

use super::Call;
use crate::cloud::Done;
use crate::table::{Member, Type, Types};

/// Members that only failures have.
const OF_FAILURES: [&str; 4] = ["ErrCode", "ErrMessage", "DynamicCode", "DynamicMessage"];

/// How a success says so.
const SUCCESS: [(&str, &str); 3] = [("Success", "true"), ("HttpStatusCode", "200"), ("Code", "200")];

/// The answer that the action's row describes.
pub(super) fn answer(call: &Call<'_>, known: &Value) -> Done {
    let types = &call.provider.types;
    let shows_secrets = known.get("ShowSecrets").and_then(Value::as_bool) == Some(true);
    let mut members = Map::new();
    for member in call.action.answer.iter().filter(|member| !OF_FAILURES.contains(&member.name.as_str())) {
        let fixed = SUCCESS.iter().find(|(name, _)| *name == member.name).map(|(_, text)| Value::from(*text));
        let given = fixed.as_ref().or_else(|| known.get(&member.name)).filter(|_| shows_secrets || !member.secret);
        members.insert(member.name.clone(), value(types, &member.kind, given));
    }
    Done { members, made: None }
}

/// A value of that type; what is not given is empty or zero, a number in a text is a number.
fn value(types: &Types, kind: &Type, given: Option<&Value>) -> Value {
    match kind {
        Type::Text => Value::String(given.map_or_else(String::new, text)),
        Type::Integer | Type::Unsigned => {
            given.and_then(|given| given.as_i64().or_else(|| text(given).parse().ok())).unwrap_or(0).into()
        }
        Type::Float => {
            let number = given.and_then(|given| given.as_f64().or_else(|| text(given).parse().ok()));
            number.and_then(Number::from_f64).map_or_else(|| 0.into(), Value::Number)
        }
        Type::Boolean => given.is_some_and(|given| given.as_bool() == Some(true) || text(given) == "true").into(),
        Type::Map => given.filter(|given| given.is_object()).cloned().unwrap_or_else(|| Map::new().into()),
        Type::Array(element) => {
            let items = given.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            items.iter().map(|item| value(types, element, Some(item))).collect()
        }
        Type::Structure(name) => Value::Object(structure(types, types.members(name), given)),
    }
}

/// A structure; a further structure in it of which nothing is known is left out, as the cloud does.
fn structure(types: &Types, members: &[Member], given: Option<&Value>) -> Map<String, Value> {
    let list = given.filter(|given| given.is_array());
    let shown = |member: &Member| {
        // Where one version has a list another has a structure that holds the list alone.
        let inner = match (&member.kind, list) {
            (Type::Array(_), Some(_)) if members.len() == 1 => list,
            _ => given.and_then(|given| given.get(&member.name)),
        };
        let absent = inner.is_none() && matches!(member.kind, Type::Structure(_) | Type::Map);
        (!absent).then(|| (member.name.clone(), value(types, &member.kind, inner)))
    };
    members.iter().filter_map(shown).collect()
}

fn text(given: &Value) -> String {
    match given {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => given.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}
