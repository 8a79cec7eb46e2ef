//! Calls that wait for the same buckets, by class and caller; each caller's in the order of arrival.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Asker, Class};

/// All calls that wait for one set of buckets. Empty ones are free to be used again.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// The buckets, ascending.
    pub(super) buckets: Vec<usize>,
    /// Those with waiting calls, in no order.
    pub(super) flows: Vec<Flow>,
}

/// The waiting calls of one caller in one class; never empty.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) class: Class,
    pub(super) who: Arc<str>,
    pub(super) weight: NonZeroU32,
    pub(super) waiters: VecDeque<Waiter>,
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiter {
    /// Ascending in the order of arrival over all lanes.
    pub(super) number: u64,
    /// When it wakes by itself, if before its deadline.
    pub(super) armed: Option<Instant>,
    pub(super) bell: Arc<Bell>,
}

/// How a waiting call hears that there is something to look at.
#[derive(Debug, Default)]
pub(super) struct Bell {
    granted: AtomicBool,
    notify: Notify,
}

impl Lane {
    /// At the end of its caller's row.
    pub(super) fn push(&mut self, asker: &Asker<'_>, waiter: Waiter) {
        match self.flow(asker.class, asker.who) {
            Some(place) => {
                self.flows[place].weight = asker.weight;
                self.flows[place].waiters.push_back(waiter);
            }
            None => self.flows.push(Flow {
                class: asker.class,
                who: asker.who.into(),
                weight: asker.weight,
                waiters: VecDeque::from([waiter]),
            }),
        }
    }

    /// The first call of a flow.
    pub(super) fn pop(&mut self, place: usize) -> Option<Waiter> {
        let waiter = self.flows[place].waiters.pop_front();
        if self.flows[place].waiters.is_empty() {
            self.flows.swap_remove(place);
        }
        waiter
    }

    /// Takes out a call, wherever it stands. Whether it was there.
    pub(super) fn remove(&mut self, class: Class, who: &str, number: u64) -> bool {
        let Some(place) = self.flow(class, who) else { return false };
        let waiters = &mut self.flows[place].waiters;
        let Ok(at) = waiters.binary_search_by_key(&number, |waiter| waiter.number) else { return false };
        waiters.remove(at);
        if waiters.is_empty() {
            self.flows.swap_remove(place);
        }
        true
    }

    /// A waiting call.
    pub(super) fn waiter(&mut self, class: Class, who: &str, number: u64) -> Option<&mut Waiter> {
        let place = self.flow(class, who)?;
        let waiters = &mut self.flows[place].waiters;
        let at = waiters.binary_search_by_key(&number, |waiter| waiter.number).ok()?;
        waiters.get_mut(at)
    }

    fn flow(&self, class: Class, who: &str) -> Option<usize> {
        self.flows.iter().position(|flow| flow.class == class && *flow.who == *who)
    }
}

impl Bell {
    /// The turn is there.
    pub(super) fn grant(&self) {
        self.granted.store(true, Ordering::Release);
        self.ring();
    }

    /// Something has changed.
    pub(super) fn ring(&self) {
        self.notify.notify_one();
    }

    /// Waits for the next ring, or returns at once if there was one since the last.
    pub(super) async fn heard(&self) {
        self.notify.notified().await;
    }

    /// Whether the turn is there.
    pub(super) fn is_granted(&self) -> bool {
        self.granted.load(Ordering::Acquire)
    }
}
