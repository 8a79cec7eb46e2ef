//! The task that commits what is queued, one batch after the other.

use std::sync::Arc;
use std::time::Duration;

use crate::call::{Closed, Detail, Record};

use super::super::{Entry, Intent, Journal, StoreError, Verdict};
use super::Shared;
use super::queue::Item;
use super::spool::Desk;

/// How much longer than the first the last pause between two attempts is.
pub(super) const LONGEST_PAUSE: u32 = 10;

/// After so many attempts changes are refused: one broken connection is made again, a database that is away is not
/// waited for.
const ENOUGH: u32 = 2;

/// How long a database may take for a commit when there is a journal to turn to: less than a stop waits for its intent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Commits what is queued.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    desk: Option<Desk>,
}

/// Why a batch was not committed.
enum Failed {
    /// The database refuses something in it.
    Rejected(Vec<Item>, StoreError),
    /// The database is away, and there is a journal.
    Away(Vec<Item>),
}

/// Says that the worker has ended, also when it panicked.
struct Ended(Arc<Shared>);

/// Works until the queue is drained.
pub(super) async fn run(shared: Arc<Shared>, journal: Option<Journal>) {
    let _ended = Ended(Arc::clone(&shared));
    let is_left = journal.as_ref().is_some_and(|journal| journal.size().entries > 0);
    if let Some(journal) = journal.as_ref().filter(|_| is_left) {
        tracing::info!(entries = journal.size().entries, "an earlier run left a journal, it is imported first");
    }
    let worker = Worker { shared, desk: journal.map(Desk::new) };
    if let Some(desk) = worker.desk.as_ref().filter(|_| is_left) {
        worker.journal(desk, Vec::new(), 0, Duration::ZERO).await;
    }
    while let Some((batch, left)) = worker.next().await {
        match (worker.flush(batch).await, &worker.desk) {
            (Err(items), Some(desk)) => worker.journal(desk, items, left, worker.shared.options.retry_after).await,
            (Ok(()) | Err(_), _) => worker.finished(left),
        }
    }
}

impl Worker {
    /// The next batch: everything that has queued up, within bounds.
    async fn next(&self) -> Option<(Vec<Item>, usize)> {
        loop {
            let failing = {
                let mut queue = self.shared.queue();
                if !queue.is_empty() {
                    return Some(queue.take(self.shared.options.max_batch));
                }
                if queue.draining {
                    return None;
                }
                queue.failing
            };
            if failing {
                // Calls are refused while the last commit counts as failed; nobody would bring the next one.
                let pause = tokio::time::sleep(self.shared.options.retry_after * LONGEST_PAUSE);
                tokio::select! {
                    () = self.shared.wake.notified() => {}
                    () = pause => if self.shared.store.ping().await.is_ok() { self.succeeded() }
                }
            } else {
                self.shared.wake.notified().await;
            }
        }
    }

    /// So many entries have left the queue for good.
    pub(super) fn finished(&self, entries: usize) {
        self.shared.finished.send_modify(|finished| *finished += entries as u64);
    }

    /// Commits a batch. What comes back could not be, because the database is away, and belongs into the journal.
    pub(super) async fn flush(&self, batch: Vec<Item>) -> Result<(), Vec<Item>> {
        let (items, error) = match self.commit(batch).await {
            Ok(()) => return Ok(()),
            Err(Failed::Away(items)) => return Err(items),
            Err(Failed::Rejected(items, error)) => (items, error),
        };
        if items.len() == 1 {
            return self.refused(items, error).await;
        }
        // One of them spoils it for the others, and which one only shows when each goes alone.
        tracing::error!(entries = items.len(), %error, "the database refuses a batch, its entries go one by one");
        let mut items = items.into_iter();
        while let Some(item) = items.next() {
            let done = match self.commit(vec![item]).await {
                Ok(()) => Ok(()),
                Err(Failed::Away(left)) => Err(left),
                Err(Failed::Rejected(one, error)) => self.refused(one, error).await,
            };
            if let Err(left) = done {
                return Err(left.into_iter().chain(items).collect());
            }
        }
        Ok(())
    }

