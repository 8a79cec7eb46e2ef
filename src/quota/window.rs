//! One bucket's slots, as a log of when each was spent: exact in every window of its length.

mod pace;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::Class;
use super::learned::Learned;
use pace::Pace;

/// How late a timer may be without its turn being lost: tokio's wheel ticks in milliseconds.
const GRAIN: Duration = Duration::from_millis(2);

/// The slots of one bucket.
#[derive(Debug)]
pub(super) struct Window {
    /// Calls that are allowed.
    per: usize,
    length: Duration,
    /// Slots that are left free for emergencies.
    reserve: usize,
    learned: Learned,
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
            reserve: 0,
            learned: Learned::default(),
            in_flight: 0,
            spent: VecDeque::new(),
            due: now,
            brisk: now,
            latency: Duration::ZERO,
        }
    }

    /// Takes over a size that may have changed.
    pub(super) fn resize(&mut self, per: u32, length: Duration, reserve: u32) {
        self.per = per as usize;
        self.length = length;
        self.reserve = reserve as usize;
    }

    /// Calls that are allowed in a window.
    pub(super) fn per(&self) -> u32 {
        u32::try_from(self.per).unwrap_or(u32::MAX)
    }

    /// Calls that may be used in a window now.
    pub(super) fn limit(&self, now: Instant) -> usize {
        self.learned.limit(self.per, self.length, now)
    }

    /// Whether the cloud was seen to allow less than it should.
    pub(super) fn is_lowered(&self, now: Instant) -> bool {
        self.limit(now) < self.per
    }

    /// Slots that are left free for emergencies now: never the last one, or nobody else would ever have a turn.
    pub(super) fn reserve(&self, now: Instant) -> usize {
        self.reserve.min(self.limit(now).saturating_sub(1))
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
    pub(super) fn has_free(&self, class: Class, now: Instant) -> bool {
        self.free_at(self.kept_from(class, now), now).is_some_and(|at| at <= now)
    }

    /// When the turn comes of the call that waits first, with `held` slots to be left free; none while that depends on
    /// calls that are under way.
    pub(super) fn turn_at(&self, held: usize, class: Class, now: Instant) -> Option<Instant> {
        let free = self.free_at(held + self.kept_from(class, now), now)?;
        Some(if self.is_at_once(class) { free } else { free.max(self.due).max(self.brisk) })
    }

    /// When the turn would come that `ahead` calls come before, as far as can be known.
    pub(super) fn estimate(&self, ahead: usize, class: Class, now: Instant) -> Instant {
        let kept = self.kept_from(class, now);
        let slots = self.limit(now) - kept;
        if slots == 0 {
            return now + self.length;
        }
        let (spacing, due) = match self.is_at_once(class) {
            true => (Duration::ZERO, now),
            false => (self.spacing(now), self.due.max(now)),
        };
        let pace = Pace { slots, round: self.latency + self.length, spacing };
        let free = |slot| self.free_at(slot + kept, now).unwrap_or(now + pace.round);
        pace.turn(ahead, due, free)
    }

    /// Calls begin to wait: the schedule starts here.
    pub(super) fn start_schedule(&mut self, now: Instant) {
        self.due = self.due.max(now);
    }

    /// Takes a slot that is free. `waited`: for a call that had to wait.
    pub(super) fn take(&mut self, class: Class, now: Instant, waited: bool) {
        let limit = self.limit(now);
        let free_since = self.freed_by(self.kept_from(class, now), now);
        while self.in_flight + self.spent.len() >= limit && self.spent.pop_front().is_some() {}
        self.in_flight += 1;
        let spacing = self.spacing(now);
        if self.is_at_once(class) {
            return;
        }
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

    /// The cloud throttled the call whose turn was `granted`, which is still under way here.
    pub(super) fn throttle(&mut self, granted: Instant, now: Instant) {
        let used = self.used(now);
        self.learned.throttle(granted, used, self.per, self.length, now);
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
        if held + self.in_flight + self.spent.len() < self.limit(now) { Some(now) } else { self.freed_by(held, now) }
    }

    /// When the call is a window ago whose slot is the one that comes after `held` others, if it is one that was spent.
    fn freed_by(&self, held: usize, now: Instant) -> Option<Instant> {
        let limit = self.limit(now);
        let place = (held + self.in_flight + self.spent.len()).checked_sub(limit)?;
        if limit == 0 { None } else { self.spent.get(place).map(|spent| *spent + self.length) }
    }

    fn kept_from(&self, class: Class, now: Instant) -> usize {
        if class == Class::Emergency { 0 } else { self.reserve(now) }
    }

    /// What slots are reserved for does not keep to the schedule of the others.
    fn is_at_once(&self, class: Class) -> bool {
        class == Class::Emergency && self.reserve > 0
    }

    fn spacing(&self, now: Instant) -> Duration {
        let turns = self.limit(now) - self.reserve(now);
        self.length / u32::try_from(turns.max(1)).unwrap_or(u32::MAX)
    }
}
