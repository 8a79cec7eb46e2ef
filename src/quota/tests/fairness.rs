//! Who gets how much while more is wanted than there is.

use super::*;

const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

fn granted_between(log: &Log, from: Instant, to: Instant, who: Option<&str>) -> usize {
    let log = log.lock().unwrap();
    log.iter().filter(|(at, by)| *at >= from && *at < to && who.is_none_or(|who| who == *by)).count()
}

async fn overload(per: u32, window: Duration) {
    let (quota, spec, log) = (Quota::new(), bucket("a", per, window), Log::default());
    let begin = Instant::now();
    let every = window * 12 / (per * 3);
    let loads: Vec<_> = NAMES
        .iter()
        .map(|who| tokio::spawn(load(quota.clone(), spec.clone(), asker(who), every, 20 * SECOND, Arc::clone(&log))))
        .collect();
    for load in loads {
        load.await.unwrap();
    }
    let (from, to) = (begin + SECOND, begin + 20 * SECOND);
    let allowed = f64::from(per) * 19.0 / window.as_secs_f64();
    let used = granted_between(&log, from, to, None) as f64;
    // 5 ms of answering belong to each slot's round: of a short window that is more than a hundredth.
    assert!(used >= allowed * 0.98, "{used} of {allowed} at {per} in {window:?}");
    assert!(used <= allowed + f64::from(per));
    let shares: Vec<f64> = NAMES.iter().map(|who| granted_between(&log, from, to, Some(who)) as f64).collect();
    let (sum, squares) = (shares.iter().sum::<f64>(), shares.iter().map(|share| share * share).sum::<f64>());
    let jain = sum * sum / (squares * shares.len() as f64);
    assert!(jain >= 0.99, "{shares:?}");
}

#[tokio::test(start_paused = true)]
async fn three_times_too_much_is_used_in_full_and_shared_equally() {
    overload(20, SECOND).await;
    overload(50, SECOND).await;
    overload(200, SECOND).await;
    overload(7, ms(500)).await;
}

