//! The audit log's pages.

use std::collections::HashSet;

use super::bed::{Bed, on_both};
use super::{at, end, ended, id, intent, record};
use crate::call::{Outcome, Record};
use crate::store::{Cursor, Entry, Filter};

/// Texts that end a statement, a string or a comment somewhere, or match everything.
pub(super) const HOSTILE: [&str; 9] = [
    "' OR '1'='1",
    "'; DROP TABLE audit_records; --",
    "\" OR \"\"=\"",
    "%",
    "_",
    "\\",
    "$1",
    "dts-1' UNION SELECT * FROM issued_keys --",
    "a\0b",
];

#[test]
fn a_record_comes_back_as_it_was() {
    on_both(async |bed| {
        for outcome in [Outcome::Ok, Outcome::Failed, Outcome::Refused, Outcome::Unknown] {
            let full = record(outcome);
            let empty = Record { id: id(), outcome, ..Record::default() };
            bed.store.commit(&[ended(&full), ended(&empty)]).await.unwrap();
            assert_eq!(find(bed, Filter { id: Some(full.id), ..all() }).await, [full]);
            assert_eq!(find(bed, Filter { id: Some(empty.id), ..all() }).await, [empty]);
        }
    });
}

#[test]
fn texts_that_a_database_can_not_hold_are_held_nearly() {
    on_both(async |bed| {
        let mut odd = record(Outcome::Open);
        odd.time = jiff::Timestamp::new(1_700_000_000, 123_456_789).unwrap();
        odd.action = format!("a\0b{}", "é".repeat(4_000));
        odd.task_ids = vec!["\0".to_owned(), "x".repeat(100_000)];
        odd.upstream_code = Some("\0\\u0000'\"\u{202e}\u{fffd}\u{10ffff}".to_owned());
        odd.detail.parameters = "{\"a\":\"\\u0000\0\"}".to_owned();
        odd.detail.user_agent = "\0".repeat(10_000);
        bed.store.commit(&[ended(&odd)]).await.unwrap();
        let found =
            find(bed, Filter { action: Some(odd.action.clone()), task_id: Some("\0".to_owned()), ..all() }).await;
        assert_eq!(found.len(), 1);
        let found = &found[0];
        assert_eq!(found.outcome, Outcome::Unknown, "an end that nobody filled in");
        assert_eq!(found.time, at(1_700_000_000_123_456));
        assert!(found.action.starts_with("a\u{fffd}bé") && found.action.len() <= 512);
        assert_eq!(found.upstream_code.as_deref(), Some("\u{fffd}\\u0000'\"\u{202e}\u{fffd}\u{10ffff}"));
        assert_eq!(found.detail.parameters, "{\"a\":\"\\u0000\u{fffd}\"}");
        assert_eq!(found.detail.user_agent.chars().count(), 10_000);
    });
}

