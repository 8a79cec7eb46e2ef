//! Keeps the connection to Redis, and says how this replica stands.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::{PushInfo, PushKind, Script, Value};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{LinkError, LinkOptions, Messages, Mode, Session, session};

/// How often a replica says that it is here. Three that are missing and the others count it as gone.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// How long a turn that was just granted may take to become a call that has arrived.
const UNDER_WAY: Duration = Duration::from_millis(100);

/// The pause between two attempts to reach Redis.
const RETRY_AFTER: Duration = Duration::from_millis(250);

static CREW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("crew.lua")));

/// The connection to Redis. Clones share it.
#[derive(Clone)]
pub struct Link {
    mode: Arc<watch::Sender<Mode>>,
    prefix: Arc<str>,
}

/// What keeps it.
struct Keeper {
    options: LinkOptions,
    mode: Arc<watch::Sender<Mode>>,
    messages: mpsc::UnboundedSender<PushInfo>,
    stopping: CancellationToken,
    /// This process.
    replica: String,
    /// How many replicas there were when Redis last answered.
    known: u32,
    /// Since when it has not; nothing before the first outage.
    away_since: Option<Instant>,
}

/// How a session ended.
enum End {
    Lost,
    Stopping,
}

impl Link {
    /// Connects, for the first time; goes on doing so by itself until `stopping`.
    ///
    /// # Errors
    /// Redis can't be reached. Without it nobody knows how many replicas there are, so nothing may be started.
    pub async fn connect(options: LinkOptions, stopping: CancellationToken) -> Result<(Link, Messages), LinkError> {
        let (messages, mut pushed) = mpsc::unbounded_channel::<PushInfo>();
        let (own, to_this) = mpsc::unbounded_channel();
        let (common, to_all) = mpsc::unbounded_channel();
        let channel = session::common(&options.prefix);
        tokio::spawn(async move {
            while let Some(push) = pushed.recv().await {
                if let Some((to, text)) = text(push) {
                    // Whoever listened is gone: so is the gateway.
                    let _unheard = if to == channel { common.send(text) } else { own.send(text) };
                }
            }
        });
        let prefix: Arc<str> = options.prefix.as_str().into();
        let session = Session::open(&options, messages.clone()).await?;
        let mut keeper = Keeper {
            mode: Arc::new(watch::Sender::new(Mode::Quiet { until: Instant::now() })),
            options,
            messages,
            stopping,
            replica: Uuid::new_v4().simple().to_string(),
            known: 1,
            away_since: None,
        };
        keeper.report(&session, "join").await?;
        let link = Link { mode: Arc::clone(&keeper.mode), prefix };
        tokio::spawn(keeper.run(session));
        Ok((link, Messages { to_this, to_all }))
    }

    /// How this replica stands now.
    pub fn mode(&self) -> Mode {
        self.mode.borrow().clone()
    }

    /// The same, to be watched.
    pub fn modes(&self) -> watch::Receiver<Mode> {
        self.mode.subscribe()
    }

    /// The connection over which messages of other replicas come now, by its name.
    pub fn session(&self) -> Option<Arc<str>> {
        match &*self.mode.borrow() {
            Mode::Joined { session, .. } if !session.is_over() => Some(Arc::clone(session.id())),
            _ => None,
        }
    }

    /// Tells all replicas, this one too. When it returns, Redis has passed it on.
    ///
    /// # Errors
    /// Redis is away, or did not answer in time: it may have been told.
    pub async fn tell_all(&self, text: &str) -> Result<(), LinkError> {
        match self.mode() {
            Mode::Joined { session, .. } => session.publish(&session::common(&self.prefix), text).await,
            Mode::Quiet { .. } | Mode::Alone { .. } => Err(LinkError::Away("it did not answer before")),
        }
    }

    /// The key of a thing that replicas share.
    pub fn key(&self, kind: &str, name: &str) -> String {
        format!("{}:{kind}:{name}", self.prefix)
    }

    /// What the name of each session's channel begins with.
    pub fn channels(&self) -> String {
        session::channels(&self.prefix)
    }
}

impl Keeper {
    async fn run(mut self, mut session: Session) {
        loop {
            match self.keep(&session).await {
                End::Stopping => {
                    // So that the others need not wait until they miss this one.
                    let _unheard = self.report(&session, "leave").await;
                    return;
                }
                End::Lost => session.fail(),
            }
            self.away_since = Some(Instant::now());
            let replicas = self.known.max(1);
            tracing::warn!(redis.replicas = replicas, "Redis does not answer; this replica goes on with its part");
            // Until now others may have been granted all of it: one window later the cloud has forgotten that.
            let until = Instant::now() + self.options.silence + UNDER_WAY;
            self.mode.send_replace(Mode::Quiet { until });
            sleep_until(until).await;
            self.mode.send_replace(Mode::Alone { replicas });
            match self.reach().await {
                Some(new) => session = new,
                None => return,
            }
            // And what was sent alone, before Redis decides again.
            let until = Instant::now() + self.options.silence + UNDER_WAY;
            self.mode.send_replace(Mode::Quiet { until });
            sleep_until(until).await;
            if self.report(&session, "join").await.is_ok() {
                tracing::info!(redis.replicas = self.known, "Redis answers again");
            }
        }
    }

    /// Says again and again that this replica is here, until that fails.
    async fn keep(&mut self, session: &Session) -> End {
        let mut tick = interval(REPORT_EVERY);
        tick.tick().await;
        loop {
            let stopping = self.stopping.clone();
            tokio::select! {
                _ = tick.tick() => {
                    if self.report(session, "here").await.is_err() {
                        return End::Lost;
                    }
                }
                () = session.failed() => return End::Lost,
                () = stopping.cancelled() => return End::Stopping,
            }
        }
    }

    async fn report(&mut self, session: &Session, what: &str) -> Result<(), LinkError> {
        let (key, known) = (format!("{}:crew", self.options.prefix), self.known.to_string());
        let away = self.away_since.map_or(Duration::from_secs(3600), |since| since.elapsed()).as_micros().to_string();
        let (here, of): (u32, u32) = session.run(&CREW, &key, &[&self.replica, what, &known, &away]).await?;
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

    /// Connects anew, however long it takes; nothing when the gateway stops.
    async fn reach(&self) -> Option<Session> {
        loop {
            tokio::select! {
                session = Session::open(&self.options, self.messages.clone()) => {
                    if let Ok(session) = session {
                        return Some(session);
                    }
                }
                () = self.stopping.cancelled() => return None,
            }
            sleep(RETRY_AFTER).await;
        }
    }
}

/// The channel of a message, and its text.
fn text(push: PushInfo) -> Option<(String, String)> {
    match (push.kind, <[Value; 2]>::try_from(push.data)) {
        (PushKind::Message, Ok([Value::BulkString(channel), Value::BulkString(text)])) => {
            Some((String::from_utf8(channel).ok()?, String::from_utf8(text).ok()?))
        }
        _ => None,
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&*self.mode.borrow()).finish()
    }
}
