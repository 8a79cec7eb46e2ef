//! The schema: how it comes about, and that the log can only be added to.

use super::bed::{on_both, on_both_empty};
use super::{end, ended, intent, record};
use crate::call::{Outcome, Settled};
use crate::store::{Entry, Settlement, StoreError};

#[test]
fn migrating_twice_and_from_two_instances_at_once_is_safe() {
    on_both_empty(async |bed| {
        let (one, two) = (bed.another(), bed.another());
        let (one, two, three) = tokio::join!(one.migrate(), two.migrate(), bed.store.migrate());
        for done in [one, two, three] {
            done.unwrap();
        }
        bed.store.migrate().await.unwrap();
        bed.store.ping().await.unwrap();
        assert_eq!(bed.count("_sqlx_migrations").await, 6);
    });
}

#[test]
fn a_migration_that_broke_off_leaves_nothing_and_can_be_run_again() {
    on_both_empty(async |bed| {
        // One of its tables is there already, so the migration fails in its middle.
        // A SQLite file is made by the store.
        bed.store.ping().await.unwrap();
        bed.raw("CREATE TABLE tasks (account text)").await.unwrap();
        bed.store.migrate().await.unwrap_err();
        bed.raw("SELECT * FROM audit_records").await.unwrap_err();
        bed.raw("DROP TABLE tasks").await.unwrap();
        bed.store.migrate().await.unwrap();
    });
}

#[test]
fn a_schema_of_a_newer_program_is_left_alone() {
    on_both(async |bed| {
        bed.raw(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (99, 'later', true, '', 0)",
        )
        .await
        .unwrap();
        let error = bed.store.migrate().await.unwrap_err();
        assert!(matches!(&error, StoreError::Incompatible(why) if why.contains("99")), "{error}");
    });
}

#[test]
fn a_store_without_a_schema_says_so() {
    on_both_empty(async |bed| {
        bed.store.ping().await.unwrap();
        let error = bed.store.commit(&[ended(&record(Outcome::Ok))]).await.unwrap_err();
        assert!(matches!(&error, StoreError::Incompatible(why) if why.contains("migrations")), "{error}");
    });
}

#[test]
fn the_log_can_only_be_added_to() {
    on_both(async |bed| {
        let open = intent(&[("dts-1", 0)]);
        let done = intent(&[("dts-2", 0)]);
        bed.store.commit(&[Entry::Intent(open), Entry::Intent(done.clone())]).await.unwrap();
        let seen = serde_json::json!({});
        let settled = Settlement { id: done.record.id, settled: Settled::Done, seen, made: None };
        bed.store.commit(&[end(&done, Outcome::Unknown, None), Entry::Settled(settled)]).await.unwrap();
        for table in ["audit_records", "audit_intents"] {
            for statement in [
                format!("UPDATE {table} SET caller = 'someone else'"),
                format!("UPDATE {table} SET id = id"),
                format!("DELETE FROM {table}"),
                format!("DELETE FROM {table} WHERE caller = 'orders-ci'"),
            ] {
                let error = bed.raw(&statement).await.expect_err(&statement);
                assert!(error.to_string().contains("append-only"), "{statement}: {error}");
            }
        }
        let before = bed.page(Default::default()).await;
        match bed.kind {
            super::bed::Kind::Postgres { .. } => {
                for statement in [
                    "TRUNCATE audit_records",
                    "TRUNCATE audit_intents CASCADE",
                    "TRUNCATE audit_settlements",
                    "TRUNCATE audit_statements",
                    "UPDATE audit_settlements SET settled = 'not-done'",
                    "DELETE FROM audit_settlements",
                    "SET session_replication_role = replica; DELETE FROM audit_settlements",
                    "SET session_replication_role = replica; DELETE FROM audit_records",
                    "INSERT INTO audit_records SELECT * FROM audit_records ON CONFLICT (id, class, recorded_at) DO UPDATE SET caller = 'x'",
                ] {
                    let error = bed.raw(statement).await.expect_err(statement);
                    assert!(error.to_string().contains("append-only"), "{statement}: {error}");
                }
            }
            super::bed::Kind::Sqlite { .. } => {
                let forged = "UPDATE audit_settlements SET settled = 'not-done'";
                assert!(bed.raw(forged).await.unwrap_err().to_string().contains("append-only"));
                assert!(
                    bed.raw("DELETE FROM audit_settlements").await.unwrap_err().to_string().contains("append-only")
                );
                let forged = "CREATE TEMP TABLE forged_settlement AS SELECT * FROM audit_settlements;
                     UPDATE forged_settlement SET settled = 'not-done';
                     INSERT OR REPLACE INTO audit_settlements SELECT * FROM forged_settlement";
                bed.raw(forged).await.unwrap();
                for table in ["audit_records", "audit_intents"] {
                    bed.raw(&format!("REPLACE INTO {table} SELECT * FROM {table}")).await.unwrap();
                    let forged = format!(
                        "CREATE TEMP TABLE forged AS SELECT * FROM {table}; UPDATE forged SET caller = 'x';
                         INSERT OR REPLACE INTO {table} SELECT * FROM forged"
                    );
                    bed.raw(&forged).await.unwrap();
                }
            }
        }
        assert_eq!(bed.page(Default::default()).await, before);
    });
}
