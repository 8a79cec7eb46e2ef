//! How this replica stands in the quotas of one length of window: with Redis, silent, or alone.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::Script;
use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{LinkError, Mode, Session};

/// How often a replica says that it is here. Three that are missing and the others count it as gone.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// How long a turn that was just granted may take to become a call that has arrived.
const UNDER_WAY: Duration = Duration::from_millis(100);

static CREW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("crew.lua")));

/// Keeps it up to date.
pub(super) struct Standing {
    pub(super) mode: Arc<watch::Sender<Mode>>,
    /// The length of the window.
    pub(super) window: Duration,
    /// Where Redis keeps who is here.
    pub(super) key: String,
    /// This process.
    pub(super) replica: Arc<str>,
    /// The connection that there is, or the last one.
    pub(super) sessions: watch::Receiver<Session>,
    pub(super) stopping: CancellationToken,
    /// Whether it is this one that tells the log.
    pub(super) logs: bool,
    /// How many replicas there were when Redis last answered.
    pub(super) known: u32,
    /// Since when it has not; nothing before the first outage.
    pub(super) away_since: Option<Instant>,
}

impl Standing {
    /// Begins as one who has joined by this session. Ends when it is told to stop, and has told the others.
    pub(super) async fn run(mut self, session: Session) {
        let stopping = self.stopping.clone();
        tokio::select! {
            () = stopping.cancelled() => {}
            () = self.stand(session) => {}
        }
        let session = self.sessions.borrow().clone();
        if !session.is_over() {
            // So that the others need not wait until they miss this one.
            let _unheard = self.say(&session, "leave").await;
        }
    }

    async fn stand(&mut self, mut session: Session) {
        loop {
            self.keep(&session).await;
            self.away_since = Some(Instant::now());
            let replicas = self.known.max(1);
            if self.logs {
                tracing::warn!(redis.replicas = replicas, "Redis does not answer; this replica goes on with its part");
            }
            // Until now others may have been granted all of it: one window later the cloud has forgotten that.
            self.quiet().await;
            // Redis may have been back before anything was sent alone.
            if self.sessions.borrow().is_over() {
                self.mode.send_replace(Mode::Alone { replicas });
                if self.sessions.wait_for(|session| !session.is_over()).await.is_err() {
                    return;
                }
                // And what was sent alone, before Redis decides again.
                self.quiet().await;
            }
            session = self.sessions.borrow().clone();
            if self.report(&session, "join").await.is_ok() && self.logs {
                tracing::info!(redis.replicas = self.known, "Redis answers again");
            }
        }
    }

    /// Says that this replica is here, and hears how many are.
    ///
    /// # Errors
    /// Redis did not answer; the session is over.
    pub(super) async fn report(&mut self, session: &Session, what: &str) -> Result<(), LinkError> {
        let (here, of) = self.say(session, what).await?;
        self.known = of.max(1);
        self.mode.send_if_modified(|mode| {
            let is_same = matches!(mode, Mode::Joined { session: old, here: was, of: were }
                if old.id() == session.id() && (*was, *were) == (here, of));
            if !is_same {
                *mode = Mode::Joined { session: session.clone(), here, of };
            }
            !is_same
        });
        Ok(())
    }

    async fn say(&self, session: &Session, what: &str) -> Result<(u32, u32), LinkError> {
        let known = self.known.to_string();
        let away = self.away_since.map_or(Duration::from_secs(3600), |since| since.elapsed()).as_micros().to_string();
        session.run(&CREW, &self.key, &[&self.replica, what, &known, &away]).await
    }

    /// Sends nothing for one window.
    async fn quiet(&self) {
        let until = Instant::now() + self.window + UNDER_WAY;
        self.mode.send_replace(Mode::Quiet { until });
        sleep_until(until).await;
    }

    /// Says again and again that this replica is here, until that fails.
    async fn keep(&mut self, session: &Session) {
        let mut tick = interval(REPORT_EVERY);
        tick.tick().await;
        loop {
            tokio::select! {
                () = session.failed() => return,
                _ = tick.tick() => {
                    if self.report(session, "here").await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
