//! A task of its own for every call: a caller who leaves cancels it until the point of no return; after that it is
//! finished, and its outcome recorded, whatever the caller does.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::note;
use crate::call::{Authorized, Progress, Refusal, Reply};
use crate::gate::{Around, Next};

/// The step.
pub struct Detach {
    running: TaskTracker,
}

impl Detach {
    /// Runs calls in tasks of `running`, which a shutdown waits for.
    pub fn new(running: TaskTracker) -> Detach {
        Detach { running }
    }
}

impl Around for Detach {
    type In = Authorized;
    type Out = Authorized;

    async fn around<N: Next<Authorized>>(&self, call: Authorized, mut next: N) -> Result<Reply, Refusal> {
        let (record, received, progress) = (call.call.record.clone(), call.call.received, call.progress.clone());
        let is_change = call.action.kind.is_change();
        let left = CancellationToken::new();
        let _leaving = left.clone().drop_guard();
        let task = self.running.spawn({
            let (record, progress) = (record.clone(), progress.clone());
            async move {
                let answer = tokio::select! {
                    answer = next.call(call) => answer,
                    () = called_off(&left, &progress) => Err(Refusal::CallerGone),
                };
                note(&record, received, &answer);
                answer
            }
        });
        task.await.unwrap_or_else(|_panic| {
            // The panic hook has told the log; here it only has to cost no more than this one call.
            let why = || "the gateway failed while it waited for the answer".to_owned();
            let is_open = is_change && progress.is_sent();
            Err(if is_open { Refusal::OutcomeUnknown { why: why() } } else { Refusal::Internal })
        })
    }
}

/// Ends when the caller has left and the call can still be called off.
async fn called_off(left: &CancellationToken, progress: &Progress) {
    left.cancelled().await;
    if progress.is_committed() {
        std::future::pending::<()>().await;
    }
}
