//! Changes that are found under two keys: as the same one, and as one that bought the same.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::bed::{Bed, on_both};
use super::{at, end, kept_intent, remembered, replay_key};
use crate::call::Outcome;
use crate::store::{Entry, Intent, Remembered, Verdict};

/// The key of what is bought.
const BOUGHT: u8 = 200;

/// How long a purchase is guarded, from its intent and from its end.
const WINDOW: Duration = Duration::from_secs(10);

/// A purchase that is remembered as itself under `key` for a minute.
fn purchase(key: u8) -> Intent {
    let mut intent = kept_intent(&[], key, key);
    intent.replay.push((replay_key(BOUGHT, BOUGHT), intent.record.time + WINDOW));
    intent
}

/// The end of a purchase, `seconds` after its arrival.
fn ended(purchase: &Intent, outcome: Outcome, seconds: i64, throttled: bool) -> Entry {
    let Entry::Closed(mut closed) = end(purchase, outcome, Some("the answer")) else { unreachable!() };
    closed.window = Some(WINDOW);
    closed.record.detail.total_ms = seconds * 1000;
    closed.record.detail.throttled = throttled;
    Entry::Closed(closed)
}

fn after(purchase: &Intent, seconds: i64) -> Timestamp {
    at(purchase.record.time.as_microsecond() + seconds * 1_000_000)
}

async fn bought(bed: &Bed, now: Timestamp) -> Option<Remembered> {
    bed.store.remembered(&replay_key(BOUGHT, BOUGHT), now).await.unwrap()
}

async fn commit(bed: &Bed, entry: Entry) -> Verdict {
    bed.store.commit(&[entry]).await.unwrap().remove(0)
}

#[test]
fn the_first_key_that_is_taken_decides() {
    on_both(async |bed| {
        let first = purchase(1);
        let batch = [Entry::Intent(first.clone()), Entry::Intent(purchase(2)), Entry::Intent(purchase(1))];
        let as_bought =
            Remembered { key: replay_key(BOUGHT, BOUGHT), expires_at: after(&first, 10), ..remembered(&first) };
        let expected = [Verdict::Done, Verdict::Replayed(as_bought.clone()), Verdict::Replayed(remembered(&first))];
        assert_eq!(bed.store.commit(&batch).await.unwrap(), expected);
        // In a batch of its own, and at an instance that started later, too.
        assert_eq!(commit(bed, Entry::Intent(purchase(3))).await, expected[1]);
        let later = bed.another();
        assert_eq!(later.commit(&[Entry::Intent(purchase(3))]).await.unwrap(), [expected[1].clone()]);
        assert_eq!(later.remembered(&as_bought.key, first.record.time).await.unwrap(), Some(as_bought));
        later.close().await;
        assert_eq!(bed.store.remembered(&replay_key(3, 3), first.record.time).await.unwrap(), None);
        assert_eq!((bed.count("audit_intents").await, bed.count("remembered").await), (1, 2));
    });
}

#[test]
fn of_sixteen_equal_purchases_at_two_instances_one_is_first() {
    on_both(async |bed| {
        let other = bed.another();
        let all: Vec<Intent> = (0..16).map(purchase).collect();
        let verdicts = join_all(all.iter().enumerate().map(|(at, intent)| {
            let store = if at % 2 == 0 { &bed.store } else { &other };
            async move { store.commit(&[Entry::Intent(intent.clone())]).await.unwrap().remove(0) }
        }))
        .await;
        let first = verdicts.iter().position(|verdict| *verdict == Verdict::Done).unwrap();
        for (at, verdict) in verdicts.iter().enumerate().filter(|(at, _)| *at != first) {
            let Verdict::Replayed(found) = verdict else { panic!("{at}: {verdict:?}") };
            assert_eq!((found.id, found.open), (all[first].record.id, true));
        }
        other.close().await;
    });
}

#[test]
fn the_window_counts_from_the_end_whatever_it_was() {
    on_both(async |bed| {
        for (round, outcome) in (0_u8..).zip([Outcome::Ok, Outcome::Failed, Outcome::Unknown]) {
            let first = purchase(round);
            assert_eq!(commit(bed, Entry::Intent(first.clone())).await, Verdict::Done);
            assert!(bought(bed, after(&first, 60)).await.is_some(), "open");
            commit(bed, ended(&first, outcome, 30, false)).await;
            let found = bought(bed, after(&first, 39)).await.unwrap();
            assert_eq!((found.id, found.open, found.expires_at), (first.record.id, false, after(&first, 40)));
            assert_eq!(found.answer.is_some(), outcome != Outcome::Unknown);
            let mut again = purchase(100 + round);
            again.record.time = after(&first, 39);
            assert!(matches!(commit(bed, Entry::Intent(again.clone())).await, Verdict::Replayed(_)));
            assert_eq!(bought(bed, after(&first, 40)).await, None);
            // As itself it is known as long as before.
            assert!(bed.store.remembered(&replay_key(round, round), after(&first, 59)).await.unwrap().is_some());
            again.record.time = after(&first, 41);
            assert_eq!(commit(bed, Entry::Intent(again.clone())).await, Verdict::Done);
            commit(bed, ended(&again, Outcome::Refused, 0, false)).await;
        }
    });
}

#[test]
fn what_was_not_carried_out_may_be_bought_at_once() {
    on_both(async |bed| {
        let ends = [(Outcome::Refused, false), (Outcome::Failed, true)];
        for (round, (outcome, throttled)) in (0_u8..).zip(ends) {
            let first = purchase(round);
            commit(bed, Entry::Intent(first.clone())).await;
            commit(bed, ended(&first, outcome, 1, throttled)).await;
            assert_eq!((bought(bed, first.record.time).await, bed.count("remembered").await), (None, 0));
        }
        // In one batch, too.
        let (first, second) = (purchase(8), purchase(9));
        let batch =
            [Entry::Intent(first.clone()), ended(&first, Outcome::Refused, 0, false), Entry::Intent(second.clone())];
        assert_eq!(bed.store.commit(&batch).await.unwrap(), [Verdict::Done, Verdict::Done, Verdict::Done]);
        assert_eq!(bought(bed, second.record.time).await.unwrap().id, second.record.id);
        assert_eq!(bed.count("remembered").await, 2);
    });
}
