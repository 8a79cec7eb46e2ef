//! That only one instance runs on a Postgres database: a session's advisory lock, on a connection of its own.
//!
//! When that connection breaks, the lock is taken again. If another instance was faster, this one has lost its claim and
//! commits nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use crate::store::StoreError;
use crate::store::fault::fault;

/// The lock's name: "dts-gate" in ASCII.
const NAME: i64 = 0x6474_732d_6761_7465;
/// How long the server may take to show that the connection lives, or to make a new one.
const ANSWER: Duration = Duration::from_secs(5);

/// What the session is told. The server shall notice within about 15 s that this side is gone.
const PREPARE: &str = "
    SET statement_timeout = 0;
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 3;
    SET tcp_keepalives_count = 3";

/// The claim on a database.
pub(super) struct Claim {
    options: PgConnectOptions,
    pulse: Duration,
    keeper: Mutex<Option<AbortOnDropHandle<()>>>,
    lost: Arc<AtomicBool>,
}

impl Claim {
    /// No claim yet; once there is one, its connection is tried every `pulse`.
    pub(super) fn new(options: PgConnectOptions, pulse: Duration) -> Claim {
        Claim { options, pulse, keeper: Mutex::new(None), lost: Arc::default() }
    }

    /// Whether another instance has taken what was claimed.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Claims, waiting up to `patience` for another instance to go.
    pub(super) async fn take(&self, patience: Duration) -> Result<(), StoreError> {
        let mut keeper = self.keeper.lock().await;
        if keeper.is_some() {
            return Ok(());
        }
        let mut connection = connect(&self.options).await.map_err(fault)?;
        if !try_lock(&mut connection).await.map_err(fault)? {
            wait(&mut connection, patience).await?;
        }
        let keep = keep(self.options.clone(), self.pulse, connection, Arc::clone(&self.lost));
        *keeper = Some(AbortOnDropHandle::new(tokio::spawn(keep)));
        Ok(())
    }

    /// Gives the claim back.
    pub(super) async fn release(&self) {
        drop(self.keeper.lock().await.take());
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    sqlx::raw_sql(PREPARE).execute(&mut connection).await?;
    Ok(connection)
}

async fn try_lock(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(NAME).fetch_one(connection).await
}

async fn wait(connection: &mut PgConnection, patience: Duration) -> Result<(), StoreError> {
    let patience = patience.as_millis();
    if patience == 0 {
        return Err(StoreError::Claimed);
    }
    sqlx::query("SELECT set_config('lock_timeout', $1, false)")
        .bind(format!("{}ms", patience.min(i32::MAX as u128)))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let waited = sqlx::query("SELECT pg_advisory_lock($1)").bind(NAME).execute(connection).await;
    match waited {
        Ok(_) => Ok(()),
        // lock_not_available: the time is over.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => Err(StoreError::Claimed),
        Err(error) => Err(fault(error)),
    }
}

async fn keep(options: PgConnectOptions, pulse: Duration, connection: PgConnection, lost: Arc<AtomicBool>) {
    let mut connection = Some(connection);
    loop {
        tokio::time::sleep(pulse).await;
        if let Some(mut alive) = connection.take()
            && let Ok(Ok(())) = tokio::time::timeout(ANSWER, alive.ping()).await
        {
            connection = Some(alive);
            continue;
        }
        tracing::warn!("the connection that holds the claim on the database broke, claiming again");
        connection = match tokio::time::timeout(ANSWER, again(&options)).await {
            Ok(Ok(Some(alive))) => {
                lost.store(false, Ordering::Release);
                Some(alive)
            }
            Ok(Ok(None)) => {
                lost.store(true, Ordering::Release);
                tracing::error!("another instance is running on this database, nothing more is committed");
                None
            }
            Ok(Err(_)) | Err(_) => None,
        };
    }
}

async fn again(options: &PgConnectOptions) -> Result<Option<PgConnection>, sqlx::Error> {
    let mut connection = connect(options).await?;
    Ok(try_lock(&mut connection).await?.then_some(connection))
}
