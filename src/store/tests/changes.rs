//! Intents, leases and counters: one change of a task at a time, judged by what is true.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::bed::on_both;
use super::{end, ended, intent, kept_intent, record};
use crate::call::{Outcome, Record};
use crate::store::{Entry, Filter, Intent, Store, TaskRow, Verdict};

#[test]
fn a_change_is_open_holds_its_tasks_and_releases_them_with_its_end() {
    on_both(async |bed| {
        let change = intent(&[("dts-1", 0), ("dts-2", 0)]);
        assert_eq!(one(bed.store.as_ref(), Entry::Intent(change.clone())).await, Verdict::Done);

        let open = bed.page(Filter::default()).await.records;
        assert_eq!(open, std::slice::from_ref(&change.record));
        assert_eq!(bed.store.open_changes(true).await.unwrap(), std::slice::from_ref(&change.record));
        let names = ["dts-2", "dts-9", "dts-1"].map(str::to_owned);
        let held = TaskRow { team: None, changes: 1, open_change: Some(change.record.id) };
        let rows = bed.store.tasks("main", &names).await.unwrap();
        assert_eq!(rows, [held.clone(), TaskRow::default(), held]);
        assert_eq!(bed.store.tasks("other", &names).await.unwrap(), [(); 3].map(|()| TaskRow::default()));

        assert_eq!(one(bed.store.as_ref(), end(&change, Outcome::Ok, None)).await, Verdict::Done);
        let done = bed.page(Filter::default()).await.records;
        assert_eq!(done, [Record { outcome: Outcome::Ok, upstream_code: None, ..change.record.clone() }]);
        assert!(bed.store.open_changes(true).await.unwrap().is_empty());
        let free = TaskRow { team: None, changes: 2, open_change: None };
        assert_eq!(bed.store.tasks("main", &names).await.unwrap()[2], free);
    });
}

#[test]
fn of_two_changes_of_one_task_in_one_batch_the_first_goes() {
    on_both(async |bed| {
        let (first, second) = (intent(&[("dts-1", 0)]), intent(&[("dts-0", 0), ("dts-1", 0)]));
        let entries = [Entry::Intent(first.clone()), Entry::Intent(second.clone())];
        let verdicts = bed.store.commit(&entries).await.unwrap();
        assert_eq!(verdicts, [Verdict::Done, Verdict::Busy { task: "dts-1".to_owned() }]);
        // Nothing is left of the second, and the other account's task of that name is another task.
        assert_eq!(bed.count("audit_intents").await, 1);
        assert_eq!(bed.count("audit_record_tasks").await, 1);
        assert_eq!(bed.count("open_changes").await, 1);
        assert_eq!(bed.count("tasks").await, 1);
        let mut elsewhere = intent(&[("dts-1", 0)]);
        elsewhere.record.account = "other".to_owned();
        assert_eq!(one(bed.store.as_ref(), Entry::Intent(elsewhere)).await, Verdict::Done);
        // The lease of one that ended passes to the next within a batch.
        let third = intent(&[("dts-1", 2)]);
        let verdicts = bed.store.commit(&[end(&first, Outcome::Ok, None), Entry::Intent(third.clone())]).await.unwrap();
        assert_eq!(verdicts, [Verdict::Done, Verdict::Done]);
        let row = &bed.store.tasks("main", &["dts-1".to_owned()]).await.unwrap()[0];
        assert_eq!((row.changes, row.open_change), (3, Some(third.record.id)));
    });
}

#[test]
fn a_state_that_was_read_before_or_during_another_change_is_stale() {
    on_both(async |bed| {
        let stale = |task: &str| Verdict::Stale { task: task.to_owned() };
        let first = intent(&[("dts-1", 0)]);
        one(bed.store.as_ref(), Entry::Intent(first.clone())).await;
        let during = bed.store.tasks("main", &["dts-1".to_owned()]).await.unwrap()[0].changes;
        one(bed.store.as_ref(), end(&first, Outcome::Unknown, None)).await;
        assert_eq!(one(bed.store.as_ref(), Entry::Intent(intent(&[("dts-1", 0)]))).await, stale("dts-1"));
        assert_eq!(one(bed.store.as_ref(), Entry::Intent(intent(&[("dts-1", during)]))).await, stale("dts-1"));
        assert_eq!(one(bed.store.as_ref(), Entry::Intent(intent(&[("dts-2", 7)]))).await, stale("dts-2"));
        let after = bed.store.tasks("main", &["dts-1".to_owned()]).await.unwrap()[0].changes;
        assert_eq!(one(bed.store.as_ref(), Entry::Intent(intent(&[("dts-1", after)]))).await, Verdict::Done);
        assert_eq!(bed.count("audit_intents").await, 2);
    });
}

