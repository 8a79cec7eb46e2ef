//! Reads that are under way at the same time.

use std::time::Duration;

use tokio::time::sleep;

use super::super::SharedReads;
use super::bed::{Bed, Told, by};
use crate::call::{Origin, Pattern, Reason, TaskScope};

const MS: Duration = Duration::from_millis(1);

fn origin(told: Result<Told, tokio::task::JoinError>) -> Origin {
    told.unwrap().answer.unwrap().0
}

#[tokio::test(start_paused = true)]
async fn many_at_once_are_one_and_each_has_its_record() {
    let bed = Bed::new(Duration::ZERO);
    let calls: Vec<_> = ["ann", "bob", "ann", "cid", "bob"].map(|caller| bed.ask(by(caller))).into();
    let mut origins = Vec::new();
    for call in calls {
        origins.push(origin(call.await));
    }
    assert_eq!(bed.times_asked(), 1);
    assert_eq!(origins.iter().filter(|origin| **origin == Origin::Shared).count(), 4, "{origins:?}");
    let records = bed.records();
    let carrier = records.iter().find(|record| record.detail.shared_from.is_empty()).unwrap();
    let others = records.iter().filter(|record| record.detail.shared_from == carrier.request_id);
    assert_eq!((records.len(), others.count()), (5, 4));
    // With nothing remembered the next one asks again.
    assert_eq!(origin(bed.ask(by("ann")).await), Origin::Upstream);
    assert_eq!(bed.times_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn callers_who_may_see_other_tasks_and_those_who_want_their_own_ask_for_themselves() {
    let bed = Bed::new(Duration::from_secs(1));
    let mut limited = by("bob");
    limited.scope = TaskScope::Limited { own: false, ids: vec![Pattern::new("dts-*")] };
    let mut own = by("ann");
    own.no_cache = true;
    for call in [by("ann"), limited, own.clone(), own].map(|question| bed.ask(question)) {
        assert_eq!(origin(call.await), Origin::Upstream);
    }
    assert_eq!(bed.times_asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_want_of_a_turn_is_not_everybodys() {
    let bed = Bed::new(Duration::ZERO);
    *bed.turn.lock().unwrap() = 300 * MS;
    let mut hasty = by("ann");
    hasty.may_wait = 100 * MS;
    let (hasty, patient) = (bed.ask(hasty), bed.ask(by("ann")));
    assert_eq!(hasty.await.unwrap().answer.unwrap_err().reason(), Reason::RateLimited);
    assert_eq!(origin(patient.await), Origin::Upstream);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_anothers_turn_is_bounded_by_its_own_time() {
    let bed = Bed::new(Duration::ZERO);
    *bed.turn.lock().unwrap() = 300 * MS;
    let first = bed.ask(by("ann"));
    sleep(MS).await;
    let mut hasty = by("ann");
    hasty.may_wait = 100 * MS;
    let told = bed.ask(hasty).await.unwrap();
    assert_eq!(told.answer.unwrap_err().reason(), Reason::RateLimited);
    // The timer counts whole milliseconds, upwards.
    assert!((100 * MS..=102 * MS).contains(&told.came.elapsed()));
    // Once the answer was asked for nobody waits for a turn any more.
    let mut late = by("ann");
    late.may_wait = Duration::ZERO;
    sleep(200 * MS).await;
    assert_eq!(origin(bed.ask(late).await), Origin::Shared);
    assert_eq!(origin(first.await), Origin::Upstream);
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_not_held_up_by_anothers_place_in_the_queue() {
    let bed = Bed::new(Duration::ZERO);
    *bed.turn.lock().unwrap() = 3_000 * MS;
    let slow = bed.ask(by("flood"));
    sleep(MS).await;
    *bed.turn.lock().unwrap() = 50 * MS;
    let told = bed.ask(by("light")).await.unwrap();
    assert_eq!(told.answer.unwrap().0, Origin::Upstream, "it had its turn first");
    assert!(told.came.elapsed() < 100 * MS);
    assert_eq!(origin(slow.await), Origin::Shared);
    assert_eq!(bed.times_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_was_handed_back_is_not_in_the_record() {
    let bed = Bed::new(Duration::ZERO);
    *bed.turn.lock().unwrap() = 50 * MS;
    // Both have their turn in the same moment; only one of them asks.
    for call in [by("ann"), by("bob")].map(|question| bed.ask(question)) {
        assert!(call.await.unwrap().answer.is_ok());
    }
    let (told, asked): (Vec<_>, Vec<_>) =
        bed.records().into_iter().partition(|record| !record.detail.shared_from.is_empty());
    let ([told], [asked]) = (told.as_slice(), asked.as_slice()) else { panic!("{told:?} {asked:?}") };
    // The timer counts whole milliseconds, upwards.
    assert!((50..=52).contains(&told.waited_ms), "it waited once: {} ms", told.waited_ms);
    assert_eq!((asked.waited_ms, asked.detail.limits.len(), told.detail.limits.len()), (50, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_costs_nobody_the_answer() {
    let bed = Bed::new(Duration::ZERO);
    *bed.turn.lock().unwrap() = 200 * MS;
    for hangs_up_after in [0, 100, 190] {
        let first = bed.ask(by("ann"));
        sleep(MS).await;
        let others = [by("ann"), by("bob")].map(|question| bed.ask(question));
        sleep(hangs_up_after * MS).await;
        first.abort();
        for other in others {
            assert!(other.await.unwrap().answer.is_ok());
        }
    }
    assert_eq!(bed.reads.sizes(), (0, 0), "nothing is left of them");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_when_all_have_gone() {
    let bed = Bed::new(Duration::from_secs(1));
    let calls = [by("ann"), by("ann"), by("bob")].map(|question| bed.ask(question));
    sleep(MS).await;
    assert_eq!(bed.reads.sizes(), (1, 0));
    for call in calls {
        call.abort();
        assert!(call.await.is_err());
    }
    assert_eq!(bed.reads.sizes(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_hears_of_no_changes_gives_only_what_was_asked_for_after_the_call_came() {
    let bed = Bed::on(SharedReads::among_strangers());
    *bed.turn.lock().unwrap() = 20 * MS;
    let calls = [by("ann"), by("ann")].map(|question| bed.ask(question));
    sleep(30 * MS).await;
    let late = bed.ask(by("ann"));
    for call in calls {
        assert!(call.await.unwrap().answer.is_ok());
    }
    assert_eq!((origin(late.await), bed.times_asked()), (Origin::Upstream, 2));
}
