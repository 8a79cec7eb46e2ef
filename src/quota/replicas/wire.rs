//! What is said to the script, and what it answers. Times are microseconds, and always relative.

use std::time::Duration;

use redis::{FromRedisValue, ParsingError, Value};
use serde::{Deserialize, Serialize};

/// What is asked in one exchange.
#[derive(Debug, Default, Serialize)]
pub(super) struct Request {
    /// Name, calls, length of each window.
    pub(super) windows: Vec<(String, u32, u64)>,
    pub(super) asks: Vec<Asked>,
}

/// One thing that is asked.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Asked {
    /// A turn, now or within `most`.
    Ask {
        #[serde(rename = "ref")]
        number: u64,
        flow: String,
        lane: Vec<usize>,
        class: u8,
        who: String,
        weight: u32,
        most: u64,
    },
    /// How long one would take.
    Estimate {
        #[serde(rename = "ref")]
        number: u64,
        lane: Vec<usize>,
        class: u8,
        who: String,
        weight: u32,
    },
    /// One call of a flow has left.
    Leave { flow: String },
    /// A slot was spent so long ago.
    Answered { slot: i64, ago: u64 },
    /// A slot was not used.
    Unsent { slot: i64 },
}

/// What the script answers.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Reply {
    /// When the next turn comes; nothing while that depends on calls under way.
    pub(super) due: Option<Duration>,
    /// Calls that wait, over all replicas.
    pub(super) waiting: u64,
    /// Who has a slot at once: number, slot.
    pub(super) granted: Vec<(u64, i64)>,
    /// Who would wait too long: number, window, microseconds.
    pub(super) refused: Vec<(u64, String, u64)>,
    /// Slots of flows that waited.
    pub(super) given: Vec<(String, i64)>,
}

/// What another replica's exchange meant for this one.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) group: String,
    #[serde(default)]
    pub(super) given: Vec<(String, i64)>,
    #[serde(default)]
    pub(super) due: Option<u64>,
}

impl Message {
    /// Reads one. What can't be read is not from this version's script, and means nothing here.
    pub(super) fn read(text: &str) -> Option<Message> {
        serde_json::from_str(text).ok()
    }
}

impl FromRedisValue for Reply {
    fn from_redis_value(value: Value) -> Result<Reply, ParsingError> {
        type Raw = (i64, u64, Vec<(u64, i64)>, Vec<(u64, String, u64)>, Vec<(String, i64)>);
        let (due, waiting, granted, refused, given): Raw = FromRedisValue::from_redis_value(value)?;
        let due = u64::try_from(due).ok().map(Duration::from_micros);
        Ok(Reply { due, waiting, granted, refused, given })
    }
}

/// Whole microseconds.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
