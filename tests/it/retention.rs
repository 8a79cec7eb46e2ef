//! Retention: the beginning of a log is dropped, and what is left is proven; whatever else is missing is found.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dts_gateway::call::{Class, Clock, Closed, Detail, Outcome, Record, Wall};
use dts_gateway::evidence::{Checkpoints, Export, Folder, Signer};
use dts_gateway::jobs::{Limits, RetainError, Retention, note_rotation};
use dts_gateway::proof::verify::{Brought, Report, verify};
use dts_gateway::proof::{SigningKey, VerifyingKey, split_notes};
use dts_gateway::store::{self, Entry, Filter, Hold, LogName, Start, Store, Tenancy};
use jiff::Timestamp;
use secrecy::SecretString;
use tempfile::TempDir;
use uuid::Uuid;

use crate::database::{Database, TestDatabase};

pub const ORIGIN: &str = "gateway.example.com/audit";
pub const READS: LogName = LogName { slot: 0, class: Class::Reads };
pub const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// A clock that tests set, in microseconds.
pub struct Hands(AtomicI64);

impl Wall for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Acquire)).unwrap()
    }
}

/// A store with a log that is signed, and no gateway.
pub struct Bed {
    pub folder: TempDir,
    pub database: TestDatabase,
    pub hands: Arc<Hands>,
    pub pem: String,
    pub store: Arc<dyn Store>,
    pub checkpoints: Arc<Checkpoints>,
}

pub async fn on_both(test: impl AsyncFn(&mut Bed)) {
    for database in [Database::Sqlite, Database::Postgres] {
        println!("on {database:?}");
        let mut bed = Bed::make(database).await;
        test(&mut bed).await;
        bed.store.close().await;
        bed.database.drop_it().await;
    }
}

impl Bed {
    pub async fn make(database: Database) -> Bed {
        let folder = TempDir::new().unwrap();
        let database = TestDatabase::create(database).await;
        let hands = Arc::new(Hands(AtomicI64::new(0)));
        let pem = SigningKey::generate(ORIGIN).unwrap().to_pem().unwrap().to_string();
        let (store, checkpoints) = open(&folder, &database, &hands, &pem).await;
        Bed { folder, database, hands, pem, store, checkpoints }
    }

    /// Another process goes on with the database.
    pub async fn restart(&mut self) {
        self.store.close().await;
        (self.store, self.checkpoints) = open(&self.folder, &self.database, &self.hands, &self.pem).await;
    }

    pub fn set(&self, time: &str) {
        let time: Timestamp = time.parse().unwrap();
        self.hands.0.store(time.as_microsecond(), Ordering::Release);
    }

    /// So many reads and half as many changes are recorded now, and signed.
    pub async fn live(&self, reads: usize) {
        let entry = |kind: &str| {
            let record = Record {
                id: Uuid::new_v4(),
                time: Clock::from_wall(self.hands.clone()).now(),
                caller: "orders-ci".to_owned(),
                action: "DescribeMigrateJobs".to_owned(),
                task_ids: vec!["dts-1".to_owned()],
                outcome: Outcome::Ok,
                detail: Detail { kind: kind.to_owned(), ..Detail::default() },
                ..Record::default()
            };
            Entry::Closed(Closed { record, intended: false, answer: None, window: None })
        };
        let entries: Vec<Entry> =
            (0..reads).map(|_| entry("read")).chain((0..reads / 2).map(|_| entry("change"))).collect();
        self.store.commit(&entries).await.unwrap();
        self.checkpoints.publish().await.unwrap();
    }

    pub fn retention(&self) -> Retention {
        Retention {
            store: Arc::clone(&self.store),
            checkpoints: Some(Arc::clone(&self.checkpoints)),
            limits: Limits { changes: Some(MONTH), reads: Some(MONTH) },
            who: "retention".to_owned(),
            clock: Clock::from_wall(self.hands.clone()),
        }
    }

    pub async fn verified(&self) -> Report {
        let key = SigningKey::from_pem(ORIGIN, &self.pem).unwrap();
        self.verified_by(&[key.verifying_key().clone()]).await
    }

    pub async fn verified_by(&self, keys: &[VerifyingKey]) -> Report {
        verify(Cursor::new(self.exported().await), keys, &self.held(), &mut |_| {}).unwrap()
    }

    /// The export as it is now.
    pub async fn exported(&self) -> Vec<u8> {
        let mut export = self.export().await;
        let mut file = Vec::new();
        while let Some(lines) = export.next().await.unwrap() {
            file.extend(lines);
        }
        file
    }

    pub async fn export(&self) -> Export {
        let clock = Clock::from_wall(self.hands.clone());
        Export::begin(Arc::clone(&self.store), ORIGIN, &clock).await.unwrap()
    }

