//! What replicas share besides the database: one connection to Redis, and what is done without it.
//!
//! A replica is `Joined` while Redis answers. When it stops answering, the replica is `Quiet` for one window, in which
//! everything that any replica was granted before is forgotten by the cloud, and then `Alone`: it uses its part of the
//! quota, by the number of replicas last known. Back again, it is quiet for a window once more, and joins. So the cloud
//! never sees more than the quota, however long the outage; only a replica that is cut off while others go on uses its
//! part beside theirs. A quota that is counted by the minute is silent for a minute, one by the second for a second: how a
//! replica stands is told for each length of window.
//!
//! The room knows no quota, no nonce and no change: it runs scripts, and passes texts on, for those who do.

mod link;
mod session;
mod standing;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio::time::Instant;

pub use link::Link;
pub use session::Session;

/// How Redis is reached.
#[derive(Clone, Debug)]
pub struct LinkOptions {
    /// `redis://` or `rediss://`, with a password perhaps.
    pub url: SecretString,
    /// What every key and channel begins with: deployments that share a Redis have different ones.
    pub prefix: String,
    /// How long one call may take. One that takes longer counts as an outage.
    pub timeout: Duration,
    /// The lengths of the windows of all quotas.
    pub windows: BTreeSet<Duration>,
}

/// The texts of what replicas tell each other. What came while there was no connection is lost.
#[derive(Debug)]
pub struct Messages {
    /// To this one.
    pub to_this: mpsc::UnboundedReceiver<String>,
    /// To all, this one's own too.
    pub to_all: mpsc::UnboundedReceiver<String>,
}

/// How this replica and the others stand.
#[derive(Clone, Debug)]
pub enum Mode {
    /// Redis decides. Of every quota, `here` of `of` parts may be used: those of replicas that are not back yet are left
    /// to them.
    Joined {
        /// The connection.
        session: Session,
        /// Replicas that are here.
        here: u32,
        /// Replicas that share the quota; never fewer.
        of: u32,
    },
    /// Nobody sends anything until then.
    Quiet {
        /// When this ends, at the earliest.
        until: Instant,
    },
    /// Every replica uses its part by itself.
    Alone {
        /// Into how many parts the quota is split; at least one.
        replicas: u32,
    },
}

/// Redis can't be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LinkError {
    /// The address is none.
    #[error("it is no address of a Redis: write redis://HOST:PORT or rediss://HOST:PORT")]
    Address,
    /// It does not answer, or not as Redis does.
    #[error("Redis can't be reached ({0})")]
    Away(&'static str),
}
