//! What else is asked of the audit log: in either order, a part of a text, both phases, numbers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use super::bed::{Bed, on_both};
use super::pages::{HOSTILE, all, find};
use super::{at, end, ended, id, intent, record};
use crate::call::{Calls, Outcome, Record};
use crate::store::{By, Count, Cursor, Entry, Filter, Order, Per, Phases, StoreError};

/// A record that is put into the log.
#[derive(Clone, Copy, Debug)]
struct Put {
    outcome: Outcome,
    is_read: bool,
    is_ours: bool,
}

fn put() -> impl Strategy<Value = Put> {
    let outcomes = [Outcome::Ok, Outcome::Failed, Outcome::Refused, Outcome::Unknown, Outcome::Open];
    (proptest::sample::select(outcomes.to_vec()), any::<bool>(), any::<bool>())
        .prop_map(|(outcome, is_read, is_ours)| Put { outcome, is_read, is_ours })
}

impl Put {
    async fn into(self, bed: &Bed, caller: &str) -> Record {
        let mut record = record(self.outcome);
        record.caller = if self.is_ours { caller } else { "somebody else" }.to_owned();
        record.detail.kind = if self.is_read { "read" } else { "change" }.to_owned();
        record.task_ids = vec!["dts-1".to_owned()];
        let entry = match self.outcome {
            Outcome::Open => {
                let mut open = intent(&[]);
                open.record = record.clone();
                Entry::Intent(open)
            }
            _ => ended(&record),
        };
        bed.store.commit(&[entry]).await.unwrap();
        record
    }
}

