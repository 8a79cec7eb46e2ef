//! Why a gateway does not start, in words for the one who starts it.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use crate::cloud::ConnectError;
use crate::coordinate::LinkError;
use crate::identity::IssuerFault;
use crate::listener::TlsError;
use crate::store::{JournalError, StoreError};

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Mistakes in the configuration that only show when it is put together, one on a line.
    #[error("the configuration does not fit together\n{0}")]
    Config(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis. Without it nobody knows how many replicas there are; once started, the gateway does without.
    #[error("{0}; a replica starts only with the Redis of redis.url, so that all together keep to the quota")]
    Redis(#[from] LinkError),
    /// The journal of the audit log.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A key or certificate of a listener.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The client towards the cloud.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// An address that can't be listened on.
    #[error("{address} can't be listened on, {why}")]
    Listen {
        /// The address.
        address: String,
        /// The operating system's word.
        why: String,
    },
}

impl StartError {
    pub(super) fn listen(address: SocketAddr, why: &io::Error) -> StartError {
        StartError::Listen { address: address.to_string(), why: why.to_string() }
    }
}

impl From<Vec<IssuerFault>> for StartError {
    fn from(faults: Vec<IssuerFault>) -> StartError {
        StartError::Config(lines(&faults))
    }
}

fn lines(faults: &[impl Display]) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}
