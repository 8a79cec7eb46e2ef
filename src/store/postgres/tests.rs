//! What only Postgres has: settings of sessions, a claim that can be lost, passwords in addresses.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop where its ground is missing

mod roles;
mod shared;

use std::time::Duration;

use secrecy::SecretString;
use sqlx::{Connection, Row};

use super::claim::Claim;
use super::{Postgres, Store, StoreError, read};
use crate::call::{Clock, Outcome};
use crate::store::Tenancy;
use crate::store::tests::bed::on_postgres;
use crate::store::tests::{ended, record};

#[test]
fn a_question_that_takes_too_long_is_too_broad() {
    on_postgres(async |bed| {
        let store = Postgres::connect(&bed.url(), Clock::system()).unwrap();
        let hurried = store.options.clone().options([("statement_timeout", "20ms")]);
        let pool = sqlx::PgPool::connect_with(hurried).await.unwrap();
        let late = read::asked(&pool, sqlx::QueryBuilder::new("SELECT pg_sleep(60)")).await;
        assert!(matches!(late, Err(StoreError::TooBroad(_))), "{:?}", late.err());
        assert_eq!(read::asked(&pool, sqlx::QueryBuilder::new("SELECT 1")).await.unwrap().len(), 1);
        pool.close().await;
    });
}

#[test]
fn every_connection_waits_for_the_disk_and_not_for_ever() {
    on_postgres(async |bed| {
        bed.raw(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$",
        )
        .await
        .unwrap();
        let store = Postgres::connect(&bed.url(), Clock::system()).unwrap();
        let mut committer = store.connection().await.unwrap();
        let mut pooled = Vec::new();
        for _ in 0..super::CONNECTIONS {
            pooled.push(store.pool.acquire().await.unwrap());
        }
        for connection in pooled.iter_mut().map(|pooled| &mut **pooled).chain([&mut committer]) {
            for (setting, value) in [
                ("synchronous_commit", "on"),
                ("statement_timeout", "5s"),
                ("lock_timeout", "5s"),
                ("idle_in_transaction_session_timeout", "10s"),
            ] {
                let row = sqlx::query("SELECT current_setting($1)").bind(setting).fetch_one(&mut *connection).await;
                assert_eq!(row.unwrap().get::<String, _>(0), value, "{setting}");
            }
        }
    });
}

#[test]
fn a_commit_survives_the_loss_of_its_connection() {
    on_postgres(async |bed| {
        bed.store.commit(&[ended(&record(Outcome::Ok))]).await.unwrap();
        bed.raw(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
        let lost = record(Outcome::Ok);
        let error = bed.store.commit(&[ended(&lost)]).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        bed.store.commit(&[ended(&lost)]).await.unwrap();
        assert_eq!(bed.count("audit_records").await, 2);
    });
}

#[test]
fn a_claim_is_taken_again_and_an_instance_that_lost_it_commits_nothing() {
    on_postgres(async |bed| {
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_locks
                    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let mut store = Postgres::connect(&bed.url(), Clock::system()).unwrap();
        store.claim = Claim::new(store.options.clone(), Duration::from_millis(20));
        store.claim(Tenancy::Sole, Duration::ZERO).await.unwrap();
        bed.raw(kill).await.unwrap();
        let second = bed.another();
        // It may be ours again, or the other's who is faster now; let it be ours.
        until(async || bed.count("pg_locks WHERE locktype = 'advisory' AND granted").await == 3).await;
        assert!(!store.claim.is_lost());

        let mut slow = Postgres::connect(&bed.url(), Clock::system()).unwrap();
        // Long enough for the other one to be faster on a busy machine.
        slow.claim = Claim::new(slow.options.clone(), Duration::from_secs(2));
        store.close().await;
        slow.claim(Tenancy::Sole, Duration::from_secs(10)).await.unwrap();
        // What it commits by lives on, with the locks of the logs.
        slow.commit(&[ended(&record(Outcome::Ok))]).await.unwrap();
        bed.raw(&format!("{kill} AND objsubid = 1")).await.unwrap();
        second.claim(Tenancy::Sole, Duration::from_secs(10)).await.unwrap();
        until(async || slow.claim.is_lost()).await;
        assert!(matches!(slow.commit(&[ended(&record(Outcome::Ok))]).await, Err(StoreError::Claimed)));
        second.commit(&[ended(&record(Outcome::Ok))]).await.unwrap();
        slow.close().await;
        second.close().await;
    });
}

#[test]
fn errors_tell_the_cause_and_no_secret() {
    on_postgres(async |bed| {
        let url = secrecy::ExposeSecret::expose_secret(&bed.url()).to_owned();
        let (before, after) = url.split_once('@').unwrap();
        let user = before.strip_prefix("postgres://").unwrap().split(':').next().unwrap();
        let database = after.rsplit_once('/').unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for (url, cause) in [
            (format!("postgres://{user}:planted-secret@{after}"), "password"),
            (format!("{before}@{}/planted-secret", database.0), "no such database"),
            (format!("postgres://{user}:planted-secret@{closed}/x"), "refused"),
        ] {
            let store = Postgres::connect(&SecretString::from(url), Clock::system()).unwrap();
            for error in [
                store.ping().await.unwrap_err(),
                store.migrate().await.unwrap_err(),
                store.claim(Tenancy::Sole, Duration::ZERO).await.unwrap_err(),
                store.commit(&[ended(&record(Outcome::Ok))]).await.unwrap_err(),
            ] {
                let text = format!("{error} {error:?}");
                // The pool keeps trying a server that refuses connections, until its time is over.
                assert!(
                    text.contains(cause) || cause == "refused" && text.contains("no connection"),
                    "{cause}: {text}"
                );
                assert!(!text.contains("planted-secret"), "{text}");
            }
        }
        let error = Postgres::connect(&SecretString::from("postgres://u:planted-secret@h:port/x"), Clock::system())
            .err()
            .unwrap();
        assert!(!format!("{error} {error:?}").contains("planted-secret"));
        // The store of the test itself is fine.
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        connection.ping().await.unwrap();
    });
}

async fn until(condition: impl AsyncFn() -> bool) {
    tokio::time::timeout(Duration::from_secs(30), async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}
