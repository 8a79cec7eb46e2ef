//! One bucket's slots, as a log of when each was spent: exact in every window of its length.

mod pace;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use pace::Pace;

/// How late a timer may be without its turn being lost: tokio's wheel ticks in milliseconds.
const GRAIN: Duration = Duration::from_millis(2);

/// The slots of one bucket.
#[derive(Debug)]
pub(super) struct Window {
    per: usize,
    length: Duration,
    in_flight: usize,
    /// First bytes of answers, oldest first. Those older than a window are free and stay only to say since when.
    spent: VecDeque<Instant>,
    /// When the next turn is due while calls wait, by the schedule of window ÷ limit.
    due: Instant,
    /// Before this no turn is granted to a call that waits: turns that are late are made up for at twice the pace.
    brisk: Instant,
    /// From turn to first byte, smoothed.
    latency: Duration,
}

impl Window {
    /// All slots free.
    pub(super) fn new(per: u32, length: Duration, now: Instant) -> Window {
        Window {
            per: per as usize,
            length,
            in_flight: 0,
            spent: VecDeque::new(),
            due: now,
            brisk: now,
            latency: Duration::ZERO,
        }
    }

    /// Takes over a size that may have changed.
    pub(super) fn resize(&mut self, per: u32, length: Duration) {
        self.per = per as usize;
        self.length = length;
    }

    /// Calls in a window.
    pub(super) fn per(&self) -> u32 {
        u32::try_from(self.per).unwrap_or(u32::MAX)
    }

    /// The window.
    pub(super) fn length(&self) -> Duration {
        self.length
    }

    /// Slots that are not free.
    pub(super) fn used(&self, now: Instant) -> usize {
        self.in_flight + self.spent.len() - self.spent.partition_point(|spent| *spent + self.length <= now)
    }

    /// Whether a slot is free for a call that nobody waits before.
    pub(super) fn has_free(&self, now: Instant) -> bool {
        self.free_at(0, now).is_some_and(|at| at <= now)
    }

    /// When the turn comes of the call that waits first, with `held` slots to be left free; none while that depends on
    /// calls that are under way.
    pub(super) fn turn_at(&self, held: usize, now: Instant) -> Option<Instant> {
        self.free_at(held, now).map(|free| free.max(self.due).max(self.brisk))
    }

    /// When the turn would come that `ahead` calls come before, as far as can be known.
    pub(super) fn estimate(&self, ahead: usize, now: Instant) -> Instant {
        if self.per == 0 {
            return now + self.length;
        }
        let pace = Pace { slots: self.per, round: self.latency + self.length, spacing: self.spacing() };
        let free = |slot| self.free_at(slot, now).unwrap_or(now + pace.round);
        pace.turn(ahead, self.due.max(now), free)
    }

    /// Calls begin to wait: the schedule starts here.
    pub(super) fn start_schedule(&mut self, now: Instant) {
        self.due = self.due.max(now);
    }

    /// Takes a slot that is free. `waited`: for a call that had to wait.
    pub(super) fn take(&mut self, now: Instant, waited: bool) {
        let mut free_since = None;
        while self.in_flight + self.spent.len() >= self.per {
            match self.spent.pop_front() {
                Some(spent) => free_since = Some(spent + self.length),
                None => break,
            }
        }
        self.in_flight += 1;
        let spacing = self.spacing();
        if !waited {
            self.due = now + spacing;
            self.brisk = now + spacing / 2;
            return;
        }
        // When the turn could have been: what a late timer lost is made up for, within one window.
        let could = free_since.map_or(self.due, |since| since.max(self.due));
        let meant = could.min(now).max(now.checked_sub(self.length).unwrap_or(now));
        self.due = meant + spacing;
        self.brisk = self.brisk.max(now.checked_sub(GRAIN).unwrap_or(now)) + spacing / 2;
    }

    /// The answer's first byte came, to a call whose turn was `granted`.
    pub(super) fn settle(&mut self, granted: Instant, first_byte: Instant) {
        let took = first_byte.saturating_duration_since(granted).min(self.length);
        self.latency = (self.latency * 7 + took) / 8;
        self.spend(first_byte);
    }

    /// The slot is free one window after `at`.
    pub(super) fn spend(&mut self, at: Instant) {
        self.hand_back();
        let place = self.spent.partition_point(|spent| *spent <= at);
        self.spent.insert(place, at);
    }

    /// Nothing was sent: the slot is free.
    pub(super) fn hand_back(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// When the slot is free that comes after `held` others; none while that depends on calls that are under way.
    fn free_at(&self, held: usize, now: Instant) -> Option<Instant> {
        match (held + self.in_flight + self.spent.len()).checked_sub(self.per) {
            None => Some(now),
            Some(_) if self.per == 0 => None,
            Some(place) => self.spent.get(place).map(|spent| *spent + self.length),
        }
    }

    fn spacing(&self) -> Duration {
        self.length / self.per().max(1)
    }
}
