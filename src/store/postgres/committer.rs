//! The connection that commits, and the slot that it writes the logs of.

use sqlx::postgres::PgConnection;

use crate::call::Class;
use crate::store::StoreError;
use crate::store::fault::fault;
use crate::store::logs::{self, BESIDE, LogName, Logs};

use super::log::end;

/// First half of the advisory locks' names: a session that holds the lock of a slot is the only one that writes its logs.
const SLOT_LOCK: i32 = 0x6474_7303;

/// How soon the server notices that this side is gone, and gives the slot's lock back: about 15 s.
const PREPARE: &str = "
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 3;
    SET tcp_keepalives_count = 3";

/// A connection that commits.
pub(super) struct Committer {
    /// The connection.
    pub(super) connection: PgConnection,
    /// The ends of the logs that it writes, as of the last commit.
    pub(super) logs: Logs,
}

impl Committer {
    /// Takes a slot: the one given, waiting until its lock is free, or the first free one behind those of the instances.
    pub(super) async fn start(mut connection: PgConnection, slot: Option<i32>) -> Result<Committer, StoreError> {
        sqlx::raw_sql(PREPARE).execute(&mut connection).await.map_err(fault)?;
        // An instance whose log was altered goes on in slots by which it can still be told which instance it is.
        let step = if slot.is_some() { BESIDE } else { 1 };
        let mut slot = match slot {
            // Whatever an earlier connection was doing has ended when its lock is free.
            Some(slot) => wait_for(&mut connection, slot).await?,
            None => first_free(&mut connection, BESIDE, step).await?,
        };
        loop {
            let changes = end(&mut connection, LogName { slot, class: Class::Changes }).await?;
            let reads = end(&mut connection, LogName { slot, class: Class::Reads }).await?;
            match logs::resume(slot, changes, reads) {
                Some(logs) => return Ok(Committer { connection, logs }),
                None => slot = first_free(&mut connection, slot + step, step).await?,
            }
        }
    }
}

async fn wait_for(connection: &mut PgConnection, slot: i32) -> Result<i32, StoreError> {
    sqlx::query("SELECT pg_advisory_lock($1, $2)")
        .bind(SLOT_LOCK)
        .bind(slot)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(slot)
}

async fn first_free(connection: &mut PgConnection, from: i32, step: i32) -> Result<i32, StoreError> {
    let mut slot = from;
    loop {
        let is_free: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)")
            .bind(SLOT_LOCK)
            .bind(slot)
            .fetch_one(&mut *connection)
            .await
            .map_err(fault)?;
        if is_free {
            return Ok(slot);
        }
        slot += step;
    }
}
