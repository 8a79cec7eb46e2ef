//! A slot that Redis granted, until it is told what became of it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::order::Order;

/// A slot. Dropped without a word it was not used.
#[derive(Debug)]
pub(in crate::quota) struct Slot {
    number: i64,
    /// The session that it was granted to. With that it lapses.
    session: Arc<str>,
    /// Who is told; nobody any more when it has ended.
    pump: Option<mpsc::UnboundedSender<Order>>,
}

impl Slot {
    pub(super) fn new(number: i64, session: Arc<str>, pump: mpsc::UnboundedSender<Order>) -> Slot {
        Slot { number, session, pump: Some(pump) }
    }

    /// It is free one window after it was `spent`; at once, if it never was.
    /// `throttled`: the cloud says that it was one too many.
    pub(in crate::quota) fn end(mut self, spent: Option<Instant>, throttled: bool) {
        self.tell(spent, throttled);
    }

    fn tell(&mut self, spent: Option<Instant>, throttled: bool) {
        if let Some(pump) = self.pump.take() {
            let ended = Order::Ended { slot: self.number, session: Arc::clone(&self.session), spent, throttled };
            // A pump that has ended keeps nothing.
            let _over = pump.send(ended);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.tell(None, false);
    }
}
