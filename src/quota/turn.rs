//! A slot in each wanted bucket, and what became of it.

use std::time::Duration;

use tokio::time::Instant;

use super::Shared;
use super::replicas::Slot;
use super::window::Window;

/// The right to send one call now. Dropped before [`Turn::mark_sent`] it is handed back: nothing was sent.
#[derive(Debug)]
pub struct Turn {
    /// How long it was waited for.
    pub waited: Duration,
    held: Held,
    granted: Instant,
    sent: bool,
    throttled: bool,
}

/// Where the slots are accounted for.
#[derive(Debug)]
enum Held {
    /// Nowhere any more.
    Nothing,
    /// In this process's book.
    Book(Shared, Vec<usize>),
    /// In the book that replicas share.
    Replicas(Slot),
}

impl Turn {
    pub(super) fn new(book: Shared, buckets: Vec<usize>, granted: Instant, waited: Duration) -> Turn {
        Turn { waited, held: Held::Book(book, buckets), granted, sent: false, throttled: false }
    }

    pub(super) fn shared(slot: Slot, waited: Duration) -> Turn {
        Turn { waited, held: Held::Replicas(slot), granted: Instant::now(), sent: false, throttled: false }
    }

    /// It was waited for since `asked`, somewhere else at first.
    pub(super) fn waited_since(mut self, asked: Instant) -> Turn {
        self.waited = asked.elapsed();
        self
    }

    /// Bytes may leave from here on, so that a drop spends the slots for one window from then.
    pub fn mark_sent(&mut self) {
        self.sent = true;
    }

    /// The cloud says that this call was one too many: it allows less than it should.
    pub fn mark_throttled(&mut self) {
        self.throttled = true;
    }

    /// The first byte of the answer came: the slots are free one window later.
    pub fn settle(mut self, first_byte: Instant) {
        let granted = self.granted;
        self.end(|window| window.settle(granted, first_byte), Some(first_byte));
    }

    /// No answer came until `ended`: the slots are free one window after that.
    pub fn spent_until_timeout(mut self, ended: Instant) {
        self.end(|window| window.spend(ended), Some(ended));
    }

    /// Tells whoever accounts for the slots: a window of this process `how` its slot ended, replicas when it was spent.
    fn end(&mut self, how: impl Fn(&mut Window), spent: Option<Instant>) {
        let (granted, throttled) = (self.granted, self.throttled);
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => {}
            Held::Book(book, buckets) => {
                let now = Instant::now();
                let end = |window: &mut Window| {
                    if throttled {
                        window.throttle(granted, now);
                    }
                    how(window);
                };
                book.lock().end(&buckets, end, now);
            }
            Held::Replicas(slot) => slot.end(spent, throttled),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.sent {
            let now = Instant::now();
            self.end(|window| window.spend(now), Some(now));
        } else {
            self.end(Window::hand_back, None);
        }
    }
}
