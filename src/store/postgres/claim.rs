//! Who runs on a Postgres database: a session's advisory locks, on a connection of its own. One lock says whether there may
//! be several instances, another is the slot of this one, a third is held by the one that leads.
//!
//! When the connection breaks, the locks are taken again. If another instance was faster, this one has lost its claim and
//! commits nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use super::committer::Committer;
use crate::store::fault::fault;
use crate::store::logs::{BESIDE, CLAIMED};
use crate::store::{StoreError, Tenancy};

/// The database's lock, exclusive or shared: "dts-gate" in ASCII.
const NAME: i64 = 0x6474_732d_6761_7465;
/// The lock of the one that leads: "dts-lead" in ASCII.
const LEADER: i64 = 0x6474_732d_6c65_6164;
/// First half of the names of the instances' locks, the second is the slot.
pub(super) const INSTANCE: i32 = 0x6474_7304;
/// How long the server may take to show that the connection lives, or to make a new one.
const ANSWER: Duration = Duration::from_secs(5);

/// What the session is told. The server shall notice within about 15 s that this side is gone.
const PREPARE: &str = "
    SET statement_timeout = 0;
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 3;
    SET tcp_keepalives_count = 3";

/// The connection that commits, if there is one.
pub(super) type Commits = Arc<Mutex<Option<Committer>>>;

/// The claim on a database.
pub(super) struct Claim {
    options: PgConnectOptions,
    pulse: Duration,
    keeper: Mutex<Option<AbortOnDropHandle<()>>>,
    standing: Arc<Standing>,
}

/// What is known of the claim.
#[derive(Default)]
struct Standing {
    lost: AtomicBool,
    leads: AtomicBool,
}

/// What is claimed.
#[derive(Clone, Copy)]
struct Claimed {
    tenancy: Tenancy,
    slot: i32,
}

impl Claim {
    /// No claim yet; once there is one, its connection is tried every `pulse`.
    pub(super) fn new(options: PgConnectOptions, pulse: Duration) -> Claim {
        Claim { options, pulse, keeper: Mutex::new(None), standing: Arc::default() }
    }

    /// Whether another instance has taken what was claimed.
    pub(super) fn is_lost(&self) -> bool {
        self.standing.lost.load(Ordering::Acquire)
    }

    /// Whether this instance leads.
    pub(super) fn leads(&self) -> bool {
        self.standing.leads.load(Ordering::Acquire)
    }

    /// Claims, waiting up to `patience` for another instance to go, and says which slot is this one's. Nothing if it was
    /// claimed before. What `commits` is given up with the claim: whoever has it now waits for the logs' locks.
    pub(super) async fn take(
        &self,
        tenancy: Tenancy,
        patience: Duration,
        commits: &Commits,
    ) -> Result<Option<i32>, StoreError> {
        let mut keeper = self.keeper.lock().await;
        if keeper.is_some() {
            return Ok(None);
        }
        let mut connection = connect(&self.options).await.map_err(fault)?;
        if !try_share(&mut connection, tenancy).await.map_err(fault)? {
            wait(&mut connection, tenancy, patience).await?;
        }
        let slot = free_slot(&mut connection).await?;
        lead(&mut connection, &self.standing).await.map_err(fault)?;
        let claimed = Claimed { tenancy, slot };
        let (standing, commits) = (Arc::clone(&self.standing), Arc::clone(commits));
        let keep = keep(self.options.clone(), self.pulse, connection, claimed, standing, commits);
        *keeper = Some(AbortOnDropHandle::new(tokio::spawn(keep)));
        Ok(Some(slot))
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

async fn try_share(connection: &mut PgConnection, tenancy: Tenancy) -> Result<bool, sqlx::Error> {
    let statement = match tenancy {
        Tenancy::Sole => "SELECT pg_try_advisory_lock($1)",
        Tenancy::Shared => "SELECT pg_try_advisory_lock_shared($1)",
    };
    sqlx::query_scalar(statement).bind(NAME).fetch_one(connection).await
}

async fn try_slot(connection: &mut PgConnection, slot: i32) -> Result<bool, sqlx::Error> {
    let statement = "SELECT pg_try_advisory_lock($1, $2)";
    sqlx::query_scalar(statement).bind(INSTANCE).bind(slot).fetch_one(connection).await
}

/// The first slot that no instance has.
async fn free_slot(connection: &mut PgConnection) -> Result<i32, StoreError> {
    for slot in CLAIMED..BESIDE {
        if try_slot(connection, slot).await.map_err(fault)? {
            return Ok(slot);
        }
    }
    Err(StoreError::Claimed)
}

/// Leads if nobody does. Once it does, it does so for as long as the connection lives.
async fn lead(connection: &mut PgConnection, standing: &Standing) -> Result<(), sqlx::Error> {
    if !standing.leads.load(Ordering::Acquire) {
        let leads = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LEADER).fetch_one(connection).await?;
        standing.leads.store(leads, Ordering::Release);
    }
    Ok(())
}

async fn wait(connection: &mut PgConnection, tenancy: Tenancy, patience: Duration) -> Result<(), StoreError> {
    let patience = patience.as_millis();
    if patience == 0 {
        return Err(StoreError::Claimed);
    }
    sqlx::query("SELECT set_config('lock_timeout', $1, false)")
        .bind(format!("{}ms", patience.min(i32::MAX as u128)))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let statement = match tenancy {
        Tenancy::Sole => "SELECT pg_advisory_lock($1)",
        Tenancy::Shared => "SELECT pg_advisory_lock_shared($1)",
    };
    let waited = sqlx::query(statement).bind(NAME).execute(connection).await;
    match waited {
        Ok(_) => Ok(()),
        // lock_not_available: the time is over.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => Err(StoreError::Claimed),
        Err(error) => Err(fault(error)),
    }
}

async fn keep(
    options: PgConnectOptions,
    pulse: Duration,
    connection: PgConnection,
    claimed: Claimed,
    standing: Arc<Standing>,
    commits: Commits,
) {
    let mut connection = Some(connection);
    loop {
        tokio::time::sleep(pulse).await;
        if let Some(mut alive) = connection.take()
            && let Ok(Ok(())) = tokio::time::timeout(ANSWER, pulse_of(&mut alive, &standing)).await
        {
            connection = Some(alive);
            continue;
        }
        tracing::warn!("the connection that holds the claim on the database broke, claiming again");
        standing.leads.store(false, Ordering::Release);
        connection = match tokio::time::timeout(ANSWER, again(&options, claimed)).await {
            Ok(Ok(Some(alive))) => {
                standing.lost.store(false, Ordering::Release);
                Some(alive)
            }
            Ok(Ok(None)) => {
                standing.lost.store(true, Ordering::Release);
                tracing::error!("another instance is running on this database, nothing more is committed");
                drop(commits.lock().await.take());
                None
            }
            Ok(Err(_)) | Err(_) => None,
        };
    }
}

async fn pulse_of(connection: &mut PgConnection, standing: &Standing) -> Result<(), sqlx::Error> {
    connection.ping().await?;
    lead(connection, standing).await
}

async fn again(options: &PgConnectOptions, claimed: Claimed) -> Result<Option<PgConnection>, sqlx::Error> {
    let mut connection = connect(options).await?;
    let is_ours = try_share(&mut connection, claimed.tenancy).await? && try_slot(&mut connection, claimed.slot).await?;
    Ok(is_ours.then_some(connection))
}
