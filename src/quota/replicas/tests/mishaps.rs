//! What happens to the server, by the script: its clock is set, it forgets, it is full.

use super::super::wire::Asked;
use super::virtual_time::{Caller, SECOND, World};

fn busy(who: &'static str, replica: usize) -> Caller {
    let every = SECOND / 20;
    Caller { replica, who, weight: 1, class: 2, every, from: 0, until: 12 * SECOND, most: 2 * SECOND }
}

/// Two replicas that want twice the quota; how many arrived in each second.
fn each_second(world: &mut World) -> Vec<usize> {
    world.play(&[busy("one", 0), busy("other", 1)]);
    let arrivals = world.arrivals();
    for (index, at) in arrivals.iter().enumerate() {
        let in_window = arrivals.partition_point(|other| *other < at + SECOND) - index;
        assert!(in_window <= 20, "{in_window} from {at} on");
    }
    (0..12).map(|second| arrivals.iter().filter(|at| **at / SECOND == second).count()).collect()
}

#[test]
fn a_clock_that_is_set_back_stops_nobody() {
    let mut world = World::new(20);
    world.wrong = |now| if now < 4_300_000 { 0 } else { -3_600_000_000 };
    let seconds = each_second(&mut world);
    assert!(seconds.iter().all(|calls| *calls >= 19), "{seconds:?}");
}

#[test]
fn a_clock_that_is_set_ahead_gives_nobody_more() {
    for ahead in
        [|now| if now < 4_300_000 { 0 } else { 900_000 }, |now| if now < 4_300_000 { 0 } else { 3_600_000_000 }]
    {
        let mut world = World::new(20);
        world.wrong = ahead;
        let seconds = each_second(&mut world);
        assert!(seconds.iter().all(|calls| *calls >= 18), "{seconds:?}");
    }
}

#[test]
fn a_book_that_was_lost_costs_one_window_and_no_call_too_many() {
    let mut world = World::new(20);
    world.forgets = Some(4_300_000);
    let seconds = each_second(&mut world);
    assert!(seconds[6..].iter().all(|calls| *calls >= 19), "{seconds:?}");
    assert!(seconds[4] + seconds[5] < 30, "a window without a turn: {seconds:?}");
}

#[test]
fn a_server_that_cannot_write_tells_nobody_of_a_turn() {
    let mut world = World::new(1);
    let ask = |number| Asked::Ask {
        number,
        flow: "flow".to_owned(),
        lane: vec![0],
        class: 2,
        who: "caller".to_owned(),
        weight: 1,
        most: 2 * SECOND,
    };
    let first = world.run(0, vec![ask(1)]).unwrap();
    let slot = first.granted[0].1;
    assert_eq!(world.run(1, vec![ask(2)]).unwrap().granted, []);
    world.published();
    world.is_full = true;
    assert!(world.run(0, vec![Asked::Unsent { slot }]).is_err());
    assert_eq!(world.published(), [""; 0]);
    world.is_full = false;
    world.run(0, vec![Asked::Unsent { slot }]).unwrap();
    assert_eq!(world.published().len(), 1, "the turn of the call that waits");
}
