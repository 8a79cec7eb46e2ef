//! Why a gateway does not start, in words for the one who starts it.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use crate::cloud::ConnectError;
use crate::edge::TlsError;
use crate::identity::{Fault, IssuerFault, KeyFault, SealError};
use crate::provider::TableError;
use crate::store::StoreError;

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Mistakes in the tables, one on a line.
    #[error("the provider tables are wrong\n{0}")]
    Tables(String),
    /// Mistakes in the teams' files, one on a line.
    #[error("the teams' files are wrong\n{0}")]
    Teams(String),
    /// Mistakes in the configuration that only show when it is put together, one on a line.
    #[error("the configuration does not fit together\n{0}")]
    Config(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sealing keys.
    #[error(transparent)]
    Sealing(#[from] SealError),
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

impl From<Vec<TableError>> for StartError {
    fn from(errors: Vec<TableError>) -> StartError {
        StartError::Tables(lines(&errors))
    }
}

impl From<Vec<Fault>> for StartError {
    fn from(faults: Vec<Fault>) -> StartError {
        StartError::Teams(lines(&faults))
    }
}

impl From<Vec<IssuerFault>> for StartError {
    fn from(faults: Vec<IssuerFault>) -> StartError {
        StartError::Config(lines(&faults))
    }
}

impl From<KeyFault> for StartError {
    fn from(fault: KeyFault) -> StartError {
        StartError::Config(fault.to_string())
    }
}

fn lines(faults: &[impl Display]) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}
