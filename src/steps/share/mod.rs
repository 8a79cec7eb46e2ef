//! Identical reads become one call to the cloud: those that are under way at the same time, and, where the operator wants
//! it, those that come within a short time after an answer was asked for.
//!
//! What an answer shows depends on the question alone, and whoever is here was allowed to ask it. Still only callers whose
//! grants let them see the same are told one answer, so that no later rule of sight can be forgotten here. Each call has its
//! own record, which says whose answer it was told.

mod carry;
mod flight;
mod key;
mod news;
mod reads;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::time::Instant;

use crate::call::{Authorized, LimitAsked, Origin, RecordHandle, Refusal, Reply};
use crate::gate::{Around, Next};
pub use carry::Carry;
use flight::{End, Next as Then, Outcome, Seat};
pub(super) use key::tasks;
use reads::{Aboard, Found};
pub use reads::{FreshFor, SharedReads};

/// The step.
pub struct Share {
    reads: Arc<SharedReads>,
}

impl Share {
    /// Shares among those who look into `reads`.
    pub fn new(reads: Arc<SharedReads>) -> Share {
        Share { reads }
    }
}

impl Around for Share {
    type In = Authorized;
    type Out = Authorized;

    async fn around<N: Next<Authorized>>(&self, call: Authorized, next: N) -> Result<Reply, Refusal> {
        let Some(key) = key::key(&call).map(Arc::new) else { return next.run(call).await };
        let (record, came) = (call.call.record.clone(), Instant::now());
        loop {
            let aboard = match self.reads.find(&key) {
                Found::Answer(outcome) => return tell(&record, &outcome),
                Found::Flight(aboard) => aboard,
            };
            let then = aboard.flight.next(&call.caller.name, &call.call.progress, call.wait_until).await;
            let seat = match then {
                Then::StandInLine(seat) => seat,
                // It can't wait any longer: with no time left the quota tells it honestly when to come back.
                Then::TimeIsUp => aboard.flight.beside(),
                Then::Ended(asked_at, End::Everybody(outcome)) => {
                    note_wait(&record, came, asked_at);
                    return tell(&record, &outcome);
                }
                // What was that call's own is not this one's.
                Then::Ended(_, End::Own(_)) => continue,
            };
            return stand(call, next, &aboard, seat).await;
        }
    }
}

/// What a record says of the limits that have counted its call.
struct Counted {
    waited_ms: i64,
    limit: String,
    limits: Vec<LimitAsked>,
}

/// In line for an answer that nobody has asked for: asks when its turn comes first, else is told what the first was told.
async fn stand<N: Next<Authorized>>(
    mut call: Authorized,
    next: N,
    aboard: &Aboard,
    seat: Seat,
) -> Result<Reply, Refusal> {
    call.errand = Some(seat.ticket());
    let (record, came, carrier) = (call.call.record.clone(), Instant::now(), call.call.id.to_string());
    let before = Counted::of(&record);
    let answer = tokio::select! {
        biased;
        answer = next.run(call) => answer,
        () = seat.lost() => Err(Refusal::Internal),
    };
    if seat.is_lost() {
        let (asked_at, end) = seat.follow().await;
        before.restore(&record);
        note_wait(&record, came, asked_at);
        return match end {
            End::Everybody(outcome) => tell(&record, &outcome),
            // It was on its way already, so it has no second one.
            End::Own(refusal) => Err(*refusal),
        };
    }
    if let Some(asked_at) = seat.asked_at() {
        let end = end_of(&answer, carrier);
        aboard.landed(asked_at, &end);
        seat.end(end);
    }
    answer
}

/// Whose the end of a call is that has asked: what the cloud said or left unsaid is everybody's, a refusal of the gateway is
/// its own.
fn end_of(answer: &Result<Reply, Refusal>, carrier: String) -> End {
    match answer {
        Ok(_) | Err(Refusal::UpstreamUnreachable { .. }) => {
            End::Everybody(Arc::new(Outcome { answer: answer.clone(), carrier }))
        }
        Err(refusal) => End::Own(Box::new(refusal.clone())),
    }
}

/// The answer, as another call than the one that asked is told it.
fn tell(record: &RecordHandle, outcome: &Outcome) -> Result<Reply, Refusal> {
    let reply = outcome.answer.clone();
    record.update(|record| {
        record.detail.shared_from.clone_from(&outcome.carrier);
        record.detail.upstream_status = reply.as_ref().ok().map(|reply| reply.status.as_u16());
    });
    reply.map(|reply| Reply { origin: Origin::Shared, ..reply })
}

/// Until it was asked for, the answer waited for a turn.
fn note_wait(record: &RecordHandle, came: Instant, asked_at: Instant) {
    let waited = asked_at.saturating_duration_since(came);
    let waited_ms = i64::try_from(waited.as_millis()).unwrap_or(i64::MAX);
    record.update(|record| record.waited_ms = record.waited_ms.saturating_add(waited_ms));
}

impl Counted {
    fn of(record: &RecordHandle) -> Counted {
        let mut counted = Counted { waited_ms: 0, limit: String::new(), limits: Vec::new() };
        record.update(|record| {
            counted.waited_ms = record.waited_ms;
            counted.limit.clone_from(&record.detail.limit);
            counted.limits.clone_from(&record.detail.limits);
        });
        counted
    }

    /// Takes back what was written since: a call that was told another's answer had no turn of its own, or handed it back.
    fn restore(self, record: &RecordHandle) {
        record.update(|record| {
            record.waited_ms = self.waited_ms;
            record.detail.limit = self.limit;
            record.detail.limits = self.limits;
        });
    }
}