    /// Commits a batch. Without a journal it is tried until the store takes it, or refuses it.
    async fn commit(&self, mut items: Vec<Item>) -> Result<(), Failed> {
        let options = &self.shared.options;
        let patience = if self.desk.is_some() { PATIENCE } else { options.flush_timeout };
        let mut pause = options.retry_after;
        let mut attempts = 0_u32;
        loop {
            self.drop_abandoned(&mut items);
            if items.is_empty() {
                return Ok(());
            }
            // The store wants the entries in a row; who waits for them stays here.
            let (entries, rest): (Vec<Entry>, Vec<_>) = items.into_iter().map(Item::split).unzip();
            let done = tokio::time::timeout(patience, self.shared.store.commit(&entries)).await;
            // Nobody can wait for a second silence.
            let is_silent = done.is_err();
            let done = done.unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".to_owned())));
            items = entries.into_iter().zip(rest).map(Item::join).collect();
            match done {
                Ok(verdicts) => {
                    self.succeeded();
                    self.answer(items, verdicts);
                    return Ok(());
                }
                Err(error @ StoreError::Rejected(_)) => return Err(Failed::Rejected(items, error)),
                Err(error) => {
                    self.failed(&error);
                    attempts += 1;
                    let is_away = attempts >= ENOUGH || (is_silent && self.desk.is_some());
                    if is_away {
                        self.give_up_intents(&mut items, &error);
                    }
                    if is_away && self.desk.is_some() {
                        return Err(Failed::Away(items));
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(options.retry_after * LONGEST_PAUSE);
        }
    }

    /// What the database refuses alone: whoever waits is told; a finished record, and whatever was journaled, is tried
    /// once more without the texts that nobody filters by, because what it releases must be released.
    async fn refused(&self, items: Vec<Item>, error: StoreError) -> Result<(), Vec<Item>> {
        for item in items {
            let is_imported = item.is_imported();
            let (entry, ticket) = item.split();
            let bare = match &entry {
                Entry::Closed(closed) => Entry::Closed(Closed {
                    record: bare(&closed.record),
                    intended: closed.intended,
                    answer: None,
                    window: closed.window,
                }),
                Entry::Intent(intent) if is_imported => {
                    Entry::Intent(Intent { record: bare(&intent.record), ..intent.clone() })
                }
                Entry::Intent(_) | Entry::Settled(_) | Entry::Own { .. } => {
                    let item = Item::join((entry, ticket));
                    self.shared.queue().finish(&item);
                    item.answer(Err(StoreError::Rejected(error.to_string())));
                    continue;
                }
            };
            tracing::error!(id = ?id(&bare), %error, "the database refuses a record");
            match self.commit(vec![Item::join((bare, ticket))]).await {
                Ok(()) => {}
                Err(Failed::Away(items)) => return Err(items),
                Err(Failed::Rejected(items, _)) => {
                    for item in &items {
                        let mut queue = self.shared.queue();
                        queue.finish(item);
                        queue.lose(item);
                    }
                }
            }
        }
        Ok(())
    }

    fn answer(&self, items: Vec<Item>, verdicts: Vec<Verdict>) {
        let mut verdicts = verdicts.into_iter();
        for item in items {
            let none = || StoreError::Incompatible("the store gave no verdict".to_owned());
            let verdict = verdicts.next().ok_or_else(none);
            if !item.is_imported() {
                self.note(item.entry(), &verdict);
            }
            self.shared.queue().finish(&item);
            item.answer(verdict);
        }
    }

    /// What this process must know of changes when the database can't be asked.
    fn note(&self, entry: &Entry, verdict: &Result<Verdict, StoreError>) {
        let Some(journaling) = &self.shared.journaling else { return };
        match (entry, verdict) {
            (Entry::Intent(intent), Ok(Verdict::Done)) => journaling.local().begun(intent),
            (Entry::Closed(closed), _) if closed.intended => journaling.local().ended(closed),
            _ => {}
        }
    }

    /// Tells those who wait with a change that it can't be recorded: nobody is helped by waiting longer. If it was
    /// committed all the same, the call's end clears up.
    fn give_up_intents(&self, items: &mut [Item], error: &StoreError) {
        let why = error.to_string();
        items.iter_mut().for_each(|item| item.give_up(&why));
        self.shared.queue().give_up_intents(&why);
    }

    fn drop_abandoned(&self, items: &mut Vec<Item>) {
        let mut queue = self.shared.queue();
        items.retain(|item| {
            let abandoned = item.is_abandoned();
            if abandoned {
                queue.finish(item);
            }
            !abandoned
        });
    }

    fn succeeded(&self) {
        if *self.shared.journaled.borrow() {
            // Not before the journal is imported.
            return;
        }
        let failing = {
            let mut queue = self.shared.queue();
            queue.claimed_by_another = false;
            queue.complaint = None;
            queue.committed = Some(tokio::time::Instant::now());
            std::mem::take(&mut queue.failing)
        };
        if failing {
            tracing::info!("the store takes records again");
        }
    }

    fn failed(&self, error: &StoreError) {
        let is_news = {
            let mut queue = self.shared.queue();
            queue.claimed_by_another = matches!(error, StoreError::Claimed);
            queue.failing = true;
            let before = queue.complaint.replace(error.to_string());
            before != queue.complaint
        };
        if is_news {
            tracing::error!(%error, "the store does not take records");
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.stopped.cancel();
        self.0.queue().abandon();
    }
}

fn id(entry: &Entry) -> Option<uuid::Uuid> {
    match entry {
        Entry::Intent(intent) => Some(intent.record.id),
        Entry::Closed(closed) => Some(closed.record.id),
        Entry::Settled(_) | Entry::Own { .. } => None,
    }
}

fn bare(record: &Record) -> Record {
    let detail = Detail {
        // A word of the tables; it says in which log the record belongs.
        kind: record.detail.kind.clone(),
        message: "the database refused the rest of this record".to_owned(),
        until: record.detail.until,
        journaled: record.detail.journaled,
        ..Detail::default()
    };
    Record {
        id: record.id,
        time: record.time,
        outcome: record.outcome,
        account: record.account.clone(),
        team: record.team.clone(),
        caller: record.caller.clone(),
        family: record.family.clone(),
        action: record.action.clone(),
        request_id: record.request_id.clone(),
        reason: record.reason.clone(),
        calls: record.calls,
        detail,
        ..Record::default()
    }
}
