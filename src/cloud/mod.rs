//! Saying something to the cloud: waiting for a turn of its quota, signing, sending, receiving whole, understanding.
//!
//! Used alike for a caller's call and for a look at a task's state; it does not know why something is said. Signing happens
//! after the wait, so that a signature is never stale.

mod client;
mod fetch;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use client::Target;
pub use client::{Client, ClientOptions, ConnectError};
pub use turn::{InFlight, TurnRequest};

use crate::call::{Clock, Progress, Refusal, Reply};
pub use crate::dialect::Message;
use crate::dialect::{Dialects, Received};
use crate::quota::Quota;

/// The way to the cloud.
pub struct Cloud {
    client: Client,
    dialects: Arc<Dialects>,
    quota: Arc<Quota>,
    clock: Clock,
    nonce: fn() -> u64,
    rules: QuotaRules,
}

/// How the quota is used beyond what the tables say.
#[derive(Clone, Copy, Debug)]
pub struct QuotaRules {
    /// Slots that are left free for stops and pauses, in every bucket where they are counted together with other calls.
    pub reserve: u32,
    /// Whether a bucket shrinks when the cloud throttles.
    pub learn: bool,
}

/// What the cloud answered.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its meaning, redacted.
    pub reply: Reply,
    /// The body before redaction, for learning from it.
    pub body: bytes::Bytes,
    /// When the answer began.
    pub first_byte: Instant,
    /// From sending to the end of the answer.
    pub took: Duration,
}

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Silence {
    /// Not a byte was sent.
    Unsent(String),
    /// It was sent, wholly or in part, and no whole answer came.
    Unanswered(String),
    /// It could not be said at all.
    Unsayable(Refusal),
}

impl Cloud {
    /// A way to the cloud. `nonce` draws the random number that v1 requests carry.
    pub fn new(client: Client, dialects: Arc<Dialects>, quota: Arc<Quota>, clock: Clock, nonce: fn() -> u64) -> Cloud {
        Cloud { client, dialects, quota, clock, nonce, rules: QuotaRules { reserve: 0, learn: true } }
    }

    /// The same with these rules.
    pub fn ruled_by(self, rules: QuotaRules) -> Cloud {
        Cloud { rules, ..self }
    }

    /// Says it once. `progress` is told whether it was sent, when the answer begins, also when it then breaks off, and when
    /// it says that calls come too fast.
    ///
    /// # Errors
    /// Whether it can have been heard.
    pub async fn say(&self, message: &Message<'_>, progress: &Progress) -> Result<Heard, Silence> {
        let dialect = self.dialects.of(message.version.family);
        let target = self.client.target(message.account.endpoint.as_deref(), message.host);
        let Target { uri, authority } = target.map_err(|why| Silence::Unsent(why.to_string()))?;
        // An account may have another endpoint than the cloud's host: what is connected to is what is signed.
        let message = Message { host: &authority, ..*message };
        let request = dialect.outgoing(&message, self.clock.now(), (self.nonce)()).map_err(Silence::Unsayable)?;
        let started = Instant::now();
        let mut began = started;
        progress.sent();
        let received = self.client.send(uri, request, message.action.kind.is_change(), |first_byte| {
            began = first_byte;
            progress.answered(first_byte);
        });
        let received: Received = received.await.inspect_err(|silence| {
            if matches!(silence, Silence::Unsent(_)) {
                progress.not_sent();
            }
        })?;
        let reply = dialect.answer(message.action, &received).map_err(Silence::Unanswered)?;
        if reply.upstream_code.as_deref().is_some_and(|code| message.version.is_throttled(code)) {
            progress.throttled();
        }
        Ok(Heard { reply, body: received.body, first_byte: began, took: started.elapsed() })
    }
}
