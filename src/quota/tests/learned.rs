//! What is done when the cloud throttles although there was room.

use proptest::prelude::*;

use super::super::learned::Learned;
use super::*;

async fn throttled(quota: &Quota, spec: &BucketSpec) {
    let mut turn = acquire(quota, spec, "first", SECOND).await.unwrap();
    tokio::time::advance(ms(1)).await;
    turn.mark_throttled();
    turn.settle(Instant::now());
}

fn learned(quota: &Quota) -> Option<u32> {
    quota.snapshot().first().and_then(|view| view.learned)
}

#[tokio::test(start_paused = true)]
async fn three_quarters_of_what_was_used_remain_however_many_were_under_way() {
    let (quota, spec) = (Quota::new(), bucket("a", 20, SECOND));
    let mut turns = Vec::new();
    for _ in 0..20 {
        turns.push(take(&quota, &spec).await);
    }
    tokio::time::advance(ms(40)).await;
    for mut turn in turns {
        turn.mark_throttled();
        turn.settle(Instant::now());
        tokio::time::advance(ms(1)).await;
    }
    assert_eq!(learned(&quota), Some(15), "calls of before the drop say nothing of what came after");
    tokio::time::advance(2 * SECOND).await;
    for _ in 0..15 {
        take(&quota, &spec).await.settle(Instant::now());
    }
    assert!(acquire(&quota, &spec, "first", Duration::ZERO).await.is_err(), "the rest is not used");
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_by_a_twentieth_every_ten_seconds() {
    let (quota, spec) = (Quota::new(), bucket("a", 20, SECOND));
    throttled(&quota, &spec).await;
    let mut seen = Vec::new();
    for _ in 0..20 {
        seen.push(learned(&quota));
        tokio::time::advance(10 * SECOND).await;
    }
    // Of half of the limit, as less than that was used.
    let expected: Vec<Option<u32>> = (7..20).map(Some).chain([None; 7]).collect();
    assert_eq!(seen, expected);
    assert_eq!(quota.snapshot(), [], "what is as documented again and not used is forgotten");
}

#[tokio::test(start_paused = true)]
async fn what_is_reserved_shrinks_with_it() {
    let (quota, spec) = (Quota::new(), BucketSpec { reserve: 5, ..bucket("a", 20, SECOND) });
    for expected in [7, 2, 1] {
        tokio::time::advance(ms(1)).await;
        throttled(&quota, &spec).await;
        assert_eq!(learned(&quota), Some(expected));
    }
    assert_eq!(quota.snapshot()[0].reserve, 0);
    tokio::time::advance(SECOND).await;
    take(&quota, &spec).await;
}

/// A cloud that allows half of what is documented, as somebody else uses the other half.
#[tokio::test(start_paused = true)]
async fn beside_somebody_outside_hardly_a_call_is_throttled() {
    let (quota, spec) = (Quota::new(), bucket("a", 20, SECOND));
    let mut arrivals: Vec<Instant> = Vec::new();
    let (mut counted, mut too_many) = (0, 0);
    let begin = Instant::now();
    while begin.elapsed() < 120 * SECOND {
        let mut turn = acquire(&quota, &spec, "first", 5 * SECOND).await.unwrap();
        let now = Instant::now();
        arrivals.retain(|at| *at + SECOND > now);
        if arrivals.len() < 10 {
            arrivals.push(now);
            counted += 1;
        } else {
            turn.mark_throttled();
            too_many += 1;
        }
        tokio::time::sleep(ms(5)).await;
        turn.settle(Instant::now());
    }
    assert!(counted >= 120 * 8, "{counted} of 1200 were used");
    assert!(too_many <= counted / 100, "{too_many} of {counted} were throttled");
}

proptest! {
    #[test]
    fn never_above_what_is_documented_never_nothing_and_back_in_the_end(
        throttles in prop::collection::vec((0..30_000u64, 0..300usize, 0..20_000u64), 1..40),
        allowed in 1..300usize,
        window in 1..90u64,
    ) {
        let (window, mut now) = (Duration::from_secs(window), Instant::now());
        let mut learned = Learned::default();
        for (later, used, ago) in throttles {
            now += ms(later);
            let before = learned.limit(allowed, window, now);
            let granted = now.checked_sub(ms(ago)).unwrap_or(now);
            learned.throttle(granted, used, allowed, window, now);
            let after = learned.limit(allowed, window, now);
            prop_assert!((1..=allowed).contains(&after) && after <= before, "{before} {after} of {allowed}");
            let later = learned.limit(allowed, window, now + ms(ago));
            prop_assert!((after..=allowed).contains(&later));
        }
        let recovered = now + 20 * window.max(10 * SECOND);
        prop_assert_eq!(learned.limit(allowed, window, recovered), allowed);
    }
}
