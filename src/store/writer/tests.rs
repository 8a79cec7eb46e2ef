//! The writer before a store of the tests' own, in paused time.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop where its ground is missing

mod journaling;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{Backlog, Writer, WriterOptions};
use crate::call::{Calls, Class, Closed, Outcome, Record, RecordSink};
use crate::store::tests::{end, ended, intent, record};
use crate::store::{
    By, Count, Entry, Filter, Intent, KeyRow, KeyState, LogStore, Page, Per, Phases, Remembered, ReplayKey, Store,
    StoreError, TaskRow, Tenancy, Verdict,
};

/// What a commit does.
type Answer = fn(&[Entry]) -> Result<Vec<Verdict>, StoreError>;

/// Commits as it is told, one permit for each attempt, and notes what came.
struct Fake {
    permits: Semaphore,
    answer: Mutex<Answer>,
    attempts: Mutex<Vec<Vec<String>>>,
    committed: Mutex<Vec<String>>,
}

#[tokio::test(start_paused = true)]
async fn what_queued_during_a_commit_is_the_next_one_in_order() {
    let (store, writer) = start(WriterOptions::default());
    let ids: Vec<Uuid> = (0..6).map(|_| close(&writer)).collect();
    store.permits.add_permits(1);
    writer.flushed().await;
    let more: Vec<Uuid> = (0..3).map(|_| close(&writer)).collect();
    until(|| store.attempts().len() == 1).await;
    store.permits.add_permits(10);
    writer.flushed().await;
    assert_eq!(store.committed(), names("closed", ids.iter().chain(&more)));
    assert!(store.attempts().len() <= 3, "{:?}", store.attempts());
    assert_eq!(writer.backlog(), Backlog::default());
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_a_bounded_number_of_entries() {
    let (store, writer) = start(WriterOptions { max_batch: 4, ..WriterOptions::default() });
    let ids: Vec<Uuid> = (0..10).map(|_| close(&writer)).collect();
    store.permits.add_permits(10);
    writer.flushed().await;
    assert_eq!(store.attempts().iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
    assert_eq!(store.committed(), names("closed", &ids));
}

#[tokio::test(start_paused = true)]
async fn an_intent_is_answered_with_its_own_verdict() {
    let (store, writer) = start(WriterOptions::default());
    store.set(|entries| {
        Ok(entries
            .iter()
            .map(|entry| match entry {
                Entry::Intent(intent) if intent.tasks.is_empty() => Verdict::Busy { task: "dts-1".to_owned() },
                _ => Verdict::Done,
            })
            .collect())
    });
    store.permits.add_permits(10);
    close(&writer);
    let (busy, done) =
        tokio::join!(writer.commit(Entry::Intent(intent(&[]))), writer.commit(Entry::Intent(intent(&[("x", 0)]))));
    assert_eq!(busy.unwrap(), Verdict::Busy { task: "dts-1".to_owned() });
    assert_eq!(done.unwrap(), Verdict::Done);
}

#[tokio::test(start_paused = true)]
async fn records_are_tried_until_the_store_is_back() {
    let (store, writer) = start(WriterOptions::default());
    store.permits.add_permits(1000);
    store.set(unavailable);
    let first = close(&writer);
    until(|| !writer.healthy()).await;
    let second = close(&writer);
    until(|| store.attempts().len() > 5).await;
    assert!(writer.has_room());
    store.set(accept);
    writer.flushed().await;
    assert_eq!(store.committed(), names("closed", [&first, &second]));
    assert!(writer.healthy());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_counts_as_unavailable() {
    let (store, writer) = start(WriterOptions::default());
    close(&writer);
    // No permit: the commit hangs, first the oldest record grows old, then the attempt ends.
    assert!(writer.healthy());
    tokio::time::advance(Duration::from_secs(4)).await;
    assert!(!writer.healthy());
    until(|| store.attempts().len() > 2).await;
    store.permits.add_permits(1);
    writer.flushed().await;
    assert!(writer.healthy());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_catches_up_is_healthy_however_much_is_left() {
    let (store, writer) = start(WriterOptions { max_batch: 1, ..WriterOptions::default() });
    let ids: Vec<Uuid> = (0..5).map(|_| close(&writer)).collect();
    for done in 1..=ids.len() {
        tokio::time::advance(Duration::from_secs(2)).await;
        store.permits.add_permits(1);
        until(|| store.committed().len() == done).await;
        assert!(writer.healthy(), "{done} are done");
    }
}

#[tokio::test(start_paused = true)]
async fn without_anything_to_write_health_comes_back_by_asking() {
    let (store, writer) = start(WriterOptions::default());
    store.permits.add_permits(1000);
    store.set(unavailable);
    let error = writer.commit(Entry::Intent(intent(&[]))).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(!writer.healthy());
    store.set(accept);
    until(|| writer.healthy()).await;
    assert!(store.committed().is_empty(), "nobody waits for the intent any more");
}

#[tokio::test(start_paused = true)]
async fn who_waits_with_a_change_is_told_soon_that_the_store_is_away() {
    let (store, writer) = start(WriterOptions::default());
    store.permits.add_permits(1000);
    store.set(unavailable);
    let began = tokio::time::Instant::now();
    let change = intent(&[]);
    let read = close(&writer);
    let (first, second) =
        tokio::join!(writer.commit(Entry::Intent(change)), writer.commit(Entry::Intent(intent(&[("dts-1", 0)]))));
    for told in [first, second] {
        assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(1), "two attempts are enough: {:?}", began.elapsed());
    store.set(accept);
    writer.flushed().await;
    assert_eq!(store.committed(), [format!("closed {read}")], "records wait as long as it takes");
}

#[tokio::test(start_paused = true)]
async fn a_task_is_asked_for_after_what_came_before_it() {
    let (store, writer) = start(WriterOptions::default());
    close(&writer);
    assert!(matches!(writer.tasks("main", &[]).await, Err(StoreError::Unavailable(_))));
    let (tasks, ()) = tokio::join!(writer.tasks("main", &[]), async { store.permits.add_permits(1) });
    assert_eq!(tasks.unwrap()[0].changes, 1);
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_is_given_up_in_the_queue_is_never_committed() {
    let (store, writer) = start(WriterOptions::default());
    let first = close(&writer);
    until(|| store.attempts().len() == 1).await;
    let change = intent(&[("dts-1", 0)]);
    let error = writer.commit(Entry::Intent(change.clone())).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    refuse(&writer, &change);
    store.permits.add_permits(10);
    writer.flushed().await;
    assert_eq!(store.committed(), [format!("closed {first}"), format!("released {}", change.record.id)]);
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_is_committed_after_it_was_given_up_is_released() {
    let (store, writer) = start(WriterOptions::default());
    let change = intent(&[("dts-1", 0)]);
    {
        let commit = writer.commit(Entry::Intent(change.clone()));
        let mut commit = std::pin::pin!(commit);
        // The caller's task ends while the commit is under way.
        tokio::select! {
            _ = &mut commit => unreachable!(),
            () = until(|| store.attempts().len() == 1) => {}
        }
    }
    // Whoever closes the record does not know of any intent.
    refuse(&writer, &change);
    store.permits.add_permits(10);
    writer.flushed().await;
    let id = change.record.id;
    assert_eq!(store.committed(), [format!("intent {id}"), format!("released {id}")]);
}

#[tokio::test(start_paused = true)]
async fn one_entry_that_the_database_refuses_does_not_hold_up_the_others() {
    let (store, writer) = start(WriterOptions::default());
    store.permits.add_permits(1000);
    store.set(|entries| {
        let poisoned = |record: &Record| {
            assert_eq!(record.class(), Class::Changes, "what is left of a record stands in the same log");
            record.detail.parameters == "poison" || record.action == "poison"
        };
        let refused = entries.iter().any(|entry| match entry {
            Entry::Intent(intent) => poisoned(&intent.record),
            Entry::Closed(closed) => poisoned(&closed.record),
            Entry::Settled(_) | Entry::Own { .. } => false,
        });
        if refused { Err(StoreError::Rejected("SQLSTATE 22000".to_owned())) } else { accept(entries) }
    });
    let before = close(&writer);
    let (mut curable, mut incurable) = (record(Outcome::Ok), record(Outcome::Ok));
    incurable.calls = Calls::from(7);
    curable.detail.parameters = "poison".to_owned();
    incurable.action = "poison".to_owned();
    for record in [&curable, &incurable] {
        writer.close(Closed { record: record.clone(), intended: true, answer: None, window: None });
    }
    let mut change = intent(&[]);
    change.record.action = "poison".to_owned();
    let (refused, done) = tokio::join!(writer.commit(Entry::Intent(change)), writer.commit(Entry::Intent(intent(&[]))));
    assert!(matches!(refused.unwrap_err(), StoreError::Rejected(_)));
    assert_eq!(done.unwrap(), Verdict::Done);
    let after = close(&writer);
    writer.flushed().await;
    let committed = store.committed();
    assert_eq!(committed.len(), 4, "{committed:?}");
    for expected in [format!("closed {before}"), format!("released {}", curable.id), format!("closed {after}")] {
        assert!(committed.contains(&expected), "{expected}");
    }
    assert_eq!(writer.backlog(), Backlog { lost: 7, ..Backlog::default() }, "calls");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_takes_what_was_accepted_and_gives_up_what_was_refused() {
    let (store, writer) = start(WriterOptions { max_bytes: 10_000, ..WriterOptions::default() });
    while writer.has_room() {
        close(&writer);
    }
    let full = writer.backlog();
    assert!(full.bytes >= 10_000 && full.bytes < 14_000, "{full:?}");
    assert!(matches!(writer.commit(Entry::Intent(intent(&[]))).await, Err(StoreError::Unavailable(_))));
    let accepted = close(&writer);
    for _ in 0..100 {
        writer.submit(ended(&record(Outcome::Refused)));
    }
    // One that stands for many is taken, and one that may hold a lease.
    let many = Record { calls: Calls::from(1_000), ..record(Outcome::Refused) };
    writer.submit(ended(&many));
    let change = intent(&[("dts-1", 0)]);
    writer.submit(end(&change, Outcome::Refused, None));
    let over = writer.backlog();
    assert_eq!((over.entries, over.lost), (full.entries + 3, 100));
    store.permits.add_permits(100);
    writer.flushed().await;
    let committed = store.committed();
    assert_eq!(
        committed[committed.len() - 3..],
        [format!("closed {accepted}"), format!("closed {}", many.id), format!("released {}", change.record.id)]
    );
    assert!(writer.has_room());
    assert_eq!(writer.backlog(), Backlog { lost: 100, ..Backlog::default() });
}

#[tokio::test(start_paused = true)]
async fn the_workers_death_is_noticed() {
    let (store, writer) = start(WriterOptions::default());
    store.set(|_| panic!("planted"));
    let waiting = tokio::spawn({
        let writer = writer.clone();
        async move { writer.commit(Entry::Intent(intent(&[]))).await }
    });
    until(|| store.attempts().len() == 1).await;
    let behind = close(&writer);
    store.permits.add_permits(1);
    writer.stopped().await;
    assert!(waiting.await.unwrap().is_err());
    assert!(!writer.has_room() && !writer.healthy());
    assert!(writer.commit(Entry::Intent(intent(&[]))).await.is_err());
    close(&writer);
    writer.flushed().await;
    assert_eq!(writer.backlog().lost, 2, "{behind} and the last");
}

#[tokio::test(start_paused = true)]
async fn draining_waits_for_the_last_record_or_says_what_is_left() {
    let (store, writer) = start(WriterOptions::default());
    let ids: Vec<Uuid> = (0..5).map(|_| close(&writer)).collect();
    assert_eq!(writer.drain(Duration::from_secs(2)).await, 5);
    store.permits.add_permits(10);
    assert_eq!(writer.drain(Duration::from_secs(2)).await, 0);
    writer.stopped().await;
    assert_eq!(store.committed(), names("closed", &ids));
}

fn start(options: WriterOptions) -> (Arc<Fake>, Writer) {
    let store = Arc::new(Fake {
        permits: Semaphore::new(0),
        answer: Mutex::new(accept),
        attempts: Mutex::default(),
        committed: Mutex::default(),
    });
    let writer = Writer::start(Arc::clone(&store) as Arc<dyn Store>, options);
    (store, writer)
}

fn accept(entries: &[Entry]) -> Result<Vec<Verdict>, StoreError> {
    Ok(entries.iter().map(|_| Verdict::Done).collect())
}

fn unavailable(_: &[Entry]) -> Result<Vec<Verdict>, StoreError> {
    Err(StoreError::Unavailable("planted".to_owned()))
}

fn close(writer: &Writer) -> Uuid {
    let record = record(Outcome::Ok);
    let id = record.id;
    writer.close(Closed { record, intended: false, answer: None, window: None });
    id
}

fn refuse(writer: &Writer, change: &Intent) {
    let record = Record { outcome: Outcome::Refused, ..change.record.clone() };
    writer.close(Closed { record, intended: false, answer: None, window: None });
}

fn names<'a>(word: &str, ids: impl IntoIterator<Item = &'a Uuid>) -> Vec<String> {
    ids.into_iter().map(|id| format!("{word} {id}")).collect()
}

fn name(entry: &Entry) -> String {
    match entry {
        Entry::Intent(intent) => format!("intent {}", intent.record.id),
        Entry::Closed(closed) if closed.intended => format!("released {}", closed.record.id),
        Entry::Closed(closed) => format!("closed {}", closed.record.id),
        Entry::Settled(settlement) => format!("settled {}", settlement.id),
        Entry::Own { task, .. } => format!("own {task}"),
    }
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl Fake {
    fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn attempts(&self) -> Vec<Vec<String>> {
        self.attempts.lock().unwrap().clone()
    }

    fn committed(&self) -> Vec<String> {
        self.committed.lock().unwrap().clone()
    }
}

#[async_trait]
impl Store for Fake {
    async fn ping(&self) -> Result<(), StoreError> {
        let answer = *self.answer.lock().unwrap();
        answer(&[]).map(|_| ())
    }

    async fn commit(&self, entries: &[Entry]) -> Result<Vec<Verdict>, StoreError> {
        self.attempts.lock().unwrap().push(entries.iter().map(name).collect());
        self.permits.acquire().await.unwrap().forget();
        let answer = *self.answer.lock().unwrap();
        let verdicts = answer(entries)?;
        self.committed.lock().unwrap().extend(entries.iter().map(name));
        Ok(verdicts)
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        unreachable!()
    }

    async fn records(&self, _: &Filter) -> Result<Page, StoreError> {
        unreachable!()
    }

    async fn phases(&self, _: Uuid) -> Result<Phases, StoreError> {
        unreachable!()
    }

    async fn summary(&self, _: &Filter, _: Per, _: By, _: u32) -> Result<Vec<Count>, StoreError> {
        unreachable!()
    }

    async fn tasks(&self, _: &str, _: &[String]) -> Result<Vec<TaskRow>, StoreError> {
        let changes = i64::try_from(self.committed().len()).unwrap();
        Ok(vec![TaskRow { changes, ..TaskRow::default() }])
    }

    async fn tasks_of(&self, _: &str, _: &str, _: u32) -> Result<Vec<String>, StoreError> {
        unreachable!()
    }

    async fn remembered(&self, _: &ReplayKey, _: Timestamp) -> Result<Option<Remembered>, StoreError> {
        unreachable!()
    }

    async fn all_remembered(&self, _: Timestamp) -> Result<Vec<Remembered>, StoreError> {
        unreachable!()
    }

    async fn forget(&self, _: Timestamp) -> Result<u64, StoreError> {
        unreachable!()
    }

    async fn open_changes(&self, _: bool) -> Result<Vec<Record>, StoreError> {
        unreachable!()
    }

    async fn unsettled(&self, _: Timestamp, _: u32) -> Result<Vec<crate::store::Unsettled>, StoreError> {
        unreachable!()
    }
    async fn insert_key(&self, _: &KeyRow) -> Result<(), StoreError> {
        unreachable!()
    }

    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        unreachable!()
    }

    async fn key(&self, _: &str) -> Result<Option<KeyRow>, StoreError> {
        unreachable!()
    }

    async fn end_key(&self, _: &str, _: KeyState) -> Result<bool, StoreError> {
        unreachable!()
    }

    async fn reseal_key(&self, _: &KeyRow, _: &[u8], _: &str) -> Result<bool, StoreError> {
        unreachable!("no keys here")
    }
    async fn touch_keys(&self, _: &[(String, Timestamp)]) -> Result<(), StoreError> {
        unreachable!()
    }

    async fn claim(&self, _: Tenancy, _: Duration) -> Result<(), StoreError> {
        unreachable!()
    }

    fn log(&self) -> &dyn LogStore {
        unreachable!()
    }

    async fn close(&self) {
        unreachable!()
    }
}
