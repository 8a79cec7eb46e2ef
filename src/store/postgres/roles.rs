//! Two users of a Postgres database: one that owns the tables and changes the schema, and one that the gateway runs as, which
//! can add to the log and read it and nothing else. Triggers bind the owner's mistakes, privileges bind whoever takes over
//! a running gateway.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use super::migrations;
use crate::store::StoreError;
use crate::store::fault::{fault, is_not_allowed, migration};

/// The advisory lock under which privileges are given: two that change one table's at once hinder each other.
const GRANT_LOCK: i64 = 0x6474_732d_6772_616e;

/// Tables that are written anew all the time. The log's are those whose names begin with `audit_`.
const WORKING: [&str; 4] = ["open_changes", "tasks", "remembered", "issued_keys"];

/// Everything that the running gateway may do; what it may do beyond that is taken from it. Partitions need no privileges
/// of their own, they are reached through their table. Where dropped parts are noted only who drops them may write.
const GRANT: &str = "
    DO $grant$
    DECLARE
        runtime name := {role};
        found   regclass;
    BEGIN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), runtime);
        FOR found IN SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                     AND relkind IN ('r', 'p', 'S') AND pg_has_role(relowner, 'MEMBER') LOOP
            EXECUTE format('REVOKE ALL ON TABLE %s FROM %I', found, runtime);
        END LOOP;
        FOR found IN SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                     AND relkind IN ('r', 'p') AND NOT relispartition AND relname LIKE 'audit\\_%' LOOP
            EXECUTE format('GRANT SELECT ON %s TO %I', found, runtime);
            IF found <> 'audit_dropped'::regclass THEN
                EXECUTE format('GRANT INSERT ON %s TO %I', found, runtime);
            END IF;
        END LOOP;
        -- Partitions that are made later get nothing either, whatever somebody gave this user of all tables to come.
        EXECUTE format('ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM %I', runtime);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON TABLES FROM %I', current_schema(), runtime);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON {working} TO %I', runtime);
        EXECUTE format('GRANT SELECT ON _sqlx_migrations TO %I', runtime);
        EXECUTE format('GRANT EXECUTE ON FUNCTION audit_prepare(timestamptz) TO %I', runtime);
    END
    $grant$";

/// Gives the user that the gateway runs as what it needs.
pub(super) async fn grant(connection: &mut PgConnection, role: &str) -> Result<(), StoreError> {
    let literal: String = sqlx::query_scalar("SELECT quote_literal($1::text)")
        .bind(role)
        .fetch_one(&mut *connection)
        .await
        .map_err(fault)?;
    let text = GRANT.replace("{role}", &literal).replace("{working}", &WORKING.join(", "));
    let mut transaction = connection.begin().await.map_err(fault)?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(GRANT_LOCK).execute(&mut *transaction).await.map_err(fault)?;
    match sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *transaction).await {
        Ok(_) => transaction.commit().await.map_err(fault),
        // undefined_object
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42704") => Err(StoreError::Incompatible(
            format!("there is no user {role}, make it: CREATE ROLE \"{role}\" LOGIN PASSWORD '…'"),
        )),
        Err(error) => Err(fault(error)),
    }
}

/// Whether the schema is the one that this program knows, asked without any right to change it.
pub(super) async fn is_current(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let applied = sqlx::query_as::<_, (i64, bool, Vec<u8>)>(
        "SELECT version, success, checksum FROM _sqlx_migrations ORDER BY version",
    );
    let applied = match applied.fetch_all(connection).await {
        Ok(applied) => applied,
        // undefined_table: there is no schema. insufficient_privilege: nobody has given this user anything yet.
        Err(sqlx::Error::Database(error)) if matches!(error.code().as_deref(), Some("42P01" | "42501")) => {
            return Ok(false);
        }
        Err(error) => return Err(fault(error)),
    };
    let known = migrations();
    let same = |(version, success, checksum): &(i64, bool, Vec<u8>)| {
        *success && known.iter().any(|known| known.version == *version && known.checksum[..] == checksum[..])
    };
    Ok(applied.len() == known.iter().count() && applied.iter().all(same))
}

/// What a failed migration says to somebody whose user may not do it.
pub(super) fn not_allowed(error: sqlx::migrate::MigrateError) -> StoreError {
    let why = migration(error);
    if is_not_allowed(&why) {
        return StoreError::Incompatible(
            "its schema is not up to date and the user of store.url may not change it: \
             run `dts-gateway migrate` with a configuration that has store.migrate_url"
                .to_owned(),
        );
    }
    why
}

/// Whether this user could change what stands in the log, in any part of it.
pub(super) async fn is_master(connection: &mut PgConnection) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT COALESCE(bool_or(pg_has_role(current_user, relowner, 'MEMBER')
             OR has_table_privilege(current_user, oid, 'UPDATE, DELETE, TRUNCATE')), false)
         FROM pg_class WHERE relnamespace = current_schema()::regnamespace
             AND relkind IN ('r', 'p') AND relname LIKE 'audit\\_%'",
    )
    .fetch_one(connection)
    .await
    .map_err(fault)
}
