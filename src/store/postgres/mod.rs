//! The store in Postgres.
//!
//! One connection commits, for as long as it works; a small pool answers everything else. Every connection has
//! `synchronous_commit` on and bounded statements. A commit that broke off takes its connection with it: whatever the
//! server still does with it, the next one waits for its locks and then sees what it left.

mod claim;
mod commit;
mod committer;
mod keys;
mod log;
mod log_store;
mod read;
mod retain;
mod roles;
#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool, SqlSafeStr};
use uuid::Uuid;

use super::fault::{fault, within};
use super::page::Words;
use super::{
    By, Count, Entry, Filter, KeyRow, KeyState, LogStore, Page, Per, Phases, Remembered, ReplayKey, Store, StoreError,
    TaskRow, Tenancy, Unsettled, Verdict,
};
use crate::call::Clock;
use claim::{Claim, Commits};
use committer::Committer;

/// How long the server works on a statement or waits for a lock; what [`PREPARE`] sets.
const STATEMENT: Duration = Duration::from_secs(5);
/// How long we wait for an operation: a statement's time and that of connecting.
const OPERATION: Duration = Duration::from_secs(8);
/// How long a read waits for a connection: the pool keeps trying a server that is down, and callers wait meanwhile.
const ACQUIRE: Duration = Duration::from_secs(2);
/// How long migrations may take, with waiting for another instance that runs them.
const MIGRATION: Duration = Duration::from_secs(600);
/// How often it is made sure that the claim's connection lives.
const PULSE: Duration = Duration::from_secs(5);
/// Connections beside the one that commits and the one that holds the claim: reads of callers' requests and of auditors.
const CONNECTIONS: u32 = 8;

/// Partitions are made for this month and so many after it.
const MONTHS_AHEAD: i32 = 2;
/// How often the lock of a slot is waited for at a start, for [`STATEMENT`] each: longer than the server takes to notice that
/// a machine is gone (15 s, see `committer`).
const TRIES: u32 = 4;
/// No slot was taken yet.
const NO_SLOT: i32 = -1;

/// What a connection is told before it is used. `remote_apply` waits for more than `on` and is left alone.
const PREPARE: &str = "
    SET statement_timeout = '5s';
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s';
    SELECT set_config('synchronous_commit',
        CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)";

/// A Postgres database.
pub struct Postgres {
    options: PgConnectOptions,
    /// The user who owns the tables, if it is another one.
    owner: Option<PgConnectOptions>,
    pool: PgPool,
    committer: Commits,
    /// The slot whose logs it writes; none yet is -1.
    slot: AtomicI32,
    claim: Claim,
    clock: Clock,
}

impl Postgres {
    /// A database by its address. Connections are made when they are needed, so this works while the server is down;
    /// it must be called inside a Tokio runtime. Entries are stamped by `clock`.
    pub fn connect(url: &SecretString, clock: Clock) -> Result<Postgres, StoreError> {
        let options = PgConnectOptions::from_str(url.expose_secret())
            .map_err(fault)?
            .application_name("dts-gateway")
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .after_connect(|connection, _| Box::pin(prepare(connection)))
            .connect_lazy_with(options.clone());
        let claim = Claim::new(options.clone(), PULSE);
        let slot = AtomicI32::new(NO_SLOT);
        Ok(Postgres { claim, options, owner: None, pool, committer: Commits::default(), slot, clock })
    }

    /// Changes the schema, and drops what was kept long enough, by another user's address: the one who owns the tables.
    pub fn owned_by(mut self, url: &SecretString) -> Result<Postgres, StoreError> {
        let options = PgConnectOptions::from_str(url.expose_secret()).map_err(fault)?;
        self.owner = Some(options.application_name("dts-gateway migrate").disable_statement_logging());
        Ok(self)
    }

    /// A connection of whoever owns the tables. Its statements may take long.
    async fn owner(&self) -> Result<PgConnection, StoreError> {
        let options = self.owner.as_ref().unwrap_or(&self.options);
        let mut connection = options.connect().await.map_err(fault)?;
        prepare(&mut connection).await.map_err(fault)?;
        sqlx::raw_sql("SET statement_timeout = 0").execute(&mut connection).await.map_err(fault)?;
        Ok(connection)
    }

    async fn connection(&self) -> Result<PgConnection, StoreError> {
        let mut connection = self.options.connect().await.map_err(fault)?;
        prepare(&mut connection).await.map_err(fault)?;
        Ok(connection)
    }

