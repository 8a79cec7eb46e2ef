//! Where the logs end. There is one slot, unless its log was altered: a file has one writer at a
//! time.

use sqlx::sqlite::SqliteConnection;

use crate::call::Class;
use crate::store::StoreError;
use crate::store::fault::fault;
use crate::store::logs::{self, CLAIMED, LogName, Logs};

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
        let mut slot = CLAIMED;
        loop {
            let changes = end(connection, LogName { slot, class: Class::Changes }).await?;
            let reads = end(connection, LogName { slot, class: Class::Reads }).await?;
            match logs::resume(slot, changes, reads) {
                Some(logs) => return Ok(Ends { version, logs }),
                None => slot += 1,
            }
        }
    }
}