#[test]
fn every_filter_finds_its_own_and_nothing_else() {
    on_both(async |bed| {
        let ours = record(Outcome::Failed);
        let theirs = Record {
            id: id(),
            time: at(ours.time.as_microsecond() + 1),
            outcome: Outcome::Ok,
            family: "gateway".to_owned(),
            task_ids: vec!["dts-3".to_owned()],
            ..Record::default()
        };
        bed.store.commit(&[ended(&ours), ended(&theirs)]).await.unwrap();
        // The same again for an open change.
        let mut open = intent(&[]);
        open.record = Record { id: open.record.id, outcome: Outcome::Open, ..ours.clone() };
        open.record.request_id = "another".to_owned();
        bed.store.commit(&[Entry::Intent(open.clone())]).await.unwrap();

        let ids = |records: Vec<Record>| records.iter().map(|record| record.id).collect::<Vec<_>>();
        let text = |text: &str| Some(text.to_owned());
        let filters = [
            Filter { account: text("main"), ..all() },
            Filter { team: text("orders"), ..all() },
            Filter { caller: text("orders-ci"), ..all() },
            Filter { key_id: text("AKIDexample"), ..all() },
            Filter { action: text("StopMigrateJob"), ..all() },
            Filter { version: text("2018-03-30"), ..all() },
            Filter { family: text("cloudy"), ..all() },
            Filter { administrative: Some(false), ..all() },
            Filter { region: text("ap-guangzhou"), ..all() },
            Filter { task_id: text("dts-1"), ..all() },
            Filter { task_id: text("dts-2"), ..all() },
            Filter { reason: text("task-busy"), ..all() },
            Filter { request_id: text("f1e2"), ..all() },
            Filter { to: Some(theirs.time), ..all() },
        ];
        for filter in filters {
            assert_eq!(ids(find(bed, filter.clone()).await), [open.record.id, ours.id], "{filter:?}");
        }
        let cases = [
            (Filter { id: Some(ours.id), ..all() }, vec![ours.id]),
            (Filter { id: Some(open.record.id), ..all() }, vec![open.record.id]),
            (Filter { outcome: vec![Outcome::Open], ..all() }, vec![open.record.id]),
            (Filter { outcome: vec![Outcome::Failed], ..all() }, vec![ours.id]),
            (Filter { outcome: vec![Outcome::Unknown], ..all() }, vec![]),
            (Filter { request_id: Some(ours.request_id.clone()), ..all() }, vec![ours.id]),
            (Filter { administrative: Some(true), ..all() }, vec![theirs.id]),
            (Filter { administrative: Some(true), caller: text("orders-ci"), ..all() }, vec![]),
            (Filter { from: Some(theirs.time), ..all() }, vec![theirs.id]),
            (Filter { to: Some(ours.time), ..all() }, vec![]),
            (Filter { task_id: text("dts-1"), outcome: vec![Outcome::Failed], ..all() }, vec![ours.id]),
            (Filter { task_id: text("dts-1"), id: Some(ours.id), ..all() }, vec![ours.id]),
            (Filter { task_id: text("dts-1"), cursor: Some(Cursor(ours.id)), ..all() }, vec![]),
            (Filter { task_id: text("dts-3"), caller: text("orders-ci"), ..all() }, vec![]),
            (
                Filter {
                    from: Some(jiff::Timestamp::MIN),
                    to: Some(jiff::Timestamp::MAX),
                    task_id: text("dts-3"),
                    ..all()
                },
                vec![theirs.id],
            ),
        ];
        for (filter, expected) in cases {
            assert_eq!(ids(find(bed, filter.clone()).await), expected, "{filter:?}");
        }
    });
}

#[test]
fn hostile_texts_are_only_texts() {
    on_both(async |bed| {
        let mut harmless = vec![ended(&record(Outcome::Ok))];
        let mut change = intent(&[("dts-1", 0)]);
        change.record.account = "other".to_owned();
        harmless.push(Entry::Intent(change));
        bed.store.commit(&harmless).await.unwrap();
        let columns: [fn(&mut Filter) -> &mut Option<String>; 12] = [
            |filter| &mut filter.account,
            |filter| &mut filter.team,
            |filter| &mut filter.caller,
            |filter| &mut filter.key_id,
            |filter| &mut filter.action,
            |filter| &mut filter.version,
            |filter| &mut filter.family,
            |filter| &mut filter.region,
            |filter| &mut filter.task_id,
            |filter| &mut filter.reason,
            |filter| &mut filter.request_id,
            |filter| &mut filter.text,
        ];
        for text in HOSTILE {
            for column in columns {
                let mut filter = all();
                *column(&mut filter) = Some(text.to_owned());
                assert!(find(bed, filter.clone()).await.is_empty(), "{filter:?}");
            }
            // Stored, it is found by itself, and can hold a lease.
            let mut odd = intent(&[(text, 0)]);
            odd.record.action = text.to_owned();
            let verdicts = bed.store.commit(&[Entry::Intent(odd.clone())]).await.unwrap();
            assert_eq!(verdicts, [crate::store::Verdict::Done]);
            let filter = Filter { action: Some(text.to_owned()), task_id: Some(text.to_owned()), ..all() };
            assert_eq!(find(bed, filter).await.len(), 1);
            let row = bed.store.tasks("main", &[text.to_owned()]).await.unwrap().remove(0);
            assert_eq!(row.open_change, Some(odd.record.id));
            assert!(bed.store.tasks_of(text, text, 5).await.unwrap().is_empty());
            assert!(bed.store.key(text).await.unwrap().is_none());
        }
        assert_eq!(bed.count("audit_intents").await, 1 + 9);
    });
}

