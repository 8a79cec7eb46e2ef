//! A change that arrives a second time gets its first answer and is not sent again: the same signed bytes (an SDK's
//! retry, a captured request), or the same `Idempotency-Key`.
//!
//! Tencent's signatures have no nonce, SDK retries send the same bytes, and old Go builds repeat theirs in every
//! process. So a read runs again, and a change that reached its intent is answered from memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use crate::call::{Authorized, Clock, Origin, Proof, Refusal, ReplayKey, Reply};
use crate::dialect::{Dialects, Received};
use crate::gate::{Around, Next};
use crate::parameters::write_json;
use crate::store::{Remembered, Store};

/// Twice the accepted clock skew of 300 s: a signature dated into the future is accepted no longer than that.
const REMEMBER_SIGNATURE: Duration = Duration::from_secs(600);

/// A day, as long as a caller's own retries may reasonably take.
const REMEMBER_IDEMPOTENCY_KEY: Duration = Duration::from_secs(24 * 3600);

/// How often an open change is looked at by one who waits for its answer.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The step.
pub struct Replay {
    replays: Arc<Replays>,
    clock: Clock,
}

/// Answers remembered in the store.
pub struct Replays {
    store: Arc<dyn Store>,
    dialects: Arc<Dialects>,
    clock: Clock,
    patience: Duration,
}

impl Replay {
    /// Looks into `replays`.
    pub fn new(replays: Arc<Replays>, clock: Clock) -> Replay {
        Replay { replays, clock }
    }
}

impl Replays {
    /// Answers in `store`; waits at most `patience` for a change that is still open.
    pub fn new(store: Arc<dyn Store>, dialects: Arc<Dialects>, clock: Clock, patience: Duration) -> Replays {
        Replays { store, dialects, clock, patience }
    }

    /// The first answer, once there is one; none when nothing is remembered.
    pub async fn answer(&self, call: &Authorized, key: &ReplayKey) -> Result<Option<Reply>, Refusal> {
        let give_up = Instant::now() + self.patience;
        loop {
            let remembered =
                self.store.remembered(key, self.clock.now()).await.map_err(|_| Refusal::AuditUnavailable)?;
            match verdict(remembered, key)? {
                Seen::Never => return Ok(None),
                Seen::Answered(body) => return self.reply(call, body).map(Some),
                Seen::Open if Instant::now() >= give_up => {
                    let why = "its first arrival has no answer yet".to_owned();
                    return Err(Refusal::OutcomeUnknown { why });
                }
                Seen::Open => sleep(LOOK_AGAIN).await,
            }
        }
    }

    fn reply(&self, call: &Authorized, body: Vec<u8>) -> Result<Reply, Refusal> {
        let received = Received { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::from(body) };
        let reply = self.dialects.of(call.version.family).answer(&call.action, &received);
        Ok(Reply { origin: Origin::Replayed, ..reply.map_err(|_| Refusal::Internal)? })
    }
}

enum Seen {
    Never,
    Open,
    Answered(Vec<u8>),
}

fn verdict(remembered: Option<Remembered>, key: &ReplayKey) -> Result<Seen, Refusal> {
    let Some(remembered) = remembered else { return Ok(Seen::Never) };
    if remembered.content != key.content {
        let why = format!("this Idempotency-Key was used by request {} for something else", remembered.id);
        return Err(Refusal::IdempotencyConflict { why });
    }
    match remembered.answer {
        Some(body) => Ok(Seen::Answered(body)),
        None if remembered.open => Ok(Seen::Open),
        None => {
            Err(Refusal::OutcomeUnknown { why: format!("request {} was the same and got no answer", remembered.id) })
        }
    }
}

impl Around for Replay {
    type In = Authorized;
    type Out = Authorized;

    async fn around<N: Next<Authorized>>(&self, mut call: Authorized, next: N) -> Result<Reply, Refusal> {
        call.replay = replay_key(&call).map(|(key, remember_for)| (key, self.clock.now() + remember_for));
        if let Some((key, _)) = &call.replay
            && let Some(reply) = self.replays.answer(&call, key).await?
        {
            return Ok(reply);
        }
        next.run(call).await
    }
}

/// What a change is recognised by. Only signed changes and those with an `Idempotency-Key` are.
fn replay_key(call: &Authorized) -> Option<(ReplayKey, Duration)> {
    if !call.action.kind.is_change() {
        return None;
    }
    let request = &call.call.request;
    let parameters = write_json(&request.parameters);
    let what = [call.account.alias.as_str(), &call.version.version, &call.action.name, &call.region, &parameters];
    let content = digest(what.map(str::as_bytes));
    if let Some(key) = &request.idempotency_key {
        let key = digest([b"idempotency-key", call.caller.name.as_bytes(), key.as_bytes()]);
        return Some((ReplayKey { key, content }, REMEMBER_IDEMPOTENCY_KEY));
    }
    match &call.proof {
        Proof::Token { .. } => None,
        Proof::Signature { fingerprint, .. } => {
            let key = digest([b"signature".as_slice(), fingerprint, &content]);
            Some((ReplayKey { key, content }, REMEMBER_SIGNATURE))
        }
    }
}

/// SHA-256 over parts, each preceded by its length, so that no two lists of parts have the same input.
fn digest<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
