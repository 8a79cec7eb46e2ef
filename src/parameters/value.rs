//! One parsed parameter.

/// A parsed parameter value, as written. `Text` is from a query or form (untyped), the others from JSON.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// From a query or form: the row's type says what it means.
    Text(String),
    /// A JSON string.
    String(String),
    /// A JSON number, digit for digit.
    Number(String),
    /// A JSON boolean.
    Bool(bool),
    /// JSON's null: the parameter counts as absent.
    Null,
    /// A list.
    List(Vec<Value>),
    /// Named members, in the order of arrival, names unique.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.iter().find(|(member, _)| member == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A scalar's text; none for null, lists and objects.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::String(text) | Value::Number(text) => Some(text),
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            Value::Null | Value::List(_) | Value::Object(_) => None,
        }
    }
}
