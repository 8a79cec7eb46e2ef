//! How turns follow each other while calls wait.

use std::time::Duration;

use tokio::time::Instant;

/// Slots that are used again and again, in their order.
pub(super) struct Pace {
    /// How many; at least one.
    pub(super) slots: usize,
    /// From one turn of a slot to its next.
    pub(super) round: Duration,
    /// From one turn to the next, at least: at most round ÷ slots.
    pub(super) spacing: Duration,
}

impl Pace {
    /// The turn that `ahead` others come before. The first comes at `due` at the earliest, and `free` says when each slot is
    /// free for its first one. However many come before, only the first turn of each slot is gone through: the second
    /// waits for those before it, and from then on each is one round after the one before.
    pub(super) fn turn(&self, ahead: usize, due: Instant, free: impl Fn(usize) -> Instant) -> Instant {
        let (slot, rounds) = (ahead % self.slots, factor(ahead / self.slots));
        let last = if rounds == 0 { slot } else { self.slots - 1 };
        let (mut turn, mut own) = (due, due);
        for index in 0..=last {
            turn = if index == 0 { free(0).max(due) } else { free(index).max(turn + self.spacing) };
            if index == slot {
                own = turn;
            }
        }
        if rounds == 0 {
            return own;
        }
        let second = (own + self.round).max(turn + self.spacing * factor(slot + 1));
        second + self.round * (rounds - 1)
    }
}

/// As the factor of a duration. There are never that many calls.
fn factor(calls: usize) -> u32 {
    u32::try_from(calls).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, one turn after the other.
    fn turn_by_turn(pace: &Pace, ahead: usize, due: Instant, free: impl Fn(usize) -> Instant) -> Instant {
        let mut turns: Vec<Instant> = Vec::new();
        for index in 0..=ahead {
            let free = index.checked_sub(pace.slots).map_or_else(|| free(index), |before| turns[before] + pace.round);
            turns.push(free.max(turns.last().map_or(due, |last| *last + pace.spacing)));
        }
        turns[ahead]
    }

    proptest! {
        #[test]
        fn it_is_what_comes_of_going_through_all_turns(
            free in prop::collection::vec(0..5_000_u64, 1..40),
            round in 0..5_000_u32,
            part in 0..=100_u32,
            due in 0..3_000_u64,
            ahead in 0..500_usize,
        ) {
            let begin = Instant::now();
            let round = Duration::from_micros(u64::from(round));
            let spacing = round * part / 100 / u32::try_from(free.len()).unwrap_or(1);
            let pace = Pace { slots: free.len(), round, spacing };
            let at = |index: usize| begin + Duration::from_micros(free[index]);
            let due = begin + Duration::from_micros(due);
            prop_assert_eq!(pace.turn(ahead, due, at) - begin, turn_by_turn(&pace, ahead, due, at) - begin);
        }
    }
}
