//! Questions to the audit log.

use jiff::Timestamp;
use uuid::Uuid;

use crate::call::{Outcome, Record};

/// Which records. Every field that is set must match.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// Region.
    pub region: Option<String>,
    /// A task that is among the record's.
    pub task_id: Option<String>,
    /// Outcome.
    pub outcome: Option<Outcome>,
    /// Reason slug.
    pub reason: Option<String>,
    /// Our request id or the cloud's.
    pub request_id: Option<String>,
    /// Not before. Like `to` it finds records whose id was made within an hour of their time.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Where the previous page ended.
    pub cursor: Option<Cursor>,
    /// Records on a page, 1 to 1,000.
    pub limit: u32,
}

/// Where a page ends: the id of its last record. Ids order records by time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cursor(pub Uuid);

/// One page, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl Cursor {
    /// The cursor as text for a URL.
    pub fn encode(self) -> String {
        self.0.simple().to_string()
    }

    /// Reads a cursor that [`Cursor::encode`] made.
    pub fn decode(text: &str) -> Option<Cursor> {
        Uuid::try_parse(text).ok().filter(|id| id.simple().to_string() == text).map(Cursor)
    }
}