#[tokio::test(start_paused = true)]
async fn turns_are_spaced_while_calls_wait() {
    let (quota, spec, log) = (Quota::new(), bucket("a", 20, SECOND), Log::default());
    load(quota, spec, asker("a"), ms(10), 4 * SECOND, Arc::clone(&log)).await;
    let granted: Vec<Instant> = log.lock().unwrap().iter().map(|(at, _)| *at).collect();
    let gaps: Vec<Duration> = granted.windows(2).skip(20).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.len() >= 50 && gaps.iter().all(|gap| *gap >= ms(49)), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn turns_that_a_late_timer_lost_are_made_up_for() {
    let (quota, spec, log) = (Quota::new(), bucket("a", 20, SECOND), Log::default());
    let begin = Instant::now();
    let flood = tokio::spawn(load(quota, spec, asker("a"), ms(10), 12 * SECOND, Arc::clone(&log)));
    tokio::time::sleep(ms(2500)).await;
    // The process stands still for 300 ms: six turns.
    tokio::time::advance(ms(300)).await;
    flood.await.unwrap();
    let used = granted_between(&log, begin + 5 * SECOND, begin + 10 * SECOND, None);
    assert!(used >= 98, "{used} of 100");
}

#[tokio::test(start_paused = true)]
async fn weights_are_shares() {
    let (quota, spec, log) = (Quota::new(), bucket("a", 20, SECOND), Log::default());
    let begin = Instant::now();
    let weighted = |who, weight| Asker { who, weight: NonZeroU32::new(weight).unwrap(), class: Class::Read };
    let loads = [("one", 1), ("two", 2), ("five", 5)].map(|(who, weight)| {
        let asker = weighted(who, weight);
        tokio::spawn(load(quota.clone(), spec.clone(), asker, ms(20), 30 * SECOND, Arc::clone(&log)))
    });
    for load in loads {
        load.await.unwrap();
    }
    let share = |who| granted_between(&log, begin + 2 * SECOND, begin + 30 * SECOND, Some(who)) as f64;
    let all = share("one") + share("two") + share("five");
    for (who, weight) in [("one", 1.0), ("two", 2.0), ("five", 5.0)] {
        let part = share(who) / all / (weight / 8.0);
        assert!((part - 1.0).abs() <= 0.03, "{who}: {} of {all}", share(who));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_caller_has_everything_and_a_second_one_its_half_within_a_second() {
    let (quota, spec, log) = (Quota::new(), bucket("a", 20, SECOND), Log::default());
    let begin = Instant::now();
    let flood = |who, lasting| {
        let load = load(quota.clone(), spec.clone(), asker(who), ms(16), lasting, Arc::clone(&log));
        tokio::spawn(load)
    };
    let first = flood("first", 15 * SECOND);
    tokio::time::sleep(10 * SECOND).await;
    let second = flood("second", 5 * SECOND);
    first.await.unwrap();
    second.await.unwrap();
    let alone = granted_between(&log, begin + SECOND, begin + 10 * SECOND, Some("first"));
    assert!(alone as f64 >= 0.98 * 20.0 * 9.0, "{alone} of 180");
    for second in 10..15 {
        let (from, to) = (begin + second * SECOND, begin + (second + 1) * SECOND);
        let half = granted_between(&log, from, to, Some("second"));
        assert!((9..=11).contains(&half), "{half} of 20 in second {second}");
    }
}

#[tokio::test(start_paused = true)]
async fn beside_a_flood_a_light_caller_waits_less_than_two_turns_and_a_stop_has_the_next() {
    let (quota, spec, log) = (Quota::new(), bucket("a", 20, SECOND), Log::default());
    let flood = load(quota.clone(), spec.clone(), asker("flood"), ms(1), 32 * SECOND, Arc::clone(&log));
    let flood = tokio::spawn(flood);
    tokio::time::sleep(SECOND + ms(100)).await;
    for call in 0..60 {
        // The flood's own stop is as urgent as anybody's.
        let (who, class, before) = match call % 2 {
            0 => ("light", Class::Read, 1),
            _ => ("flood", Class::Emergency, 0),
        };
        let asked = Instant::now();
        let asker = Asker { who, weight: NonZeroU32::MIN, class };
        let turn = quota.acquire(std::slice::from_ref(&spec), &asker, 5 * SECOND).await.unwrap();
        let others = granted_between(&log, asked + ms(1), Instant::now(), None);
        assert!(others <= before, "{others} turns went to others before {who}'s");
        assert!(turn.waited < ms(50) * 2, "{:?} is not less than two turns", turn.waited);
        tokio::time::sleep(ms(5)).await;
        turn.settle(Instant::now());
        // Every place between two turns is come to.
        tokio::time::sleep_until(asked + ms(503)).await;
    }
    flood.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn more_urgent_classes_go_first() {
    let (quota, spec, log) = (Quota::new(), bucket("a", 1, ms(100)), Log::default());
    take(&quota, &spec).await.settle(Instant::now());
    let classes = [Class::Background, Class::Read, Class::Change, Class::Emergency];
    let calls = classes.map(|class| {
        let (quota, spec, log) = (quota.clone(), spec.clone(), Arc::clone(&log));
        tokio::spawn(async move {
            let asker = Asker { who: "a", weight: NonZeroU32::MIN, class };
            let turn = quota.acquire(&[spec], &asker, 5 * SECOND).await.unwrap();
            let name = ["emergency", "change", "read", "background"][class as usize];
            log.lock().unwrap().push((Instant::now(), name));
            turn.settle(Instant::now());
        })
    });
    for call in calls {
        call.await.unwrap();
    }
    let order: Vec<_> = log.lock().unwrap().iter().map(|(_, class)| *class).collect();
    assert_eq!(order, ["emergency", "change", "read", "background"]);
}
