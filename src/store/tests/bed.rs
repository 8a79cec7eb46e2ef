//! A database of its own for every test.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection, Row};
use tempfile::TempDir;
use uuid::Uuid;

use crate::call::Clock;
use crate::store::{Filter, Page, Store, open};

/// Where a test runs.
pub(crate) struct Bed {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Sqlite { folder: TempDir },
    Postgres { server: String, name: String },
}

/// Runs a test on both databases, each with a schema, in threads that bear their names.
pub(crate) fn on_both(test: impl AsyncFn(&Bed) + Sync) {
    on_both_empty(async |bed| {
        bed.store.migrate().await.unwrap();
        test(bed).await;
    });
}

/// The same without a schema.
pub(crate) fn on_both_empty(test: impl AsyncFn(&Bed) + Sync) {
    let test = &test;
    std::thread::scope(|scope| {
        let run = |name: &str, make: fn() -> Kind| {
            let thread = std::thread::Builder::new().name(name.to_owned());
            thread.spawn_scoped(scope, move || on(make(), test)).unwrap()
        };
        let threads = [run("SQLite", sqlite), run("Postgres", postgres)];
        let ends = threads.map(|thread| thread.join());
        for end in ends {
            end.unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}

/// Runs a test on Postgres, with a schema.
pub(crate) fn on_postgres(test: impl AsyncFn(&Bed)) {
    on(postgres(), &async |bed: &Bed| {
        bed.store.migrate().await.unwrap();
        test(bed).await;
    });
}

/// Runs a test on SQLite, with a schema.
pub(crate) fn on_sqlite(test: impl AsyncFn(&Bed)) {
    on(sqlite(), &async |bed: &Bed| {
        bed.store.migrate().await.unwrap();
        test(bed).await;
    });
}

impl Bed {
    /// The database's address.
    pub(crate) fn url(&self) -> SecretString {
        address(&self.kind)
    }

    /// Another instance on the same database.
    pub(crate) fn another(&self) -> Arc<dyn Store> {
        open(&self.url(), Clock::system()).unwrap()
    }

    /// Runs a statement behind the store's back.
    pub(crate) async fn raw(&self, statement: &str) -> Result<(), sqlx::Error> {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        match &self.kind {
            Kind::Sqlite { folder } => {
                let file = format!("sqlite:{}/gateway.sqlite", folder.path().display());
                let mut connection = sqlx::SqliteConnection::connect(&file).await?;
                statement.execute(&mut connection).await?;
            }
            Kind::Postgres { server, name } => {
                let mut connection = sqlx::PgConnection::connect(&format!("{server}/{name}")).await?;
                statement.execute(&mut connection).await?;
            }
        }
        Ok(())
    }

    /// Rows of a table.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        let statement = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        match &self.kind {
            Kind::Sqlite { folder } => {
                let file = format!("sqlite:{}/gateway.sqlite", folder.path().display());
                let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
                sqlx::query(statement).fetch_one(&mut connection).await.unwrap().get(0)
            }
            Kind::Postgres { server, name } => {
                let mut connection = sqlx::PgConnection::connect(&format!("{server}/{name}")).await.unwrap();
                sqlx::query(statement).fetch_one(&mut connection).await.unwrap().get(0)
            }
        }
    }

    /// A page.
    pub(crate) async fn page(&self, filter: Filter) -> Page {
        self.store.records(&filter).await.unwrap()
    }
}

fn on(kind: Kind, test: &impl AsyncFn(&Bed)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Kind::Postgres { server, name } = &kind {
        runtime.block_on(execute(server, format!("CREATE DATABASE {name}")));
    }
    let store = {
        let _inside = runtime.enter();
        open(&address(&kind), Clock::system()).unwrap()
    };
    let bed = Bed { store, kind };
    let end = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(&bed))));
    runtime.block_on(bed.store.close());
    if let Kind::Postgres { server, name } = &bed.kind {
        runtime.block_on(execute(server, format!("DROP DATABASE {name} WITH (FORCE)")));
    }
    end.unwrap_or_else(|panic| resume_unwind(panic));
}

fn address(kind: &Kind) -> SecretString {
    match kind {
        Kind::Sqlite { folder } => format!("sqlite:{}/gateway.sqlite", folder.path().display()).into(),
        Kind::Postgres { server, name } => format!("{server}/{name}").into(),
    }
}

fn sqlite() -> Kind {
    Kind::Sqlite { folder: tempfile::tempdir().unwrap() }
}

#[expect(clippy::disallowed_methods, reason = "a test has no main that hands it the environment")]
fn postgres() -> Kind {
    let url = std::env::var("DATABASE_URL")
        .expect("DATABASE_URL is not set: the store's tests need a Postgres server, run them with `make test`");
    let server = url.rsplit_once('/').expect("DATABASE_URL has no database").0.to_owned();
    Kind::Postgres { server, name: format!("store_{}", Uuid::new_v4().simple()) }
}

async fn execute(server: &str, statement: String) {
    let mut connection = sqlx::PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}
