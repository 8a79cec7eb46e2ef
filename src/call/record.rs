//! What the audit will say of a call.
//!
//! A record is filled in by the steps as they learn, and closed when nobody holds it any more: when the caller's
//! connection and the call's own task have both ended, however they ended. So no path, not a panic and not a
//! dropped connection, leaves a call without its record.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Calls;

/// The family of a record about an administrative act: a key issued, the log read, the log's oldest part dropped.
pub const ADMINISTRATIVE: &str = "gateway";

/// One record of the audit log, flat, as the admin API shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The call's id; orders records by time.
    pub id: Uuid,
    /// When the call arrived, in whole microseconds.
    pub time: Timestamp,
    /// The account's alias; empty while unknown, like every text below.
    pub account: String,
    /// The caller's team.
    pub team: String,
    /// The caller.
    pub caller: String,
    /// The key or the token's issuer; for an unproven key, the id that was claimed.
    pub key_id: String,
    /// The peer's address.
    pub address: String,
    /// The cloud family, or [`ADMINISTRATIVE`].
    pub family: String,
    /// The API version.
    pub version: String,
    /// The action.
    pub action: String,
    /// The region.
    pub region: String,
    /// The tasks that the call addresses or has created.
    pub task_ids: Vec<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// The slug of the refusal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The caller hung up before the answer.
    pub caller_gone: bool,
    /// For an `unknown` outcome, what was found out later.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub settled: Option<Settled>,
    /// What the caller knows the call by: `X-Request-Id`.
    pub request_id: String,
    /// The cloud's request id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_request_id: Option<String>,
    /// The cloud's error code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_code: Option<String>,
    /// Milliseconds spent waiting for turns of the quota.
    pub waited_ms: i64,
    /// How many calls it stands for; then it is told as the first of them, and [`Detail::until`] says when the last came.
    #[serde(skip_serializing_if = "Calls::is_one", default)]
    pub calls: Calls,
    /// Everything that nobody filters by.
    pub detail: Detail,
}

/// The rest of a record: how the decision was made, and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// `read`, `change`, `destructive` or `purchase`.
    pub kind: String,
    /// The parameters as JSON text, secrets blanked and free text bounded.
    pub parameters: String,
    /// Keyed digest (HMAC-SHA256, hexadecimal) of the parameters before redaction: equal calls can be recognised by
    /// those who hold the key.
    pub parameters_digest: String,
    /// What the caller was told when it was refused.
    pub message: String,
    /// The grant that allowed or denied it.
    pub grant: String,
    /// The states judged: task, state, age in milliseconds.
    pub states: Vec<StateSeen>,
    /// Rules that would have refused but only observe.
    pub observed: Vec<String>,
    /// The limit that it ran into.
    pub limit: String,
    /// Every limit that it was counted against, granted or refused; the same one asked twice stands here once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitAsked>,
    /// SHA-256 of the tables that judged it.
    pub table: String,
    /// SHA-256 of the team files that were in force when its grants were judged.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub policy: String,
    /// Version of the rules by which `parameters` were redacted; 0 where nobody wrote it down.
    #[serde(skip_serializing_if = "is_zero")]
    pub redaction: u32,
    /// The cloud's HTTP status.
    pub upstream_status: Option<u16>,
    /// Milliseconds from sending to the end of the cloud's answer.
    pub upstream_ms: Option<i64>,
    /// Milliseconds from arrival to the end.
    pub total_ms: i64,
    /// Where the answer came from.
    pub origin: String,
    /// The answer was that of an identical read: the `request_id` of the call that carried it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub shared_from: String,
    /// The caller's User-Agent, bounded.
    pub user_agent: String,
    /// Of a record that stands for several calls: when the last of them arrived, in whole microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Of a record that stands for calls of nobody in particular: some of the addresses that they came from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressSeen>,
    /// The database was away, and it was in the local journal first. Left out when it was not, as in every record from
    /// before there was a journal.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub journaled: bool,
    /// The cloud's code says that calls came too fast: it was not carried out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub throttled: bool,
}

/// An address that calls came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AddressSeen {
    /// The peer's address.
    pub address: String,
    /// How many of the record's calls came from it.
    pub calls: Calls,
}

/// A state that a decision was based on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StateSeen {
    /// The task.
    pub task: String,
    /// Its state, by name.
    pub state: String,
    /// How old that knowledge was, in milliseconds.
    pub age_ms: i64,
    /// How strictly the action's rule judged it: `enforce`, `observe` or `off`; empty where no rule speaks of it.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub mode: String,
}

/// A limit that a call was counted against.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitAsked {
    /// `caller`: the caller's own pace; `cloud`: the cloud's quota.
    pub kind: String,
    /// The caller's name, or the bucket's.
    pub name: String,
    /// Calls in a window.
    pub calls: u32,
    /// The window in milliseconds.
    pub window_ms: i64,
    /// Milliseconds waited for it, over all turns that the call took of it.
    pub waited_ms: i64,
    /// Calls that a caller's own limit had left at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u32>,
    /// It was refused: milliseconds until it would be granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<i64>,
}

