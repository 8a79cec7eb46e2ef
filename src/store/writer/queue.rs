//! What waits to be committed.

use std::collections::{HashSet, VecDeque};

use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use crate::call::{Outcome, Record};

use super::super::{Entry, JournalSize, StoreError, Verdict};
use super::Backlog;

/// What a record weighs beside its texts: its fixed fields, the allocations' overhead and the entry around it.
const RECORD: usize = 1024;

/// An entry and who waits for it.
pub(super) struct Item {
    entry: Entry,
    ticket: Ticket,
}

/// An entry's place in the queue.
pub(super) struct Ticket {
    waiter: Option<Waiter>,
    queued: Instant,
    bytes: usize,
    /// It is in the journal already, and was never in the queue.
    imported: bool,
}

/// Who waits for a verdict.
pub(super) type Waiter = oneshot::Sender<Result<Verdict, StoreError>>;

/// A queue, and what is taken from it but not durable yet.
#[derive(Default)]
pub(super) struct Queue {
    /// The last commit failed.
    pub(super) failing: bool,
    /// What was last said about that; the same is not said twice.
    pub(super) complaint: Option<String>,
    /// Another instance has taken the database over.
    pub(super) claimed_by_another: bool,
    /// What is in the journal.
    pub(super) journal: JournalSize,
    /// The journal can't be written.
    pub(super) journal_fails: bool,
    /// The journal can't be read, and will not be: somebody has changed it.
    pub(super) journal_altered: bool,
    /// The worker ends when nothing is left.
    pub(super) draining: bool,
    items: VecDeque<Item>,
    taken: usize,
    taken_since: Option<Instant>,
    /// When the store last took something.
    pub(super) committed: Option<Instant>,
    bytes: usize,
    queued: u64,
    lost: u64,
    /// Intents that may have been committed and whose calls have not ended.
    begun: HashSet<Uuid>,
}

impl Item {
    /// An entry that is queued now.
    pub(super) fn new(entry: Entry, waiter: Option<Waiter>) -> Item {
        let bytes = weight(&entry);
        Item { entry, ticket: Ticket { waiter, queued: Instant::now(), bytes, imported: false } }
    }

    /// An entry out of the journal.
    pub(super) fn imported(entry: Entry) -> Item {
        Item { entry, ticket: Ticket { waiter: None, queued: Instant::now(), bytes: 0, imported: true } }
    }

    /// What is to be committed.
    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Whether it came out of the journal.
    pub(super) fn is_imported(&self) -> bool {
        self.ticket.imported
    }

    /// The entry apart from its place.
    pub(super) fn split(self) -> (Entry, Ticket) {
        (self.entry, self.ticket)
    }

    /// The entry in its place again.
    pub(super) fn join((entry, ticket): (Entry, Ticket)) -> Item {
        Item { entry, ticket }
    }

    /// An intent whose call has given up on it, or was cancelled. It need not be committed any more.
    pub(super) fn is_abandoned(&self) -> bool {
        let nobody_waits = || self.ticket.waiter.as_ref().is_none_or(oneshot::Sender::is_closed);
        matches!(self.entry, Entry::Intent(_)) && !self.ticket.imported && nobody_waits()
    }

    /// The database is away: tells who waits for an intent, unless that may be journaled, that it is not durable.
    pub(super) fn give_up(&mut self, why: &str) {
        if !matches!(&self.entry, Entry::Intent(intent) if intent.emergency) {
            self.refuse_intent(why);
        }
    }

    /// Tells who waits for an intent that it is not durable; it is abandoned then.
    pub(super) fn refuse_intent(&mut self, why: &str) {
        if matches!(self.entry, Entry::Intent(_))
            && let Some(waiter) = self.ticket.waiter.take()
        {
            drop(waiter.send(Err(StoreError::Unavailable(why.to_owned()))));
        }
    }

    /// Answers who waits.
    pub(super) fn answer(self, verdict: Result<Verdict, StoreError>) {
        if let Some(waiter) = self.ticket.waiter {
            // Who does not wait any more is told by the call's end.
            drop(waiter.send(verdict));
        }
    }
}

impl Queue {
    /// An empty queue beside a journal.
    pub(super) fn new(journal: JournalSize) -> Queue {
        Queue { journal, ..Queue::default() }
    }