    /// What an auditor holds: every note of the folder.
    pub fn held(&self) -> Vec<Brought> {
        let mut held = Vec::new();
        for file in std::fs::read_dir(self.folder.path().join("checkpoints")).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let notes = split_notes(&text).0;
            held.extend(notes.into_iter().map(|note| Brought { from: "a".to_owned(), note: note.to_owned() }));
        }
        held
    }

    pub async fn start(&self, log: LogName) -> u64 {
        self.store.log().start(log).await.unwrap().map_or(0, |start| start.start)
    }
}

async fn open(
    folder: &TempDir,
    database: &TestDatabase,
    hands: &Arc<Hands>,
    pem: &str,
) -> (Arc<dyn Store>, Arc<Checkpoints>) {
    let file = || format!("sqlite:{}", folder.path().join("gateway.sqlite3").display());
    let url = SecretString::from(database.postgres_url().map_or_else(file, str::to_owned));
    let clock = Clock::from_wall(hands.clone());
    let store = store::open(&url, clock.clone()).unwrap();
    store.migrate().await.unwrap();
    store.claim(Tenancy::Sole, Duration::from_secs(10)).await.unwrap();
    (Arc::clone(&store), checkpoints(store, &folder.path().join("checkpoints"), pem, clock))
}

fn checkpoints(store: Arc<dyn Store>, folder: &std::path::Path, pem: &str, clock: Clock) -> Arc<Checkpoints> {
    Arc::new(signing(store, folder, pem, clock))
}

/// What signs the logs of a store.
pub fn signing(store: Arc<dyn Store>, folder: &std::path::Path, pem: &str, clock: Clock) -> Checkpoints {
    let signer = Signer { origin: ORIGIN.to_owned(), keys: vec![SigningKey::from_pem(ORIGIN, pem).unwrap()] };
    Checkpoints::new(store, signer, Folder::new(folder), clock)
}

/// Three months with 300 reads and 150 changes each.
pub async fn three_months(bed: &Bed) {
    for month in ["2026-01", "2026-02", "2026-03"] {
        bed.set(&format!("{month}-10T12:00:00Z"));
        bed.store.log().prepare().await.unwrap();
        bed.live(300).await;
    }
    bed.set("2026-03-20T12:00:00Z");
}

