//! Calls that want slots in several buckets at one instant.

use super::*;

fn spawn(quota: &Quota, wanted: &[BucketSpec], who: &'static str) -> tokio::task::JoinHandle<Duration> {
    let (quota, wanted) = (quota.clone(), wanted.to_vec());
    tokio::spawn(async move {
        let turn = quota.acquire(&wanted, &asker(who), 10 * SECOND).await.unwrap();
        let waited = turn.waited;
        turn.settle(Instant::now());
        waited
    })
}

#[tokio::test(start_paused = true)]
async fn all_or_none() {
    let (quota, a, b) = (Quota::new(), bucket("a", 1, SECOND), bucket("b", 5, SECOND));
    take(&quota, &a).await.settle(Instant::now());
    let both = [b.clone(), a.clone()];
    let refused = quota.acquire(&both, &asker("x"), ms(500)).await.unwrap_err();
    assert_eq!((&*refused.key.name, refused.retry_after), ("a", SECOND));
    let used = || quota.snapshot().iter().map(|view| view.used).collect::<Vec<_>>();
    assert_eq!(used(), [1], "nothing was taken of b");
    let waiting = spawn(&quota, &both, "x");
    settled().await;
    assert_eq!(used(), [1, 0]);
    assert_eq!(waiting.await.unwrap(), SECOND);
    assert_eq!(used(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_named_twice_is_one_slot() {
    let (quota, a) = (Quota::new(), bucket("a", 2, SECOND));
    let _turn = quota.acquire(&[a.clone(), a.clone()], &asker("x"), Duration::ZERO).await.unwrap();
    assert_eq!(quota.snapshot()[0].used, 1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_another_bucket_leaves_the_rest_to_others() {
    let (quota, a, b) = (Quota::new(), bucket("a", 1, SECOND), bucket("b", 10, SECOND));
    take(&quota, &a).await.settle(Instant::now());
    let both = spawn(&quota, &[a, b.clone()], "x");
    settled().await;
    let others: Vec<_> = (0..9).map(|_| spawn(&quota, std::slice::from_ref(&b), "y")).collect();
    for other in others {
        assert!(other.await.unwrap() < SECOND);
    }
    assert_eq!(both.await.unwrap(), SECOND, "the last slot was left for it");
}

#[tokio::test(start_paused = true)]
async fn calls_for_one_do_not_starve_a_call_for_both() {
    let (quota, a, b) = (Quota::new(), bucket("a", 2, SECOND), bucket("b", 2, SECOND));
    let floods = [&a, &b].map(|spec| {
        tokio::spawn(load(quota.clone(), spec.clone(), asker("flood"), ms(50), 10 * SECOND, Log::default()))
    });
    tokio::time::sleep(2 * SECOND).await;
    let waited = spawn(&quota, &[a, b], "both").await.unwrap();
    assert!(waited <= 2 * SECOND, "{waited:?}");
    for flood in floods {
        flood.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_ring_of_wants_is_no_deadlock() {
    let (quota, names) = (Quota::new(), ["a", "b", "c"]);
    let specs = names.map(|name| bucket(name, 1, SECOND));
    for spec in &specs {
        take(&quota, spec).await.settle(Instant::now());
    }
    let calls: Vec<_> = (0..9)
        .map(|index| spawn(&quota, &[specs[index % 3].clone(), specs[(index + 1) % 3].clone()], names[index / 3]))
        .collect();
    let mut waits = Vec::new();
    for call in calls {
        waits.push(call.await.unwrap());
    }
    waits.sort();
    assert_eq!(waits, (1..=9).map(|turn| turn * SECOND).collect::<Vec<_>>());
    assert!(quota.snapshot().iter().all(|view| view.waiting == 0));
}
