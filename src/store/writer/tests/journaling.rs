//! The writer when its store goes away and there is a journal. In real time: the journal's disk is a real one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Fake, accept, close, refuse, unavailable};
use crate::call::Outcome;
use crate::proof::SigningKey;
use crate::store::tests::{end, ended, intent, kept_intent, record};
use crate::store::writer::{Backlog, Demand, Spool, Writer, WriterOptions};
use crate::store::{Entry, Intent, Journal, JournalOptions, Journaling, Store, StoreError, Verdict};

/// A writer with a journal in `folder`.
fn start_journaling(folder: &std::path::Path, key: &SigningKey) -> (Arc<Fake>, Writer) {
    let options = JournalOptions {
        folder: folder.to_owned(),
        max_bytes: 40_000,
        origin: "gateway.example.com/audit".to_owned(),
        keys: vec![key.clone()],
    };
    let store = Arc::new(Fake {
        permits: Semaphore::new(1000),
        answer: Mutex::new(accept),
        attempts: Mutex::default(),
        committed: Mutex::default(),
    });
    let spool = Spool { journal: Journal::open(options).unwrap(), reads: true, emergencies: true };
    let writer = Writer::start_with(Arc::clone(&store) as Arc<dyn Store>, WriterOptions::default(), Some(spool));
    (store, writer)
}

fn key() -> SigningKey {
    SigningKey::generate("gateway.example.com/audit").unwrap()
}

fn stop(tasks: &[(&str, i64)], key: u8) -> Intent {
    Intent { emergency: true, ..kept_intent(tasks, key, 1) }
}

fn entries(writer: &Writer) -> u64 {
    writer.journaling().unwrap().size.entries
}

#[tokio::test]
async fn while_the_store_is_away_entries_go_to_the_journal_and_then_to_the_store_in_order() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let (store, writer) = start_journaling(folder.path(), &key);
    store.set(unavailable);
    let first = close(&writer);
    writer.flushed().await;
    assert_eq!(entries(&writer), 1);
    assert!(!writer.healthy() && writer.takes(Demand::Read) && writer.takes(Demand::Emergency));
    assert!(!writer.takes(Demand::Change));

    let (change, stopped) = (intent(&[("dts-2", 0)]), stop(&[("dts-1", 0)], 1));
    assert!(writer.commit(Entry::Intent(change.clone())).await.is_err(), "other changes are refused");
    refuse(&writer, &change);
    assert_eq!(writer.commit(Entry::Intent(stopped.clone())).await.unwrap(), Verdict::Done);
    writer.submit(end(&stopped, Outcome::Ok, Some("stopped")));
    let last = close(&writer);
    writer.flushed().await;
    assert_eq!(writer.backlog(), Backlog::default(), "nothing waits in memory");
    assert!(store.committed().is_empty());

    store.set(accept);
    writer.imported().await;
    let id = stopped.record.id;
    let refused = change.record.id;
    let expected = [
        format!("closed {first}"),
        format!("released {refused}"),
        format!("intent {id}"),
        format!("released {id}"),
        format!("closed {last}"),
    ];
    assert_eq!(store.committed(), expected);
    assert!(writer.healthy() && writer.takes(Demand::Change));
    assert_eq!(writer.journaling().unwrap(), Journaling::default());
    let after = close(&writer);
    writer.flushed().await;
    assert_eq!(store.committed().last(), Some(&format!("closed {after}")));
}

#[tokio::test]
async fn what_the_database_would_have_told_of_stops_this_process_knows() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let (store, writer) = start_journaling(folder.path(), &key);
    // Two changes from before: one is still under way, one was a stop that is over.
    let (open, before) = (intent(&[("dts-open", 0)]), stop(&[("dts-over", 0)], 1));
    for change in [&open, &before] {
        assert_eq!(writer.commit(Entry::Intent(change.clone())).await.unwrap(), Verdict::Done);
    }
    writer.submit(end(&before, Outcome::Ok, Some("over")));
    writer.flushed().await;
    store.set(unavailable);
    close(&writer);
    writer.flushed().await;
    assert!(writer.journaling().unwrap().is_active);

    let commit = async |change: &Intent| writer.commit(Entry::Intent(change.clone())).await.unwrap();
    assert_eq!(commit(&stop(&[("dts-open", 1)], 2)).await, Verdict::Busy { task: "dts-open".to_owned() });
    let now = before.record.time;
    let again = writer.seen(&before.replay[0].0, now).await.unwrap().unwrap();
    assert_eq!((again.id, again.open, again.answer), (before.record.id, false, Some(b"over".to_vec())));
    assert!(matches!(commit(&stop(&[("dts-over", 2)], 1)).await, Verdict::Replayed(_)));
    // The stop has moved the counter twice: a state that was read before it is stale.
    let counter = async || writer.tasks("main", &["dts-over".to_owned()]).await.unwrap()[0].changes;
    assert_eq!(counter().await, 2);
    assert_eq!(commit(&stop(&[("dts-over", 1)], 3)).await, Verdict::Stale { task: "dts-over".to_owned() });

    let second = stop(&[("dts-over", 2)], 4);
    assert_eq!(commit(&second).await, Verdict::Done);
    assert!(writer.seen(&second.replay[0].0, now).await.unwrap().unwrap().open);
    assert_eq!(commit(&stop(&[("dts-over", 3)], 5)).await, Verdict::Busy { task: "dts-over".to_owned() });
    writer.submit(end(&second, Outcome::Refused, None));
    writer.flushed().await;
    assert_eq!(counter().await, 4);
    assert_eq!(writer.seen(&second.replay[0].0, now).await.unwrap(), None, "it was not sent, so it may be");
}

