//! The cloud's own quota: who may send when.
//!
//! A bucket counts what the cloud counts, so that it never sees more than `per` calls in any window: a slot is taken
//! when a turn is granted, and free again one window after the answer's first byte. A call that wants several buckets
//! gets a slot in all of them at one instant. While nobody waits, all free slots may go at once; while calls wait,
//! they are served by class, fairly between callers by weight, and spaced window ÷ limit.
//!
//! One process keeps its book in memory; `replicas` share one in Redis. The room knows no call, no cloud and no table; it is
//! told the buckets. Buckets in use are remembered, so their keys must come from tables and configuration, never from callers.

mod book;
mod learned;
mod place;
mod queue;
mod replicas;
mod shares;
mod tally;
mod turn;
mod view;
mod window;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::coordinate::Link;
use book::{Answer, Book};
use place::Place;
use replicas::Replicas;
use tally::Tallies;
pub use tally::Tally;
pub use turn::Turn;
pub use view::{BucketView, MOST_CALLERS, Standing, View};

/// The books of all buckets. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Quota {
    book: Shared,
    sharing: Sharing,
    tallies: Tallies,
}

/// With whom the quota is shared.
#[derive(Clone, Debug, Default)]
enum Sharing {
    /// With nobody.
    #[default]
    No,
    /// With others of whom nothing is known but how many there are: this process uses one of so many parts.
    Parts(u32),
    /// With replicas that keep one book.
    Replicas(Arc<Replicas>),
}

/// What the cloud counts together.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BucketKey {
    /// The account's identity at the cloud.
    pub identity: Arc<str>,
    /// The access endpoint, as the cloud names it.
    pub host: Arc<str>,
    /// The bucket's name in the tables.
    pub name: Arc<str>,
}

/// A bucket and its size. The newest size counts; zero calls means that none is ever allowed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BucketSpec {
    /// Which one.
    pub key: BucketKey,
    /// Calls in a window.
    pub per: u32,
    /// The window.
    pub window: Duration,
    /// Slots that are left free for [`Class::Emergency`]. At least one is always left to the others.
    pub reserve: u32,
}

/// On whose behalf a turn is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The caller: turns are shared between callers.
    pub who: &'a str,
    /// Its share, relative to others'.
    pub weight: NonZeroU32,
    /// How urgent the call is.
    pub class: Class,
}

/// How urgent a call is. While calls of one class wait, those of later classes get no turn.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// Stops and pauses.
    Emergency,
    /// Other changes.
    Change,
    /// Reads.
    Read,
    /// What nobody waits for.
    Background,
}

/// The call's turn would come too late.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the next turn in {} comes in {retry_after:?}", key.name)]
pub struct TooLong {
    /// The bucket with the longest wait.
    pub key: BucketKey,
    /// When a turn would come, if nobody else asks and the cloud goes on answering as fast as it does.
    pub retry_after: Duration,
    /// Calls in a window.
    pub per: u32,
    /// The window.
    pub window: Duration,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Book>>);

impl Quota {
    /// Empty books.
    pub fn new() -> Quota {
        Quota::default()
    }

    /// Books that are shared over `link`, with the messages to this replica. Must be called inside a Tokio runtime.
    pub fn shared(link: Link, messages: mpsc::UnboundedReceiver<String>) -> Quota {
        let replicas = Arc::new(Replicas::new(link, messages));
        Quota { sharing: Sharing::Replicas(replicas), ..Quota::default() }
    }

    /// Books of one of `parts` processes that know nothing of each other.
    pub fn one_of(parts: u32) -> Quota {
        let sharing = if parts > 1 { Sharing::Parts(parts) } else { Sharing::No };
        Quota { sharing, ..Quota::default() }
    }

    /// Waits for a turn in all the wanted buckets, at most `max_wait`. Dropping the future frees the place.
    ///
    /// # Errors
    /// The turn would come later than that: known at once, or, if more urgent calls came in between, at the end.
    pub async fn acquire(&self, wanted: &[BucketSpec], asker: &Asker<'_>, max_wait: Duration) -> Result<Turn, TooLong> {
        let turn = self.wait(wanted, asker, max_wait).await;
        turn.inspect_err(|too_long| self.tallies.refused(&too_long.key, Instant::now()))
    }

