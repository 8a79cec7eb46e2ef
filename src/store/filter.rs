//! Questions to the audit log, and their answers.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::call::{Outcome, Record, Settled};

/// Which records. Every field that is set must match.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Filter {
    /// The record itself.
    pub id: Option<Uuid>,
    /// Account alias.
    pub account: Option<String>,
    /// Team.
    pub team: Option<String>,
    /// Caller.
    pub caller: Option<String>,
    /// Key id.
    pub key_id: Option<String>,
    /// Action.
    pub action: Option<String>,
    /// API version.
    pub version: Option<String>,
    /// Family.
    pub family: Option<String>,
    /// Only administrative acts, such as reading the log, or all but them.
    pub administrative: Option<bool>,
    /// Region.
    pub region: Option<String>,
    /// A task that is among the record's.
    pub task_id: Option<String>,
    /// One of these outcomes, if there are any.
    pub outcome: Vec<Outcome>,
    /// One of these kinds (`read`, `change`, `destructive`, `purchase`), if there are any.
    pub kind: Vec<String>,
    /// What was done or attempted: leaves out reads, but for those that were refused.
    pub attempts: bool,
    /// What was found out of an unknown outcome.
    pub settled: Option<Settled>,
    /// Reason slug.
    pub reason: Option<String>,
    /// Our request id or the cloud's.
    pub request_id: Option<String>,
    /// A part of what the caller was told or of the cloud's error code; ASCII letters match in either case. No index
    /// helps here, so it belongs together with something that one helps with.
    pub text: Option<String>,
    /// Not before. Like `to` it finds records whose id was made within five minutes of their time.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Where the previous page ended.
    pub cursor: Option<Cursor>,
    /// In which order.
    pub order: Order,
    /// Records on a page, 1 to 1,000.
    pub limit: u32,
}

/// The order of records, which is that of their ids.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub enum Order {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
}

/// Where a page ends: the id of its last record. Ids order records by time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Cursor(pub Uuid);

/// One page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// The rows of one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Phases {
    /// What was written before a change was sent.
    pub intent: Option<Record>,
    /// What was written when the call had ended.
    pub ended: Option<Record>,
    /// What was found out when the outcome was unknown.
    pub settled: Option<SettledPhase>,
}

/// What was found out of a change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SettledPhase {
    /// What came of it.
    pub settled: Settled,
    /// What was asked, when, and what was seen.
    pub seen: serde_json::Value,
    /// When that was recorded.
    pub recorded_at: Timestamp,
}

/// The length of a summary's buckets, which begin at whole ones of them in UTC.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Per {
    /// A minute.
    Minute,
    /// An hour.
    #[default]
    Hour,
    /// A day of 24 hours.
    Day,
}

/// What a summary counts apart.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum By {
    /// Outcomes.
    #[default]
    Outcome,
    /// Actions.
    Action,
    /// Callers.
    Caller,
}

/// One number of a summary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Count {
    /// The beginning of the bucket.
    pub start: Timestamp,
    /// The outcome, action or caller.
    pub word: String,
    /// How many calls, at least one: a record may stand for many.
    pub calls: u64,
    /// How many records say so.
    pub records: u64,
}

impl Per {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Per::Minute => "minute",
            Per::Hour => "hour",
            Per::Day => "day",
        }
    }

    /// Its length in seconds.
    pub fn seconds(self) -> i64 {
        match self {
            Per::Minute => 60,
            Per::Hour => 3_600,
            Per::Day => 86_400,
        }
    }
}

impl By {
    /// The word of the API, which is the field's name.
    pub fn as_str(self) -> &'static str {
        match self {
            By::Outcome => "outcome",
            By::Action => "action",
            By::Caller => "caller",
        }
    }
}
