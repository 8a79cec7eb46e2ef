//! Parameters as JSON, RFC 8259 and nothing beside it.
//!
//! The reader is our own because what is judged must be what is sent: numbers keep their text (`serde_json` turns
//! `1E2` into `1e+2`), a member given twice is a fault at any depth, and depth, members and lengths are bounded while
//! reading. It works on one pass over the text. A byte order mark, invalid UTF-8 and lone surrogates are faults.

mod reader;
#[cfg(test)]
mod tests;

use super::Value;
use reader::Reader;

/// How much a JSON text may hold. The defaults are the gateway's, larger than any documented call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct JsonLimits {
    /// Lists and objects within one another.
    pub depth: usize,
    /// Members of objects and elements of lists, all together.
    pub members: usize,
    /// Bytes of one string or name, unescaped.
    pub string_bytes: usize,
    /// Characters of one number.
    pub number_bytes: usize,
}

/// Why a text can't be read. Holds nothing of the text but the name of a member that is given twice.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct JsonFault {
    /// What is wrong.
    pub message: String,
    /// The line where it is noticed, from 1.
    pub line: usize,
    /// The column where it is noticed, in characters, from 1.
    pub column: usize,
}

/// Reads one JSON value and nothing after it.
///
/// # Errors
/// Where and why the text is not JSON, goes over a limit, or has a member twice.
pub fn read_json(bytes: &[u8], limits: &JsonLimits) -> Result<Value, JsonFault> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(fault) => {
            let valid = String::from_utf8_lossy(bytes.get(..fault.valid_up_to()).unwrap_or_default());
            return Err(JsonFault::at(&valid, "it is not UTF-8".to_owned()));
        }
    };
    let mut reader = Reader::new(text, limits);
    reader.document().map_err(|message| JsonFault::at(reader.before(), message))
}

/// Writes a value as JSON without spaces, in the order of its members. `Text` becomes a string, a number its own text.
pub fn write_json(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Text(text) | Value::String(text) => write_string(text, out),
        Value::Number(text) => out.push_str(text),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Null => out.push_str("null"),
        Value::List(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(element, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(name, out);
                out.push(':');
                write_value(member, out);
            }
            out.push('}');
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let byte = special.as_bytes().first().copied().unwrap_or_default();
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
        rest = special.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out.push('"');
}

impl Default for JsonLimits {
    fn default() -> JsonLimits {
        JsonLimits { depth: 64, members: 10_000, string_bytes: 1 << 20, number_bytes: 1024 }
    }
}

impl JsonFault {
    fn at(before: &str, message: String) -> JsonFault {
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        JsonFault { message, line, column }
    }
}