#[test]
fn creations_hold_no_task_and_do_not_hinder_each_other() {
    on_both(async |bed| {
        let (one, two) = (intent(&[]), intent(&[]));
        let verdicts = bed.store.commit(&[Entry::Intent(one.clone()), Entry::Intent(two)]).await.unwrap();
        assert_eq!(verdicts, [Verdict::Done, Verdict::Done]);
        assert_eq!(bed.store.open_changes(true).await.unwrap().len(), 2);
        let own = Entry::Own { account: "main".to_owned(), task: "dts-7".to_owned(), team: "orders".to_owned() };
        bed.store.commit(&[own, end(&one, Outcome::Ok, None)]).await.unwrap();
        assert_eq!(bed.store.open_changes(true).await.unwrap().len(), 1);
        assert_eq!(bed.store.tasks_of("main", "orders", 10).await.unwrap(), ["dts-7"]);
        let own = |task: &str, team: &str| Entry::Own {
            account: "main".to_owned(),
            task: task.to_owned(),
            team: team.to_owned(),
        };
        bed.store.commit(&[own("dts-8", "orders"), own("dts-7", "search"), own("dts-9", "orders")]).await.unwrap();
        assert_eq!(bed.store.tasks_of("main", "orders", 10).await.unwrap(), ["dts-8", "dts-9"]);
        assert_eq!(bed.store.tasks_of("main", "orders", 1).await.unwrap(), ["dts-8"]);
        assert_eq!(bed.store.tasks_of("other", "orders", 10).await.unwrap(), [""; 0]);
        let row = bed.store.tasks("main", &["dts-7".to_owned()]).await.unwrap().remove(0);
        assert_eq!(row, TaskRow { team: Some("search".to_owned()), changes: 0, open_change: None });
    });
}

#[test]
fn instances_that_race_for_tasks_never_share_one() {
    on_both(async |bed| {
        let stores: Vec<Arc<dyn Store>> = vec![Arc::clone(&bed.store), bed.another(), bed.another()];
        let names: Vec<String> = (0..6).map(|task| format!("dts-{task}")).collect();
        let racers = stores.iter().enumerate().map(|(racer, store)| {
            let (store, names) = (Arc::clone(store), names.clone());
            tokio::spawn(async move {
                let mut done = 0;
                for round in 0..25 {
                    let rows = store.tasks("main", &names).await.unwrap();
                    let pairs = (0..names.len()).map(|task| {
                        // Pairs in either order, so that locks taken in an intent's own order would deadlock.
                        let (a, b) = (task, (task + racer + round) % names.len());
                        intent(&[(&names[a], rows[a].changes), (&names[b], rows[b].changes)])
                    });
                    let intents: Vec<Intent> = pairs.collect();
                    let entries: Vec<Entry> = intents.iter().cloned().map(Entry::Intent).collect();
                    let verdicts = store.commit(&entries).await.unwrap();
                    let won: Vec<&Intent> = intents
                        .iter()
                        .zip(&verdicts)
                        .filter_map(|(intent, verdict)| (*verdict == Verdict::Done).then_some(intent))
                        .collect();
                    done += won.len();
                    // While we hold them nobody else does.
                    let rows = store.tasks("main", &names).await.unwrap();
                    let holders: HashMap<&String, _> =
                        names.iter().zip(&rows).map(|(name, row)| (name, row.open_change)).collect();
                    for intent in &won {
                        for task in &intent.record.task_ids {
                            assert_eq!(holders[task], Some(intent.record.id));
                        }
                    }
                    let ends: Vec<Entry> = won.iter().map(|intent| end(intent, Outcome::Ok, None)).collect();
                    store.commit(&ends).await.unwrap();
                }
                done
            })
        });
        let mut done = 0;
        for racer in racers.collect::<Vec<_>>() {
            done += racer.await.unwrap();
        }
        assert!(done > 25, "{done}");
        assert_eq!(bed.count("open_changes").await, 0);
        assert_eq!(bed.count("audit_intents").await, i64::try_from(done).unwrap());
        assert_eq!(bed.count("audit_records").await, i64::try_from(done).unwrap());
    });
}

