//! A second place for checkpoints: it gets what the folder gets, may be away, and catches whoever rolls back the rest.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use dts_gateway::call::Clock;
use dts_gateway::evidence::PublishError;
use dts_gateway::proof::SigningKey;
use dts_gateway::store::{self, Notes, open_notes};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::database::{Database, TestDatabase};
use crate::retention::{Bed, ORIGIN, on_both, proven, signing};
use crate::smoke::creation;
use crate::world::{Options, World};

/// A second place that can be taken away.
struct Second {
    folder: TempDir,
    database: TestDatabase,
}

impl Second {
    /// The other kind of database than the gateway's own.
    async fn beside(bed: &Bed) -> Second {
        let kind = if bed.database.postgres_url().is_some() { Database::Sqlite } else { Database::Postgres };
        let second = Second { folder: TempDir::new().unwrap(), database: TestDatabase::create(kind).await };
        std::fs::create_dir(second.place()).unwrap();
        second
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("second")
    }

    fn url(&self) -> SecretString {
        let file = || format!("sqlite:{}", self.place().join("notes.sqlite3").display());
        SecretString::from(self.database.postgres_url().map_or_else(file, str::to_owned))
    }

    fn notes(&self) -> Arc<dyn Notes> {
        open_notes(&self.url()).unwrap()
    }

    async fn go(&self) {
        match self.database.postgres_url() {
            Some(_) => self.database.lock_out().await,
            None => std::fs::rename(self.place(), self.folder.path().join("away")).unwrap(),
        }
    }

    async fn come(&self) {
        match self.database.postgres_url() {
            Some(_) => self.database.let_in().await,
            None => std::fs::rename(self.folder.path().join("away"), self.place()).unwrap(),
        }
    }

    async fn all(&self) -> BTreeSet<String> {
        let all = self.notes().after(None, 100_000).await.unwrap();
        all.into_iter().map(|kept| kept.note).collect()
    }
}

fn in_the_folder(bed: &Bed) -> BTreeSet<String> {
    bed.held().into_iter().map(|held| held.note).collect()
}

/// The gateway's process begins anew, with the second place.
fn begin(bed: &mut Bed, second: &Second) {
    let (folder, clock) = (bed.folder.path().join("checkpoints"), Clock::from_wall(bed.hands.clone()));
    let signing = signing(Arc::clone(&bed.store), &folder, &bed.pem, clock);
    bed.checkpoints = Arc::new(signing.also_to(second.notes()));
}

