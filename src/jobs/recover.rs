//! Changes that an instance left open when it died: nobody knows what came of them, and the record says so.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::refresh::wait;
use crate::call::{Closed, Outcome, Record, RecordSink, Refusal};
use crate::store::{Store, StoreError, Writer};

/// How often it is looked for instances that died. Twice this and their changes are closed, within the 5 s that are
/// promised.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Closes every change as `unknown` that this instance's predecessor or one that is gone left open, which also ends its
/// lease: the next change of that task looks at the task's state again before it is judged. Only an instance that has
/// claimed the database may do this.
///
/// # Errors
/// The store's.
pub async fn close_left_open(store: &dyn Store, writer: &Writer) -> Result<usize, StoreError> {
    let left = store.open_changes(true).await?;
    let count = left.len();
    left.into_iter().for_each(|record| close(writer, record));
    writer.flushed().await;
    Ok(count)
}

/// Closes what other instances leave open when they die, until `shutdown`. Seen gone twice: one whose connection to the
/// database broke is not dead.
pub async fn close_those_of_the_dead(store: Arc<dyn Store>, writer: Writer, shutdown: CancellationToken) {
    let (mut tick, mut seen) = (interval(LOOK_EVERY), HashSet::<Uuid>::new());
    while wait(&mut tick, &shutdown).await {
        let Ok(left) = store.open_changes(false).await else { continue };
        let (dead, new): (Vec<Record>, Vec<Record>) = left.into_iter().partition(|record| seen.contains(&record.id));
        seen = new.iter().map(|record| record.id).collect();
        if !dead.is_empty() {
            tracing::warn!(changes = dead.len(), "changes that a dead instance left open were closed as unknown");
        }
        dead.into_iter().for_each(|record| close(&writer, record));
    }
}

fn close(writer: &Writer, mut record: Record) {
    let refusal = Refusal::OutcomeUnknown { why: "the gateway died before it had the answer".to_owned() };
    record.outcome = Outcome::Unknown;
    record.reason = Some(refusal.reason().slug().to_owned());
    record.detail.message = refusal.message();
    writer.close(Closed { record, intended: true, answer: None, window: None });
}
