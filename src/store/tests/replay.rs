//! Changes that are seen again.

use super::bed::{Bed, on_both};
use super::{at, end, kept_intent, remembered, replay_key};
use crate::call::Outcome;
use crate::store::{Entry, Intent, Remembered, Verdict};

#[test]
fn a_change_seen_again_is_recognised_while_it_is_open_and_after() {
    on_both(async |bed| {
        let first = kept_intent(&[("dts-1", 0)], 1, 1);
        assert_eq!(commit(bed, Entry::Intent(first.clone())).await, Verdict::Done);
        let open = remembered(&first);
        assert_eq!(again(bed, 1).await, Some(open.clone()));
        // Under another content too: whether that is a conflict is not the store's to say.
        let other = kept_intent(&[("dts-2", 0)], 1, 2);
        assert_eq!(commit(bed, Entry::Intent(other)).await, Verdict::Replayed(open.clone()));
        assert_eq!(bed.count("audit_intents").await, 1);

        commit(bed, end(&first, Outcome::Ok, Some("the answer"))).await;
        let answered = Remembered { answer: Some(b"the answer".to_vec()), open: false, ..open };
        assert_eq!(again(bed, 1).await, Some(answered.clone()));
        let third = kept_intent(&[("dts-1", 2)], 1, 1);
        assert_eq!(commit(bed, Entry::Intent(third)).await, Verdict::Replayed(answered));
        assert_eq!(again(bed, 2).await, None);
    });
}

#[test]
fn two_in_one_batch_are_one_change() {
    on_both(async |bed| {
        let (first, second) = (kept_intent(&[], 1, 1), kept_intent(&[], 1, 1));
        let batch = [
            Entry::Intent(first.clone()),
            Entry::Intent(second.clone()),
            end(&first, Outcome::Failed, Some("no")),
            Entry::Intent(kept_intent(&[], 1, 1)),
        ];
        let verdicts = bed.store.commit(&batch).await.unwrap();
        let open = remembered(&first);
        assert_eq!(verdicts[1], Verdict::Replayed(open.clone()));
        let answered = Remembered { answer: Some(b"no".to_vec()), open: false, ..open };
        assert_eq!(verdicts[3], Verdict::Replayed(answered.clone()));
        assert_eq!(again(bed, 1).await, Some(answered));
    });
}

#[test]
fn what_was_not_carried_out_is_forgotten_and_what_nobody_knows_is_not() {
    on_both(async |bed| {
        for (key, outcome, throttled, answer, kept) in [
            (1, Outcome::Ok, false, Some("yes"), Some(Some("yes"))),
            (2, Outcome::Ok, false, None, Some(None)),
            (3, Outcome::Failed, false, Some("no"), Some(Some("no"))),
            (4, Outcome::Failed, true, Some("later"), None),
            (5, Outcome::Refused, false, None, None),
            (6, Outcome::Unknown, false, Some("half an answer"), Some(None)),
        ] {
            let first = kept_intent(&[], key, 1);
            commit(bed, Entry::Intent(first.clone())).await;
            let Entry::Closed(mut closed) = end(&first, outcome, answer) else { unreachable!() };
            closed.record.detail.throttled = throttled;
            commit(bed, Entry::Closed(closed)).await;
            let expected = kept.map(|answer: Option<&str>| Remembered {
                answer: answer.map(|answer| answer.as_bytes().to_vec()),
                open: false,
                ..remembered(&first)
            });
            assert_eq!(again(bed, key).await, expected, "{key}");
            let second = commit(bed, Entry::Intent(kept_intent(&[], key, 1))).await;
            assert_eq!(second, expected.map_or(Verdict::Done, Verdict::Replayed), "{key}");
        }
    });
}

#[test]
fn what_has_expired_is_forgotten_unless_it_is_open() {
    on_both(async |bed| {
        let (done, open) = (kept_intent(&[], 1, 1), kept_intent(&[], 2, 1));
        for intent in [&done, &open] {
            commit(bed, Entry::Intent(intent.clone())).await;
        }
        commit(bed, end(&done, Outcome::Ok, Some("yes"))).await;
        let later = at(done.record.time.as_microsecond() + 60_000_001);
        assert!(bed.store.remembered(&replay_key(1, 1), later).await.unwrap().is_none());
        assert!(bed.store.remembered(&replay_key(2, 1), later).await.unwrap().is_some());
        let after = |key: u8| {
            let mut intent: Intent = kept_intent(&[], key, 2);
            intent.record.time = later;
            intent
        };
        assert_eq!(commit(bed, Entry::Intent(after(1))).await, Verdict::Done);
        assert!(matches!(commit(bed, Entry::Intent(after(2))).await, Verdict::Replayed(_)));

        let third = kept_intent(&[], 3, 1);
        commit(bed, Entry::Intent(third.clone())).await;
        commit(bed, end(&third, Outcome::Ok, Some("yes"))).await;
        assert_eq!(bed.store.forget(done.record.time).await.unwrap(), 0);
        let much_later = at(later.as_microsecond() + 60_000_000);
        assert_eq!(bed.store.forget(much_later).await.unwrap(), 1);
        assert_eq!(bed.count("remembered").await, 2);
    });
}

async fn again(bed: &Bed, key: u8) -> Option<Remembered> {
    bed.store.remembered(&replay_key(key, 1), super::record(Outcome::Ok).time).await.unwrap()
}

async fn commit(bed: &Bed, entry: Entry) -> Verdict {
    bed.store.commit(&[entry]).await.unwrap().remove(0)
}
