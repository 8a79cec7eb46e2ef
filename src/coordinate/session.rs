//! One connection to Redis, for as long as it lasts. A new connection is a new session: what Redis kept for the old one
//! lapses, so nothing is ever counted for the wrong one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncCommands, AsyncConnectionConfig, Client, FromRedisValue, IntoConnectionInfo, ProtocolVersion, PushInfo, Script,
};
use secrecy::ExposeSecret;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use uuid::Uuid;

use super::{LinkError, LinkOptions};

/// A connection. Clones share it.
#[derive(Clone)]
pub struct Session {
    id: Arc<str>,
    connection: MultiplexedConnection,
    failed: Arc<watch::Sender<bool>>,
}

impl Session {
    /// Connects; messages to this session go to `messages`.
    pub(super) async fn open(options: &LinkOptions, messages: UnboundedSender<PushInfo>) -> Result<Session, LinkError> {
        let info = options.url.expose_secret().into_connection_info().map_err(|_| LinkError::Address)?;
        // Messages on the same connection need RESP3.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).map_err(|_| LinkError::Address)?;
        let bounded = Some(options.timeout.max(Duration::from_millis(1)));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(bounded)
            .set_response_timeout(bounded)
            .set_push_sender(messages);
        let connection = client.get_multiplexed_async_connection_with_config(&config).await.map_err(away)?;
        let id: Arc<str> = Uuid::new_v4().simple().to_string().into();
        let mut session = Session { id, connection, failed: Arc::new(watch::Sender::new(false)) };
        let channel = format!("{}{}", channels(&options.prefix), session.id);
        session.connection.subscribe(&[channel, common(&options.prefix)]).await.map_err(away)?;
        Ok(session)
    }

    /// Its name, a new one for each connection.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Runs a script on one key.
    ///
    /// # Errors
    /// It failed or took too long. It may have been carried out, so the session is over.
    pub async fn run<T: FromRedisValue>(&self, script: &Script, key: &str, arguments: &[&str]) -> Result<T, LinkError> {
        let mut connection = self.connection.clone();
        let mut call = script.key(key);
        for argument in arguments {
            call.arg(*argument);
        }
        self.noted(call.invoke_async(&mut connection).await)
    }

    /// Sends a text to everybody who listens to a channel.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub(super) async fn publish(&self, channel: &str, text: &str) -> Result<(), LinkError> {
        let mut connection = self.connection.clone();
        self.noted(connection.publish::<_, _, ()>(channel, text).await)
    }

    /// An answer; the session is over if it is none.
    fn noted<T>(&self, answer: redis::RedisResult<T>) -> Result<T, LinkError> {
        answer.map_err(away).inspect_err(|_| self.fail())
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        *self.failed.borrow()
    }

    /// Ends it: what was said in it is not to be trusted any more.
    pub fn fail(&self) {
        self.failed.send_replace(true);
    }

    /// Returns when it is over.
    pub(super) async fn failed(&self) {
        let mut failed = self.failed.subscribe();
        // The sender lives in `self`, so this ends only when it says so.
        let _ended = failed.wait_for(|failed| *failed).await;
    }
}

/// What the name of every session's channel begins with.
pub(super) fn channels(prefix: &str) -> String {
    format!("{prefix}:session:")
}

/// The channel that every session listens to.
pub(super) fn common(prefix: &str) -> String {
    format!("{prefix}:all")
}

/// What kind of failure it was; an error's text may hold an address with a password.
fn away(error: redis::RedisError) -> LinkError {
    LinkError::Away(match error.kind() {
        redis::ErrorKind::Io if error.is_timeout() => "it took too long",
        redis::ErrorKind::Io => "the connection failed",
        redis::ErrorKind::AuthenticationFailed => "it does not accept the password",
        redis::ErrorKind::InvalidClientConfig => "the address does not fit it",
        _ => "it answered with an error",
    })
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session").field(&self.id).finish()
    }
}
