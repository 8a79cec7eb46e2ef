//! One text for each value of a type, however it is written: policy compares values, and `1` must be no way round `true`.

use std::borrow::Cow;

use super::check::check_value;
use super::shape::Type;
use crate::parameters::Value;

impl Type {
    /// Whether a form may write a value of this type like that.
    pub fn takes(&self, text: &str) -> bool {
        check_value(self, &Value::Text(text.to_owned()), 0).is_ok()
    }

    /// The text that stands for a value of this type: `true` or `false`; an integer without `+` and leading zeros; the
    /// shortest decimals of a number. A text that is none of the type's, and text as a type, stay as they are.
    pub fn canonical<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self {
            Type::Boolean => boolean(text).into(),
            Type::Integer => integer(text),
            // `+ 0.0` makes zero of minus zero.
            Type::Float => text.parse::<f64>().map_or(text.into(), |number| (number + 0.0).to_string().into()),
            Type::String | Type::List(_) | Type::Structure(_) => text.into(),
        }
    }
}

/// Every text that is a Boolean: `check` takes what becomes one of the two here.
fn boolean(text: &str) -> &str {
    match text {
        "true" | "True" | "1" => "true",
        "false" | "False" | "0" => "false",
        other => other,
    }
}

/// Without a sign that says nothing and zeros in front, of any size.
fn integer(text: &str) -> Cow<'_, str> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.into();
    }
    match digits.trim_start_matches('0') {
        "" => "0".into(),
        digits if is_negative => format!("-{digits}").into(),
        digits => digits.into(),
    }
}