#[tokio::test]
async fn what_is_in_the_journal_at_the_start_goes_first_and_only_once() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let stopped = stop(&[("dts-1", 0)], 1);
    {
        let (store, writer) = start_journaling(folder.path(), &key);
        store.set(unavailable);
        assert_eq!(writer.commit(Entry::Intent(stopped.clone())).await.unwrap(), Verdict::Done);
        assert_eq!(writer.drain(Duration::from_secs(5)).await, 0, "the journal has everything");
        writer.stopped().await;
        assert!(store.committed().is_empty());
    }
    let (store, writer) = start_journaling(folder.path(), &key);
    let new = close(&writer);
    writer.imported().await;
    writer.flushed().await;
    let committed = store.committed();
    assert_eq!(committed[0], format!("intent {}", stopped.record.id));
    assert_eq!(committed.last(), Some(&format!("closed {new}")));
    assert_eq!(committed.len(), 2);
    drop(writer);
    let (store, writer) = start_journaling(folder.path(), &key);
    writer.imported().await;
    assert!(store.committed().is_empty(), "it was emptied");
}

#[tokio::test]
async fn a_journal_is_filled_by_refusals_to_a_half_and_by_reads_to_three_quarters() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let (store, writer) = start_journaling(folder.path(), &key);
    store.set(unavailable);
    let fill = async |outcome: Outcome, goes_on: &dyn Fn() -> bool| {
        while goes_on() {
            writer.submit(ended(&record(outcome)));
            writer.flushed().await;
        }
    };
    fill(Outcome::Refused, &|| writer.backlog().lost == 0).await;
    let half = writer.journaling().unwrap().size.bytes;
    assert!((20_000..25_000).contains(&half), "{half}");
    assert!(writer.takes(Demand::Read));
    fill(Outcome::Ok, &|| writer.takes(Demand::Read)).await;
    let most = writer.journaling().unwrap().size.bytes;
    assert!((28_000..35_000).contains(&most), "{most}");
    let mut number = 0;
    while writer.takes(Demand::Emergency) {
        let stopped = stop(&[], number);
        assert_eq!(writer.commit(Entry::Intent(stopped)).await.unwrap(), Verdict::Done);
        number += 1;
    }
    assert!(number > 0);
    assert!(writer.commit(Entry::Intent(stop(&[], number))).await.is_err(), "full is full");
    // What was accepted before is taken all the same.
    let accepted = close(&writer);
    writer.flushed().await;
    store.set(accept);
    writer.imported().await;
    assert_eq!(store.committed().last(), Some(&format!("closed {accepted}")));
    assert!(writer.takes(Demand::Change));
}

#[tokio::test]
async fn who_has_lost_the_database_to_another_instance_sends_nothing() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let (store, writer) = start_journaling(folder.path(), &key);
    store.set(|_| Err(StoreError::Claimed));
    close(&writer);
    writer.flushed().await;
    assert!(!Demand::ALL.into_iter().any(|demand| writer.takes(demand)));
    assert!(writer.commit(Entry::Intent(stop(&[], 1))).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_silent_does_not_hold_up_a_stop() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let (store, writer) = start_journaling(folder.path(), &key);
    store.permits.forget_permits(1000);
    store.set(unavailable);
    let began = tokio::time::Instant::now();
    assert_eq!(writer.commit(Entry::Intent(stop(&[("dts-1", 0)], 1))).await.unwrap(), Verdict::Done);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    // It is silent still when it is asked next.
    let began = tokio::time::Instant::now();
    assert_eq!(writer.commit(Entry::Intent(stop(&[("dts-2", 0)], 2))).await.unwrap(), Verdict::Done);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!((entries(&writer), store.committed().len()), (2, 0));
}

#[tokio::test]
async fn one_entry_of_the_journal_that_the_database_refuses_does_not_hold_up_the_others() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let (store, writer) = start_journaling(folder.path(), &key);
    store.set(unavailable);
    let mut poisoned = stop(&[("dts-1", 0)], 1);
    poisoned.record.detail.parameters = "poison".to_owned();
    assert_eq!(writer.commit(Entry::Intent(poisoned.clone())).await.unwrap(), Verdict::Done);
    let after = close(&writer);
    writer.flushed().await;
    store.set(|entries| {
        let is_poison =
            |entry: &Entry| matches!(entry, Entry::Intent(intent) if intent.record.detail.parameters == "poison");
        if entries.iter().any(is_poison) { Err(StoreError::Rejected("22".to_owned())) } else { accept(entries) }
    });
    writer.imported().await;
    assert_eq!(store.committed(), [format!("intent {}", poisoned.record.id), format!("closed {after}")]);
    assert_eq!(writer.backlog(), Backlog::default());
}

#[tokio::test]
async fn a_journal_that_is_altered_under_a_running_gateway_shuts_it() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let (store, writer) = start_journaling(folder.path(), &key);
    store.set(unavailable);
    close(&writer);
    writer.flushed().await;
    let file = folder.path().join("audit.journal");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("StopMigrateJob", "StartMigrateJo")).unwrap();
    store.set(accept);
    while writer.takes(Demand::Read) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    close(&writer);
    writer.flushed().await;
    assert!(!Demand::ALL.into_iter().any(|demand| writer.takes(demand)));
    assert!(writer.commit(Entry::Intent(stop(&[], 1))).await.is_err());
    assert!(store.committed().is_empty(), "nothing of it is believed");
}
