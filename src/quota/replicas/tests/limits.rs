//! The reserve and what is learned, by the script.

use super::virtual_time::{Caller, SECOND, World};

fn caller(who: &'static str, replica: usize, every: u64) -> Caller {
    Caller { replica, who, weight: 1, class: 2, every, from: 0, until: 8 * SECOND, most: 2 * SECOND }
}

#[test]
fn a_stop_takes_of_the_reserve_at_once_while_a_flood_waits_elsewhere() {
    let mut world = World::new(20);
    world.reserve = 5;
    let stop = Caller { class: 0, from: 2_017_000, ..caller("stop", 1, SECOND / 4) };
    world.play(&[caller("flood", 0, SECOND / 200), stop]);
    for call in world.calls.iter().filter(|call| call.who == "stop") {
        assert_eq!(call.granted, Some(call.asked));
    }
    let arrivals = world.arrivals();
    let in_window = |at: &u64| arrivals.iter().filter(|other| (*at..at + SECOND).contains(other)).count();
    assert!(arrivals.iter().map(in_window).max() <= Some(20));
    let flood = world.calls.iter().filter(|call| call.who == "flood");
    let granted: Vec<u64> = flood.filter_map(|call| call.granted).collect();
    let alone = granted.iter().filter(|at| (SECOND..2 * SECOND).contains(at)).count();
    assert!((14..=15).contains(&alone), "{alone} of the 15 that are not reserved");
}

#[test]
fn the_group_uses_less_while_the_cloud_throttles_and_recovers() {
    let mut world = World::new(20);
    world.throttles = |at| at < SECOND;
    let steady = |who, replica| Caller { until: 260 * SECOND, ..caller(who, replica, SECOND / 20) };
    world.play(&[steady("one", 0), steady("other", 1)]);
    let arrivals = world.arrivals();
    let in_second = |second: u64| arrivals.iter().filter(|at| **at / SECOND == second).count();
    // All that were under way when the first was throttled count as one sign.
    let lowered = in_second(4);
    assert!((1..=15).contains(&lowered), "{lowered}");
    assert!(in_second(60) > lowered && in_second(60) < 20, "{} after a minute", in_second(60));
    assert!((19..=20).contains(&in_second(230)), "{} in the end", in_second(230));
    assert!((0..260).all(|second| in_second(second) <= 20));
}
