//! Parameters against their row: nothing unknown, everything required, every value of its type.

use serde_json::{Map, Number, Value};

use super::missing;
use crate::dialect::ApiError;
use crate::table::{Member, Type, Types};

/// The parameters with numbers as numbers. `flat`: they came as text, so a number is a text of digits.
pub(crate) fn check_parameters(
    given: &Map<String, Value>,
    flat: bool,
    members: &[Member],
    types: &Types,
) -> Result<Map<String, Value>, ApiError> {
    Checker { flat, types }.structure("", given, members)
}

struct Checker<'a> {
    flat: bool,
    types: &'a Types,
}

impl Checker<'_> {
    fn structure(
        &self,
        place: &str,
        given: &Map<String, Value>,
        members: &[Member],
    ) -> Result<Map<String, Value>, ApiError> {
        let mut checked = Map::new();
        for (name, value) in given {
            let path = join(place, name);
            let Some(member) = members.iter().find(|member| member.name == *name) else {
                let message = format!("The parameter `{path}` is not recognized.");
                return Err(ApiError::new("UnknownParameter", message));
            };
            if !value.is_null() {
                checked.insert(name.clone(), self.value(&path, value, &member.kind)?);
            }
        }
        match members.iter().find(|member| member.required && !checked.contains_key(&member.name)) {
            Some(absent) => Err(missing(&join(place, &absent.name))),
            None => Ok(checked),
        }
    }

    fn value(&self, path: &str, value: &Value, kind: &Type) -> Result<Value, ApiError> {
        let wrong = || {
            ApiError::new(
                "InvalidParameterValue",
                format!("The value of the parameter `{path}` must be of type {kind}."),
            )
        };
        match (kind, value) {
            (Type::Text, Value::String(_)) => Ok(value.clone()),
            (Type::Integer | Type::Unsigned, Value::Number(number)) if !self.flat => {
                integer(&number.to_string(), kind).ok_or_else(wrong)
            }
            (Type::Integer | Type::Unsigned, Value::String(text)) if self.flat => integer(text, kind).ok_or_else(wrong),
            (Type::Boolean, Value::Bool(_)) if !self.flat => Ok(value.clone()),
            (Type::Boolean, Value::String(text)) if self.flat => boolean(text).map(Value::Bool).ok_or_else(wrong),
            (Type::Float, Value::Number(_)) if !self.flat => Ok(value.clone()),
            (Type::Float, Value::String(text)) if self.flat => {
                text.parse().ok().and_then(Number::from_f64).map(Value::Number).ok_or_else(wrong)
            }
            (Type::Array(element), Value::Array(elements)) => elements
                .iter()
                .enumerate()
                .map(|(index, inner)| self.value(&join(path, &index.to_string()), inner, element))
                .collect::<Result<Vec<Value>, ApiError>>()
                .map(Value::Array),
            (Type::Structure(name), Value::Object(inner)) => {
                self.structure(path, inner, self.types.members(name)).map(Value::Object)
            }
            _ => Err(wrong()),
        }
    }
}

fn integer(text: &str, kind: &Type) -> Option<Value> {
    let number: i64 = text.parse().ok()?;
    (number >= 0 || *kind != Type::Unsigned).then(|| Value::Number(Number::from(number)))
}

/// The Python SDK writes True and False, the others true and false.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" => Some(true),
        "false" | "False" => Some(false),
        _ => None,
    }
}

fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}
