//! A database for each test: a file in its folder, or a database of its own on a throwaway Postgres server.

use sqlx::{Connection, PgConnection};

/// On which database.
#[derive(Clone, Copy, Debug)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// A database of a test's own. SQLite's is a file in the test's folder.
pub struct TestDatabase(Option<(String, String)>);

impl TestDatabase {
    pub async fn create(database: Database) -> TestDatabase {
        let Database::Postgres = database else { return TestDatabase(None) };
        let (server, name) = (postgres_url(), format!("it_{}", uuid::Uuid::new_v4().simple()));
        on_server(&format!("CREATE DATABASE {name}")).await;
        let (base, _) = server.rsplit_once('/').unwrap();
        TestDatabase(Some((format!("{base}/{name}"), name)))
    }

    pub fn postgres_url(&self) -> Option<&str> {
        self.0.as_ref().map(|(url, _)| url.as_str())
    }

    /// The password in the URL.
    pub fn password(&self) -> Option<String> {
        let (_, rest) = self.postgres_url()?.split_once("://")?;
        let (user, _) = rest.rsplit_once('@')?;
        Some(user.split_once(':')?.1.to_owned())
    }

    /// Nobody gets in any more, and who was in is thrown out: for a client, the server is gone.
    pub async fn lock_out(&self) {
        let (_, name) = self.0.as_ref().unwrap();
        on_server(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")).await;
        on_server(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    }

    /// As before.
    pub async fn let_in(&self) {
        let (_, name) = self.0.as_ref().unwrap();
        on_server(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")).await;
    }

    pub async fn drop_it(&self) {
        if let Some((_, name)) = &self.0 {
            on_server(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

async fn on_server(statement: &str) {
    let mut server = PgConnection::connect(&postgres_url()).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut server).await.unwrap();
}

fn postgres_url() -> String {
    let url = std::env::var("DATABASE_URL");
    url.expect("DATABASE_URL must name a throwaway Postgres server: run `make test`")
}
