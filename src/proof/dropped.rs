//! What a record says of a log's beginning that was dropped: how far, and what stands for it. An export of the rest is only
//! whole together with such a record.

use serde_json::{Value as Json, json};

use super::canonical::{LARGEST_INTEGER, LIMITS};
use super::hash::Hash;
use crate::parameters::{Value, read_json};

/// The action of such a record.
pub const DROP: &str = "audit.drop";

/// A log's beginning, as the record has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DroppedRange {
    /// The log's name.
    pub log: String,
    /// What was dropped before.
    pub from: u64,
    /// The first entry that is kept. Equal to `from` for a log that lost nothing this time: what stands for its beginning
    /// is said again, because the record that said it first is dropped some day too.
    pub to: u64,
    /// The hashes of the perfect subtrees that cover `[0, to)`, from left to right.
    pub range: Vec<Hash>,
}

impl DroppedRange {
    /// As it stands among a record's parameters.
    pub fn to_json(&self) -> Json {
        json!({ "log": self.log, "from": self.from, "to": self.to, "range": self.range })
    }

    /// Reads the parameters of a record, a JSON text. What can't be read vouches for nothing.
    pub fn read(parameters: &str) -> Vec<DroppedRange> {
        let Ok(value) = read_json(parameters.as_bytes(), &LIMITS) else { return Vec::new() };
        let Some(Value::List(logs)) = value.get("logs") else { return Vec::new() };
        logs.iter().filter_map(DroppedRange::of).collect()
    }

    fn of(value: &Value) -> Option<DroppedRange> {
        let Some(Value::List(range)) = value.get("range") else { return None };
        Some(DroppedRange {
            log: value.get("log")?.as_text()?.to_owned(),
            from: number(value.get("from")?)?,
            to: number(value.get("to")?)?,
            range: range.iter().map(|hash| hash.as_text()?.parse().ok()).collect::<Option<_>>()?,
        })
    }
}

fn number(value: &Value) -> Option<u64> {
    let Value::Number(digits) = value else { return None };
    digits.parse().ok().filter(|number| *number <= LARGEST_INTEGER)
}