pub fn proven(report: &Report) {
    assert!(report.is_proven(), "{:#?}", report.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_months_are_dropped_and_what_is_left_is_proven() {
    on_both(async |bed| {
        three_months(bed).await;
        let planned = bed.retention().plan().await.unwrap();
        assert_eq!(planned.iter().map(|dropping| dropping.entries).collect::<Vec<_>>(), [150, 300]);
        assert_eq!(bed.start(READS).await, 0, "planning drops nothing");
        bed.retention().run().await.unwrap();
        assert_eq!(bed.start(READS).await, 300);
        assert!(bed.retention().run().await.unwrap().is_empty(), "January is gone, February is not old enough");

        let report = bed.verified().await;
        proven(&report);
        let reads = report.logs.iter().find(|log| log.name == "0/reads").unwrap();
        assert_eq!((reads.start, reads.entries, reads.proven), (300, 600, 900));
        let told = report.lines().join("\n");
        assert!(told.contains("entries below 300 were dropped by retention on 2026-03-20T12:00:00"), "{told}");
        let page = bed.store.records(&Filter { limit: 1000, ..Filter::default() }).await.unwrap();
        assert!(!page.records.is_empty());

        // It goes on where it was, and so it does when nothing at all is left of a log.
        bed.restart().await;
        bed.live(300).await;
        proven(&bed.verified().await);
        bed.set("2027-01-10T12:00:00Z");
        bed.retention().run().await.unwrap();
        assert_eq!(bed.start(READS).await, 1200);
        bed.restart().await;
        let heads = bed.store.log().heads().await.unwrap();
        assert_eq!(heads.iter().find(|head| head.log == READS).unwrap().size, 1200);
        proven(&bed.verified().await);
        bed.live(300).await;
        bed.restart().await;
        bed.live(300).await;
        proven(&bed.verified().await);
        let tile = bed.store.log().tile(READS, 0, 4).await.unwrap();
        assert!(tile.is_some(), "the tile that was not full when its beginning was dropped");

        // The records that said it first are dropped too; later ones say it again.
        bed.set("2028-01-10T12:00:00Z");
        bed.retention().run().await.unwrap();
        proven(&bed.verified().await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_drops_more_than_a_record_says_is_found_out() {
    on_both(async |bed| {
        three_months(bed).await;
        let begins = async |bed: &Bed, index: u64| {
            let mut hashes = bed.store.log().leaves(READS, index / 256).await.unwrap();
            hashes.truncate((index % 256) as usize);
            let recorded_at = bed.store.log().entries(READS, index - 1, 1).await.unwrap()[0].recorded_at;
            Start { log: READS, start: index, hashes, recorded_at }
        };
        let (january, february) = (begins(bed, 300).await, begins(bed, 600).await);
        // In the middle of a month: the rows don't fit, and nothing is dropped.
        let middle = begins(bed, 400).await;
        let before = |time: &str| time.parse::<Timestamp>().unwrap();
        let error = bed.store.log().drop_before(Class::Reads, before("2026-02-01T00:00:00Z"), &[middle]).await;
        assert!(error.unwrap_err().to_string().contains("altered"));
        assert_eq!(bed.start(READS).await, 0);
        proven(&bed.verified().await);

        let without_record =
            bed.store.log().drop_before(Class::Reads, before("2026-02-01T00:00:00Z"), &[january]).await;
        without_record.unwrap();
        let report = bed.verified().await;
        assert_eq!(report.findings.counts.get("dropped"), Some(&1), "{:#?}", report.lines());
        assert!(report.findings.first[0].sentence().contains("vouch for nothing"), "{:#?}", report.lines());

        bed.set("2026-03-21T12:00:00Z");
        bed.retention().run().await.unwrap();
        let more = bed.store.log().drop_before(Class::Reads, before("2026-03-01T00:00:00Z"), &[february]).await;
        more.unwrap();
        let report = bed.verified().await;
        assert_eq!(report.findings.counts.get("dropped"), Some(&1), "{:#?}", report.lines());
        assert!(report.findings.first[0].sentence().contains("below 300"), "{:#?}", report.lines());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_keeps_and_nothing_goes_before_its_record_is_signed() {
    on_both(async |bed| {
        three_months(bed).await;
        let at = Clock::from_wall(bed.hands.clone()).now();
        let (from, to) = ("2026-01-31T00:00:00Z".parse().unwrap(), "2026-02-02T00:00:00Z".parse().unwrap());
        let (name, reason, who) = ("case-17".to_owned(), "an incident".to_owned(), "somebody".to_owned());
        let hold = Hold { name, from, to, reason, who, at, released: false };
        bed.store.log().note_hold(&hold).await.unwrap();
        assert!(bed.retention().run().await.unwrap().is_empty(), "the month that the hold begins in is kept");
        let released = Hold { released: true, ..hold.clone() };
        bed.store.log().note_hold(&released).await.unwrap();
        assert_eq!(bed.store.log().holds().await.unwrap(), [released]);

        // The folder of checkpoints can't be written to.
        let file = bed.folder.path().join("a-file");
        std::fs::write(&file, "").unwrap();
        let clock = Clock::from_wall(bed.hands.clone());
        let broken = checkpoints(Arc::clone(&bed.store), &file, &bed.pem, clock);
        let failed = Retention { checkpoints: Some(broken), ..bed.retention() }.run().await;
        assert!(matches!(failed, Err(RetainError::Unsigned(_))));
        assert_eq!(bed.start(READS).await, 0);
        bed.restart().await;
        proven(&bed.verified().await);
        assert_eq!(bed.retention().run().await.unwrap().len(), 2);
        assert_eq!(bed.start(READS).await, 300);
        proven(&bed.verified().await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_replaces_another_is_written_down_and_both_sign() {
    on_both(async |bed| {
        let clock = Clock::from_wall(bed.hands.clone());
        bed.set("2026-01-10T12:00:00Z");
        assert!(!note_rotation(&*bed.store, &bed.checkpoints, &clock).await.unwrap(), "nothing was signed before");
        bed.live(3).await;
        assert!(!note_rotation(&*bed.store, &bed.checkpoints, &clock).await.unwrap());

        let new = SigningKey::generate(ORIGIN).unwrap();
        let old = SigningKey::from_pem(ORIGIN, &bed.pem).unwrap();
        let public = [new.verifying_key().clone(), old.verifying_key().clone()];
        let signer = Signer { origin: ORIGIN.to_owned(), keys: vec![new, old] };
        let folder = Folder::new(bed.folder.path().join("checkpoints"));
        bed.checkpoints = Arc::new(Checkpoints::new(Arc::clone(&bed.store), signer, folder, clock.clone()));
        assert!(note_rotation(&*bed.store, &bed.checkpoints, &clock).await.unwrap());
        bed.live(3).await;
        assert!(!note_rotation(&*bed.store, &bed.checkpoints, &clock).await.unwrap(), "it is said once");
        let page = bed.store.records(&Filter { limit: 100, ..Filter::default() }).await.unwrap();
        let told = page.records.iter().find(|record| record.action == "audit.key-rotated").unwrap();
        for text in [public[0].to_string(), public[1].to_string()] {
            assert!(told.detail.parameters.contains(&text), "{}", told.detail.parameters);
        }

        // Who has the old key only can verify on, and whoever has both is told who signed.
        proven(&bed.verified().await);
        let report = bed.verified_by(&public).await;
        proven(&report);
        let changes = report.logs.iter().find(|log| log.name == "0/changes").unwrap();
        assert_eq!(changes.proven_by, public.each_ref().map(|key| key.short()));
        assert!(report.lines()[0].contains(&format!("signed by {}", public[0].short())), "{:#?}", report.lines());
    })
    .await;
}