#[test]
fn a_batch_whose_acknowledgement_was_lost_can_be_sent_again() {
    on_both(async |bed| {
        let before = kept_intent(&[("dts-1", 0)], 1, 1);
        one(bed.store.as_ref(), Entry::Intent(before.clone())).await;
        let read = record(Outcome::Ok);
        let change = kept_intent(&[("dts-1", 2)], 2, 2);
        let busy = intent(&[("dts-1", 2)]);
        let batch = [
            end(&before, Outcome::Ok, Some("answer")),
            Entry::Intent(change.clone()),
            Entry::Intent(busy),
            ended(&read),
        ];
        let first = bed.store.commit(&batch).await.unwrap();
        assert_eq!(first[..3], [Verdict::Done, Verdict::Done, Verdict::Busy { task: "dts-1".to_owned() }]);
        assert_eq!(bed.store.commit(&batch).await.unwrap(), first);
        assert_eq!(bed.count("audit_records").await, 2);
        assert_eq!(bed.count("audit_intents").await, 2);
        let row = &bed.store.tasks("main", &["dts-1".to_owned()]).await.unwrap()[0];
        assert_eq!((row.changes, row.open_change), (3, Some(change.record.id)));
        // The end again, with another text: the first stands.
        let Entry::Closed(mut again) = end(&before, Outcome::Failed, None) else { unreachable!() };
        again.record.caller = "someone else".to_owned();
        one(bed.store.as_ref(), Entry::Closed(again)).await;
        let found = bed.page(Filter { id: Some(before.record.id), ..Filter::default() }).await.records;
        assert_eq!((found.len(), found[0].outcome, found[0].caller.as_str()), (1, Outcome::Ok, "orders-ci"));
    });
}

#[test]
fn an_intent_and_its_end_may_be_in_one_batch() {
    on_both(async |bed| {
        let change = kept_intent(&[("dts-1", 0)], 1, 1);
        let batch = [Entry::Intent(change.clone()), end(&change, Outcome::Refused, None)];
        assert_eq!(bed.store.commit(&batch).await.unwrap(), [Verdict::Done, Verdict::Done]);
        assert!(bed.store.open_changes(true).await.unwrap().is_empty());
        assert_eq!(bed.count("remembered").await, 0);
        let found = bed.page(Filter::default()).await.records;
        assert_eq!((found.len(), found[0].outcome), (1, Outcome::Refused));
    });
}

#[test]
fn an_intent_that_came_through_after_its_end_holds_nothing() {
    on_both(async |bed| {
        let late = kept_intent(&[("dts-1", 0)], 1, 1);
        one(bed.store.as_ref(), end(&late, Outcome::Refused, None)).await;
        one(bed.store.as_ref(), Entry::Intent(late.clone())).await;
        let rows = bed.store.tasks("main", &["dts-1".to_owned()]).await.unwrap();
        assert_eq!(rows[0].open_change, None);
        let page = bed.page(Filter::default()).await.records;
        assert_eq!((page.len(), page[0].outcome), (1, Outcome::Refused));
        let (key, _) = &late.replay[0];
        assert_eq!(bed.store.remembered(key, late.record.time).await.unwrap(), None);
        let next = kept_intent(&[("dts-1", rows[0].changes)], 1, 1);
        assert_eq!(one(bed.store.as_ref(), Entry::Intent(next.clone())).await, Verdict::Done);
        let rows = bed.store.tasks("main", &["dts-1".to_owned()]).await.unwrap();
        assert_eq!(rows[0].open_change, Some(next.record.id));
    });
}

#[test]
fn a_commit_that_is_broken_off_is_there_whole_or_not_at_all() {
    on_both(async |bed| {
        for round in 0..60_u64 {
            let (task, other) = (format!("dts-{round}"), format!("dts-x{round}"));
            let change = intent(&[(&task, 0), (&other, 0)]);
            let batch = [Entry::Intent(change.clone()), ended(&record(Outcome::Ok))];
            let broken = tokio::time::timeout(Duration::from_micros(round * 100), bed.store.commit(&batch)).await;
            let rows = bed.store.tasks("main", &[task, other]).await.unwrap();
            assert_eq!(rows[0], rows[1]);
            if broken.is_ok() {
                assert_eq!(rows[0].open_change, Some(change.record.id));
            }
            // Whatever became of it, sent again it is there once.
            assert_eq!(bed.store.commit(&batch).await.unwrap(), [Verdict::Done, Verdict::Done]);
            assert_eq!(bed.store.commit(&[end(&change, Outcome::Ok, None)]).await.unwrap(), [Verdict::Done]);
        }
        assert_eq!(bed.count("audit_intents").await, 60);
        assert_eq!(bed.count("audit_records").await, 120);
        assert_eq!(bed.count("open_changes").await, 0);
        assert_eq!(bed.count("tasks WHERE changes = 2").await, 120);
    });
}

async fn one(store: &dyn Store, entry: Entry) -> Verdict {
    store.commit(&[entry]).await.unwrap().remove(0)
}
