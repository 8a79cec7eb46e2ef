//! What a cloud counts in two ways, and in windows longer than any wait.

use super::*;

/// So many calls of one account, and so many of all accounts in the region.
fn scopes(account: &str, own: u32, all: u32) -> [BucketSpec; 2] {
    let spec = |identity: &str, per| {
        let key = BucketKey { identity: identity.into(), host: "region".into(), name: "describe".into() };
        BucketSpec { key, per, window: SECOND, reserve: 0 }
    };
    [spec(account, own), spec("", all)]
}

fn used(quota: &Quota) -> Vec<(String, u32)> {
    quota.snapshot().iter().map(|view| (view.key.identity.to_string(), view.used)).collect()
}

async fn now(quota: &Quota, wanted: &[BucketSpec]) -> Result<(), (u32, Duration)> {
    let turn = quota.acquire(wanted, &asker("x"), Duration::ZERO).await.map_err(|no| (no.per, no.retry_after))?;
    turn.settle(Instant::now());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_a_slot_in_both_scopes_or_in_none() {
    let (quota, one, other) = (Quota::new(), scopes("one", 2, 3), scopes("other", 2, 3));
    assert_eq!((now(&quota, &one).await, now(&quota, &one).await), (Ok(()), Ok(())));
    assert_eq!(now(&quota, &one).await, Err((2, SECOND)), "its own is used up, the region's is not");
    assert_eq!(used(&quota), [("".to_owned(), 2), ("one".to_owned(), 2)], "and nothing was taken there");
    assert_eq!(now(&quota, &other).await, Ok(()));
    assert_eq!(now(&quota, &other).await, Err((3, SECOND)), "the region's is used up, its own is not");
    let full = [("".to_owned(), 3), ("one".to_owned(), 2), ("other".to_owned(), 1)];
    assert_eq!(used(&quota), full, "and nothing was taken there");
    tokio::time::advance(SECOND).await;
    assert_eq!((now(&quota, &other).await, now(&quota, &one).await), (Ok(()), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn accounts_together_use_the_region_in_full() {
    let (quota, log, start) = (Quota::new(), Log::default(), Instant::now());
    let accounts = ["a", "b", "c", "d", "e"];
    let calls: Vec<_> = accounts
        .into_iter()
        .flat_map(|account| std::iter::repeat_n(account, 300))
        .map(|account| {
            let (quota, log) = (quota.clone(), Arc::clone(&log));
            tokio::spawn(async move {
                let wanted = scopes(account, 40, 160);
                let Ok(turn) = quota.acquire(&wanted, &asker(account), 5 * SECOND).await else { return };
                log.lock().unwrap().push((Instant::now(), account));
                turn.settle(Instant::now());
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let log = log.lock().unwrap();
    let times = |of: &[&str]| log.iter().filter(|(_, who)| of.contains(who)).map(|(at, _)| *at).collect::<Vec<_>>();
    for account in accounts {
        let times = times(&[account]);
        assert!(!times.is_empty() && most(&times) <= 40, "{account}: {} at most", most(&times));
    }
    let all = times(&accounts);
    let in_five = all.iter().filter(|at| **at < start + 5 * SECOND).count();
    // Accounts that wait for their own each leave a slot of the region free for themselves, so it is not all of it.
    assert!(most(&all) <= 160 && in_five * 100 >= 800 * 97, "{} at most, {in_five} in five seconds", most(&all));
}

/// The most in any second.
fn most(times: &[Instant]) -> usize {
    let from = |start: &Instant| times.iter().filter(|at| (*start..*start + SECOND).contains(*at)).count();
    times.iter().map(from).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_window_of_a_minute() {
    let (quota, spec) = (Quota::new(), bucket("configure", 40, 60 * SECOND));
    for _ in 0..40 {
        take(&quota, &spec).await.settle(Instant::now());
        tokio::time::advance(ms(100)).await;
    }
    let refused = acquire(&quota, &spec, "x", 5 * SECOND).await.unwrap_err();
    assert_eq!((refused.per, refused.window, refused.retry_after), (40, 60 * SECOND, ms(56_000)));
    tokio::time::advance(ms(55_999)).await;
    assert_eq!(acquire(&quota, &spec, "x", Duration::ZERO).await.unwrap_err().retry_after, ms(1));
    let turn = acquire(&quota, &spec, "x", 5 * SECOND).await.unwrap();
    assert_eq!(turn.waited, ms(1), "the slot that was taken a minute ago");
    turn.settle(Instant::now());
    assert_eq!(acquire(&quota, &spec, "x", Duration::ZERO).await.unwrap_err().window, 60 * SECOND);
}
