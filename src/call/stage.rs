//! The stages of a call: each step that establishes something returns the next type.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;

use super::{Account, Caller, Proof, RecordHandle, Refusal, Request, Wire};
use crate::provider::{Action, TaskRef, Version};

/// A call as it was read. A request that could not be read is a `Call` too, with its refusal.
#[derive(Debug)]
pub struct Call {
    /// Ours: `X-Request-Id`, and the key of the audit record. UUID version 7.
    pub id: Uuid,
    /// The bytes, for the signature.
    pub wire: Wire,
    /// The meaning, for everything else.
    pub request: Request,
    /// Why it could not be read; the first step refuses it.
    pub unreadable: Option<Refusal>,
    /// What the audit will say.
    pub record: RecordHandle,
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
    /// The tasks that the call addresses.
    pub tasks: Vec<TaskRef>,
    /// The state of each of those tasks as it was last judged; the intent is accepted only if no change passed since.
    pub seen: Vec<SeenTask>,
    /// Whether the call can still be called off.
    pub commitment: Commitment,
}

/// A task's change counter at the time when its state was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeenTask {
    /// The task's id.
    pub id: String,
    /// How many changes had passed through the gateway.
    pub changes: i64,
}

/// The point of no return, shared between the task that runs a call and the caller's connection: before it a caller
/// who hangs up cancels the call, after it the call is finished whatever the caller does.
#[derive(Clone, Debug, Default)]
pub struct Commitment(Arc<AtomicBool>);

impl Commitment {
    /// From here on the call is finished.
    pub fn commit(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether that point was passed.
    pub fn is_committed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
