//! Signals: SIGTERM and SIGINT end the process in good order.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that were asked for, from this moment on.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Takes the signals over. Those that come before [`Signals::stop`] is awaited are not lost.
    pub(super) fn listen() -> miette::Result<Signals> {
        let take = |kind| signal(kind).map_err(|error| miette::miette!("signals can't be received, {error}"));
        Ok(Signals {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
            hang_up: take(SignalKind::hangup())?,
        })
    }

    /// Ends when the process is asked to stop.
    pub(super) async fn stop(mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hang_up.recv() => {
                    tracing::warn!("SIGHUP: teams' files are read again by themselves, other settings with a restart");
                }
            }
        }
        tracing::info!("stopping: no new calls, those under way are finished");
    }
}
