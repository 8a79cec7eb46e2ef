//! Checkpoints on a timer, and room for the entries of the coming months.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::refresh::wait;
use crate::evidence::Checkpoints;
use crate::store::Store;

/// How often it is seen to that the coming months have their partitions.
const PREPARE_EVERY: Duration = Duration::from_secs(12 * 3600);

/// Signs what the logs are, `every` so often, until `shutdown`.
pub async fn publish_checkpoints(checkpoints: Arc<Checkpoints>, every: Duration, shutdown: CancellationToken) {
    let mut tick = interval(every);
    while wait(&mut tick, &shutdown).await {
        publish(&checkpoints).await;
    }
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
    while wait(&mut tick, &shutdown).await {
        if let Err(error) = store.log().prepare().await {
            tracing::error!(error = %error, "partitions for the coming months could not be made");
        }
    }
}