#[test]
fn the_pages_are_all_records_once_while_others_are_added() {
    on_both(async |bed| {
        for size in [1_u32, 2, 3, 7, 100] {
            let filter = Filter { caller: Some(format!("caller-{size}")), limit: size, ..Filter::default() };
            let caller = filter.caller.clone().unwrap();
            let mut expected = HashSet::new();
            for number in 0..23 {
                let mut change = intent(&[(&format!("dts-{size}-{number}"), 0)]);
                change.record.caller.clone_from(&caller);
                expected.insert(change.record.id);
                match number % 3 {
                    0 => bed.store.commit(&[Entry::Intent(change)]).await,
                    1 => bed.store.commit(&[Entry::Intent(change.clone()), end(&change, Outcome::Ok, None)]).await,
                    _ => bed.store.commit(&[ended(&Record { outcome: Outcome::Ok, ..change.record })]).await,
                }
                .unwrap();
            }
            let mut seen = Vec::new();
            let mut cursor = None;
            loop {
                let page = bed.page(Filter { cursor, ..filter.clone() }).await;
                assert!(page.records.len() <= size as usize);
                assert_eq!(page.next, page.next.and(page.records.last().map(|last| Cursor(last.id))));
                seen.extend(page.records.iter().map(|record| record.id));
                // A new one, and an open one that ends, while somebody turns the pages.
                let mut newer = record(Outcome::Ok);
                newer.caller.clone_from(&caller);
                bed.store.commit(&[ended(&newer)]).await.unwrap();
                if let Some(open) = bed.store.open_changes(true).await.unwrap().pop() {
                    let closed = crate::call::Closed {
                        record: Record { outcome: Outcome::Unknown, ..open },
                        intended: true,
                        answer: None,
                        window: None,
                    };
                    bed.store.commit(&[Entry::Closed(closed)]).await.unwrap();
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert!(seen.is_sorted_by(|one, next| one > next), "newest first, none twice");
            assert_eq!(seen.into_iter().collect::<HashSet<_>>(), expected, "pages of {size}");
        }
    });
}

#[test]
fn a_page_has_one_to_a_thousand_records() {
    on_both(async |bed| {
        let records: Vec<Entry> = (0..1_100).map(|_| ended(&record(Outcome::Ok))).collect();
        bed.store.commit(&records).await.unwrap();
        for (limit, size) in [(0, 1), (1, 1), (999, 999), (1_000, 1_000), (1_001, 1_000), (u32::MAX, 1_000)] {
            let page = bed.page(Filter { limit, ..Filter::default() }).await;
            assert_eq!(page.records.len(), size);
            assert!(page.next.is_some());
        }
        let task = Filter { task_id: Some("dts-2".to_owned()), limit: 1_000, ..Filter::default() };
        let first = bed.page(task.clone()).await;
        let second = bed.page(Filter { cursor: first.next, ..task }).await;
        assert_eq!((first.records.len(), second.records.len(), second.next), (1_000, 100, None));
    });
}

pub(super) fn all() -> Filter {
    Filter { limit: 100, ..Filter::default() }
}

pub(super) async fn find(bed: &Bed, filter: Filter) -> Vec<Record> {
    bed.page(filter).await.records
}
