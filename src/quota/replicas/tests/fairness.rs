//! Shares, by the script, over one replica and three.

use super::virtual_time::{Caller, SECOND, World};

const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

fn caller(who: &'static str, replica: usize, every: u64) -> Caller {
    Caller { replica, who, weight: 1, class: 2, every, from: 0, until: 20 * SECOND, most: 5 * SECOND }
}

/// The most calls in any window of a second.
fn most_in_a_window(arrivals: &[u64]) -> usize {
    let in_window = |at: &u64| arrivals.partition_point(|other| *other < at + SECOND);
    arrivals.iter().enumerate().map(|(index, at)| in_window(at) - index).max().unwrap_or(0)
}

/// How many of a caller's calls were sent between two times.
fn sent(world: &World, who: &str, from: u64, until: u64) -> f64 {
    let at = |call: &&super::virtual_time::Went| call.granted.is_some_and(|at| (from..until).contains(&at));
    world.calls.iter().filter(|call| call.who == who).filter(at).count() as f64
}

#[test]
fn three_replicas_use_the_whole_quota_fairly_and_never_more() {
    let mut world = World::new(20);
    // Ten callers on one replica, one on each of the others, three times the quota.
    let callers: Vec<Caller> = (0..12).map(|n| caller(NAMES[n], n.saturating_sub(9), SECOND / 5)).collect();
    world.play(&callers);
    let arrivals = world.arrivals();
    assert_eq!(most_in_a_window(&arrivals), 20);
    let used = arrivals.iter().filter(|at| (SECOND..20 * SECOND).contains(at)).count();
    assert!(used as f64 >= 0.98 * 20.0 * 19.0, "{used} of {}", 20 * 19);
    let shares: Vec<f64> = NAMES.iter().map(|who| sent(&world, who, SECOND, 20 * SECOND)).collect();
    let (sum, squares) = (shares.iter().sum::<f64>(), shares.iter().map(|share| share * share).sum::<f64>());
    let jain = sum * sum / (12.0 * squares);
    assert!(jain >= 0.99, "{jain} {shares:?}");
}

#[test]
fn weights_are_honoured() {
    let mut world = World::new(50);
    let heavy = Caller { weight: 3, ..caller("heavy", 0, SECOND / 100) };
    world.play(&[heavy, caller("light", 1, SECOND / 100), caller("other", 0, SECOND / 100)]);
    let (heavy, light) = (sent(&world, "heavy", SECOND, 20 * SECOND), sent(&world, "light", SECOND, 20 * SECOND));
    assert!((heavy / light / 3.0 - 1.0).abs() <= 0.03, "{heavy} to {light}");
}

#[test]
fn a_lone_caller_gets_everything_and_a_second_one_its_half_within_a_second() {
    let mut world = World::new(20);
    let second = Caller { from: 10 * SECOND, ..caller("second", 1, SECOND / 60) };
    world.play(&[caller("first", 0, SECOND / 60), second]);
    assert!(sent(&world, "first", SECOND, 10 * SECOND) >= 0.98 * 20.0 * 9.0);
    let share = sent(&world, "second", 10 * SECOND, 11 * SECOND);
    assert!((9.0..=11.0).contains(&share), "{share}");
}

#[test]
fn beside_a_flood_a_light_caller_waits_less_than_two_turns() {
    let mut world = World::new(20);
    let flood = Caller { until: 6 * SECOND, ..caller("flood", 0, SECOND / 1_000) };
    let light = Caller { from: 1_500_000, until: 6 * SECOND, ..caller("light", 1, SECOND) };
    let stop = Caller { class: 0, from: 2_017_000, until: 6 * SECOND, ..caller("stop", 2, SECOND) };
    world.play(&[flood, light, stop]);
    let turn = SECOND / 20;
    for call in world.calls.iter().filter(|call| call.who != "flood") {
        let waited = call.granted.unwrap() - call.asked;
        // A timer's grain, and the answer that a slot waits for.
        let slack = 2_000 + world.takes;
        let turns = if call.who == "stop" { 1 } else { 2 };
        assert!(waited <= turns * turn + slack, "{} waited {waited} µs", call.who);
    }
    assert_eq!(most_in_a_window(&world.arrivals()), 20);
}