    async fn wait(&self, wanted: &[BucketSpec], asker: &Asker<'_>, max_wait: Duration) -> Result<Turn, TooLong> {
        let part;
        let wanted = match &self.sharing {
            Sharing::No => wanted,
            Sharing::Parts(parts) => {
                part = part_of(wanted, 1, *parts);
                &part
            }
            // On the heap: else every call would carry the state of both.
            Sharing::Replicas(replicas) => return Box::pin(replicas.acquire(wanted, asker, max_wait)).await,
        };
        let asked = Instant::now();
        let answer = self.book.lock().ask(wanted, asker, max_wait, asked)?;
        let (ticket, mut wake) = match answer {
            Answer::Granted(buckets) => return Ok(Turn::new(self.book.clone(), buckets, asked, Duration::ZERO)),
            Answer::Queued(ticket, wake) => (ticket, wake),
        };
        let deadline = asked + max_wait;
        let place = Place::new(self.book.clone(), ticket);
        loop {
            let until = wake.map_or(deadline, |wake| wake.min(deadline));
            // Both ends mean the same: look again.
            let _woken = timeout_at(until, place.called()).await;
            let now = Instant::now();
            wake = self.book.lock().look(place.ticket(), now);
            if place.is_granted() {
                return Ok(place.take(now, now - asked));
            }
            if now >= deadline {
                drop(place);
                return Err(self.book.lock().too_long(wanted, asker, now));
            }
        }
    }

    /// How long a newcomer would wait now.
    pub async fn estimate(&self, wanted: &[BucketSpec], asker: &Asker<'_>) -> Duration {
        match &self.sharing {
            Sharing::No => self.in_book(wanted, asker),
            Sharing::Parts(parts) => self.in_book(&part_of(wanted, 1, *parts), asker),
            Sharing::Replicas(replicas) => replicas.estimate(wanted, asker).await,
        }
    }

    fn in_book(&self, wanted: &[BucketSpec], asker: &Asker<'_>) -> Duration {
        self.book.lock().too_long(wanted, asker, Instant::now()).retry_after
    }

    /// The cloud throttled a call that was counted in these buckets.
    pub fn note_throttled(&self, buckets: &[BucketSpec]) {
        let now = Instant::now();
        buckets.iter().for_each(|spec| self.tallies.throttled(&spec.key, now));
    }

    /// What this process has refused and was throttled for, of every bucket where that ever happened.
    pub fn tallies(&self) -> BTreeMap<BucketKey, Tally> {
        self.tallies.all(Instant::now())
    }

    /// How the quota stands; of the book that replicas share, while there is one.
    pub async fn view(&self) -> View {
        match &self.sharing {
            Sharing::No => View { standing: Standing::Sole, buckets: self.snapshot() },
            Sharing::Parts(of) => View { standing: Standing::Parts { of: *of }, buckets: self.snapshot() },
            Sharing::Replicas(replicas) => replicas.view().await,
        }
    }

    /// The buckets that are in use in this process's own book, in the order of their keys.
    pub fn snapshot(&self) -> Vec<BucketView> {
        self.book.lock().views(Instant::now())
    }
}

/// So many parts of each bucket, in whole calls.
fn part_of(wanted: &[BucketSpec], parts: u32, of: u32) -> Vec<BucketSpec> {
    let part = |per: u32| if parts >= of { per } else { per / of.max(1) * parts };
    let at_least = |reserve: u32| if parts >= of { reserve } else { reserve.div_ceil(of.max(1)) * parts };
    let shrunk =
        |spec: &BucketSpec| BucketSpec { per: part(spec.per), reserve: at_least(spec.reserve), ..spec.clone() };
    wanted.iter().map(shrunk).collect()
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Book> {
        // A panic while the lock was held must not stop every later call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Book")
    }
}
