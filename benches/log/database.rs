//! A database of its own, dropped at the end.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

pub(crate) struct Database {
    pub(crate) url: SecretString,
    server: String,
    name: String,
}

impl Database {
    pub(crate) async fn create() -> Database {
        #[expect(clippy::disallowed_methods, reason = "where a measurement's database is, its environment says")]
        let server = std::env::var("DATABASE_URL").unwrap_or_default();
        assert!(!server.is_empty(), "run it through scripts/with-services.sh, which starts a Postgres of its own");
        let server = server.rsplit_once('/').map(|(server, _)| server.to_owned()).unwrap();
        let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
        let database = Database { url: format!("{server}/{name}").into(), server, name };
        database.on_server(&format!("CREATE DATABASE {}", database.name)).await;
        database
    }

    /// What a running database does by itself in the meantime.
    pub(crate) async fn settle_down(&self) {
        self.run("VACUUM ANALYZE").await;
    }

    pub(crate) async fn size(&self) -> i64 {
        let mut connection = self.connect().await;
        let row = sqlx::query("SELECT pg_database_size(current_database())").fetch_one(&mut connection).await.unwrap();
        row.get(0)
    }

    /// From now on every new connection tells the plan of each statement.
    pub(crate) async fn tell_plans(&self) {
        for (setting, value) in [
            ("session_preload_libraries", "auto_explain"),
            ("auto_explain.log_min_duration", "0"),
            ("auto_explain.log_level", "notice"),
            ("auto_explain.log_analyze", "on"),
            ("auto_explain.log_timing", "off"),
            ("client_min_messages", "notice"),
        ] {
            self.on_server(&format!("ALTER DATABASE {} SET {setting} = '{value}'", self.name)).await;
        }
    }

    pub(crate) async fn drop(self) {
        self.on_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }

    async fn run(&self, statement: &str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(self.url.expose_secret()).await.unwrap()
    }

    async fn on_server(&self, statement: &str) {
        let mut connection = PgConnection::connect(&format!("{}/postgres", self.server)).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    }
}
