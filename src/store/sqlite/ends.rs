//! Where the logs end. There is one slot: a file has one writer at a time.

use sqlx::sqlite::SqliteConnection;

use crate::call::Class;
use crate::store::StoreError;
use crate::store::fault::fault;
use crate::store::logs::{CLAIMED, LogName, Logs};

use super::log::end;

/// The logs' ends, and at which state of the file they were known.
pub(super) struct Ends {
    version: i64,
    /// The logs.
    pub(super) logs: Logs,
}

impl Ends {
    /// The ends as they are now, inside a transaction that writes. Another process that wrote to the file meanwhile (a
    /// command that was recorded) has moved them, and they are read again.
    pub(super) async fn current(connection: &mut SqliteConnection, known: Option<Ends>) -> Result<Ends, StoreError> {
        let version: i64 =
            sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *connection).await.map_err(fault)?;
        if let Some(ends) = known.filter(|ends| ends.version == version) {
            return Ok(ends);
        }
        let changes = end(connection, LogName { slot: CLAIMED, class: Class::Changes }).await?;
        let reads = end(connection, LogName { slot: CLAIMED, class: Class::Reads }).await?;
        Ok(Ends { version, logs: Logs::new(CLAIMED, changes, reads) })
    }
}
