//! Changes that a previous run left open when it died: nobody knows what came of them, and the record says so.

use crate::call::{Closed, Outcome, RecordSink, Refusal};
use crate::store::{Store, StoreError, Writer};

/// Closes every open change as `unknown`, which also ends its lease: the next change of that task looks at the task's
/// state again before it is judged. Only the instance that has claimed the database may do this.
///
/// # Errors
/// The store's.
pub async fn close_left_open(store: &dyn Store, writer: &Writer) -> Result<usize, StoreError> {
    let left = store.open_changes().await?;
    let count = left.len();
    let refusal = Refusal::OutcomeUnknown { why: "the gateway died before it had the answer".to_owned() };
    for mut record in left {
        record.outcome = Outcome::Unknown;
        record.reason = Some(refusal.reason().slug().to_owned());
        record.detail.message = refusal.message();
        writer.close(Closed { record, intended: true, answer: None, window: None });
    }
    writer.flushed().await;
    Ok(count)
}