#[test]
fn pages_by_cursor_are_the_whole_whatever_is_added_meanwhile() {
    on_both(async |bed| {
        let mut runner = TestRunner::deterministic();
        let plans = (
            proptest::collection::vec(put(), 0..25),
            proptest::collection::vec(put(), 0..8),
            1..9_u32,
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
        );
        for number in 0..30 {
            let (before, meanwhile, limit, oldest, attempts, of_task) = plans.new_tree(&mut runner).unwrap().current();
            let caller = format!("caller-{number}");
            let filter = Filter {
                caller: Some(caller.clone()),
                task_id: of_task.then(|| "dts-1".to_owned()),
                order: if oldest { Order::Oldest } else { Order::Newest },
                attempts,
                limit,
                ..Filter::default()
            };
            let fits = |put: &Put| put.is_ours && (!attempts || !put.is_read || put.outcome == Outcome::Refused);
            let mut expected = Vec::new();
            for put in before {
                let record = put.into(bed, &caller).await;
                expected.extend(fits(&put).then_some(record.id));
            }
            let (mut meanwhile, mut added) = (meanwhile.into_iter(), Vec::new());
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = bed.page(Filter { cursor, ..filter.clone() }).await;
                assert!(page.records.len() <= limit as usize);
                seen.extend(page.records.iter().map(|record| record.id));
                if let Some(put) = meanwhile.next() {
                    let record = put.into(bed, &caller).await;
                    added.extend(fits(&put).then_some(record.id));
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            if oldest {
                // What was added is newer, so it comes last: as much of it as was there when the last page was read.
                let rest = seen.split_off(expected.len().min(seen.len()));
                assert!(added.starts_with(&rest), "{filter:?}");
            } else {
                seen.reverse();
            }
            assert_eq!(seen, expected, "{filter:?}");
        }
    });
}

#[test]
fn a_text_is_found_where_it_is_told_and_nowhere_else() {
    on_both(async |bed| {
        let mut told = record(Outcome::Refused);
        told.detail.message = "[dts-gateway task-busy]: another change of Task 100% is under_way. É".to_owned();
        let mut coded = record(Outcome::Failed);
        coded.upstream_code = Some("FailedOperation.NotAllow%Operation".to_owned());
        let none = Record { upstream_code: None, ..record(Outcome::Ok) };
        bed.store.commit(&[ended(&told), ended(&coded), ended(&none)]).await.unwrap();
        for (text, expected) in [
            ("another CHANGE", vec![told.id]),
            ("100% is", vec![told.id]),
            ("under_way", vec![told.id]),
            ("underXway", vec![]),
            ("é", vec![]),
            ("É", vec![told.id]),
            ("notallow%", vec![coded.id]),
            ("failedoperation", vec![coded.id, told.id]),
            ("%", vec![coded.id, told.id]),
            ("f1e2", vec![]),
        ] {
            let found = find(bed, Filter { text: Some(text.to_owned()), ..all() }).await;
            assert_eq!(found.iter().map(|record| record.id).collect::<Vec<_>>(), expected, "{text}");
        }
        for text in HOSTILE {
            let mut odd = record(Outcome::Refused);
            odd.detail.message = format!("before {text} behind");
            odd.caller = format!("of {text}");
            bed.store.commit(&[ended(&odd)]).await.unwrap();
            let filter = Filter { text: Some(text.to_owned()), caller: Some(odd.caller.clone()), ..all() };
            assert_eq!(find(bed, filter).await.len(), 1, "{text}");
        }
    });
}

#[test]
fn several_words_are_one_or_the_other() {
    on_both(async |bed| {
        let mut ids = Vec::new();
        for (outcome, kind) in [(Outcome::Ok, "read"), (Outcome::Refused, "read"), (Outcome::Failed, "change")] {
            let mut made = record(outcome);
            made.detail.kind = kind.to_owned();
            bed.store.commit(&[ended(&made)]).await.unwrap();
            ids.push(made.id);
        }
        let kinds = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect();
        for (filter, expected) in [
            (Filter { outcome: vec![Outcome::Ok, Outcome::Failed], ..all() }, vec![2, 0]),
            (Filter { outcome: vec![Outcome::Unknown, Outcome::Open], ..all() }, vec![]),
            (Filter { kind: kinds(&["read"]), ..all() }, vec![1, 0]),
            (Filter { kind: kinds(&["change", "read"]), order: Order::Oldest, ..all() }, vec![0, 1, 2]),
            (Filter { kind: kinds(&["' OR 1=1 --"]), ..all() }, vec![]),
            (Filter { attempts: true, ..all() }, vec![2, 1]),
            (Filter { order: Order::Oldest, cursor: Some(Cursor(ids[0])), ..all() }, vec![1, 2]),
        ] {
            let found = find(bed, filter.clone()).await.iter().map(|record| record.id).collect::<Vec<_>>();
            assert_eq!(found, expected.iter().map(|place: &usize| ids[*place]).collect::<Vec<_>>(), "{filter:?}");
        }
    });
}

#[test]
fn a_change_is_found_once_by_its_task_however_long_it_took() {
    on_both(async |bed| {
        let change = intent(&[("dts-1", 0)]);
        bed.store.commit(&[Entry::Intent(change.clone())]).await.unwrap();
        bed.store.commit(&[end(&change, Outcome::Ok, None)]).await.unwrap();
        let filter = Filter { task_id: Some("dts-1".to_owned()), limit: 10, ..Filter::default() };
        let found = find(bed, filter.clone()).await;
        assert_eq!(found.iter().map(|record| record.id).collect::<Vec<_>>(), [change.record.id]);
        let counted = bed.store.summary(&filter, Per::Day, By::Outcome, 10).await.unwrap();
        assert_eq!(counted.iter().map(|count| count.calls).sum::<u64>(), 1);
    });
}

#[test]
fn a_call_has_its_phases() {
    on_both(async |bed| {
        let change = intent(&[]);
        let open = Record { settled: None, ..change.record.clone() };
        bed.store.commit(&[Entry::Intent(change.clone())]).await.unwrap();
        let begun = Phases { intent: Some(open.clone()), ..Phases::default() };
        assert_eq!(bed.store.phases(change.record.id).await.unwrap(), begun);
        bed.store.commit(&[end(&change, Outcome::Failed, None)]).await.unwrap();
        let ended_as = Record { outcome: Outcome::Failed, upstream_code: None, ..change.record.clone() };
        let both = Phases { intent: Some(open), ended: Some(ended_as), settled: None };
        assert_eq!(bed.store.phases(change.record.id).await.unwrap(), both);

        let read = record(Outcome::Ok);
        bed.store.commit(&[ended(&read)]).await.unwrap();
        assert_eq!(bed.store.phases(read.id).await.unwrap(), Phases { ended: Some(read), ..Phases::default() });
        assert_eq!(bed.store.phases(Uuid::nil()).await.unwrap(), Phases::default());
    });
}

#[test]
fn a_summary_counts_what_the_pages_show() {
    on_both(async |bed| {
        let first = 1_790_000_000_000_000_i64;
        let outcomes = [Outcome::Ok, Outcome::Refused, Outcome::Failed, Outcome::Open];
        for number in 0..40_i64 {
            let mut made = record(outcomes[(number % 4) as usize]);
            // Over some days, with an id of its time, as calls have.
            made.time = at(first + number * 7_000_000_000);
            made.id = id_at(made.time);
            made.request_id = made.id.to_string();
            made.caller = format!("caller-{}", number % 3);
            made.calls = Calls::from(number.unsigned_abs() % 5);
            made.task_ids = if number < 20 { vec!["dts-early".to_owned()] } else { vec![] };
            let entry = if made.outcome == Outcome::Open {
                let mut open = intent(&[]);
                open.record = made;
                Entry::Intent(open)
            } else {
                ended(&made)
            };
            bed.store.commit(&[entry]).await.unwrap();
        }
        let task = Some("dts-early".to_owned());
        for filter in [
            all(),
            Filter { from: Some(at(first + 1)), to: Some(at(first + 200_000_000_000)), ..all() },
            Filter { caller: Some("caller-1".to_owned()), ..all() },
            Filter { task_id: task, outcome: vec![Outcome::Open, Outcome::Ok], ..all() },
            Filter { caller: Some("' OR 1=1 --".to_owned()), ..all() },
        ] {
            let records = find(bed, filter.clone()).await;
            for per in [Per::Minute, Per::Hour, Per::Day] {
                for by in [By::Outcome, By::Action, By::Caller] {
                    let mut expected = BTreeMap::<_, (u64, u64)>::new();
                    for record in &records {
                        let seconds = record.time.as_second() - record.time.as_second() % per.seconds();
                        let word = match by {
                            By::Outcome => record.outcome.as_str().to_owned(),
                            By::Action => record.action.clone(),
                            By::Caller => record.caller.clone(),
                        };
                        let (calls, records) = expected.entry((at(seconds * 1_000_000), word)).or_default();
                        (*calls, *records) = (*calls + record.calls.get(), *records + 1);
                    }
                    let expected: Vec<Count> = expected
                        .into_iter()
                        .map(|((start, word), (calls, records))| Count { start, word, calls, records })
                        .collect();
                    assert_eq!(bed.store.summary(&filter, per, by, 100).await.unwrap(), expected, "{filter:?}");
                }
            }
        }
        let many = bed.store.summary(&all(), Per::Minute, By::Caller, 39).await;
        assert!(matches!(many, Err(StoreError::TooBroad(_))), "{many:?}");
        let words: BTreeSet<_> = bed
            .store
            .summary(&all(), Per::Day, By::Caller, 40)
            .await
            .unwrap()
            .into_iter()
            .map(|count| count.word)
            .collect();
        assert_eq!(words.len(), 3);
    });
}

/// An id of this time.
fn id_at(time: jiff::Timestamp) -> Uuid {
    let milliseconds = u128::from(time.as_millisecond().unsigned_abs()) << 80;
    Uuid::from_u128(milliseconds | (id().as_u128() & ((1 << 80) - 1)))
}
