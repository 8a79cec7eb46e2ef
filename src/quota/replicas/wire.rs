//! What is said to the script, and what it answers. Times are microseconds, and always relative.

use std::time::Duration;

use redis::{FromRedisValue, ParsingError, Value};
use serde::{Deserialize, Serialize};

/// What is asked in one exchange.
#[derive(Debug, Default, Serialize)]
pub(super) struct Request {
    /// Name, calls, length of each window, slots reserved in it.
    pub(super) windows: Vec<(String, u32, u64, u32)>,
    pub(super) asks: Vec<Asked>,
    /// What the last answer in this session said, if it was so recent that the group must still know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<u64>,
    /// How long ago that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<u64>,
    /// Nothing is asked but how things are. The answer is a [`GroupView`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) view: bool,
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
    /// The cloud throttled the call of a slot, which is not ended yet.
    Throttled { slot: i64 },
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
    /// When this was, by the group's own time.
    pub(super) at: u64,
    /// Redis has lost what this session had: its calls no longer wait there.
    pub(super) is_lost: bool,
}

/// A group as it is.
#[derive(Debug, Default, PartialEq)]
pub(super) struct GroupView {
    pub(super) windows: Vec<WindowView>,
}

/// A window of it.
#[derive(Debug, PartialEq)]
pub(super) struct WindowView {
    pub(super) id: String,
    pub(super) per: u32,
    pub(super) length: Duration,
    /// What may be used of it now.
    pub(super) limit: u32,
    /// Slots that are left free for emergencies.
    pub(super) kept: u32,
    pub(super) used: u32,
    pub(super) waiting: usize,
    /// Calls that wait, by caller.
    pub(super) callers: Vec<(String, usize)>,
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
        type Raw = (i64, u64, Vec<(u64, i64)>, Vec<(u64, String, u64)>, Vec<(String, i64)>, u64, bool);
        let (due, waiting, granted, refused, given, at, is_lost): Raw = FromRedisValue::from_redis_value(value)?;
        let due = u64::try_from(due).ok().map(Duration::from_micros);
        Ok(Reply { due, waiting, granted, refused, given, at, is_lost })
    }
}

impl FromRedisValue for GroupView {
    fn from_redis_value(value: Value) -> Result<GroupView, ParsingError> {
        type Raw = (String, u32, u64, u32, u32, u32, usize, Vec<(String, usize)>);
        let windows: Vec<Raw> = FromRedisValue::from_redis_value(value)?;
        let read = |(id, per, length, limit, kept, used, waiting, callers)| WindowView {
            id,
            per,
            length: Duration::from_micros(length),
            limit,
            kept,
            used,
            waiting,
            callers,
        };
        Ok(GroupView { windows: windows.into_iter().map(read).collect() })
    }
}

/// Whole microseconds.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
