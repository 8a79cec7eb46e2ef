//! Slots that are held back for stops and pauses.

use super::*;

fn reserved(per: u32, reserve: u32) -> BucketSpec {
    BucketSpec { reserve, ..bucket("a", per, SECOND) }
}

fn urgent() -> Asker<'static> {
    Asker { class: Class::Emergency, ..asker("stop") }
}

async fn stop(quota: &Quota, spec: &BucketSpec, max_wait: Duration) -> Result<Turn, TooLong> {
    quota.acquire(std::slice::from_ref(spec), &urgent(), max_wait).await
}

#[tokio::test(start_paused = true)]
async fn others_leave_the_reserve_and_emergencies_have_all() {
    let (quota, spec) = (Quota::new(), reserved(20, 5));
    for _ in 0..15 {
        take(&quota, &spec).await.settle(Instant::now());
    }
    let refused = acquire(&quota, &spec, "first", Duration::ZERO).await.unwrap_err();
    assert_eq!(refused.retry_after, SECOND);
    assert_eq!(quota.snapshot()[0].reserve, 5);
    for _ in 0..5 {
        stop(&quota, &spec, Duration::ZERO).await.unwrap().settle(Instant::now());
    }
    assert_eq!(stop(&quota, &spec, Duration::ZERO).await.unwrap_err().retry_after, SECOND);
    tokio::time::advance(refused.retry_after).await;
    take(&quota, &spec).await;
}

#[tokio::test(start_paused = true)]
async fn in_a_flood_an_emergency_does_not_wait_at_all() {
    let (quota, spec) = (Quota::new(), reserved(20, 5));
    let flood = load(quota.clone(), spec.clone(), asker("flood"), ms(5), 6 * SECOND, Log::default());
    let flood = tokio::spawn(flood);
    tokio::time::sleep(2 * SECOND + ms(17)).await;
    for _ in 0..12 {
        let turn = stop(&quota, &spec, SECOND).await.unwrap();
        assert_eq!(turn.waited, Duration::ZERO);
        tokio::time::sleep(ms(5)).await;
        turn.settle(Instant::now());
        tokio::time::sleep(ms(245)).await;
    }
    flood.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_reserved_is_used_in_full_and_evenly() {
    let (quota, spec, log) = (Quota::new(), reserved(20, 5), Log::default());
    load(quota, spec, asker("flood"), ms(5), 12 * SECOND, Arc::clone(&log)).await;
    let granted: Vec<Instant> = log.lock().unwrap().iter().map(|(at, _)| *at).collect();
    let gaps: Vec<Duration> = granted.windows(2).skip(15).map(|pair| pair[1] - pair[0]).collect();
    assert!(granted.len() >= 15 + 160, "{} in 12 s", granted.len());
    assert!(gaps.iter().all(|gap| (ms(60)..ms(75)).contains(gap)), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn the_last_slot_is_never_reserved() {
    let (quota, spec) = (Quota::new(), reserved(2, 9));
    let _turn = take(&quota, &spec).await;
    assert!(acquire(&quota, &spec, "first", Duration::ZERO).await.is_err());
    let parts = part_of(&[reserved(20, 5)], 1, 3);
    assert_eq!((parts[0].per, parts[0].reserve), (6, 2));
}
