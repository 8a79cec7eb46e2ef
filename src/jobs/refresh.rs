//! Keys, teams and issuers' keys, read again and again, so that what was revoked or changed counts everywhere soon.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::call::Clock;
use crate::identity::{Identity, Reloaded};
use crate::store::Store;

/// How often remembered answers are cleared away.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Reads again what says who may call.
pub struct Refresh {
    /// What is read.
    pub identity: Arc<Identity>,
    /// How often: a revocation is at most this late.
    pub every: Duration,
}

impl Refresh {
    /// Runs until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut tick = interval(self.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while wait(&mut tick, &shutdown).await {
            if let Err(error) = self.identity.keyring.refresh().await {
                tracing::warn!(error = %error, "issued keys could not be read again; those in memory go on serving");
            }
            // Not waited for: an issuer that is slow to answer must not hold up a revocation.
            let identity = Arc::clone(&self.identity);
            tokio::spawn(async move { identity.tokens.refresh().await });
            let roster = Arc::clone(&self.identity.roster);
            match tokio::task::spawn_blocking(move || roster.reload()).await {
                Ok(Ok(Reloaded::Changed)) => tracing::info!("teams and grants were read again"),
                Ok(Ok(Reloaded::Unchanged)) | Err(_) => {}
                Ok(Err(faults)) => {
                    for fault in faults {
                        tracing::error!(fault = %fault, "a team's file is wrong; the last good teams stay in force");
                    }
                }
            }
        }
    }
}

/// Clears away answers whose time is over, until `shutdown`.
pub async fn forget_answers(store: Arc<dyn Store>, clock: Clock, shutdown: CancellationToken) {
    let mut tick = interval(FORGET_EVERY);
    while wait(&mut tick, &shutdown).await {
        if let Err(error) = store.forget(clock.now()).await {
            tracing::warn!(error = %error, "remembered answers could not be cleared away");
        }
    }
}

/// Until the next tick; false at shutdown.
pub(super) async fn wait(tick: &mut tokio::time::Interval, shutdown: &CancellationToken) -> bool {
    tokio::select! {
        () = shutdown.cancelled() => false,
        _ = tick.tick() => true,
    }
}
