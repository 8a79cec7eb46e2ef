//! Where a secret could come out: the log, the rows of every table, the files of the database.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;

use crate::world::World;

/// Everything that is logged, at every level, by every crate.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Writes here.
    pub fn dispatch(&self) -> Dispatch {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().json().with_max_level(LevelFilter::TRACE);
        Dispatch::new(subscriber.with_writer(move || log.clone()).finish())
    }

    /// What was logged so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The rows of every table, as text; bytes in hexadecimal.
pub async fn rows(world: &World) -> Vec<(String, String)> {
    let url = world.store_url.expose_secret();
    match world.database.postgres_url() {
        Some(_) => of_postgres(&mut PgConnection::connect(url).await.unwrap()).await,
        None => of_sqlite(&mut SqliteConnection::connect(url).await.unwrap()).await,
    }
}

async fn of_postgres(database: &mut PgConnection) -> Vec<(String, String)> {
    let tables = "SELECT schemaname || '.' || tablename FROM pg_tables \
                  WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let mut found = Vec::new();
    for table in sqlx::query_scalar::<_, String>(tables).fetch_all(&mut *database).await.unwrap() {
        let rows = format!("SELECT coalesce(string_agg(row::text, E'\\n'), '') FROM {table} AS row");
        let rows = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(&mut *database).await.unwrap();
        found.push((table.rsplit('.').next().unwrap().to_owned(), rows));
    }
    found
}

async fn of_sqlite(database: &mut SqliteConnection) -> Vec<(String, String)> {
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let mut found = Vec::new();
    for table in sqlx::query_scalar::<_, String>(tables).fetch_all(&mut *database).await.unwrap() {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns: Vec<String> = sqlx::query_scalar(AssertSqlSafe(columns)).fetch_all(&mut *database).await.unwrap();
        let texts = columns
            .iter()
            .map(|column| format!("coalesce(iif(typeof({column}) = 'blob', lower(hex({column})), {column}), '')"));
        let rows = format!("SELECT {} FROM {table}", texts.collect::<Vec<_>>().join(" || ' | ' || "));
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(&mut *database).await.unwrap();
        found.push((table, rows.join("\n")));
    }
    found
}

/// The bytes of SQLite's files, where what was deleted may still be.
pub fn database_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let of_database = files.filter(|file| file.file_name().unwrap().to_string_lossy().contains("sqlite3"));
    of_database.map(|file| (file.display().to_string(), std::fs::read(&file).unwrap())).collect()
}
