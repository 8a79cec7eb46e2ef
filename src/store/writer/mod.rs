//! The one door through which everything that must not get lost goes to the store, in the order in which it came.
//!
//! Whatever queued up during a commit is the next one (group commit), so nobody waits for a timer. Intents are awaited,
//! for a bounded time; finished records are handed over and never block, and are tried until the store takes them. An
//! intent that nobody waits for any more is dropped if it can be, and if it was committed all the same, the call's
//! finished record, which comes after it, releases what it holds. So the caller of [`Writer::commit`] may be cancelled
//! anywhere.
//!
//! The queue is bounded in bytes at its entrance: [`Writer::has_room`] and [`Writer::healthy`] are asked before a call is
//! accepted, the records of calls that were accepted are always taken.
//!
//! With a journal, what the store can't take goes there, and [`Writer::takes`] says which calls may go on meanwhile.

mod local;
mod queue;
mod spool;
#[cfg(test)]
mod tests;
mod worker;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::call::{Closed, RecordSink};

use super::{Entry, Journal, JournalSize, Remembered, ReplayKey, Store, StoreError, TaskRow, Verdict};
use local::Local;
use queue::{Item, Queue, Waiter};

/// Bounds of a writer.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// Bytes that may be queued, estimated, before calls are refused.
    pub max_bytes: usize,
    /// Entries in one commit. A commit of 500 records was measured to take 3 to 11 ms on either database.
    pub max_batch: usize,
    /// How long an intent may take before the call is refused.
    pub intent_timeout: Duration,
    /// How long one commit may take before it counts as failed; longer than the store's own bound, which knows more.
    pub flush_timeout: Duration,
    /// How long the store may take nothing while something waits before calls are refused.
    pub stale_after: Duration,
    /// The pause between two attempts, doubled up to ten times this.
    pub retry_after: Duration,
    /// How long a change that another instance may have answered already is given to end in the store; nothing where
    /// there is no other instance.
    pub others_end_within: Duration,
}

/// How often it is looked whether it has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Writes to a store. Clones share one queue.
#[derive(Clone)]
pub struct Writer(Arc<Shared>);

/// What is queued, for metrics.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Backlog {
    /// Entries that are not durable yet.
    pub entries: usize,
    /// Their size, estimated, in bytes.
    pub bytes: usize,
    /// Calls whose records were given up since the start: of refused calls while the queue was full, or refused by the database.
    pub lost: u64,
}

/// A journal and what may go on while it is written.
#[derive(Debug)]
pub struct Spool {
    /// The journal.
    pub journal: Journal,
    /// Reads go on.
    pub reads: bool,
    /// Stops and pauses go on.
    pub emergencies: bool,
}

/// What the record of a call is about, when it is asked whether that can be recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Demand {
    /// A read: its end.
    Read,
    /// A stop or a pause: its intent and its end.
    Emergency,
    /// Any other change.
    Change,
}

/// The journal, for metrics and for health.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Journaling {
    /// Whether entries go to the journal now, or are being imported from it.
    pub is_active: bool,
    /// What is in it.
    pub size: JournalSize,
}

struct Shared {
    store: Arc<dyn Store>,
    options: WriterOptions,
    journaling: Option<Rules>,
    /// Entries go to the journal.
    journaled: watch::Sender<bool>,
    queue: Mutex<Queue>,
    wake: Notify,
    finished: watch::Sender<u64>,
    stopped: CancellationToken,
}

/// What may go on while the journal is written.
struct Rules {
    reads: bool,
    emergencies: bool,
    max_bytes: u64,
    local: Mutex<Local>,
}

impl Demand {
    /// All of them.
    pub const ALL: [Demand; 3] = [Demand::Read, Demand::Emergency, Demand::Change];
}

impl Writer {
    /// Starts a writer; must be called inside a Tokio runtime.
    pub fn start(store: Arc<dyn Store>, options: WriterOptions) -> Writer {
        Writer::start_with(store, options, None)
    }

