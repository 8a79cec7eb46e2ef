//! The user that the gateway runs as can add to the log, read it, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop where its ground is missing

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::call::{Clock, Outcome};
use crate::store::tests::bed::{Bed, on_postgres};
use crate::store::tests::{end, ended, intent, record};
use crate::store::{Entry, Filter, StoreError, Tenancy, open, open_as};

/// Two users and an empty schema that belongs to the first.
struct Users {
    names: [String; 2],
    owner: SecretString,
    runtime: SecretString,
}

impl Users {
    async fn make(bed: &Bed) -> Users {
        let number = Uuid::new_v4().simple();
        let names = [format!("owner_{number}"), format!("gateway_{number}")];
        for name in &names {
            bed.raw(&format!("CREATE ROLE {name} LOGIN PASSWORD 'a-password'")).await.unwrap();
        }
        let [owner, runtime] = &names;
        bed.raw(&format!("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION {owner}")).await.unwrap();
        let url = bed.url();
        let (_, place) = url.expose_secret().split_once('@').unwrap();
        let url = |name: &str| SecretString::from(format!("postgres://{name}:a-password@{place}"));
        Users { owner: url(owner), runtime: url(runtime), names }
    }

    /// A statement of the user that the gateway runs as.
    async fn run(&self, statement: &str) -> Result<(), sqlx::Error> {
        let mut connection = PgConnection::connect(self.runtime.expose_secret()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.map(drop)
    }

    async fn end(self, bed: &Bed) {
        for name in &self.names {
            bed.raw(&format!("DROP OWNED BY {name} CASCADE; DROP ROLE {name}")).await.unwrap();
        }
    }
}

#[test]
fn the_gateway_s_user_adds_to_the_log_and_can_do_nothing_else_to_it() {
    on_postgres(async |bed| {
        let users = Users::make(bed).await;
        let store = open_as(&users.runtime, Some(&users.owner), Clock::system()).unwrap();
        store.migrate().await.unwrap();
        let [owner, runtime] = &users.names;
        for all in ["", "IN SCHEMA public"] {
            bed.raw(&format!("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} {all} GRANT ALL ON TABLES TO {runtime}"))
                .await
                .unwrap();
        }
        store.migrate().await.unwrap();
        assert_eq!(store.warnings().await.unwrap(), Vec::<String>::new());

        store.claim(Tenancy::Sole, Duration::ZERO).await.unwrap();
        store.log().prepare().await.unwrap();
        let change = intent(&[("dts-1", 0)]);
        store.commit(&[Entry::Intent(change.clone())]).await.unwrap();
        assert_eq!(store.open_changes(true).await.unwrap().len(), 1);
        let reads: Vec<Entry> = (0..300).map(|_| ended(&record(Outcome::Ok))).collect();
        store.commit(&reads).await.unwrap();
        store.commit(&[end(&change, Outcome::Ok, None)]).await.unwrap();
        assert!(!store.records(&Filter::default()).await.unwrap().records.is_empty());
        assert!(store.log().heads().await.unwrap().iter().all(|head| head.root.is_some()));
        store.forget(change.record.time).await.unwrap();
        store.close().await;

        // Even where no trigger is left.
        bed.raw(
            "DO $$ DECLARE t record; BEGIN
                 FOR t IN SELECT tgrelid::regclass AS name, tgname FROM pg_trigger
                          WHERE NOT tgisinternal AND tgparentid = 0 LOOP
                     EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.name);
                 END LOOP;
             END $$",
        )
        .await
        .unwrap();
        for table in ["audit_records", "audit_intents", "audit_record_tasks", "audit_tiles", "audit_checkpoints"] {
            for statement in [
                format!("UPDATE {table} SET class = class"),
                format!("DELETE FROM {table}"),
                format!("TRUNCATE {table}"),
                format!("DROP TABLE {table}"),
                format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
                format!("CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION audit_is_append_only()"),
            ] {
                not_allowed(users.run(&statement).await, &statement);
            }
        }
        let part = format!("audit_records_changes_{}", Clock::system().now().strftime("%Y_%m"));
        for statement in [
            &*format!("DELETE FROM {part}"),
            &*format!("TRUNCATE {part}"),
            "DELETE FROM audit_records_changes_other",
            "UPDATE audit_records_changes SET caller = 'x'",
            "UPDATE audit_holds SET released = true",
            "INSERT INTO audit_dropped VALUES (0, 'reads', 0, '', now())",
            "SELECT audit_drop('reads', now())",
            "SELECT audit_protect('audit_records')",
            "DELETE FROM _sqlx_migrations",
            "CREATE TABLE mine (x int)",
            "SET session_replication_role = replica",
        ] {
            not_allowed(users.run(statement).await, statement);
        }
        bed.raw(&format!("GRANT DELETE ON {part} TO {runtime}")).await.unwrap();
        let store = open(&users.runtime, Clock::system()).unwrap();
        assert_eq!(store.warnings().await.unwrap().len(), 1, "who could change one part of the log is told so");
        store.close().await;
        users.end(bed).await;
    });
}

fn not_allowed(done: Result<(), sqlx::Error>, statement: &str) {
    let error = done.expect_err(statement);
    let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
    assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
}

#[test]
fn a_user_who_may_not_change_the_schema_runs_on_it_or_says_who_must() {
    on_postgres(async |bed| {
        let users = Users::make(bed).await;
        let alone = open(&users.runtime, Clock::system()).unwrap();
        let says_who = |error: StoreError| {
            let text = error.to_string();
            assert!(text.contains("dts-gateway migrate") && text.contains("store.migrate_url"), "{text}");
        };
        says_who(alone.migrate().await.unwrap_err());
        let store = open_as(&users.runtime, Some(&users.owner), Clock::system()).unwrap();
        store.migrate().await.unwrap();
        store.log().may_drop().await.unwrap();
        store.close().await;
        let error = alone.log().may_drop().await.unwrap_err().to_string();
        assert!(error.contains("store.migrate_url"), "{error}");
        alone.migrate().await.unwrap();
        alone.commit(&[ended(&record(Outcome::Ok))]).await.unwrap();
        alone.close().await;

        bed.raw("DELETE FROM _sqlx_migrations WHERE version = 5").await.unwrap();
        let later = open(&users.runtime, Clock::system()).unwrap();
        says_who(later.migrate().await.unwrap_err());
        later.close().await;
        users.end(bed).await;
    });
}

#[test]
fn a_user_who_does_not_exist_is_named_and_an_owner_is_warned() {
    on_postgres(async |bed| {
        assert_eq!(bed.store.warnings().await.unwrap().len(), 1);
        let url = bed.url();
        let (_, place) = url.expose_secret().split_once('@').unwrap();
        let nobody = SecretString::from(format!("postgres://nobody_here:a-password@{place}"));
        let store = open_as(&nobody, Some(&url), Clock::system()).unwrap();
        let error = store.migrate().await.unwrap_err().to_string();
        assert!(error.contains("CREATE ROLE \"nobody_here\""), "{error}");
        assert!(!error.contains("a-password"), "{error}");
        store.close().await;
    });
}
