//! The logs: every entry has its place and its hash, whatever breaks in between.

use std::time::Duration;

use super::bed::{Bed, on_both};
use super::{end, ended, intent, record};
use crate::call::{Class, Detail, Outcome, Record};
use crate::proof::{self, CompactRange, Hash};
use crate::store::{Entry, LogEntry, LogName, Store};

/// All entries of a log, read in pages of 100; they stand one behind another.
async fn entries(store: &dyn Store, log: LogName) -> Vec<LogEntry> {
    let mut all: Vec<LogEntry> = Vec::new();
    loop {
        let page = store.log().entries(log, all.len() as u64, 100).await.unwrap();
        if page.is_empty() {
            return all;
        }
        for entry in page {
            assert_eq!(entry.index, all.len() as u64, "{log}");
            all.push(entry);
        }
    }
}

/// The root over what is in the database, each hash made again from the row.
fn root(entries: &[LogEntry]) -> Hash {
    let mut range = CompactRange::default();
    for entry in entries {
        let hash = proof::leaf(&proof::content(&entry.phase, entry.recorded_at, &entry.record).unwrap());
        assert_eq!(hash, entry.hash, "{entry:?}");
        range.append(hash);
    }
    range.root()
}

async fn check(bed: &Bed) -> Vec<(LogName, u64)> {
    let fresh = bed.another();
    let mut sizes = Vec::new();
    for (head, again) in bed.store.log().heads().await.unwrap().into_iter().zip(fresh.log().heads().await.unwrap()) {
        assert_eq!(
            (head.log, head.size, head.root),
            (again.log, again.size, again.root),
            "what is remembered is what is there"
        );
        let all = entries(bed.store.as_ref(), head.log).await;
        assert_eq!((all.len() as u64, root(&all)), (head.size, head.root.unwrap()), "{}", head.log);
        assert!(all.is_sorted_by_key(|entry| entry.recorded_at));
        for number in 0..head.size / 256 {
            let tile = bed.store.log().tile(head.log, 0, number).await.unwrap().unwrap();
            let hashes: Vec<Hash> = all.iter().skip(number as usize * 256).take(256).map(|entry| entry.hash).collect();
            assert_eq!(tile.hashes, hashes);
        }
        sizes.push((head.log, head.size));
    }
    fresh.close().await;
    sizes
}

fn read() -> Record {
    let mut read = record(Outcome::Ok);
    read.detail = Detail { kind: "read".to_owned(), ..Detail::default() };
    read
}

#[test]
fn entries_are_numbered_by_class_and_their_hashes_are_made_of_what_is_stored() {
    on_both(async |bed| {
        let change = intent(&[("dts-1", 0)]);
        bed.store.commit(&[Entry::Intent(change.clone()), ended(&read())]).await.unwrap();
        bed.store.commit(&[end(&change, Outcome::Ok, None), ended(&read()), ended(&read())]).await.unwrap();
        let sizes = check(bed).await;
        assert_eq!(
            sizes.iter().filter(|(_, size)| *size > 0).map(|(log, size)| (log.class, *size)).collect::<Vec<_>>(),
            [(Class::Changes, 2), (Class::Reads, 3)]
        );
        let places = bed.store.log().places(change.record.id).await.unwrap();
        let mut places: Vec<_> = places.iter().map(|place| (place.phase.as_str(), place.index)).collect();
        places.sort_unstable();
        assert_eq!(places, [("ended", 1), ("intent", 0)]);
    });
}

#[test]
fn texts_of_every_kind_hash_to_the_same_after_they_were_stored() {
    on_both(async |bed| {
        let odd = Record {
            caller: "NUL \0, quote \", back\\slash, \u{202e}turned, \u{10ffff}".to_owned(),
            task_ids: vec![String::new(), "{a,b}".to_owned(), "null".to_owned(), "x\"y".to_owned()],
            waited_ms: i64::MAX,
            upstream_code: Some(String::new()),
            ..record(Outcome::Failed)
        };
        let mut long = record(Outcome::Refused);
        long.detail.parameters = "é\u{1}\u{7f}\r\n".repeat(10_000);
        bed.store.commit(&[ended(&odd), ended(&long)]).await.unwrap();
        check(bed).await;
    });
}

#[test]
fn tiles_fill_and_another_connection_goes_on_where_the_last_one_ended() {
    on_both(async |bed| {
        for round in 0..5 {
            let batch: Vec<Entry> = (0..150).map(|_| ended(&read())).collect();
            bed.store.commit(&batch).await.unwrap();
            if round == 2 {
                check(bed).await;
            }
        }
        let other = bed.another();
        other.commit(&[ended(&read())]).await.unwrap();
        bed.store.commit(&[ended(&read())]).await.unwrap();
        other.close().await;
        let total: u64 = check(bed).await.into_iter().map(|(_, size)| size).sum();
        assert_eq!(total, 752);
    });
}

#[test]
fn whatever_becomes_of_a_commit_its_entries_are_numbered_once() {
    on_both(async |bed| {
        for round in 0..40_u64 {
            let change = intent(&[(&format!("dts-{round}"), 0)]);
            let batch = [Entry::Intent(change.clone()), ended(&read()), ended(&read())];
            let broken = tokio::time::timeout(Duration::from_micros(round * 150), bed.store.commit(&batch)).await;
            drop(broken);
            bed.store.commit(&batch).await.unwrap();
            bed.store.commit(&[end(&change, Outcome::Ok, None)]).await.unwrap();
        }
        let total: u64 = check(bed).await.into_iter().map(|(_, size)| size).sum();
        assert_eq!(total, 160);
    });
}
