//! Which database an address names.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::call::Clock;

use super::{Postgres, Sqlite, Store, StoreError};

/// An address, read.
pub enum Address {
    /// `postgres://` or `postgresql://`.
    Postgres(SecretString),
    /// `sqlite:` and a path, `sqlite://` too. A path alone can't be told from a misspelt address and is refused.
    Sqlite(PathBuf),
}

/// The database that `url` names. Nothing is connected yet, so this works while the database is down; it must be called
/// inside a Tokio runtime. Entries of the audit log are stamped by `clock`.
pub fn open(url: &SecretString, clock: Clock) -> Result<Arc<dyn Store>, StoreError> {
    open_as(url, None, clock)
}

/// The same, with the address of the user who owns the tables if that is another one. A SQLite file has no users.
pub fn open_as(url: &SecretString, owner: Option<&SecretString>, clock: Clock) -> Result<Arc<dyn Store>, StoreError> {
    match (Address::read(url)?, owner) {
        (Address::Postgres(url), None) => Ok(Arc::new(Postgres::connect(&url, clock)?)),
        (Address::Postgres(url), Some(owner)) => Ok(Arc::new(Postgres::connect(&url, clock)?.owned_by(owner)?)),
        (Address::Sqlite(path), _) => Ok(Arc::new(Sqlite::open(&path, clock)?)),
    }
}

impl Address {
    /// Reads an address.
    pub fn read(url: &SecretString) -> Result<Address, StoreError> {
        let text = url.expose_secret();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Address::Postgres(url.clone()));
        }
        let path = text.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
        match path {
            Some(path) if !path.is_empty() && !path.starts_with(':') && !path.contains('?') => {
                Ok(Address::Sqlite(PathBuf::from(path)))
            }
            _ => Err(StoreError::Incompatible(
                "its address must begin with postgres://, or with sqlite: and a file's path".to_owned(),
            )),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Postgres(_) => f.write_str("Postgres"),
            Address::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
        }
    }
}
