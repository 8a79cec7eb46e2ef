//! What comes out of the journal is recorded whatever else there is, and once however often it comes.

use super::bed::{Bed, on_both};
use super::{at, end, intent, kept_intent, remembered, replay_key};
use crate::call::Outcome;
use crate::store::{Entry, Intent, Remembered, Verdict};

fn journaled(mut intent: Intent) -> Intent {
    intent.record.detail.journaled = true;
    intent
}

async fn commit(bed: &Bed, entries: &[Entry]) -> Vec<Verdict> {
    bed.store.commit(entries).await.unwrap()
}

async fn counters(bed: &Bed) -> Vec<i64> {
    let tasks = ["dts-1", "dts-2"].map(str::to_owned);
    bed.store.tasks("main", &tasks).await.unwrap().into_iter().map(|row| row.changes).collect()
}

#[test]
fn an_import_that_broke_off_is_begun_again_without_a_double() {
    on_both(async |bed| {
        let (first, second) = (journaled(kept_intent(&[("dts-1", 0)], 1, 1)), journaled(intent(&[("dts-2", 0)])));
        let all =
            || [Entry::Intent(first.clone()), end(&first, Outcome::Ok, Some("yes")), Entry::Intent(second.clone())];
        for part in [1, 2, 3, 3] {
            assert_eq!(commit(bed, &all()[..part]).await, vec![Verdict::Done; part]);
        }
        assert_eq!((bed.count("audit_intents").await, bed.count("audit_records").await), (2, 1));
        assert_eq!(counters(bed).await, [2, 1]);
        // One whose end is not known is open, and is closed like any other.
        let open = bed.store.open_changes(true).await.unwrap();
        assert_eq!(open.iter().map(|record| record.id).collect::<Vec<_>>(), [second.record.id]);
        assert!(open[0].detail.journaled);
        commit(bed, &[end(&second, Outcome::Unknown, None)]).await;
        assert!(bed.store.open_changes(true).await.unwrap().is_empty());
        assert_eq!(counters(bed).await, [2, 2]);
    });
}

#[test]
fn what_was_sent_is_recorded_though_its_task_is_busy_its_counter_moved_or_its_key_taken() {
    on_both(async |bed| {
        let open = kept_intent(&[("dts-1", 0)], 1, 1);
        commit(bed, &[Entry::Intent(open.clone())]).await;
        let sent = journaled(kept_intent(&[("dts-1", 7), ("dts-2", 7)], 1, 1));
        assert_eq!(commit(bed, &[Entry::Intent(sent.clone())]).await, [Verdict::Done]);
        assert_eq!((bed.count("audit_intents").await, bed.count("open_changes").await), (2, 2));
        // Each holds what was free when it came, and gives back what it holds.
        commit(bed, &[end(&sent, Outcome::Ok, None)]).await;
        assert_eq!((bed.count("open_changes").await, counters(bed).await), (1, vec![2, 2]));
        let alone = journaled(intent(&[("dts-1", 0)]));
        commit(bed, &[Entry::Intent(alone.clone())]).await;
        assert_eq!(bed.store.open_changes(true).await.unwrap().len(), 2, "without a lease it is open all the same");
        commit(bed, &[end(&alone, Outcome::Ok, None), end(&open, Outcome::Ok, None)]).await;
        assert_eq!(bed.count("open_changes").await, 0);
    });
}

#[test]
fn everything_that_is_remembered_can_be_asked_for_at_once() {
    on_both(async |bed| {
        let (over, open, refused) = (kept_intent(&[], 1, 1), kept_intent(&[], 2, 2), kept_intent(&[], 3, 3));
        commit(bed, &[&over, &open, &refused].map(|intent| Entry::Intent(intent.clone()))).await;
        commit(bed, &[end(&over, Outcome::Ok, Some("yes")), end(&refused, Outcome::Refused, None)]).await;
        let mut all = bed.store.all_remembered(over.record.time).await.unwrap();
        all.sort_by_key(|kept| kept.key.key);
        assert_eq!(all, [Remembered { open: false, ..remembered(&over) }, remembered(&open)]);
        let later = at(open.record.time.as_microsecond() + 60_000_001);
        assert!(bed.store.all_remembered(later).await.unwrap().is_empty());
        assert!(bed.store.remembered(&replay_key(1, 1), over.record.time).await.unwrap().is_some());
    });
}
