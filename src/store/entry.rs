//! What is committed.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::call::{Closed, Record, ReplayKey, SeenTask, Settled};

/// One thing to commit.
#[derive(Debug)]
pub enum Entry {
    /// A change is about to be sent.
    Intent(Intent),
    /// A call has ended. For one with an intent it also releases the leases, and remembers the answer.
    Closed(Closed),
    /// It was found out what came of a change whose outcome was unknown. A second settlement of it is ignored.
    Settled(Settlement),
    /// A task belongs to a team from now on (created, adopted or transferred).
    Own {
        /// The account's alias.
        account: String,
        /// The task.
        task: String,
        /// Its new owner.
        team: String,
    },
}

/// A change that is about to be sent: its record, its leases, its replay keys.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The record, with the outcome `open`.
    pub record: crate::call::Record,
    /// The tasks whose lease it takes, each with the change counter that its judgement was based on: accepted only if
    /// no other change is open on any of them and no counter has moved. Empty for a creation.
    pub tasks: Vec<SeenTask>,
    /// Under what a second arrival of the same change is found, and until when; the first of them that is taken decides.
    pub replay: Vec<(ReplayKey, Timestamp)>,
    /// It only stops or pauses what runs: where the configuration says so it may be made while the database is away.
    pub emergency: bool,
}

/// What was found out about a change whose outcome was unknown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settlement {
    /// The record's id.
    pub id: Uuid,
    /// What came of it.
    pub settled: Settled,
    /// What was asked, when, and what was seen.
    pub seen: Value,
    /// The task that a creation turned out to have made. It belongs to the caller's team from then on, and the record
    /// to its history.
    #[serde(skip)]
    pub made: Option<Made>,
}

/// A task that was found to have been made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Made {
    /// The account's alias.
    pub account: String,
    /// The task.
    pub task: String,
    /// Its owner.
    pub team: String,
}

/// A change whose outcome is unknown, and that nobody has settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsettled {
    /// Its record.
    pub record: Record,
    /// When the end was recorded: the cloud was asked no later than that.
    pub recorded_at: Timestamp,
}

/// What is known of a change that was seen before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remembered {
    /// The first arrival's id.
    pub id: Uuid,
    /// Under what it was found, with the digest of its content; another content under the same key is a conflict.
    pub key: ReplayKey,
    /// The cloud's answer (redacted); none while the change is open, and for an outcome that is unknown.
    pub answer: Option<Vec<u8>>,
    /// Whether the change is still open; then it is remembered however late it is.
    pub open: bool,
    /// Until when it is remembered.
    pub expires_at: Timestamp,
}

/// What came of an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is durable.
    Done,
    /// Another change of this task is open.
    Busy {
        /// The task.
        task: String,
    },
    /// A change of this task has passed since its state was judged.
    Stale {
        /// The task.
        task: String,
    },
    /// The same change was seen before.
    Replayed(Remembered),
}
