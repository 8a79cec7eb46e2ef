//! What is remembered of changes, and what a second arrival is told from it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::call::{Authorized, Clock, Duplicate, Mark, Origin, Recognition, Refusal, ReplayKey, Reply};
use crate::dialect::{Dialects, Received};
use crate::provider::{Action, Family};
use crate::store::{Remembered, Writer};

/// How soon an open change is looked at again by one who waits for its answer, and how seldom in the end: many who wait
/// for a slow one must not keep the store busy.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const LOOK_AT_LEAST: Duration = Duration::from_millis(320);

/// Answers remembered in the store.
pub struct Replays {
    writer: Writer,
    dialects: Arc<Dialects>,
    clock: Clock,
    options: ReplayOptions,
}

/// How long things are waited for and remembered.
#[derive(Clone, Copy, Debug)]
pub struct ReplayOptions {
    /// How long a second arrival waits for a change that is still open.
    pub patience: Duration,
    /// How long after a purchase an equal one of the same caller is refused; zero for never.
    pub purchase_window: Duration,
}

/// What of a call is needed to give it a remembered answer.
pub(super) struct Asked {
    family: Family,
    action: Arc<Action>,
}

impl Asked {
    pub(super) fn of(call: &Authorized) -> Asked {
        Asked { family: call.version.family, action: Arc::clone(&call.action) }
    }
}

enum Seen {
    Never,
    Open,
    Answered(Vec<u8>),
}

impl Replays {
    /// Answers in the store of `writer`; what that still has to write counts for purchases.
    pub fn new(writer: Writer, dialects: Arc<Dialects>, clock: Clock, options: ReplayOptions) -> Replays {
        Replays { writer, dialects, clock, options }
    }

    /// Whether equal purchases are looked for at all.
    pub fn guards_purchases(&self) -> bool {
        !self.options.purchase_window.is_zero()
    }

    /// The first answer, once there is one; none when nothing is remembered. What is known first decides.
    pub(super) async fn answer(&self, asked: &Asked, known_by: &[Recognition]) -> Result<Option<Reply>, Refusal> {
        for by in known_by {
            if let Some(body) = self.answer_by(by).await? {
                return self.reply(asked, body).map(Some);
            }
        }
        Ok(None)
    }

    async fn answer_by(&self, by: &Recognition) -> Result<Option<Vec<u8>>, Refusal> {
        let give_up = Instant::now() + self.options.patience;
        let mut pause = LOOK_AGAIN;
        loop {
            let remembered = self.writer.seen(&by.key, self.clock.now()).await;
            match verdict(remembered.map_err(|_| Refusal::AuditUnavailable)?, by)? {
                Seen::Never => return Ok(None),
                Seen::Answered(body) => return Ok(Some(body)),
                Seen::Open if Instant::now() >= give_up => {
                    let why = "its first arrival has no answer yet".to_owned();
                    return Err(Refusal::OutcomeUnknown { why });
                }
                Seen::Open => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LOOK_AT_LEAST);
                }
            }
        }
    }

    /// Refuses a purchase that was made a moment ago, or is being made; such a one is not waited for.
    pub async fn refuse_duplicate(&self, call: &Authorized, key: &ReplayKey) -> Result<(), Refusal> {
        // The answer of the first may be with its caller and not yet in the store.
        let first = self.writer.remembered(key, self.clock.now()).await.map_err(|_| Refusal::AuditUnavailable)?;
        match first {
            Some(first) => Err(self.duplicate(call, &first)),
            None => Ok(()),
        }
    }

    /// The keys that the intent of a change takes, in the order in which they count, and until when. The window of a
    /// purchase begins here, not when the call arrived: it may have waited for its turn since.
    pub fn keys(&self, call: &Authorized) -> Vec<(ReplayKey, Timestamp)> {
        let until = self.clock.now() + self.options.purchase_window;
        let purchase = call.purchase.clone().map(|key| (key, until));
        call.replay.iter().map(|by| (by.key.clone(), by.until)).chain(purchase).collect()
    }

    /// How long after its end a change is remembered for what it bought.
    pub fn window(&self, call: &Authorized) -> Option<Duration> {
        call.purchase.as_ref().map(|_| self.options.purchase_window)
    }

    /// Why a change is not made whose intent found that `first` was before it. A second arrival goes back to where it holds
    /// no turn, to wait for the answer of the first.
    pub fn after(&self, call: &Authorized, first: &Remembered) -> Refusal {
        match call.replay.iter().any(|by| by.key.key == first.key.key) {
            true => Refusal::TaskBusy { task: call.subjects().next().map(|task| task.id.clone()).unwrap_or_default() },
            false => self.duplicate(call, first),
        }
    }

    fn reply(&self, asked: &Asked, body: Vec<u8>) -> Result<Reply, Refusal> {
        let received = Received { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::from(body) };
        let reply = self.dialects.of(asked.family).answer(&asked.action, &received);
        Ok(Reply { origin: Origin::Replayed, ..reply.map_err(|_| Refusal::Internal)? })
    }

    fn duplicate(&self, call: &Authorized, first: &Remembered) -> Refusal {
        let window = self.options.purchase_window;
        let left = Duration::try_from(first.expires_at.duration_since(self.clock.now())).unwrap_or_default();
        let answer = first.answer.clone().and_then(|body| self.reply(&Asked::of(call), body).ok());
        Refusal::PurchaseDuplicate(Box::new(Duplicate {
            first: first.id,
            open: first.open,
            upstream_request_id: answer.and_then(|answer| answer.upstream_request_id),
            window,
            // The window of one that is under way has not begun.
            retry_after: if first.open { window } else { left },
        }))
    }
}

fn verdict(remembered: Option<Remembered>, by: &Recognition) -> Result<Seen, Refusal> {
    let Some(remembered) = remembered else { return Ok(Seen::Never) };
    if remembered.key.content != by.key.content {
        let first = remembered.id;
        let why = match by.mark {
            Mark::IdempotencyKey => format!(
                "this Idempotency-Key was used by request {first} for something else. For another change send a new one"
            ),
            // Not that one's answer: two equal changes within a second have one signature in a scheme without a nonce.
            Mark::Signature => format!(
                "request {first} had this signature with another Idempotency-Key, or without one. Sign the request anew, a second later"
            ),
        };
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
