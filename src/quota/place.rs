//! A waiting call's place in the queue, which it leaves by being dropped.

use std::time::Duration;

use tokio::time::Instant;

use super::book::Ticket;
use super::{Shared, Turn};

/// Held while waiting.
pub(super) struct Place {
    book: Shared,
    ticket: Ticket,
    /// The turn was taken over, there is nothing left to give back.
    taken: bool,
}

impl Place {
    pub(super) fn new(book: Shared, ticket: Ticket) -> Place {
        Place { book, ticket, taken: false }
    }

    /// Returns when there is something to look at.
    pub(super) async fn called(&self) {
        self.ticket.bell.heard().await;
    }

    pub(super) fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    pub(super) fn is_granted(&self) -> bool {
        self.ticket.bell.is_granted()
    }

    /// The turn that was granted.
    pub(super) fn take(mut self, granted: Instant, waited: Duration) -> Turn {
        self.taken = true;
        Turn::new(self.book.clone(), std::mem::take(&mut self.ticket.buckets), granted, waited)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.taken {
            self.book.lock().leave(&self.ticket, Instant::now());
        }
    }
}
