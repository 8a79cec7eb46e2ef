//! Keeps the connection to Redis, and says how this replica stands.

use std::collections::BTreeMap;
use std::fmt;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use redis::{PushInfo, PushKind, Value};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::standing::Standing;
use super::{LinkError, LinkOptions, Messages, Mode, Session, session};

/// The pause between two attempts to reach Redis.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// The connection to Redis, for what has windows of one length. Clones share it.
#[derive(Clone)]
pub struct Link {
    mode: Arc<watch::Sender<Mode>>,
    modes: Arc<BTreeMap<Duration, Arc<watch::Sender<Mode>>>>,
    prefix: Arc<str>,
    standings: TaskTracker,
}

/// What keeps it.
struct Keeper {
    options: LinkOptions,
    sessions: watch::Sender<Session>,
    messages: mpsc::UnboundedSender<PushInfo>,
    stopping: CancellationToken,
}

impl Link {
    /// Connects, for the first time; goes on doing so by itself until `stopping`, when nothing must be
    /// sent to the cloud any more. The link is that of the shortest window.
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
        let replica: Arc<str> = Uuid::new_v4().simple().to_string().into();
        let session = Session::open(&options, messages.clone()).await?;
        let sessions = watch::Sender::new(session.clone());
        let standing = |window: Duration| Standing {
            mode: Arc::new(watch::Sender::new(Mode::Quiet { until: Instant::now() })),
            window,
            key: format!("{prefix}:crew:{}", window.as_millis()),
            replica: Arc::clone(&replica),
            sessions: sessions.subscribe(),
            stopping: stopping.clone(),
            logs: Some(&window) == options.windows.first(),
            known: 1,
            away_since: None,
        };
        let shortest = standing(options.windows.first().copied().unwrap_or_default());
        let mode = Arc::clone(&shortest.mode);
        let (mut modes, standings) = (BTreeMap::new(), TaskTracker::new());
        for mut standing in iter::once(shortest).chain(options.windows.iter().skip(1).copied().map(standing)) {
            standing.report(&session, "join").await?;
            modes.insert(standing.window, Arc::clone(&standing.mode));
            standings.spawn(standing.run(session.clone()));
        }
        standings.close();
        tokio::spawn(Keeper { options, sessions, messages, stopping }.run());
        Ok((Link { mode, modes: Arc::new(modes), prefix, standings }, Messages { to_this, to_all }))
    }

    /// The same link for what has windows of this length: what is sent is forgotten by the cloud after one of them, so it
    /// takes so long to go from Redis to a part of one's own, and back.
    pub fn of_window(&self, window: Duration) -> Link {
        let longer = self.modes.range(window..).next().or_else(|| self.modes.last_key_value());
        let mode = longer.map_or(&self.mode, |(_, mode)| mode);
        Link { mode: Arc::clone(mode), ..self.clone() }
    }

    /// Returns when this replica has told the others that it is gone, after `stopping`; within one call's time.
    pub async fn left(&self) {
        self.standings.wait().await;
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
    /// Connects anew whenever the connection is lost, however long that takes.
    async fn run(self) {
        let stopping = self.stopping.clone();
        let connecting = async {
            loop {
                let session = self.sessions.borrow().clone();
                session.failed().await;
                let new = loop {
                    match Session::open(&self.options, self.messages.clone()).await {
                        Ok(session) => break session,
                        Err(_) => sleep(RETRY_AFTER).await,
                    }
                };
                self.sessions.send_replace(new);
            }
        };
        tokio::select! {
            () = connecting => {}
            () = stopping.cancelled() => {}
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
