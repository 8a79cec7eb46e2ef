//! The logs: every entry has its place and its hash, whatever breaks in between.

use std::time::Duration;

use jiff::SignedDuration;

use super::bed::{Bed, Kind, on_both};
use super::{end, ended, intent, record};
use crate::call::{ADMINISTRATIVE, AddressSeen, Calls, Class, Clock, Detail, Outcome, Record, Settled};
use crate::proof::{self, CompactRange, Hash};
use crate::store::{Entry, Filter, Intent, LogEntry, LogName, Made, Settlement, Store};

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

/// A change whose outcome is unknown.
async fn unknown(bed: &Bed, task: &str) -> Intent {
    let mut change = intent(&[(task, 0)]);
    change.record.settled = None;
    bed.store.commit(&[Entry::Intent(change.clone()), end(&change, Outcome::Unknown, None)]).await.unwrap();
    change
}

fn settlement(change: &Intent, settled: Settled) -> Settlement {
    let seen =
        serde_json::json!({"tasks": [{"task": "dts-1", "now": "Stopping (11)", "odd": "\u{202e}\u{1}é"}], "n": 3});
    Settlement { id: change.record.id, settled, seen, made: None }
}

/// The log of reads, of those that there are.
fn reads(logs: &[(LogName, u64)]) -> LogName {
    logs.iter().find(|(log, size)| log.class == Class::Reads && *size > 0).unwrap().0
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
fn a_change_that_is_found_unknown_after_days_is_still_to_be_settled() {
    on_both(async |bed| {
        let now = Clock::system().now();
        let mut old = intent(&[("dts-1", 0)]);
        old.record.time = now - SignedDuration::from_hours(72);
        old.record.id = Record::administrative(old.record.time, "", "", &serde_json::json!({})).id;
        bed.store.commit(&[Entry::Intent(old.clone()), end(&old, Outcome::Unknown, None)]).await.unwrap();
        // Whoever read the log when the gateway died changed nothing at the cloud.
        let mut read = intent(&[]);
        read.record.family = ADMINISTRATIVE.to_owned();
        bed.store.commit(&[Entry::Intent(read.clone()), end(&read, Outcome::Unknown, None)]).await.unwrap();
        let left = bed.store.unsettled(now - SignedDuration::from_hours(1), 10).await.unwrap();
        assert_eq!(left.into_iter().map(|left| left.record.id).collect::<Vec<_>>(), [old.record.id]);
        assert!(bed.store.unsettled(now + SignedDuration::from_hours(1), 10).await.unwrap().is_empty());
    });
}

#[test]
fn a_settlement_is_an_entry_of_its_own_and_there_is_one_for_a_record() {
    on_both(async |bed| {
        let (change, other) = (unknown(bed, "dts-1").await, unknown(bed, "dts-2").await);
        let begin = change.record.time;
        let ids = async || {
            let left = bed.store.unsettled(begin, 10).await.unwrap();
            left.into_iter().map(|left| left.record.id).collect::<Vec<_>>()
        };
        assert_eq!(ids().await, [change.record.id, other.record.id]);
        assert_eq!(bed.store.unsettled(begin, 1).await.unwrap().len(), 1);

        let first = settlement(&change, Settled::Done);
        let again = Settlement { settled: Settled::NotDone, ..first.clone() };
        bed.store.commit(&[Entry::Settled(first.clone()), Entry::Settled(again.clone())]).await.unwrap();
        bed.store.commit(&[Entry::Settled(again)]).await.unwrap();
        assert_eq!(ids().await, [other.record.id]);
        assert_eq!(check(bed).await.iter().map(|(_, size)| size).sum::<u64>(), 5);
        let mut places = bed.store.log().places(change.record.id).await.unwrap();
        places.sort_unstable_by_key(|place| place.index);
        let phases: Vec<_> = places.iter().map(|place| (place.phase.as_str(), place.index)).collect();
        assert_eq!(phases, [("intent", 0), ("ended", 1), ("settled", 4)]);

        let phases = bed.store.phases(change.record.id).await.unwrap();
        let settled = phases.settled.unwrap();
        assert_eq!((settled.settled, &settled.seen), (Settled::Done, &first.seen));
        assert_eq!(phases.ended.unwrap().settled, Some(Settled::Done));
        let log = LogName { slot: places[2].log.slot, class: Class::Changes };
        let entry = bed.store.log().entries(log, 4, 1).await.unwrap().remove(0);
        let content = serde_json::json!({"id": change.record.id, "settled": "done", "seen": first.seen});
        assert_eq!((entry.phase.as_str(), entry.record), ("settled", content));

        let find = async |settled| {
            let filter = Filter { settled, outcome: vec![Outcome::Unknown], limit: 10, ..Filter::default() };
            let page = bed.store.records(&filter).await.unwrap();
            page.records.into_iter().map(|record| (record.id, record.settled)).collect::<Vec<_>>()
        };
        let done = (change.record.id, Some(Settled::Done));
        assert_eq!(find(None).await, [(other.record.id, None), done]);
        assert_eq!(find(Some(Settled::Done)).await, [done]);
        assert_eq!(find(Some(Settled::NotDone)).await, []);
    });
}

#[test]
fn what_a_creation_turned_out_to_have_made_belongs_to_the_team_and_to_the_records_history() {
    on_both(async |bed| {
        let mut creation = intent(&[]);
        creation.record.settled = None;
        bed.store.commit(&[Entry::Intent(creation.clone()), end(&creation, Outcome::Unknown, None)]).await.unwrap();
        let made = Made { account: "main".to_owned(), task: "dts-9".to_owned(), team: "orders".to_owned() };
        let found = Settlement { made: Some(made), ..settlement(&creation, Settled::Done) };
        let late = Made { account: "main".to_owned(), task: "dts-8".to_owned(), team: "orders".to_owned() };
        let late = Settlement { made: Some(late), ..found.clone() };
        bed.store.commit(&[Entry::Settled(found), Entry::Settled(late)]).await.unwrap();
        let rows = bed.store.tasks("main", &["dts-9".to_owned(), "dts-8".to_owned()]).await.unwrap();
        assert_eq!((rows[0].team.as_deref(), rows[1].team.as_deref()), (Some("orders"), None));
        let filter = Filter { task_id: Some("dts-9".to_owned()), limit: 10, ..Filter::default() };
        let history = bed.store.records(&filter).await.unwrap().records;
        assert_eq!(history.iter().map(|record| record.id).collect::<Vec<_>>(), [creation.record.id]);
        check(bed).await;
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
fn a_record_of_many_calls_says_so_and_one_of_one_call_hashes_as_it_always_did() {
    on_both(async |bed| {
        let mut many = Record { calls: Calls::from(1_990), ..read() };
        many.detail.until = Some(many.time);
        many.detail.addresses = vec![AddressSeen { address: "192.0.2.1".to_owned(), calls: Calls::from(12) }];
        let most = Record { calls: Calls::from(u64::MAX), ..read() };
        bed.store.commit(&[ended(&many), ended(&most), ended(&read())]).await.unwrap();
        let log = reads(&check(bed).await);
        assert_eq!(bed.store.phases(many.id).await.unwrap().ended, Some(many));
        assert_eq!(bed.store.phases(most.id).await.unwrap().ended, Some(most));

        let found = entries(bed.store.as_ref(), log).await;
        let said: Vec<_> = found.iter().map(|entry| entry.record.get("calls").cloned()).collect();
        assert_eq!(said, [Some(1_990.into()), Some(9_007_199_254_740_991_u64.into()), None]);
        let detail = found[2].record["detail"].as_object().unwrap();
        assert!(!detail.contains_key("until") && !detail.contains_key("addresses"), "{detail:?}");
    });
}

#[test]
fn what_was_written_before_records_had_a_count_is_what_it_was() {
    on_both(async |bed| {
        let open = intent(&[("dts-1", 0)]);
        bed.store.commit(&[Entry::Intent(open), ended(&read()), ended(&record(Outcome::Refused))]).await.unwrap();
        let before = check(bed).await;
        for table in ["audit_records", "audit_intents"] {
            bed.raw(&format!("ALTER TABLE {table} DROP COLUMN calls")).await.unwrap();
        }
        bed.raw("DELETE FROM _sqlx_migrations WHERE version = 5").await.unwrap();
        let upgraded = bed.another();
        upgraded.migrate().await.unwrap();
        upgraded.close().await;
        assert_eq!(check(bed).await, before);
        bed.store.commit(&[ended(&read())]).await.unwrap();
        check(bed).await;
    });
}

#[test]
fn a_count_that_somebody_altered_is_shown_as_it_stands() {
    on_both(async |bed| {
        bed.store.commit(&[ended(&read())]).await.unwrap();
        let log = reads(&check(bed).await);
        let protection = match bed.kind {
            Kind::Sqlite { .. } => "DROP TRIGGER audit_records_no_update",
            Kind::Postgres { .. } => "ALTER TABLE audit_records DISABLE TRIGGER USER",
        };
        bed.raw(protection).await.unwrap();
        bed.raw("UPDATE audit_records SET calls = 0").await.unwrap();
        let entry = entries(bed.store.as_ref(), log).await.remove(0);
        assert_eq!(entry.record["calls"], 0);
        let content = proof::content(&entry.phase, entry.recorded_at, &entry.record).unwrap();
        assert_ne!(proof::leaf(&content), entry.hash);
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
