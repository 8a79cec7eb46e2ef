//! The law: however calls come, are answered, fail and go away, no window holds more arrivals than the quota.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
struct Script {
    at: u64,
    wants: usize,
    who: usize,
    weight: u32,
    class: usize,
    max_wait: u64,
    hang_up: Option<u64>,
    takes: u64,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Settle,
    SettleEarlier(u64),
    Timeout,
    Throttled,
    DropSent,
    DropUnsent,
}

/// From when to when a call may have arrived at the cloud, and in which buckets it counts.
type Span = (Instant, Instant, usize);

fn any_script() -> impl Strategy<Value = Script> {
    let end = prop_oneof![
        4 => Just(End::Settle),
        1 => (0..50u64).prop_map(End::SettleEarlier),
        1 => Just(End::Timeout),
        1 => Just(End::Throttled),
        1 => Just(End::DropSent),
        1 => Just(End::DropUnsent),
    ];
    let hang_up = prop_oneof![4 => Just(None), 1 => (0..500u64).prop_map(Some)];
    (0..1500u64, 1..8usize, 0..4usize, 1..4u32, 0..4usize, 0..3000u64, hang_up, 0..200u64, end).prop_map(
        |(at, wants, who, weight, class, max_wait, hang_up, takes, end)| Script {
            at,
            wants,
            who,
            weight,
            class,
            max_wait,
            hang_up,
            takes,
            end,
        },
    )
}

async fn play(script: Script, quota: Quota, specs: [BucketSpec; 3], spans: Arc<Mutex<Vec<Span>>>) {
    tokio::time::sleep(ms(script.at)).await;
    let wanted: Vec<_> = (0..3).filter(|bit| script.wants & (1 << bit) != 0).map(|bit| specs[bit].clone()).collect();
    let class = [Class::Emergency, Class::Change, Class::Read, Class::Background][script.class];
    let asker = Asker { who: ["a", "b", "c", "d"][script.who], weight: NonZeroU32::new(script.weight).unwrap(), class };
    let asked = Instant::now();
    let bound = ms(script.hang_up.unwrap_or(script.max_wait).min(script.max_wait));
    let acquired = quota.acquire(&wanted, &asker, ms(script.max_wait));
    let acquired = match script.hang_up {
        None => acquired.await,
        Some(after) => match tokio::time::timeout(ms(after), acquired).await {
            Ok(acquired) => acquired,
            Err(_) => return,
        },
    };
    assert!(asked.elapsed() <= bound + ms(1), "it waited {:?} of {bound:?}", asked.elapsed());
    let Ok(mut turn) = acquired else { return };
    assert_eq!(turn.waited, asked.elapsed());
    let granted = Instant::now();
    tokio::time::sleep(ms(script.takes)).await;
    let ended = Instant::now();
    let arrived_before = match script.end {
        End::DropUnsent => return drop(turn),
        End::SettleEarlier(by) => ended.checked_sub(ms(by)).unwrap().max(granted),
        End::Settle | End::Throttled | End::Timeout | End::DropSent => ended,
    };
    spans.lock().unwrap().push((granted, arrived_before, script.wants));
    match script.end {
        End::Throttled => {
            turn.mark_throttled();
            turn.settle(arrived_before);
        }
        End::Timeout => turn.spent_until_timeout(ended),
        End::DropSent => {
            turn.mark_sent();
            drop(turn);
        }
        _ => turn.settle(arrived_before),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_window_holds_more_than_the_quota(
        scripts in prop::collection::vec(any_script(), 1..120),
        pers in [1..6u32, 1..6u32, 3..20u32],
        reserve in 0..4u32,
        windows in [50..1000u64, 50..1000u64, 50..1000u64],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let specs: [BucketSpec; 3] =
            std::array::from_fn(|bit| BucketSpec { reserve, ..bucket(["x", "y", "z"][bit], pers[bit], ms(windows[bit])) });
        let spans = Arc::new(Mutex::new(Vec::new()));
        let quota = Quota::new();
        runtime.block_on(async {
            let calls: Vec<_> = scripts
                .into_iter()
                .map(|script| tokio::spawn(play(script, quota.clone(), specs.clone(), Arc::clone(&spans))))
                .collect();
            for call in calls {
                call.await.unwrap();
            }
            tokio::time::sleep(200 * SECOND).await;
            assert_eq!(quota.snapshot(), [], "everything is free, as documented, and nobody waits in the end");
        });
        for bit in 0..3 {
            let spans: Vec<Span> =
                spans.lock().unwrap().iter().copied().filter(|span| span.2 & (1 << bit) != 0).collect();
            // A window that begins as late as it can to hold a call's last possible arrival; it is open at its end.
            for (_, begin, _) in &spans {
                let end = *begin + ms(windows[bit]);
                let may_arrive = spans.iter().filter(|(granted, last, _)| *granted < end && last >= begin).count();
                prop_assert!(may_arrive <= pers[bit] as usize, "{may_arrive} in {} ms", windows[bit]);
            }
        }
    }
}
