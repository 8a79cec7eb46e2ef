//! The law, by the script: however calls come and replicas share, no window holds more arrivals than the quota, nobody
//! waits for ever, and nobody is refused who would have had a turn in time.

use proptest::prelude::*;

use super::virtual_time::{Caller, SECOND, World};

fn any_caller() -> impl Strategy<Value = Caller> {
    (0..3usize, 0..5usize, 1..4u32, 0..4u8, 5_000..400_000u64, 0..SECOND, 0..3 * SECOND).prop_map(
        |(replica, who, weight, class, every, from, most)| Caller {
            replica,
            who: ["a", "b", "c", "d", "e"][who],
            weight,
            class,
            every,
            from,
            until: from + 2 * SECOND,
            most,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_window_holds_more_than_the_quota(
        callers in prop::collection::vec(any_caller(), 1..6),
        per in 1..30u32,
        takes in 0..300_000u64,
        reserve in 0..4u32,
        throttling in any::<bool>(),
    ) {
        let mut world = World::new(per);
        (world.takes, world.reserve) = (takes, reserve);
        if throttling {
            world.throttles = |at| at % 7 == 0;
        }
        world.play(&callers);
        let arrivals = world.arrivals();
        for (index, at) in arrivals.iter().enumerate() {
            let until = arrivals.partition_point(|other| *other < at + SECOND);
            prop_assert!(until - index <= per as usize, "{} from {at} on", until - index);
        }
        // A slot that nobody wanted is no loss; one that somebody waited for would be.
        prop_assert!(!arrivals.is_empty());
    }
}

/// What the law once found: a replica whose timer came together with another's was put off by that one's news until it
/// was taken for dead.
#[test]
fn timers_that_come_together_put_nobody_off() {
    let first = Caller {
        replica: 0,
        who: "a",
        weight: 1,
        class: 1,
        every: 5_000,
        from: 413_511,
        until: 2_413_511,
        most: 2_104_215,
    };
    let urgent = Caller { class: 0, every: 202_186, from: 62_835, until: 2_062_835, most: 2_201_365, ..first.clone() };
    let other = Caller {
        replica: 2,
        who: "c",
        weight: 2,
        class: 3,
        every: 277_124,
        from: 141_386,
        until: 2_141_386,
        most: 1_387_171,
    };
    let last = Caller {
        replica: 1,
        who: "d",
        weight: 1,
        class: 3,
        every: 324_299,
        from: 528_347,
        until: 2_528_347,
        most: 1_447_817,
    };
    let mut world = World::new(12);
    (world.takes, world.reserve, world.throttles) = (165_987, 1, |at| at % 7 == 0);
    world.play(&[first, urgent, other, last]);
}
