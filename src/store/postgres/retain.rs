//! Dropping the beginning of logs, and what keeps it.

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, PgPool, Row as _};

use crate::call::Class;
use crate::proof::Hash;
use crate::store::StoreError;
use crate::store::fault::fault;
use crate::store::hold::{self, Hold, Start};
use crate::store::log::{self, TABLES};
use crate::store::logs::{self, LogName};
use crate::store::page::Words;

/// Where a log begins, if its beginning was dropped.
pub(super) async fn start(connection: &mut PgConnection, log: LogName) -> Result<Option<Start>, StoreError> {
    let row = sqlx::query(
        "SELECT start, hashes, recorded_at FROM audit_dropped WHERE slot = $1 AND class = $2 ORDER BY start DESC LIMIT 1",
    )
    .bind(log.slot)
    .bind(log.class.as_str())
    .fetch_optional(connection)
    .await
    .map_err(fault)?;
    let Some(row) = row else { return Ok(None) };
    let recorded_at = <sqlx::Postgres as Words>::timestamp(row.try_get(2).map_err(fault)?)?;
    let hashes: Vec<u8> = row.try_get(1).map_err(fault)?;
    hold::start(log, row.try_get(0).map_err(fault)?, &hashes, recorded_at).map(Some)
}

/// Whether this user may drop.
pub(super) async fn may_drop(connection: &mut PgConnection) -> Result<(), StoreError> {
    let owns: bool = sqlx::query_scalar(
        "SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class WHERE oid = 'audit_records'::regclass",
    )
    .fetch_one(connection)
    .await
    .map_err(fault)?;
    let help = "only the owner of its tables can drop what was kept long enough: set store.migrate_url, or run \
                `dts-gateway audit retain` with a configuration that has it";
    if owns { Ok(()) } else { Err(StoreError::Incompatible(help.to_owned())) }
}

/// Drops what was committed before a time, whole months, all in one transaction. `starts` says where each log of the class
/// begins then; if the rows say otherwise, nothing is dropped.
pub(super) async fn drop_before(
    connection: &mut PgConnection,
    class: Class,
    before: Timestamp,
    starts: &[Start],
) -> Result<(), StoreError> {
    let mut transaction = connection.begin().await.map_err(fault)?;
    for start in starts {
        sqlx::query(
            "INSERT INTO audit_dropped (slot, class, start, hashes, recorded_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(start.log.slot)
        .bind(class.as_str())
        .bind(logs::whole(start.start)?)
        .bind(Hash::concat(&start.hashes))
        .bind(<sqlx::Postgres as Words>::time(start.recorded_at))
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
    }
    // All that is looked at is looked at before the tables are shut.
    for (table, _) in TABLES {
        if misfits(&mut transaction, table, class, before, starts).await? {
            return Err(hold::altered());
        }
    }
    // Whoever writes waits behind us: rather give up, and be called again.
    sqlx::raw_sql("SET LOCAL lock_timeout = '500ms'").execute(&mut *transaction).await.map_err(fault)?;
    sqlx::query("SELECT audit_drop($1, $2)")
        .bind(class.as_str())
        .bind(<sqlx::Postgres as Words>::time(before))
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
    transaction.commit().await.map_err(fault)
}

/// Whether the months that go are not exactly what comes before the logs' new beginnings.
async fn misfits(
    connection: &mut PgConnection,
    table: &str,
    class: Class,
    before: Timestamp,
    starts: &[Start],
) -> Result<bool, StoreError> {
    // Log by log, so that an index leads to what is asked for.
    for start in starts {
        let statement = format!(
            "SELECT EXISTS (SELECT 1 FROM {table} WHERE class = $1 AND slot = $2 AND leaf >= $3 AND recorded_at < $4)
                 OR EXISTS (SELECT 1 FROM {table} WHERE class = $1 AND slot = $2 AND leaf < $3 AND recorded_at >= $4)"
        );
        let found: bool = sqlx::query_scalar(AssertSqlSafe(statement))
            .bind(class.as_str())
            .bind(start.log.slot)
            .bind(logs::whole(start.start)?)
            .bind(<sqlx::Postgres as Words>::time(before))
            .fetch_one(&mut *connection)
            .await
            .map_err(fault)?;
        if found {
            return Ok(true);
        }
    }
    let slots: Vec<i32> = starts.iter().map(|start| start.log.slot).collect();
    let statement = format!(
        "SELECT EXISTS (SELECT 1 FROM {table} WHERE class = $1 AND slot <> ALL($2) AND leaf IS NOT NULL AND recorded_at < $3)"
    );
    sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(class.as_str())
        .bind(slots)
        .bind(<sqlx::Postgres as Words>::time(before))
        .fetch_one(connection)
        .await
        .map_err(fault)
}

/// Every hold, as it was last said.
pub(super) async fn holds(pool: &PgPool) -> Result<Vec<Hold>, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT ON (name) name, first, last, reason, who, at, released FROM audit_holds ORDER BY name, number DESC",
    )
    .fetch_all(pool)
    .await
    .map_err(fault)?;
    rows.iter().map(log::hold).collect()
}

/// Says of a hold what it is now.
pub(super) async fn note_hold(pool: &PgPool, hold: &Hold) -> Result<(), StoreError> {
    let time = <sqlx::Postgres as Words>::time;
    sqlx::query(
        "INSERT INTO audit_holds (name, first, last, reason, who, at, released) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&hold.name)
    .bind(time(hold.from))
    .bind(time(hold.to))
    .bind(&hold.reason)
    .bind(&hold.who)
    .bind(time(hold.at))
    .bind(hold.released)
    .execute(pool)
    .await
    .map(drop)
    .map_err(fault)
}
