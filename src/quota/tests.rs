#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

mod fairness;
mod law;
mod learned;
mod reserve;
mod scopes;
mod several;
mod views;

use std::sync::{Arc, Mutex};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn bucket(name: &str, per: u32, window: Duration) -> BucketSpec {
    let key = BucketKey { identity: "account".into(), host: "dts.example".into(), name: name.into() };
    BucketSpec { key, per, window, reserve: 0 }
}

fn asker(who: &str) -> Asker<'_> {
    Asker { who, weight: NonZeroU32::MIN, class: Class::Read }
}

async fn acquire(quota: &Quota, spec: &BucketSpec, who: &str, max_wait: Duration) -> Result<Turn, TooLong> {
    quota.acquire(std::slice::from_ref(spec), &asker(who), max_wait).await
}

async fn take(quota: &Quota, spec: &BucketSpec) -> Turn {
    acquire(quota, spec, "first", Duration::ZERO).await.unwrap()
}

/// Lets every task run as far as it can without time passing.
async fn settled() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_caller_gets_the_whole_quota_at_once() {
    let (quota, spec) = (Quota::new(), bucket("a", 20, SECOND));
    let mut turns = Vec::new();
    for _ in 0..20 {
        turns.push(take(&quota, &spec).await);
    }
    assert!(turns.iter().all(|turn| turn.waited.is_zero()));
    let refused = acquire(&quota, &spec, "first", ms(999)).await.unwrap_err();
    assert_eq!((&*refused.key.name, refused.per, refused.window), ("a", 20, SECOND));
    assert_eq!(refused.retry_after, SECOND, "the earliest that calls under way can be over");
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_free_one_window_after_the_first_byte() {
    let (quota, spec) = (Quota::new(), bucket("a", 1, SECOND));
    let turn = take(&quota, &spec).await;
    tokio::time::advance(ms(300)).await;
    turn.settle(Instant::now());
    tokio::time::advance(ms(999)).await;
    assert_eq!(acquire(&quota, &spec, "first", Duration::ZERO).await.unwrap_err().retry_after, ms(1));
    tokio::time::advance(ms(1)).await;
    take(&quota, &spec).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_spends_its_slot_from_its_end() {
    let (quota, spec) = (Quota::new(), bucket("a", 2, SECOND));
    let mut sent = take(&quota, &spec).await;
    sent.mark_sent();
    let timed_out = take(&quota, &spec).await;
    tokio::time::advance(ms(5000)).await;
    drop(sent);
    timed_out.spent_until_timeout(Instant::now());
    assert_eq!(quota.snapshot()[0].used, 2);
    assert_eq!(quota.estimate(&[spec], &asker("first")).await, SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_slot_handed_back_goes_to_the_next_at_once() {
    let (quota, spec) = (Quota::new(), bucket("a", 1, SECOND));
    let turn = take(&quota, &spec).await;
    let waiting = tokio::spawn({
        let (quota, spec) = (quota.clone(), spec.clone());
        async move { acquire(&quota, &spec, "second", 5 * SECOND).await.unwrap().waited }
    });
    settled().await;
    assert_eq!(quota.snapshot()[0].waiting, 1);
    tokio::time::advance(ms(1500)).await;
    drop(turn);
    assert_eq!(waiting.await.unwrap(), ms(1500));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_frees_its_place() {
    let (quota, spec) = (Quota::new(), bucket("a", 1, SECOND));
    take(&quota, &spec).await.settle(Instant::now());
    let wait = |who: &'static str| {
        let (quota, spec) = (quota.clone(), spec.clone());
        tokio::spawn(async move {
            let turn = acquire(&quota, &spec, who, 5 * SECOND).await.unwrap();
            let waited = turn.waited;
            turn.settle(Instant::now());
            waited
        })
    };
    let (first, second) = (wait("x"), wait("y"));
    settled().await;
    assert_eq!(quota.estimate(std::slice::from_ref(&spec), &asker("z")).await, 3 * SECOND);
    first.abort();
    settled().await;
    assert_eq!(quota.snapshot()[0].waiting, 1);
    assert_eq!(second.await.unwrap(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn who_is_granted_a_turn_and_never_hears_of_it_hands_it_back() {
    let (quota, spec) = (Quota::new(), bucket("a", 1, SECOND));
    let turn = take(&quota, &spec).await;
    let waiting = tokio::spawn({
        let (quota, spec) = (quota.clone(), spec.clone());
        async move { acquire(&quota, &spec, "second", 5 * SECOND).await.map(drop) }
    });
    settled().await;
    drop(turn);
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    take(&quota, &spec).await;
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_at_its_bound_when_calls_under_way_do_not() {
    let (quota, spec) = (Quota::new(), bucket("a", 1, SECOND));
    let turn = take(&quota, &spec).await;
    let asked = Instant::now();
    let refused = acquire(&quota, &spec, "second", 2 * SECOND).await.unwrap_err();
    assert_eq!(asked.elapsed(), 2 * SECOND);
    assert_eq!(refused.retry_after, SECOND);
    assert_eq!(quota.snapshot()[0].waiting, 0);
    drop(turn);
}

#[tokio::test(start_paused = true)]
async fn the_time_told_is_honest() {
    let (quota, spec) = (Quota::new(), bucket("a", 5, SECOND));
    let call = |latency: Duration, max_wait: Duration| {
        let (quota, spec) = (quota.clone(), spec.clone());
        tokio::spawn(async move {
            let turn = acquire(&quota, &spec, "first", max_wait).await?;
            tokio::time::sleep(latency).await;
            turn.settle(Instant::now());
            Ok::<_, TooLong>(())
        })
    };
    // Steady calls, so that the bucket knows how fast the cloud answers.
    for _ in 0..30 {
        call(ms(40), 5 * SECOND).await.unwrap().unwrap();
        tokio::time::sleep(ms(300)).await;
    }
    let calls: Vec<_> = (0..60).map(|_| call(ms(40), 4 * SECOND)).collect();
    settled().await;
    let refused = acquire(&quota, &spec, "first", 4 * SECOND).await.unwrap_err();
    assert!(refused.retry_after > 4 * SECOND && refused.retry_after < 6 * SECOND, "{refused:?}");
    tokio::time::sleep(refused.retry_after).await;
    acquire(&quota, &spec, "first", ms(10)).await.unwrap();
    let granted = futures_count(calls).await;
    assert!((20..=26).contains(&granted), "{granted} waited");
}

async fn futures_count(calls: Vec<tokio::task::JoinHandle<Result<(), TooLong>>>) -> usize {
    let mut granted = 0;
    for call in calls {
        granted += usize::from(call.await.unwrap().is_ok());
    }
    granted
}

#[tokio::test(start_paused = true)]
async fn nothing_is_allowed_of_a_quota_of_none() {
    let (quota, spec) = (Quota::new(), bucket("a", 0, SECOND));
    assert_eq!(acquire(&quota, &spec, "first", 5 * SECOND).await.unwrap_err().retry_after, SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_shrinks_and_grows_counts_at_once() {
    let (quota, four, two) = (Quota::new(), bucket("a", 4, SECOND), bucket("a", 2, SECOND));
    for _ in 0..4 {
        take(&quota, &four).await.settle(Instant::now());
        tokio::time::advance(ms(100)).await;
    }
    // Free at 1.0, 1.1, 1.2 and 1.3 s; of two slots the first is free when three of four are.
    assert_eq!(acquire(&quota, &two, "first", Duration::ZERO).await.unwrap_err().retry_after, ms(800));
    tokio::time::advance(ms(800)).await;
    take(&quota, &two).await.settle(Instant::now());
    assert!(acquire(&quota, &two, "first", Duration::ZERO).await.is_err());
    take(&quota, &four).await;
}

#[tokio::test(start_paused = true)]
async fn idle_buckets_are_forgotten() {
    let quota = Quota::new();
    for index in 0..10_000 {
        let spec = bucket(&index.to_string(), 5, ms(10));
        take(&quota, &spec).await.settle(Instant::now());
        tokio::time::advance(ms(1)).await;
    }
    assert!(quota.snapshot().len() <= 10);
    assert!(quota.book.lock().size() <= 1_000, "{}", quota.book.lock().size());
}

type Log = Arc<Mutex<Vec<(Instant, &'static str)>>>;

/// Calls that come `every` so often for as long as `lasting`; each grant is logged, each answer takes 5 ms.
async fn load(quota: Quota, spec: BucketSpec, asker: Asker<'static>, every: Duration, lasting: Duration, log: Log) {
    let begin = Instant::now();
    let mut next = begin;
    while begin.elapsed() < lasting {
        let (quota, spec, log) = (quota.clone(), spec.clone(), Arc::clone(&log));
        tokio::spawn(async move {
            let Ok(turn) = quota.acquire(&[spec], &asker, 5 * SECOND).await else { return };
            log.lock().unwrap().push((Instant::now(), asker.who));
            tokio::time::sleep(ms(5)).await;
            turn.settle(Instant::now());
        });
        next += every;
        tokio::time::sleep_until(next).await;
    }
}
