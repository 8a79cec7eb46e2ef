//! A slot in each wanted bucket, and what became of it.

use std::time::Duration;

use tokio::time::Instant;

use super::Shared;
use super::window::Window;

/// The right to send one call now. Dropped before [`Turn::mark_sent`] it is handed back: nothing was sent.
#[derive(Debug)]
pub struct Turn {
    /// How long it was waited for.
    pub waited: Duration,
    book: Shared,
    buckets: Vec<usize>,
    granted: Instant,
    sent: bool,
}

impl Turn {
    pub(super) fn new(book: Shared, buckets: Vec<usize>, granted: Instant, waited: Duration) -> Turn {
        Turn { waited, book, buckets, granted, sent: false }
    }

    /// Bytes may leave from here on, so that a drop spends the slots for one window from then.
    pub fn mark_sent(&mut self) {
        self.sent = true;
    }

    /// The first byte of the answer came: the slots are free one window later.
    pub fn settle(mut self, first_byte: Instant) {
        let granted = self.granted;
        self.end(|window| window.settle(granted, first_byte));
    }

    /// No answer came until `ended`: the slots are free one window after that.
    pub fn spent_until_timeout(mut self, ended: Instant) {
        self.end(|window| window.spend(ended));
    }

    fn end(&mut self, how: impl Fn(&mut Window)) {
        let buckets = std::mem::take(&mut self.buckets);
        if !buckets.is_empty() {
            self.book.lock().end(&buckets, how, Instant::now());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.sent {
            let now = Instant::now();
            self.end(|window| window.spend(now));
        } else {
            self.end(Window::hand_back);
        }
    }
}