    /// Adds an entry. Over the limit, records of calls that were refused are given up: they can come in any number, and
    /// nothing depends on them. One that stands for many calls is kept: there are few.
    pub(super) fn push(&mut self, mut item: Item, max_bytes: usize) {
        match &mut item.entry {
            Entry::Intent(intent) => {
                self.begun.insert(intent.record.id);
            }
            Entry::Closed(closed) => {
                // Whoever closes the record may not know that its intent was, or still is going to be, committed.
                closed.intended |= self.begun.remove(&closed.record.id);
                let is_one_refused = closed.record.outcome == Outcome::Refused && closed.record.calls.is_one();
                if self.bytes >= max_bytes && is_one_refused && !closed.intended {
                    self.lose(&item);
                    return;
                }
            }
            Entry::Settled(_) | Entry::Own { .. } => {}
        }
        self.bytes += item.ticket.bytes;
        self.queued += 1;
        self.items.push_back(item);
    }

    /// Gives up the intents that wait.
    pub(super) fn give_up_intents(&mut self, why: &str) {
        self.items.iter_mut().for_each(|item| item.give_up(why));
    }

    /// Counts the calls of an entry that is given up.
    pub(super) fn lose(&mut self, item: &Item) {
        if let Entry::Closed(closed) = &item.entry {
            let before = self.lost;
            self.lost += closed.record.calls.get();
            if before.leading_zeros() != self.lost.leading_zeros() {
                tracing::error!(id = %closed.record.id, lost = self.lost, "the record of a call is lost");
            }
        }
    }

    /// Takes up to `most` entries, and says how many have left the queue. Intents that were given up are left out.
    pub(super) fn take(&mut self, most: usize) -> (Vec<Item>, usize) {
        let mut batch = Vec::new();
        let mut left = 0;
        while batch.len() < most
            && let Some(item) = self.items.pop_front()
        {
            left += 1;
            if item.is_abandoned() {
                self.bytes -= item.ticket.bytes;
            } else {
                batch.push(item);
            }
        }
        self.taken += batch.len();
        self.taken_since = self.taken_since.or(batch.first().map(|item| item.ticket.queued));
        (batch, left)
    }

    /// An entry that was taken is durable, or given up.
    pub(super) fn finish(&mut self, item: &Item) {
        if item.ticket.imported {
            return;
        }
        self.taken = self.taken.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(item.ticket.bytes);
        if self.taken == 0 {
            self.taken_since = None;
        }
    }

    /// The worker is gone: whoever waits is told by the end of its channel.
    pub(super) fn abandon(&mut self) {
        for item in std::mem::take(&mut self.items) {
            self.lose(&item);
        }
    }

    /// Whether nothing is queued.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Since when the oldest entry waits and nothing was committed: a store that catches up is not stuck.
    pub(super) fn stuck_since(&self) -> Option<Instant> {
        let oldest = self.taken_since.or_else(|| self.items.front().map(|item| item.ticket.queued))?;
        Some(self.committed.map_or(oldest, |committed| committed.max(oldest)))
    }

    /// Bytes that are not durable.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Entries since the start.
    pub(super) fn queued(&self) -> u64 {
        self.queued
    }

    /// What is queued.
    pub(super) fn backlog(&self) -> Backlog {
        Backlog { entries: self.items.len() + self.taken, bytes: self.bytes, lost: self.lost }
    }
}

fn weight(entry: &Entry) -> usize {
    match entry {
        Entry::Intent(intent) => {
            record(&intent.record) + intent.tasks.iter().map(|task| task.id.len() + 64).sum::<usize>()
        }
        Entry::Closed(closed) => record(&closed.record) + closed.answer.as_ref().map_or(0, |answer| answer.len()),
        Entry::Settled(settlement) => 512 + settlement.seen.to_string().len(),
        Entry::Own { account, task, team } => 128 + account.len() + task.len() + team.len(),
    }
}

fn record(record: &Record) -> usize {
    let detail = &record.detail;
    let texts = [
        &record.account,
        &record.team,
        &record.caller,
        &record.key_id,
        &record.address,
        &record.family,
        &record.version,
        &record.action,
        &record.region,
        &record.request_id,
        &detail.parameters,
        &detail.message,
        &detail.grant,
        &detail.limit,
        &detail.user_agent,
    ];
    let lists = record.task_ids.iter().chain(&detail.observed).map(|text| text.len() + 32).sum::<usize>();
    RECORD
        + texts.iter().map(|text| text.len()).sum::<usize>()
        + lists
        + (detail.states.len() + detail.limits.len()) * 192
}