    /// Starts a writer that has a journal to turn to. What is in it is imported first: [`Writer::imported`] waits for that.
    pub fn start_with(store: Arc<dyn Store>, options: WriterOptions, spool: Option<Spool>) -> Writer {
        let size = spool.as_ref().map(|spool| spool.journal.size()).unwrap_or_default();
        let journaling = spool.as_ref().map(|spool| Rules {
            reads: spool.reads,
            emergencies: spool.emergencies,
            max_bytes: spool.journal.max_bytes(),
            local: Mutex::default(),
        });
        let shared = Arc::new(Shared {
            store,
            options,
            journaling,
            journaled: watch::Sender::new(size.entries > 0),
            queue: Mutex::new(Queue::new(size)),
            wake: Notify::new(),
            finished: watch::Sender::new(0),
            stopped: CancellationToken::new(),
        });
        tokio::spawn(worker::run(Arc::clone(&shared), spool.map(|spool| spool.journal)));
        Writer(shared)
    }

    /// Commits an entry and says what came of it. An error means that it may or may not have been committed; for an
    /// intent the call must then be refused, and its finished record clears up.
    pub async fn commit(&self, mut entry: Entry) -> Result<Verdict, StoreError> {
        if let Entry::Intent(intent) = &mut entry {
            intent.emergency &= self.emergencies().is_some();
        }
        if !self.has_room() {
            return Err(StoreError::Unavailable("the queue is full".to_owned()));
        }
        let (waiter, verdict) = oneshot::channel();
        self.push(entry, Some(waiter));
        match tokio::time::timeout(self.0.options.intent_timeout, verdict).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(_)) => Err(StoreError::Unavailable("the writer has stopped".to_owned())),
            Err(_) => {
                let waited = self.0.options.intent_timeout.as_millis();
                Err(StoreError::Unavailable(format!("not durable within {waited} ms")))
            }
        }
    }

    /// Hands over an entry that nobody waits for.
    pub fn submit(&self, entry: Entry) {
        self.push(entry, None);
    }

    /// Whether there is room for the records of another call.
    pub fn has_room(&self) -> bool {
        !self.0.stopped.is_cancelled() && self.0.queue().bytes() < self.0.options.max_bytes
    }

    /// Whether the last commit worked and it is not long ago that the store took something, if something waits.
    pub fn healthy(&self) -> bool {
        let stale = |since: Instant| since.elapsed() >= self.0.options.stale_after;
        let queue = self.0.queue();
        !self.0.stopped.is_cancelled() && !queue.failing && !queue.stuck_since().is_some_and(stale)
    }

    /// Whether a call of this kind can be recorded, by the store or by the journal.
    pub fn takes(&self, demand: Demand) -> bool {
        self.has_room() && (self.healthy() || self.takes_without_store(demand))
    }

    /// Whether a call of this kind can be recorded while the store is away.
    pub fn takes_without_store(&self, demand: Demand) -> bool {
        let Some(rules) = &self.0.journaling else { return false };
        let most = match demand {
            // The last quarter is for stops and pauses.
            Demand::Read if rules.reads => rules.max_bytes / 4 * 3,
            Demand::Emergency if rules.emergencies => rules.max_bytes,
            Demand::Read | Demand::Emergency | Demand::Change => return false,
        };
        let queue = self.0.queue();
        let fits = queue.journal.bytes.saturating_add(queue.bytes() as u64) < most;
        fits && !queue.journal_fails && !queue.journal_altered && !queue.claimed_by_another
    }

    /// What is in the journal; none when there is no journal.
    pub fn journaling(&self) -> Option<Journaling> {
        self.0.journaling.as_ref()?;
        Some(Journaling { is_active: *self.0.journaled.borrow(), size: self.0.queue().journal })
    }

    /// Waits until nothing is in the journal.
    pub async fn imported(&self) {
        let mut journaled = self.0.journaled.subscribe();
        tokio::select! {
            _ = journaled.wait_for(|journaled| !journaled) => {}
            () = self.0.stopped.cancelled() => {}
        }
    }

    /// Learns what earlier runs remember of changes, for when the store can't be asked.
    ///
    /// # Errors
    /// The store's.
    pub async fn recall(&self, now: Timestamp) -> Result<(), StoreError> {
        if let Some(rules) = self.emergencies() {
            let all = self.0.store.all_remembered(now).await?;
            rules.local().recall(all, now);
        }
        Ok(())
    }

    /// What is queued.
    pub fn backlog(&self) -> Backlog {
        self.0.queue().backlog()
    }

    /// What is stored of tasks, including every change that this process has finished: one whose answer a caller has
    /// may still be on its way to the store, and judged without it the caller's next change would be stale.
    /// Another instance's may be, too: where there are others, the end of an open change is waited for a little.
    pub async fn tasks(&self, account: &str, tasks: &[String]) -> Result<Vec<TaskRow>, StoreError> {
        let give_up = Instant::now() + self.0.options.others_end_within;
        loop {
            let rows = self.tasks_now(account, tasks).await?;
            let is_open = rows.iter().any(|row| row.open_change.is_some());
            if !is_open || Instant::now() >= give_up {
                return Ok(rows);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn tasks_now(&self, account: &str, tasks: &[String]) -> Result<Vec<TaskRow>, StoreError> {
        self.caught_up().await?;
        let Some(rules) = self.emergencies() else { return self.0.store.tasks(account, tasks).await };
        if *self.0.journaled.borrow() {
            return Ok(rules.local().tasks(account, tasks));
        }
        match self.0.store.tasks(account, tasks).await {
            Ok(rows) => {
                rules.local().learn(account, tasks, &rows);
                Ok(rows)
            }
            Err(_) => Ok(rules.local().tasks(account, tasks)),
        }
    }

    /// What is remembered under `key` at the time `now`. While the store can't be asked, what this process knows is
    /// enough to go on with a stop or a pause, if those may; the intent of any other change needs the store anyway.
    pub async fn seen(&self, key: &ReplayKey, now: Timestamp) -> Result<Option<Remembered>, StoreError> {
        let Some(rules) = self.emergencies() else { return self.0.store.remembered(key, now).await };
        if *self.0.journaled.borrow() {
            return Ok(rules.local().remembered(key, now));
        }
        let found = self.0.store.remembered(key, now).await;
        found.or_else(|_| Ok(rules.local().remembered(key, now)))
    }

    /// What is remembered under `key` at the time `now`, the end of every change that this process has finished included,
    /// as with [`Writer::tasks`].
    pub async fn remembered(&self, key: &ReplayKey, now: Timestamp) -> Result<Option<Remembered>, StoreError> {
        self.caught_up().await?;
        self.seen(key, now).await
    }

    fn emergencies(&self) -> Option<&Rules> {
        self.0.journaling.as_ref().filter(|rules| rules.emergencies)
    }

    async fn caught_up(&self) -> Result<(), StoreError> {
        let waited = tokio::time::timeout(self.0.options.intent_timeout, self.flushed()).await;
        waited.map_err(|_| StoreError::Unavailable("what came before is not durable yet".to_owned()))
    }

    /// Waits until everything that was handed over before is durable, however long that takes.
    pub async fn flushed(&self) {
        let queued = self.0.queue().queued();
        let mut finished = self.0.finished.subscribe();
        tokio::select! {
            _ = finished.wait_for(|finished| *finished >= queued) => {}
            () = self.0.stopped.cancelled() => {}
        }
    }

    /// Ends the writer when everything is durable, or gives up after `timeout`; says how many entries were left.
    pub async fn drain(&self, timeout: Duration) -> usize {
        self.0.queue().draining = true;
        self.0.wake.notify_one();
        // Either way what is left is what the queue says.
        drop(tokio::time::timeout(timeout, self.stopped()).await);
        self.backlog().entries
    }

    /// Waits for the writer's end. Unless it was drained that is a failure, and nothing is recorded any more.
    pub async fn stopped(&self) {
        self.0.stopped.cancelled().await;
    }

    fn push(&self, entry: Entry, waiter: Option<Waiter>) {
        let item = Item::new(entry, waiter);
        let mut queue = self.0.queue();
        if self.0.stopped.is_cancelled() {
            queue.lose(&item);
        } else {
            queue.push(item, self.0.options.max_bytes);
        }
        drop(queue);
        self.0.wake.notify_one();
    }
}

impl RecordSink for Writer {
    fn close(&self, closed: Closed) {
        self.submit(Entry::Closed(closed));
    }
}

impl Default for WriterOptions {
    /// 64 MiB are about 30,000 records of 2 KiB, a minute of the cloud's highest quotas; 512 records fit a commit of
    /// about 10 ms. The other numbers are ours: below the 5 s that a call may wait, above the store's own 8 s.
    fn default() -> WriterOptions {
        WriterOptions {
            max_bytes: 64 << 20,
            max_batch: 512,
            intent_timeout: Duration::from_secs(3),
            flush_timeout: Duration::from_secs(10),
            stale_after: Duration::from_secs(3),
            retry_after: Duration::from_millis(100),
            others_end_within: Duration::ZERO,
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer").field(&self.backlog()).finish()
    }
}

impl Rules {
    fn local(&self) -> MutexGuard<'_, Local> {
        // Nothing is half done where this could panic.
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing is half done where this could panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
