//! Administrative acts of the command line are records too.

use serde_json::Value;

use crate::admin::COMMAND_LINE;
use crate::call::{Clock, Closed, Record};
use crate::store::{Entry, Store, StoreError};

/// Writes down that `action` was done. `about` holds no secret.
pub(super) async fn record(
    store: &dyn Store,
    clock: &Clock,
    action: &str,
    key_id: &str,
    about: &Value,
) -> Result<(), StoreError> {
    let act = Record::administrative(clock.now(), COMMAND_LINE, action, about);
    let record = Record { key_id: key_id.to_owned(), ..act };
    store.commit(&[Entry::Closed(Closed { record, intended: false, answer: None, window: None })]).await.map(drop)
}
