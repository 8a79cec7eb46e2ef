//! Administrative acts of the command line are records too.

use serde_json::Value;
use uuid::{NoContext, Timestamp, Uuid};

use crate::admin::COMMAND_LINE;
use crate::call::{ADMINISTRATIVE, Clock, Closed, Detail, Outcome, Record};
use crate::store::{Entry, Store, StoreError};

/// Writes down that `action` was done. `about` holds no secret.
pub(super) async fn record(
    store: &dyn Store,
    clock: &Clock,
    action: &str,
    key_id: &str,
    about: &Value,
) -> Result<(), StoreError> {
    let now = clock.now();
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.subsec_nanosecond().unsigned_abs()));
    let record = Record {
        id,
        time: now,
        caller: COMMAND_LINE.to_owned(),
        key_id: key_id.to_owned(),
        family: ADMINISTRATIVE.to_owned(),
        action: action.to_owned(),
        outcome: Outcome::Ok,
        request_id: id.to_string(),
        detail: Detail {
            kind: "change".to_owned(),
            parameters: about.to_string(),
            origin: "gateway".to_owned(),
            ..Detail::default()
        },
        ..Record::default()
    };
    store.commit(&[Entry::Closed(Closed { record, intended: false, answer: None, window: None })]).await.map(drop)
}
