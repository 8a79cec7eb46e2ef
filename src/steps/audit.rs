//! One record for every call, whatever becomes of it. The record closes itself when the last one who holds it lets
//! go (see `call::RecordHandle`); this step writes down how the call ended and whether the caller was still there.

use std::sync::Arc;

use tokio::time::Instant;

use crate::call::{Call, Outcome, RecordHandle, Refusal, Reply};
use crate::gate::{Around, Next};
use crate::metrics::Metrics;
use crate::store::Writer;

/// The step.
pub struct Audit {
    writer: Arc<Writer>,
    metrics: Arc<Metrics>,
}

/// Marks the record when the connection's future is dropped before the answer: the caller has hung up.
struct Presence {
    record: RecordHandle,
    received: Instant,
    answered: bool,
}

impl Audit {
    /// Records go to `writer`; a call that finds no room there is refused.
    pub fn new(writer: Arc<Writer>, metrics: Arc<Metrics>) -> Audit {
        Audit { writer, metrics }
    }
}

impl Around for Audit {
    type In = Call;
    type Out = Call;

    async fn around<N: Next<Call>>(&self, call: Call, mut next: N) -> Result<Reply, Refusal> {
        let (record, received) = (call.record.clone(), call.received);
        let mut presence = Presence { record: record.clone(), received, answered: false };
        let has_room = self.writer.has_room();
        let answer = if has_room { next.call(call).await } else { Err(Refusal::AuditUnavailable) };
        presence.answered = true;
        note(&record, received, &answer);
        self.metrics.ended(&record.snapshot(), received.elapsed());
        answer
    }
}

/// Writes down how a call ended.
pub fn note(record: &RecordHandle, received: Instant, answer: &Result<Reply, Refusal>) {
    match answer {
        Err(refusal) => record.refused(refusal),
        Ok(reply) => record.update(|record| {
            record.outcome = if reply.upstream_code.is_some() { Outcome::Failed } else { Outcome::Ok };
            record.reason = None;
            record.upstream_request_id.clone_from(&reply.upstream_request_id);
            record.upstream_code.clone_from(&reply.upstream_code);
            record.detail.origin = reply.origin.as_str().to_owned();
        }),
    }
    record.update(|record| record.detail.total_ms = milliseconds(received));
}

impl Drop for Presence {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let reason = if std::thread::panicking() { Refusal::Internal } else { Refusal::CallerGone };
        self.record.update(|record| {
            record.caller_gone = true;
            record.detail.total_ms = milliseconds(self.received);
            if record.outcome == Outcome::Refused && record.reason.is_none() {
                record.reason = Some(reason.reason().slug().to_owned());
            }
        });
    }
}

fn milliseconds(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}
