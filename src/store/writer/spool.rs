//! The worker while the database is away and there is a journal: what comes goes there, and when the database is back the
//! journal is imported, in its order, before anything goes to the database again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::call::Outcome;
use crate::store::journal::Reader;
use crate::store::{Entry, Journal, JournalError, JournalSize, StoreError, Verdict};

use super::queue::Item;
use super::worker::{LONGEST_PAUSE, Worker};

/// The journal, at hand for the threads that may block.
#[derive(Clone, Debug)]
pub(super) struct Desk(Arc<Mutex<Journal>>);

/// How far the import of a journal has come. It goes on where it was when the database went away again.
#[derive(Default)]
struct Import {
    reader: Option<Reader>,
    pending: Vec<Item>,
}

/// What came of a step of an import.
enum Step {
    /// There may be more.
    More,
    /// Everything is in the database.
    All,
    /// The database is away again.
    Away,
    /// The journal can't be read.
    Unreadable,
}

impl Desk {
    pub(super) fn new(journal: Journal) -> Desk {
        Desk(Arc::new(Mutex::new(journal)))
    }

    /// Works with the journal where that may block.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce(&mut Journal) -> T + Send + 'static) -> T {
        let journal = Arc::clone(&self.0);
        let work = move || work(&mut journal.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                // It goes on here and ends the writer, which ends the gateway.
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going down, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl Worker {
    /// Journals `held` and all that comes, until everything is in the database, or, at the end of the gateway, until
    /// everything is in the journal.
    /// `owed` entries have left the queue and are not durable yet; the database is asked again after `pause`.
    pub(super) async fn journal(&self, desk: &Desk, mut held: Vec<Item>, mut owed: usize, pause: Duration) {
        self.begin_journal();
        let (mut import, mut importing) = (Import::default(), false);
        let mut back: Pin<Box<dyn Future<Output = ()> + Send + '_>> = Box::pin(self.store_is_back(pause));
        loop {
            let (batch, left, draining) = {
                let mut queue = self.shared.queue();
                let (batch, left) = queue.take(self.shared.options.max_batch);
                (batch, left, queue.draining)
            };
            owed += left;
            held.extend(batch);
            held = self.keep(desk, held).await;
            if held.is_empty() {
                self.finished(std::mem::take(&mut owed));
            }
            let nothing_waits = held.is_empty() && self.shared.queue().is_empty();
            if nothing_waits && draining {
                return;
            }
            if importing {
                let done = match self.import(desk, &mut import).await {
                    Step::More => continue,
                    Step::All if nothing_waits => self.end_journal(desk).await,
                    Step::All => continue,
                    Step::Away | Step::Unreadable => false,
                };
                if done {
                    return;
                }
                importing = false;
                back = Box::pin(self.store_is_back(self.longest_pause()));
            }
            let retry = async {
                match held.is_empty() {
                    true => std::future::pending().await,
                    false => tokio::time::sleep(self.longest_pause()).await,
                }
            };
            tokio::select! {
                () = self.shared.wake.notified() => {}
                () = &mut back => importing = true,
                () = retry => {}
            }
        }
    }

    /// Puts into the journal what may go there and answers who waits for it. What the disk does not take comes back.
    async fn keep(&self, desk: &Desk, items: Vec<Item>) -> Vec<Item> {
        let items = self.admit(items);
        if items.is_empty() {
            return items;
        }
        let (entries, rest): (Vec<Entry>, Vec<_>) = items.into_iter().map(Item::split).unzip();
        let append = move |journal: &mut Journal| {
            let done = journal.append(&entries).map(|()| journal.size());
            (entries, done)
        };
        let (entries, done) = desk.work(append).await;
        let items: Vec<Item> = entries.into_iter().zip(rest).map(Item::join).collect();
        match done {
            Ok(size) => {
                self.sized(size);
                for item in items {
                    self.shared.queue().finish(&item);
                    item.answer(Ok(Verdict::Done));
                }
                Vec::new()
            }
            Err(error) => self.not_kept(items, &error),
        }
    }

    /// What of these goes into the journal; whoever waits for the others is told. Refused calls can come in any number, so
    /// they have half of it; the last quarter is for stops and pauses.
    fn admit(&self, items: Vec<Item>) -> Vec<Item> {
        let mut queue = self.shared.queue();
        let Some(journaling) = &self.shared.journaling else { return items };
        let (size, is_shut) = (queue.journal.bytes, queue.claimed_by_another || queue.journal_altered);
        let mut local = journaling.local();
        let mut admitted = Vec::with_capacity(items.len());
        for item in items {
            let answer = match item.entry() {
                Entry::Intent(_) if item.is_abandoned() => Some(Ok(Verdict::Done)),
                Entry::Intent(intent) if intent.emergency && !is_shut && size < journaling.max_bytes => {
                    match local.admit(intent) {
                        Verdict::Done => None,
                        refused => Some(Ok(refused)),
                    }
                }
                Entry::Intent(_) => Some(Err(StoreError::Unavailable("the database is away".to_owned()))),
                Entry::Closed(closed) if closed.intended => {
                    local.ended(closed);
                    None
                }
                Entry::Closed(closed) if closed.record.outcome == Outcome::Refused => {
                    let is_full = size >= journaling.max_bytes / 2;
                    is_full.then(|| {
                        queue.lose(&item);
                        Ok(Verdict::Done)
                    })
                }
                Entry::Closed(_) | Entry::Settled(_) | Entry::Own { .. } => None,
            };
            match answer {
                None => admitted.push(item),
                Some(answer) => {
                    queue.finish(&item);
                    item.answer(answer);
                }
            }
        }
        admitted
    }

    /// The disk takes nothing: changes are refused, records wait in memory as they do without a journal.
    fn not_kept(&self, mut items: Vec<Item>, error: &JournalError) -> Vec<Item> {
        let mut queue = self.shared.queue();
        if !std::mem::replace(&mut queue.journal_fails, true) {
            tracing::error!(%error, "the journal does not take records");
        }
        for item in &mut items {
            item.refuse_intent(&error.to_string());
        }
        items.retain(|item| {
            let refused = item.is_abandoned();
            if refused {
                queue.finish(item);
            }
            !refused
        });
        items
    }

    async fn import(&self, desk: &Desk, import: &mut Import) -> Step {
        if import.pending.is_empty() {
            let reader = import.reader.take();
            let read = move |journal: &mut Journal| -> Result<_, JournalError> {
                let mut reader = reader.map_or_else(|| journal.reader(), Ok)?;
                let batch = reader.batch()?;
                Ok((reader, batch))
            };
            match desk.work(read).await {
                Ok((reader, batch)) => {
                    import.reader = Some(reader);
                    let Some(batch) = batch else { return Step::All };
                    import.pending = batch.into_iter().map(Item::imported).collect();
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.shared.queue().journal_altered, true) {
                        tracing::error!(%error, "the journal can't be imported, and nothing more is accepted");
                    }
                    return Step::Unreadable;
                }
            }
        }
        match self.flush(std::mem::take(&mut import.pending)).await {
            Ok(()) => Step::More,
            Err(pending) => {
                import.pending = pending;
                Step::Away
            }
        }
    }

    fn begin_journal(&self) {
        self.shared.queue().failing = true;
        // At a start it is so already.
        if !self.shared.journaled.send_replace(true) {
            tracing::warn!("the database does not take records, they go to the journal");
        }
    }

    /// Everything in the journal is in the database.
    async fn end_journal(&self, desk: &Desk) -> bool {
        let before = self.shared.queue().journal;
        let cleared = desk.work(|journal| journal.clear().map(|()| journal.size())).await;
        match cleared {
            Ok(size) => {
                self.sized(size);
                let mut queue = self.shared.queue();
                queue.failing = false;
                queue.claimed_by_another = false;
                queue.complaint = None;
                drop(queue);
                self.shared.journaled.send_replace(false);
                tracing::info!(entries = before.entries, "the journal is in the database, which takes records again");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the journal is in the database but can't be emptied");
                false
            }
        }
    }

    fn sized(&self, size: JournalSize) {
        let mut queue = self.shared.queue();
        queue.journal = size;
        queue.journal_fails = false;
    }

    async fn store_is_back(&self, pause: Duration) {
        let mut pause = pause;
        loop {
            tokio::time::sleep(pause).await;
            if self.shared.store.ping().await.is_ok() {
                return;
            }
            pause = self.longest_pause();
        }
    }

    fn longest_pause(&self) -> Duration {
        self.shared.options.retry_after * LONGEST_PAUSE
    }
}