/// Which log a record belongs to: each has its own retention.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Changes, carried out or refused, and administrative acts.
    Changes,
    /// Everything else.
    Reads,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was not forwarded.
    Refused,
    /// It is being forwarded: the intent of a change.
    #[default]
    Open,
    /// The cloud did it.
    Ok,
    /// The cloud answered with an error.
    Failed,
    /// It was sent and nobody knows.
    Unknown,
}

/// What was found out about an `unknown` outcome.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// It was carried out.
    Done,
    /// It was not.
    NotDone,
    /// That can't be told.
    Undetermined,
}

/// Where finished records go. Must not block: room was reserved when the call was accepted.
pub trait RecordSink: Send + Sync {
    /// Takes a finished record.
    fn close(&self, closed: Closed);
}

/// A finished record and what goes with it.
#[derive(Debug)]
pub struct Closed {
    /// The record.
    pub record: Record,
    /// Whether an intent was committed for it: then its leases are released with it.
    pub intended: bool,
    /// The answer to remember for a change that is seen again.
    pub answer: Option<Bytes>,
    /// For a purchase, how long after its end an equal one is taken for a second arrival.
    pub window: Option<Duration>,
}

/// A shared hold on a record that is being filled in.
#[derive(Clone)]
pub struct RecordHandle(Arc<Holder>);

struct Holder {
    open: Mutex<Closed>,
    sink: Arc<dyn RecordSink>,
}

impl RecordHandle {
    /// A record that goes to `sink` when the last handle is dropped.
    pub fn new(record: Record, sink: Arc<dyn RecordSink>) -> RecordHandle {
        RecordHandle(Arc::new(Holder {
            open: Mutex::new(Closed { record, intended: false, answer: None, window: None }),
            sink,
        }))
    }

    /// Changes the record.
    pub fn update(&self, change: impl FnOnce(&mut Record)) {
        change(&mut self.lock().record);
    }

    /// A copy of the record as it is now, for the intent.
    pub fn snapshot(&self) -> Record {
        self.lock().record.clone()
    }

    /// From now on closing it also releases what the intent holds; for a purchase with a `window` in which an equal one
    /// is taken for a second arrival.
    pub fn mark_intended(&self, window: Option<Duration>) {
        let mut open = self.lock();
        open.intended = true;
        open.window = window;
    }

    /// Keeps the cloud's answer to a change.
    pub fn remember(&self, answer: Bytes) {
        self.lock().answer = Some(answer);
    }

    fn lock(&self) -> MutexGuard<'_, Closed> {
        // A panic while the lock was held loses at most one field; the record itself must not be lost with it.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        let record = std::mem::take(&mut open.record);
        self.sink.close(Closed { record, intended: open.intended, answer: open.answer.take(), window: open.window });
    }
}

impl fmt::Debug for RecordHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordHandle")
    }
}

impl Record {
    /// A record of an administrative act that was done, by `who`. `about` holds no secret.
    pub fn administrative(now: Timestamp, who: &str, action: &str, about: &serde_json::Value) -> Record {
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.subsec_nanosecond().unsigned_abs());
        let id = Uuid::new_v7(time);
        Record {
            id,
            time: now,
            caller: who.to_owned(),
            family: ADMINISTRATIVE.to_owned(),
            action: action.to_owned(),
            outcome: Outcome::Ok,
            request_id: id.to_string(),
            detail: Detail {
                kind: "change".to_owned(),
                parameters: about.to_string(),
                origin: "gateway".to_owned(),
                ..Detail::default()
            },
            ..Record::default()
        }
    }

    /// The log that it belongs to.
    pub fn class(&self) -> Class {
        match self.detail.kind.as_str() {
            "change" | "destructive" | "purchase" => Class::Changes,
            _ if self.family == ADMINISTRATIVE => Class::Changes,
            _ => Class::Reads,
        }
    }
}

impl Detail {
    /// Notes a limit that was asked; waits for the same one add up.
    pub fn note_limit(&mut self, asked: LimitAsked) {
        let same = |known: &&mut LimitAsked| {
            (&known.kind, &known.name, known.calls, known.window_ms)
                == (&asked.kind, &asked.name, asked.calls, asked.window_ms)
        };
        match self.limits.iter_mut().find(same) {
            Some(known) => {
                known.waited_ms = known.waited_ms.saturating_add(asked.waited_ms);
                known.remaining = asked.remaining;
                known.retry_after_ms = asked.retry_after_ms;
            }
            None => self.limits.push(asked),
        }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Class {
    /// The word of the database and of a log's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Changes => "changes",
            Class::Reads => "reads",
        }
    }
}

impl Settled {
    /// The word of the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Settled::Done => "done",
            Settled::NotDone => "not-done",
            Settled::Undetermined => "undetermined",
        }
    }
}

impl Outcome {
    /// The word of the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Refused => "refused",
            Outcome::Open => "open",
            Outcome::Ok => "ok",
            Outcome::Failed => "failed",
            Outcome::Unknown => "unknown",
        }
    }
}
