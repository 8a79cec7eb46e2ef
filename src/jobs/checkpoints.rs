//! Checkpoints on a timer, and room for the entries of the coming months.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::refresh::wait;
use crate::call::{Clock, Closed, Record};
use crate::evidence::Checkpoints;
use crate::store::{Entry, Store, StoreError};

/// The action of the record that other keys sign.
const KEY_ROTATED: &str = "audit.key-rotated";

/// How often it is seen to that the coming months have their partitions.
const PREPARE_EVERY: Duration = Duration::from_secs(12 * 3600);

/// Signs what the logs are, `every` so often, until `shutdown`.
/// Of several instances the one that leads signs the logs of all.
pub async fn publish_checkpoints(
    store: Arc<dyn Store>,
    checkpoints: Arc<Checkpoints>,
    every: Duration,
    shutdown: CancellationToken,
) {
    let mut tick = interval(every);
    while wait(&mut tick, &shutdown).await {
        if store.leads() {
            publish(&checkpoints).await;
        }
    }
}

/// Writes down that other keys sign from now on, when they do. The record is covered by the next checkpoint, which all of
/// the new set sign: while a key replaces another, both.
///
/// # Errors
/// The store's.
pub async fn note_rotation(store: &dyn Store, checkpoints: &Checkpoints, clock: &Clock) -> Result<bool, StoreError> {
    let Some(rotation) = checkpoints.rotation().await? else { return Ok(false) };
    let about = json!({ "before": rotation.before, "keys": rotation.keys });
    let record = Record::administrative(clock.now(), "start", KEY_ROTATED, &about);
    store.commit(&[Entry::Closed(Closed { record, intended: false, answer: None, window: None })]).await?;
    Ok(true)
}

/// Signs what the logs are now.
pub async fn publish(checkpoints: &Checkpoints) {
    match checkpoints.publish().await {
        Ok(0) => {}
        Ok(logs) => tracing::debug!(logs, "checkpoints were written"),
        Err(error) => {
            tracing::error!(error = %error, "the audit log could not be signed; what is new in it is not proven")
        }
    }
}

/// Makes the partitions of the coming months, until `shutdown`.
pub async fn prepare_partitions(store: Arc<dyn Store>, shutdown: CancellationToken) {
    let mut tick = interval(PREPARE_EVERY);
    // It was done at the start.
    tick.tick().await;
    while wait(&mut tick, &shutdown).await {
        make_partitions(&*store).await;
    }
}

/// Makes the partitions of this month and the coming ones. Without, entries fall into one that has no bounds: nothing is
/// lost, and the next time it is tried again.
pub async fn make_partitions(store: &dyn Store) {
    if let Err(error) = store.log().prepare().await {
        tracing::error!(error = %error, "partitions for the coming months could not be made");
    }
}
