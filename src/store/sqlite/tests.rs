//! What only SQLite has: pragmas, a file with an owner, other processes' locks.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop where its ground is missing

use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use sqlx::{Connection, Row, SqliteConnection};

use super::{Sqlite, Store, StoreError, read};
use crate::call::{Clock, Outcome};
use crate::store::tests::bed::{Kind, on_sqlite};
use crate::store::tests::{ended, record};
use crate::store::{Address, Filter, open};

#[test]
fn every_connection_waits_for_the_disk() {
    on_sqlite(async |bed| {
        let store = Sqlite::open(&file(&bed.kind), Clock::system()).unwrap();
        let mut writer = store.connection().await.unwrap();
        let mut pooled = store.pool.acquire().await.unwrap();
        for connection in [&mut writer, &mut *pooled] {
            for (pragma, value) in [
                ("SELECT journal_mode FROM pragma_journal_mode", "wal"),
                ("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous", "2"),
                ("SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys", "1"),
                ("SELECT CAST(timeout AS TEXT) FROM pragma_busy_timeout", "5000"),
            ] {
                let row = sqlx::query(pragma).fetch_one(&mut *connection).await.unwrap();
                assert_eq!(row.get::<String, _>(0), value, "{pragma}");
            }
        }
    });
}

#[test]
fn a_question_that_nobody_waits_for_any_more_is_not_worked_on() {
    on_sqlite(async |bed| {
        let store = Sqlite::open(&file(&bed.kind), Clock::system()).unwrap();
        let endless = || {
            let text = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n";
            read::asked(&store.questions, sqlx::QueryBuilder::new(text))
        };
        // One after the other and more than there are connections: a connection that works on would be missed.
        for _ in 0..2 * super::CONNECTIONS {
            assert!(tokio::time::timeout(Duration::from_millis(20), endless()).await.is_err());
        }
        assert!(store.records(&Filter { limit: 1, ..Filter::default() }).await.is_ok());
    });
}

#[cfg(unix)]
#[test]
fn the_files_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    on_sqlite(async |bed| {
        bed.store.commit(&[ended(&record(Outcome::Ok))]).await.unwrap();
        let file = file(&bed.kind);
        for name in ["gateway.sqlite", "gateway.sqlite-wal", "gateway.sqlite-shm"] {
            let mode = file.with_file_name(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    });
}

#[test]
fn a_commit_waits_for_another_process_that_writes() {
    on_sqlite(async |bed| {
        let mut other = SqliteConnection::connect(&format!("sqlite:{}", file(&bed.kind).display())).await.unwrap();
        let transaction = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let read = record(Outcome::Ok);
        let batch = [ended(&read)];
        let mut commit = std::pin::pin!(bed.store.commit(&batch));
        let early = tokio::time::timeout(std::time::Duration::from_millis(50), &mut commit).await;
        assert!(early.is_err());
        bed.store.keys().await.unwrap();
        transaction.commit().await.unwrap();
        commit.await.unwrap();
    });
}

#[test]
fn another_process_that_closes_the_database_does_not_take_its_log_away() {
    on_sqlite(async |bed| {
        let store = Sqlite::open(&file(&bed.kind), Clock::system()).unwrap();
        store.keys().await.unwrap();
        // The connection that writes comes after one that reads, as after every failure of a write.
        let read = record(Outcome::Ok);
        store.commit(&[ended(&read)]).await.unwrap();
        let program =
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM tasks'); c.close()";
        let other = std::process::Command::new("python3").arg("-c").arg(program).arg(file(&bed.kind)).status();
        assert!(other.unwrap().success());
        assert!(file(&bed.kind).with_file_name("gateway.sqlite-wal").exists());
    });
}

#[tokio::test]
async fn addresses_that_name_no_database_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing").join("x.sqlite");
    let text = folder.path().join("text");
    std::fs::write(
        &text,
        "this is no database, but it is long enough to be taken for one, with its hundred bytes and more",
    )
    .unwrap();
    for url in ["", "mysql://u:planted-secret@h/x", "sqlite:", "sqlite::memory:", "sqlite:x?mode=ro", "/var/x.sqlite"] {
        let error = open(&SecretString::from(url), Clock::system()).err().unwrap();
        assert!(!error.to_string().contains("planted-secret"));
    }
    assert!(matches!(Sqlite::open(&missing, Clock::system()), Err(StoreError::Incompatible(_))));
    assert!(matches!(Sqlite::open(&text, Clock::system()).unwrap().migrate().await, Err(StoreError::Incompatible(_))));
    assert!(matches!(
        Sqlite::open(folder.path(), Clock::system()).unwrap().ping().await,
        Err(StoreError::Unavailable(_))
    ));
    let url = SecretString::from("sqlite:///var/lib/x.sqlite");
    assert!(matches!(Address::read(&url), Ok(Address::Sqlite(path)) if path == Path::new("/var/lib/x.sqlite")));
}

fn file(kind: &Kind) -> std::path::PathBuf {
    let Kind::Sqlite { folder } = kind else { unreachable!() };
    folder.path().join("gateway.sqlite")
}
