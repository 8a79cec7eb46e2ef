//! Checks parameters against a shape: presence, names and types. Values are the cloud's to judge.
//!
//! A query or form has only text, so text is measured by how the cloud's clients write the type: an integer is an
//! optional sign and digits, a boolean one of `true`, `false`, `True`, `False`, `1`, `0`. In JSON a number may also be a
//! string of the same form: the cloud's own examples send `"1"` for an Integer, so refusing it would break callers that
//! work today. Nothing else is converted. A null member counts as absent (clients leave such members out of a form).

use super::action::Action;
use super::ids::Role;
use super::path::Tree;
use super::shape::{Shape, Type};
use crate::parameters::Value;

/// The first mistake in a call's parameters. What is given is checked before what is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{path}`: {kind}")]
pub struct ParameterFault {
    /// The parameter as a form would name it (`TagFilters.0.TagKey`); a caller's text is shortened and escaped.
    pub path: String,
    /// What is wrong with it.
    pub kind: FaultKind,
}

/// What is wrong with a parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// Required and absent, or the required id of a task and empty.
    #[error("required and missing")]
    Missing,
    /// The action has no such parameter.
    #[error("the action has no such parameter")]
    Unknown,
    /// More tasks than one call may name.
    #[error("names more than {at_most} tasks")]
    TooMany {
        /// The documented number, or the gateway's own where there is none.
        at_most: u32,
    },
    /// Not of the documented type.
    #[error("must be of type {expected}")]
    WrongType {
        /// The documented type, as the cloud calls it.
        expected: String,
    },
}

/// How much of a caller's parameter name is repeated to it.
const SHOWN_NAME: usize = 64;

impl Action {
    /// Checks presence, names and types of parsed parameters.
    ///
    /// # Errors
    /// The first fault found.
    pub fn check_parameters(&self, parameters: &Value) -> Result<(), ParameterFault> {
        let Value::Object(members) = parameters else { return Err(fault("", wrong("Object"))) };
        check_members(&self.parameters, members, self.first_index)?;
        for id in &self.ids {
            let named = id.path.select(parameters);
            if id.required && (named.is_empty() || named.iter().any(|value| value.text().is_none_or(str::is_empty))) {
                return Err(fault(&id.path.to_string(), FaultKind::Missing));
            }
            if id.is_unclear(parameters) {
                return Err(fault(&id.path.to_string(), wrong("a JSON list of texts")));
            }
            if id.is_exceeded(parameters) {
                return Err(fault(&id.path.to_string(), FaultKind::TooMany { at_most: id.limit() }));
            }
        }
        self.check_names_a_task(parameters)
    }

    /// A change of a task that names none could neither be judged nor be leased, whatever the cloud makes of it.
    fn check_names_a_task(&self, parameters: &Value) -> Result<(), ParameterFault> {
        let is_due = self.kind.is_change() && self.creates.is_none();
        match self.ids.iter().find(|id| id.role == Role::Subject) {
            Some(id) if is_due && self.task_ids(parameters).is_empty() => {
                Err(fault(&id.path.to_string(), FaultKind::Missing))
            }
            _ => Ok(()),
        }
    }
}

/// `first` is the number of a list's first element.
fn check_members(shape: &Shape, members: &[(String, Value)], first: usize) -> Result<(), ParameterFault> {
    for (name, value) in members {
        let Some(field) = shape.field(name) else { return Err(fault(&shown(name), FaultKind::Unknown)) };
        if *value != Value::Null {
            check_value(&field.value, value, first).map_err(|fault| fault.below(name))?;
        }
    }
    let given = |name: &str| members.iter().any(|(key, value)| key == name && *value != Value::Null);
    match shape.fields().find(|(name, field)| field.required && !given(name)) {
        Some((name, _)) => Err(fault(name, FaultKind::Missing)),
        None => Ok(()),
    }
}

pub(super) fn check_value(expected: &Type, value: &Value, first: usize) -> Result<(), ParameterFault> {
    let fits = match (expected, value) {
        (Type::Structure(structure), Value::Object(members)) => {
            return check_members(&structure.shape, members, first);
        }
        (Type::List(element), Value::List(elements)) => return check_elements(element, elements, first),
        (Type::String, Value::Text(_) | Value::String(_)) => true,
        (Type::Integer, Value::Text(text) | Value::String(text) | Value::Number(text)) => is_integer(text),
        (Type::Float, Value::Text(text) | Value::String(text)) => is_number(text),
        (Type::Float, Value::Number(_)) | (Type::Boolean, Value::Bool(_)) => true,
        (Type::Boolean, Value::Text(text)) => matches!(&*expected.canonical(text), "true" | "false"),
        _ => false,
    };
    if fits { Ok(()) } else { Err(fault("", wrong(&expected.to_string()))) }
}

fn check_elements(element: &Type, elements: &[Value], first: usize) -> Result<(), ParameterFault> {
    for (index, value) in elements.iter().enumerate() {
        check_value(element, value, first).map_err(|fault| fault.below(&(first + index).to_string()))?;
    }
    Ok(())
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A JSON number, with an optional `+`: neither `inf` nor `NaN`, which Rust's own parser takes.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit()) && digits.parse::<f64>().is_ok()
}

fn wrong(expected: &str) -> FaultKind {
    FaultKind::WrongType { expected: expected.to_owned() }
}

fn fault(path: &str, kind: FaultKind) -> ParameterFault {
    ParameterFault { path: path.to_owned(), kind }
}

/// A caller's text, made fit to be shown: no control characters, not endless.
fn shown(name: &str) -> String {
    let mut text: String = name.chars().take(SHOWN_NAME).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN_NAME).is_some() {
        text.push_str("...");
    }
    text
}

impl ParameterFault {
    fn below(mut self, name: &str) -> ParameterFault {
        self.path = if self.path.is_empty() { name.to_owned() } else { format!("{name}.{}", self.path) };
        self
    }
}
