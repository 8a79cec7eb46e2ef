//! The stages of a call: each step that establishes something returns the next type.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Account, Caller, Proof, RecordHandle, Refusal, Request, Sight, Wire};
use crate::provider::{Action, TaskRef, Version};

/// A call as it was read. A request that could not be read is a `Call` too, with its refusal.
#[derive(Debug)]
pub struct Call {
    /// Ours: `X-Request-Id`, and the key of the audit record. UUID version 7.
    pub id: Uuid,
    /// When its head was read; limits and durations count from here.
    pub received: Instant,
    /// The bytes, for the signature.
    pub wire: Wire,
    /// The meaning, for everything else.
    pub request: Request,
    /// Why it could not be read; the first step refuses it.
    pub unreadable: Option<Refusal>,
    /// What the audit will say.
    pub record: RecordHandle,
    /// How far it has come.
    pub progress: Progress,
}

/// A call whose version and action are rows of a table.
#[derive(Debug)]
pub struct Identified {
    /// The call as it was read.
    pub call: Call,
    /// The row of the version.
    pub version: Arc<Version>,
    /// The row of the action.
    pub action: Arc<Action>,
}

/// A call whose sender is proven.
#[derive(Debug)]
pub struct Authenticated {
    /// The call as it was read.
    pub call: Call,
    /// The row of the version.
    pub version: Arc<Version>,
    /// The row of the action.
    pub action: Arc<Action>,
    /// Who is calling.
    pub caller: Arc<Caller>,
    /// How that was proven.
    pub proof: Proof,
}

/// A call that its caller may make: everything that the remaining steps need, and all of it judged.
#[derive(Debug)]
pub struct Authorized {
    /// The call as it was read.
    pub call: Call,
    /// The row of the version.
    pub version: Arc<Version>,
    /// The row of the action.
    pub action: Arc<Action>,
    /// Who is calling.
    pub caller: Arc<Caller>,
    /// How that was proven.
    pub proof: Proof,
    /// On whose account.
    pub account: Arc<Account>,
    /// The region, out of the version's closed list.
    pub region: String,
    /// The upstream host, out of configured data.
    pub host: String,
    /// The tasks that the call names.
    pub tasks: Vec<TaskRef>,
    /// Those of the action's dangers that the caller's grants accept, by name.
    pub accepted_dangers: Vec<String>,
    /// The state of each of those tasks as it was last judged; the intent is accepted only if no change passed since.
    pub seen: Vec<SeenTask>,
    /// Until when it may wait for turns.
    pub wait_until: Instant,
    /// Under what a second arrival of this change is recognised, if it can be. The first that is known decides.
    pub replay: Vec<Recognition>,
    /// Whether its grants let the caller make equal purchases one right after the other.
    pub repeat_purchases: bool,
    /// Under what an equal purchase is found, if this is one that must not be made twice.
    pub purchase: Option<ReplayKey>,
    /// Of a read, what its caller's grants let it see of the tasks that the answer shows.
    pub sight: Sight,
    /// What it competes for, if others wait for the same answer.
    pub errand: Option<Arc<dyn Errand>>,
}

impl Authorized {
    /// The tasks that the call is about: judged, and leased by a change.
    pub fn subjects(&self) -> impl Iterator<Item = &TaskRef> {
        self.tasks.iter().filter(|task| task.is_subject())
    }

    /// Whether it changes a task that exists.
    pub fn changes_a_task(&self) -> bool {
        self.action.kind.is_change() && self.subjects().next().is_some()
    }
}

/// An answer that several calls wait for, and that one of them will get.
pub trait Errand: fmt::Debug + Send + Sync {
    /// Whether this call is the one that asks for it: the first to have its turn is.
    fn claim(&self) -> bool;
}

/// One thing by which a second arrival of a change is recognised.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recognition {
    /// What it is.
    pub mark: Mark,
    /// Its digests.
    pub key: ReplayKey,
    /// Until when it is remembered.
    pub until: Timestamp,
}

/// What two arrivals of a change have in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    /// The caller and its `Idempotency-Key`.
    IdempotencyKey,
    /// The signature.
    Signature,
}

/// Identifies a change over retries: digests, never the signature or the key itself.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ReplayKey {
    /// SHA-256 of what makes two arrivals one: for a signature its fingerprint, action, version, region and body, for
    /// an `Idempotency-Key` the caller and the key, for a purchase the caller and what is bought.
    pub key: [u8; 32],
    /// SHA-256 of what must be equal then: the account, action, version, region and parameters; for a signature the
    /// `Idempotency-Key` beside it too.
    pub content: [u8; 32],
}

/// A task's change counter at the time when its state was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeenTask {
    /// The task's id.
    pub id: String,
    /// How many changes had passed through the gateway.
    pub changes: i64,
}

/// How far a call has come, shared between the task that runs it, the caller's connection and the quota's turn.
///
/// Before the point of no return a caller who hangs up cancels the call; after it the call is finished whatever the
/// caller does. A turn whose call was not sent is handed back; one whose call was sent is spent.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Marks>);

#[derive(Debug, Default)]
struct Marks {
    committed: AtomicBool,
    sent: AtomicBool,
    throttled: AtomicBool,
    first_byte: OnceLock<Instant>,
}

impl Progress {
    /// From here on the call is finished.
    pub fn commit(&self) {
        self.0.committed.store(true, Ordering::Release);
    }

    /// Whether the point of no return was passed.
    pub fn is_committed(&self) -> bool {
        self.0.committed.load(Ordering::Acquire)
    }

    /// Bytes may have reached the cloud.
    pub fn sent(&self) {
        self.0.sent.store(true, Ordering::Release);
    }

    /// It turned out that not a byte was sent.
    pub fn not_sent(&self) {
        self.0.sent.store(false, Ordering::Release);
    }

    /// Whether bytes may have reached the cloud.
    pub fn is_sent(&self) -> bool {
        self.0.sent.load(Ordering::Acquire)
    }

    /// The cloud's answer began.
    pub fn answered(&self, first_byte: Instant) {
        // A read that is tried again keeps its first answer's time, which is the earlier one and never used for both.
        let _ = self.0.first_byte.set(first_byte);
    }

    /// The cloud said that calls come too fast.
    pub fn throttled(&self) {
        self.0.throttled.store(true, Ordering::Release);
    }

    /// Whether the cloud said that calls come too fast.
    pub fn is_throttled(&self) -> bool {
        self.0.throttled.load(Ordering::Acquire)
    }

    /// When the cloud's answer began.
    pub fn first_byte(&self) -> Option<Instant> {
        self.0.first_byte.get().copied()
    }
}