/// The time of a round.
fn at(bed: &Bed, minute: u32) {
    bed.set(&format!("2026-01-10T{:02}:{:02}:00Z", 10 + minute / 60, minute % 60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_gets_what_the_folder_gets_and_what_it_missed() {
    on_both(async |bed| {
        let second = Second::beside(bed).await;
        // What was signed before there was a second place goes there as well: more than a page of it.
        for minute in 0..260 {
            at(bed, minute);
            bed.live(2).await;
        }
        begin(bed, &second);
        at(bed, 260);
        bed.live(2).await;
        assert_eq!(second.all().await, in_the_folder(bed));
        assert_eq!(bed.checkpoints.second_age_seconds(), 0);

        second.go().await;
        for minute in 261..264 {
            at(bed, minute);
            bed.live(2).await;
            assert_eq!(bed.checkpoints.age_seconds(), 0, "the first goes on");
            assert_eq!(bed.checkpoints.second_age_seconds(), i64::from(minute - 260) * 60);
        }
        second.come().await;
        at(bed, 264);
        bed.checkpoints.publish().await.unwrap();
        assert_eq!(second.all().await, in_the_folder(bed));
        assert_eq!(bed.checkpoints.second_age_seconds(), 0);

        // It is away when the process begins, and while it ends.
        second.go().await;
        bed.restart().await;
        begin(bed, &second);
        at(bed, 265);
        bed.live(2).await;
        bed.restart().await;
        second.come().await;
        begin(bed, &second);
        at(bed, 266);
        bed.live(2).await;
        assert_eq!(second.all().await, in_the_folder(bed));
        proven(&bed.verified().await);
        second.database.drop_it().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_rolls_back_the_database_and_the_folder_is_found_out() {
    on_both(async |bed| {
        let second = Second::beside(bed).await;
        begin(bed, &second);
        at(bed, 0);
        bed.live(300).await;
        let signed = second.all().await;

        // A new history in the place of the old, by the same key: nobody who has but the two could tell.
        let other = Bed::make(match bed.database.postgres_url() {
            Some(_) => Database::Postgres,
            None => Database::Sqlite,
        })
        .await;
        let mut other = Bed { pem: bed.pem.clone(), ..other };
        other.restart().await;
        at(&other, 1);
        for is_back in [false, true] {
            begin(&mut other, &second);
            if !is_back {
                // It is signed as long as the second place is away, and not any more when it is back.
                second.go().await;
                other.live(10).await;
                second.come().await;
            }
            let error = other.checkpoints.publish().await.unwrap_err();
            assert!(matches!(error, PublishError::Altered { .. }), "{error}");
            let error = other.checkpoints.publish().await.unwrap_err();
            assert!(matches!(error, PublishError::Altered { .. }), "it stays so: {error}");
        }
        assert_eq!(second.all().await, signed, "nothing of the other history is added");
        proven(&bed.verified().await);
        other.store.close().await;
        other.database.drop_it().await;
        second.database.drop_it().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_s_statement_there_is_passed_over() {
    on_both(async |bed| {
        let second = Second::beside(bed).await;
        begin(bed, &second);
        at(bed, 0);
        bed.live(10).await;
        let stranger = SigningKey::generate(ORIGIN).unwrap();
        let mine = second.notes().newest(&format!("{ORIGIN}/all-logs"), 1).await.unwrap().remove(0);
        let mut forged = dts_gateway::proof::Statement::claimed(&mine.note).unwrap();
        for (size, _) in forged.logs.values_mut() {
            *size += 1_000_000;
        }
        let note = forged.sign(&[&stranger]).unwrap();
        let forged = store::SignedNote { size: mine.size + 1_000_000, note, ..mine };
        second.notes().add(&[forged]).await.unwrap();
        begin(bed, &second);
        at(bed, 1);
        bed.live(10).await;
        assert!(second.all().await.is_superset(&in_the_folder(bed)));
        second.database.drop_it().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_can_never_be_reached_stops_nothing() {
    on_both(async |bed| {
        let (folder, clock) = (bed.folder.path().join("checkpoints"), Clock::from_wall(bed.hands.clone()));
        let nowhere = SecretString::from(format!("sqlite:{}/none/notes.sqlite3", bed.folder.path().display()));
        let signing = signing(Arc::clone(&bed.store), &folder, &bed.pem, clock);
        bed.checkpoints = Arc::new(signing.also_to(open_notes(&nowhere).unwrap()));
        at(bed, 1);
        bed.live(10).await;
        proven(&bed.verified().await);
        assert!(Duration::from_secs(bed.checkpoints.second_age_seconds().unsigned_abs()) > Duration::ZERO);
    })
    .await;
}

/// A whole gateway, its auditor's commands, and the metric.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_takes_the_notes_out_of_it_and_verifies() {
    let (key, options) = crate::evidence::options();
    let config = format!("{}second_url = \"sqlite:second.sqlite3\"\n", options.config);
    let mut world = World::start_with(Database::Sqlite, Options { config, ..options }).await;
    world.with_token("all").act("CreateMigrateJob", creation()).await.response();
    let made = world.records("action=CreateMigrateJob&outcome=ok", 1).await;
    let metrics = world.auditor().get("/metrics").await.text();
    assert!(metrics.contains("dts_gateway_audit_second_checkpoint_age_seconds"), "{metrics}");
    world.stop_gateway().await;

    let path = |name: &str| world.folder.path().join(name).display().to_string();
    let run = |arguments: Vec<String>| {
        let program = Command::new(env!("CARGO_BIN_EXE_dts-gateway")).arg("audit").args(&arguments).output().unwrap();
        let told = String::from_utf8(program.stdout).unwrap();
        assert!(program.status.success(), "{arguments:?}: {told}{}", String::from_utf8_lossy(&program.stderr));
        told
    };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let config = path("gateway.toml");
    let shown = run(words(&format!("show {} --config {config}", made[0]["id"].as_str().unwrap())));
    assert!(shown.contains("intent  open") && shown.contains("action: CreateMigrateJob"), "{shown}");
    run(words(&format!("export --format proof --config {config} --output {}", path("log.proof"))));
    std::fs::write(path("second.url"), format!("sqlite:{}\n", path("second.sqlite3"))).unwrap();
    let notes = run(words(&format!("checkpoints --from-file {} --origin {ORIGIN}", path("second.url"))));
    assert!(notes.contains("/all-logs\n") && notes.contains("/0/changes\n"), "{notes}");
    std::fs::write(path("notes"), notes).unwrap();
    let public = key.verifying_key();
    let told = run(words(&format!("verify {} --key {public} --checkpoint {}", path("log.proof"), path("notes"))));
    assert!(told.contains("by your checkpoint of") && told.contains("nothing is wrong"), "{told}");
    assert_eq!(run(words(&format!("checkpoints --from sqlite:{} --origin gateway", path("second.sqlite3")))), "");
    world.end().await;
}
