//! RFC 8785: the one way of writing a JSON value that everybody arrives at, so that it can be hashed.
//!
//! Only the numbers come from a library (ECMAScript's, `ryu-js`). A canonicaliser that is a library writes what
//! `serde_json` reads, so it rounds large numbers, takes the last of a member's values and has no bounds; here the
//! value is read as strictly as a call is, and what RFC 8785 would round is refused.

use jiff::Timestamp;
use serde::Serialize;

use crate::parameters::{JsonLimits, Value, read_json};

/// What an entry's content may hold; a record that is larger could not be verified, so it can't be hashed either.
pub(super) const LIMITS: JsonLimits =
    JsonLimits { depth: 64, members: 100_000, string_bytes: 4 << 20, number_bytes: 1024 };

/// The largest integer that every reader of JSON agrees on, RFC 7493 section 2.2.
pub(super) const LARGEST_INTEGER: u64 = (1 << 53) - 1;

/// Why a value has no canonical form.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unrepresentable {
    /// It does not become JSON, or more of it than an entry may hold.
    #[error("it is not JSON of an entry's size: {0}")]
    Json(String),
    /// A number that would be rounded, or an integer beyond 2^53 - 1.
    #[error("the number {0} would be rounded")]
    Number(String),
}

/// A value in canonical form. A float that is not finite is null, as `serde_json` writes it.
///
/// # Errors
/// See [`Unrepresentable`].
pub fn canonical(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Unrepresentable> {
    let json = serde_json::to_vec(value).map_err(|error| Unrepresentable::Json(error.to_string()))?;
    let value = read_json(&json, &LIMITS).map_err(|fault| Unrepresentable::Json(fault.to_string()))?;
    canonical_value(&value)
}

/// An entry's content, of which its leaf hash is made: everything but its place in the log.
///
/// # Errors
/// See [`Unrepresentable`].
pub fn content(phase: &str, recorded_at: Timestamp, record: &impl Serialize) -> Result<Vec<u8>, Unrepresentable> {
    #[derive(Serialize)]
    struct Content<'a, R> {
        phase: &'a str,
        recorded_at: String,
        record: &'a R,
    }
    canonical(&Content { phase, recorded_at: time_text(recorded_at), record })
}

/// A time as entries write it: RFC 3339, UTC, always six digits of a second.
pub fn time_text(time: Timestamp) -> String {
    format!("{time:.6}")
}

/// A value that was read already, in canonical form.
pub(super) fn canonical_value(value: &Value) -> Result<Vec<u8>, Unrepresentable> {
    let mut out = Vec::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), Unrepresentable> {
    match value {
        Value::Text(text) | Value::String(text) => write_string(text, out)?,
        Value::Number(text) => write_number(text, out)?,
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Null => out.extend_from_slice(b"null"),
        Value::List(elements) => {
            out.push(b'[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(element, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<&(String, Value)> = members.iter().collect();
            // By UTF-16 code units, section 3.2.3: characters outside the basic plane come before U+E000.
            sorted.sort_unstable_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            out.push(b'{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(name, out)?;
                out.push(b':');
                write(member, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// Section 3.2.2.2 asks for what `serde_json` writes.
fn write_string(text: &str, out: &mut Vec<u8>) -> Result<(), Unrepresentable> {
    serde_json::to_writer(out, text).map_err(|error| Unrepresentable::Json(error.to_string()))
}

/// Section 3.2.2.3.
fn write_number(text: &str, out: &mut Vec<u8>) -> Result<(), Unrepresentable> {
    let refused = || Unrepresentable::Number(text.chars().take(64).collect());
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && text != "-0" {
        let fits = digits.parse::<u64>().is_ok_and(|number| number <= LARGEST_INTEGER);
        out.extend_from_slice(if fits { text.as_bytes() } else { return Err(refused()) });
        return Ok(());
    }
    let number: f64 = text.parse().map_err(|_| refused())?;
    if !number.is_finite() {
        return Err(refused());
    }
    let mut buffer = ryu_js::Buffer::new();
    let shortest = buffer.format_finite(number);
    if significant(text) != significant(shortest) {
        return Err(refused());
    }
    out.extend_from_slice(shortest.as_bytes());
    Ok(())
}

/// The digits of a number without zeros at either end: those of a number and of the double nearest to it differ exactly
/// when it was rounded, since the magnitudes agree.
fn significant(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}
