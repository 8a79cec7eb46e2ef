//! One record for every call, with its true end.
//!
//! The call runs in a task of its own. A caller who hangs up cancels it until the point of no return (then nothing was
//! sent, and the record says so); after that it is finished, and its outcome recorded, whatever the caller does. A
//! panic in a step costs that one call, and is recorded too. The record closes when the last one who holds it lets go.

mod tally;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::call::{Call, Origin, Outcome, Progress, Record, RecordHandle, Refusal, Reply};
use crate::gate::{Around, Next};
use crate::metrics::Metrics;
use crate::provider::KeyWords;
use crate::store::{Demand, Writer};

pub use tally::{Tally, TallyOptions};

/// The step.
pub struct Audit {
    writer: Writer,
    metrics: Arc<Metrics>,
    running: TaskTracker,
}

/// The caller's connection. Dropped before the answer is there, it marks the record and calls the call off.
struct Connection {
    record: RecordHandle,
    hang_up: Option<DropGuard>,
}

impl Audit {
    /// Records go to `writer`; while that can't write, or has no room, calls are refused. A shutdown waits for `running`.
    pub fn new(writer: Writer, metrics: Arc<Metrics>, running: TaskTracker) -> Audit {
        Audit { writer, metrics, running }
    }
}

impl Around for Audit {
    type In = Call;
    type Out = Call;

    async fn around<N: Next<Call>>(&self, call: Call, next: N) -> Result<Reply, Refusal> {
        let (record, received, progress) = (call.record.clone(), call.received, call.progress.clone());
        let words = call.request.family.key_words();
        let left = CancellationToken::new();
        let mut connection = Connection { record: record.clone(), hang_up: Some(left.clone().drop_guard()) };
        // Nobody could say later what was done while the log can't be written, so nothing is.
        // What may go while it is journaled is known when it is known what the call is: the step `recordable`.
        let can_record = Demand::ALL.into_iter().any(|demand| self.writer.takes(demand));
        let metrics = Arc::clone(&self.metrics);
        let task = self.running.spawn(async move {
            let answer = async {
                if !can_record {
                    return Err(Refusal::AuditUnavailable);
                }
                tokio::select! {
                    answer = next.run(call) => answer,
                    () = called_off(&left, &progress) => Err(Refusal::CallerGone),
                }
            };
            let answer = AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_panic| {
                metrics.panics.inc();
                Err(after_panic(&record.snapshot()))
            });
            let took = received.elapsed();
            record.update(|record| {
                note(record, &answer, words, took);
                metrics.ended(record, took);
            });
            answer
        });
        let answer = task.await.unwrap_or(Err(Refusal::Internal));
        connection.hang_up.take().map(DropGuard::disarm);
        answer
    }
}

/// Ends when the caller has left and the call can still be called off.
async fn called_off(left: &CancellationToken, progress: &Progress) {
    left.cancelled().await;
    if progress.is_committed() {
        std::future::pending::<()>().await;
    }
}

/// What a panic leaves: a change that may have been sent is open.
fn after_panic(record: &Record) -> Refusal {
    match record.outcome {
        Outcome::Unknown => Refusal::OutcomeUnknown { why: "the gateway failed while it waited".to_owned() },
        _ => Refusal::Internal,
    }
}

/// Writes down how a call ended.
fn note(record: &mut Record, answer: &Result<Reply, Refusal>, words: KeyWords, took: Duration) {
    record.detail.total_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    match answer {
        Err(refusal) => {
            record.outcome = if refusal.may_have_been_sent() { Outcome::Unknown } else { Outcome::Refused };
            record.reason = Some(refusal.reason().slug().to_owned());
            record.detail.message = refusal.recorded_message(words);
            record.detail.origin = Origin::Gateway.as_str().to_owned();
        }
        Ok(reply) => {
            record.outcome = if reply.upstream_code.is_some() { Outcome::Failed } else { Outcome::Ok };
            record.reason = None;
            record.upstream_request_id.clone_from(&reply.upstream_request_id);
            record.upstream_code.clone_from(&reply.upstream_code);
            record.detail.origin = reply.origin.as_str().to_owned();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.hang_up.is_some() {
            self.record.update(|record| record.caller_gone = true);
        }
    }
}

#[cfg(test)]
mod tests;