    async fn try_migrate(&self) -> Result<(), StoreError> {
        // A connection of its own: when it fails, the lock that other instances wait for goes with it.
        let mut connection = self.owner().await?;
        // A user who may not change the schema may run on it.
        if self.owner.is_some() || !roles::is_current(&mut connection).await? {
            sqlx::raw_sql("SET lock_timeout = 0").execute(&mut connection).await.map_err(fault)?;
            migrations().run_direct(None, &mut connection, false).await.map_err(roles::not_allowed)?;
        }
        let runtime = self.options.get_username();
        if self.owner.as_ref().is_some_and(|owner| owner.get_username() != runtime) {
            roles::grant(&mut connection, runtime).await?;
        }
        connection.close().await.map_err(fault)
    }

    async fn try_warnings(&self) -> Result<Vec<String>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(fault)?;
        let mut warnings = Vec::new();
        if roles::is_master(&mut connection).await? {
            warnings.push(
                "the database's user could change the audit log, only triggers hold it back; \
                 docs/OPERATIONS.md says how to run with a user who can't (store.migrate_url)"
                    .to_owned(),
            );
        }
        Ok(warnings)
    }

    async fn try_commit(&self, entries: &[Entry]) -> Result<Vec<Verdict>, StoreError> {
        if self.claim.is_lost() {
            return Err(StoreError::Claimed);
        }
        let mut held = self.committer.lock().await;
        let mut committer = match held.take() {
            Some(committer) => committer,
            None => self.committer().await?,
        };
        let verdicts = commit::commit(&mut committer, entries, self.clock.now()).await?;
        *held = Some(committer);
        Ok(verdicts)
    }

    /// A new connection that commits, to the logs that the last one wrote.
    async fn committer(&self) -> Result<Committer, StoreError> {
        let slot = self.slot.load(Ordering::Acquire);
        let committer = Committer::start(self.connection().await?, (slot != NO_SLOT).then_some(slot)).await?;
        self.slot.store(committer.logs.slot(), Ordering::Release);
        Ok(committer)
    }

    /// Waits until nothing that an earlier instance was still committing to this slot can come through any more.
    async fn take_slot(&self) -> Result<(), StoreError> {
        let mut held = self.committer.lock().await;
        let mut tries = 0;
        while held.is_none() && self.slot.load(Ordering::Acquire) != NO_SLOT {
            tries += 1;
            match self.committer().await {
                Ok(committer) => *held = Some(committer),
                // Each waits as long as a statement may.
                Err(StoreError::Unavailable(_)) if tries < TRIES => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn try_claim(&self, tenancy: Tenancy, patience: Duration) -> Result<(), StoreError> {
        let Some(slot) = self.claim.take(tenancy, patience, &self.committer).await? else { return Ok(()) };
        if self.slot.swap(slot, Ordering::AcqRel) != slot {
            drop(self.committer.lock().await.take());
        }
        Ok(())
    }

    async fn try_ping(&self) -> Result<(), StoreError> {
        let writable: bool =
            sqlx::query_scalar("SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'")
                .fetch_one(&self.pool)
                .await
                .map_err(fault)?;
        if writable { Ok(()) } else { Err(StoreError::Unavailable("it is read-only".to_owned())) }
    }
}

#[async_trait]
impl Store for Postgres {
    async fn migrate(&self) -> Result<(), StoreError> {
        within(MIGRATION, self.try_migrate()).await
    }

    async fn warnings(&self) -> Result<Vec<String>, StoreError> {
        within(OPERATION, self.try_warnings()).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        within(OPERATION, self.try_ping()).await
    }

    async fn commit(&self, entries: &[Entry]) -> Result<Vec<Verdict>, StoreError> {
        within(OPERATION, self.try_commit(entries)).await
    }

    async fn records(&self, filter: &Filter) -> Result<Page, StoreError> {
        within(OPERATION, read::records(&self.pool, filter)).await
    }

    async fn phases(&self, id: Uuid) -> Result<Phases, StoreError> {
        within(OPERATION, read::phases(&self.pool, id)).await
    }

    async fn summary(&self, filter: &Filter, per: Per, by: By, most: u32) -> Result<Vec<Count>, StoreError> {
        within(OPERATION, read::summary(&self.pool, filter, per, by, most)).await
    }

    async fn tasks(&self, account: &str, tasks: &[String]) -> Result<Vec<TaskRow>, StoreError> {
        within(OPERATION, read::tasks(&self.pool, account, tasks)).await
    }

    async fn tasks_of(&self, account: &str, team: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        within(OPERATION, read::tasks_of(&self.pool, account, team, limit)).await
    }

    async fn remembered(&self, key: &ReplayKey, now: Timestamp) -> Result<Option<Remembered>, StoreError> {
        within(OPERATION, read::remembered(&self.pool, key, now)).await
    }

    async fn all_remembered(&self, now: Timestamp) -> Result<Vec<Remembered>, StoreError> {
        read::all_remembered(&self.pool, now).await
    }

    async fn forget(&self, now: Timestamp) -> Result<u64, StoreError> {
        within(OPERATION, read::forget(&self.pool, now)).await
    }

    async fn open_changes(&self, at_start: bool) -> Result<Vec<crate::call::Record>, StoreError> {
        if at_start {
            within(OPERATION * TRIES, self.take_slot()).await?;
        }
        let own = at_start.then(|| self.slot.load(Ordering::Acquire));
        within(OPERATION, read::open_changes(&self.pool, own)).await
    }

    async fn unsettled(&self, since: Timestamp, limit: u32) -> Result<Vec<Unsettled>, StoreError> {
        within(OPERATION, read::unsettled(&self.pool, since, limit)).await
    }

    async fn insert_key(&self, key: &KeyRow) -> Result<(), StoreError> {
        within(OPERATION, keys::insert(&self.pool, key)).await
    }

    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        within(OPERATION, keys::all(&self.pool)).await
    }

    async fn key(&self, key_id: &str) -> Result<Option<KeyRow>, StoreError> {
        within(OPERATION, keys::one(&self.pool, key_id)).await
    }

    async fn end_key(&self, key_id: &str, state: KeyState) -> Result<bool, StoreError> {
        within(OPERATION, keys::end(&self.pool, key_id, state)).await
    }

    async fn reseal_key(&self, key: &KeyRow, sealed_secret: &[u8], sealed_with: &str) -> Result<bool, StoreError> {
        within(OPERATION, keys::reseal(&self.pool, key, sealed_secret, sealed_with)).await
    }

    async fn touch_keys(&self, used: &[(String, Timestamp)]) -> Result<(), StoreError> {
        within(OPERATION, keys::touch(&self.pool, used)).await
    }

    async fn claim(&self, tenancy: Tenancy, patience: Duration) -> Result<(), StoreError> {
        within(OPERATION + patience, self.try_claim(tenancy, patience)).await
    }

    fn leads(&self) -> bool {
        self.claim.leads()
    }

    fn log(&self) -> &dyn LogStore {
        self
    }

    async fn close(&self) {
        if let Some(committer) = self.committer.lock().await.take() {
            // What it had to say is committed; a server that does not answer must not hold us.
            drop(tokio::time::timeout(STATEMENT, committer.connection.close()).await);
        }
        drop(tokio::time::timeout(STATEMENT, self.pool.close()).await);
        self.claim.release().await;
    }
}

impl Words for sqlx::Postgres {
    type Time = jiff_sqlx::Timestamp;

    const COLUMNS: &'static str = "r.id, r.time, r.account, r.team, r.caller, r.key_id, r.address, r.family, \
         r.version, r.action, r.region, to_json(r.task_ids)::text AS task_ids, r.outcome, r.reason, r.caller_gone, \
         r.settled, r.request_id, r.upstream_request_id, r.upstream_code, r.waited_ms, r.detail::text AS detail, \
         r.calls";

    const OF_THE_END: &'static str = " AND t.class = r.class AND t.recorded_at = r.recorded_at";

    const POSITION: &'static str = "strpos";

    const ASCII: &'static str = "\"C\"";

    fn bucket(per: Per) -> &'static str {
        match per {
            Per::Minute => "date_bin('1 minute', r.time, '1970-01-01T00:00:00Z')",
            Per::Hour => "date_bin('1 hour', r.time, '1970-01-01T00:00:00Z')",
            Per::Day => "date_bin('1 day', r.time, '1970-01-01T00:00:00Z')",
        }
    }

    fn time(time: Timestamp) -> Self::Time {
        jiff_sqlx::Timestamp::from(super::clean::time(time))
    }

    fn timestamp(time: Self::Time) -> Result<Timestamp, StoreError> {
        Ok(time.to_jiff())
    }
}

/// The migrations, oldest first. Files that were released are never edited, their checksums are in every database.
fn migrations() -> Migrator {
    let all = [
        (1, "start", include_str!("../../../migrations/postgres/0001_start.sql")),
        (2, "provable log", include_str!("../../../migrations/postgres/0002_provable_log.sql")),
        (3, "settlements", include_str!("../../../migrations/postgres/0003_settlements.sql")),
        (4, "roles and retention", include_str!("../../../migrations/postgres/0004_roles_and_retention.sql")),
        (5, "counted calls", include_str!("../../../migrations/postgres/0005_counted_calls.sql")),
        (6, "statements", include_str!("../../../migrations/postgres/0006_statements.sql")),
    ];
    let migration = |(version, name, text): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(all.map(migration).to_vec())
}

async fn prepare(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(PREPARE).execute(connection).await.map(|_| ())
}
