//! The task that commits what is queued, one batch after the other.

use std::sync::Arc;

use crate::call::{Closed, Detail, Record};

use super::super::{Entry, StoreError, Verdict};
use super::Shared;
use super::queue::Item;

/// How much longer than the first the last pause between two attempts is.
const LONGEST_PAUSE: u32 = 10;

/// After so many attempts changes are refused: one broken connection is made again, a database that is away is not
/// waited for.
const ENOUGH: u32 = 2;

struct Worker {
    shared: Arc<Shared>,
}

/// Says that the worker has ended, also when it panicked.
struct Ended(Arc<Shared>);

/// Works until the queue is drained.
pub(super) async fn run(shared: Arc<Shared>) {
    let _ended = Ended(Arc::clone(&shared));
    let worker = Worker { shared };
    while let Some((batch, left)) = worker.next().await {
        worker.flush(batch).await;
        worker.shared.finished.send_modify(|finished| *finished += left as u64);
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

    async fn flush(&self, batch: Vec<Item>) {
        let Err((batch, error)) = self.commit(batch).await else { return };
        if batch.len() == 1 {
            return self.refused(batch, error).await;
        }
        // One of them spoils it for the others, and which one only shows when each goes alone.
        tracing::error!(entries = batch.len(), %error, "the database refuses a batch, its entries go one by one");
        for item in batch {
            if let Err((item, error)) = self.commit(vec![item]).await {
                self.refused(item, error).await;
            }
        }
    }

    /// Commits a batch, trying until the store takes it; only a batch that the database refuses comes back.
    async fn commit(&self, mut items: Vec<Item>) -> Result<(), (Vec<Item>, StoreError)> {
        let options = &self.shared.options;
        let mut pause = options.retry_after;
        let mut attempts = 0_u32;
        loop {
            self.drop_abandoned(&mut items);
            if items.is_empty() {
                return Ok(());
            }
            // The store wants the entries in a row; who waits for them stays here.
            let (entries, rest): (Vec<Entry>, Vec<_>) = items.into_iter().map(Item::split).unzip();
            let done = match tokio::time::timeout(options.flush_timeout, self.shared.store.commit(&entries)).await {
                Ok(done) => done,
                Err(_) => Err(StoreError::Unavailable("no answer in time".to_owned())),
            };
            items = entries.into_iter().zip(rest).map(Item::join).collect();
            match done {
                Ok(verdicts) => {
                    self.succeeded();
                    self.answer(items, verdicts);
                    return Ok(());
                }
                Err(error @ StoreError::Rejected(_)) => return Err((items, error)),
                Err(error) => {
                    self.failed(&error);
                    attempts += 1;
                    if attempts >= ENOUGH {
                        self.give_up_intents(&mut items, &error);
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(options.retry_after * LONGEST_PAUSE);
        }
    }

    /// What the database refuses alone: whoever waits is told; a finished record is tried once more without the texts
    /// that nobody filters by, because what it releases must be released.
    async fn refused(&self, items: Vec<Item>, error: StoreError) {
        for item in items {
            let (entry, ticket) = item.split();
            let Entry::Closed(closed) = &entry else {
                let item = Item::join((entry, ticket));
                self.shared.queue().finish(&item);
                item.answer(Err(StoreError::Rejected(error.to_string())));
                continue;
            };
            tracing::error!(id = %closed.record.id, %error, "the database refuses a record");
            let bare = Item::join((Entry::Closed(bare(closed)), ticket));
            if let Err((items, _)) = self.commit(vec![bare]).await {
                for item in &items {
                    let mut queue = self.shared.queue();
                    queue.finish(item);
                    queue.lose(item);
                }
            }
        }
    }

    fn answer(&self, items: Vec<Item>, verdicts: Vec<Verdict>) {
        let mut verdicts = verdicts.into_iter();
        for item in items {
            self.shared.queue().finish(&item);
            let none = || StoreError::Incompatible("the store gave no verdict".to_owned());
            item.answer(verdicts.next().ok_or_else(none));
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
        let failing = std::mem::take(&mut self.shared.queue().failing);
        if failing {
            tracing::info!("the store takes records again");
        }
    }

    fn failed(&self, error: &StoreError) {
        let failing = std::mem::replace(&mut self.shared.queue().failing, true);
        if !failing {
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

fn bare(closed: &Closed) -> Closed {
    let record = &closed.record;
    let record = Record {
        id: record.id,
        time: record.time,
        outcome: record.outcome,
        account: record.account.clone(),
        team: record.team.clone(),
        caller: record.caller.clone(),
        action: record.action.clone(),
        request_id: record.request_id.clone(),
        reason: record.reason.clone(),
        calls: record.calls,
        detail: Detail {
            message: "the database refused the rest of this record".to_owned(),
            until: record.detail.until,
            ..Detail::default()
        },
        ..Record::default()
    };
    Closed { record, intended: closed.intended, answer: None, window: closed.window }
}
