//! Calls of which only the number is worth keeping: what one record says better than a thousand equal ones.
//!
//! It stands between the calls and the writer and sees every record as it closes. Two kinds may be counted: refusals of
//! nobody in particular, so that a stranger cannot fill the log, and a caller's identical reads, if the operator wants
//! that. The first of them are records of their own, at once; the rest is one record when its time is over, told as the
//! first of those that it stands for. A change, an administrative act and whatever may have an intent always pass.
//!
//! The sum of `calls` over all that is passed on is the number of calls that closed. What is being counted is lost with the
//! process; a shutdown drains it.

mod counted;
mod repeats;
mod strangers;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::call::{ADMINISTRATIVE, Class, Closed, Outcome, Record, RecordSink};
use repeats::Repeats;
use strangers::Strangers;

/// How often it is looked for what is over: a count is written this much later than it must be, at most.
const TICK: Duration = Duration::from_secs(1);

/// What is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TallyOptions {
    /// Refusals of nobody in particular in a second that are records of their own; those above are counted. With 0 none is
    /// counted.
    pub anonymous_per_second: u32,
    /// How long identical reads of a caller are counted after the first. With zero none is.
    pub count_reads: Duration,
}

/// Counts in front of another sink.
pub struct Tally {
    sink: Arc<dyn RecordSink>,
    options: TallyOptions,
    counts: Mutex<Counts>,
}

struct Counts {
    strangers: Strangers,
    repeats: Repeats,
    is_drained: bool,
}

impl Tally {
    /// Counts, and passes on to `sink`; somebody must [`run`](Tally::run) and in the end [`drain`](Tally::drain) it.
    pub fn new(sink: Arc<dyn RecordSink>, options: TallyOptions) -> Tally {
        let strangers = Strangers::new(options.anonymous_per_second);
        let repeats = Repeats::new(options.count_reads);
        Tally { sink, options, counts: Mutex::new(Counts { strangers, repeats, is_drained: false }) }
    }

    /// Passes on what is over, until `shutdown`.
    pub async fn run(self: Arc<Tally>, shutdown: CancellationToken) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            self.pass_over(Instant::now());
        }
    }

    /// Passes on everything that was counted, and counts nothing from now on. Once the calls have ended, before the
    /// writer is drained.
    pub fn drain(&self) {
        let mut counts = self.counts();
        counts.is_drained = true;
        let mut over = counts.strangers.take_all();
        over.extend(counts.repeats.take_all());
        self.pass_on(over);
    }

    fn pass_over(&self, now: Instant) {
        let mut counts = self.counts();
        let mut over = counts.strangers.take_over(now);
        over.extend(counts.repeats.take_over(now));
        self.pass_on(over);
    }

    /// Passes records on, in the order in which their calls came. Under the lock, so that no record overtakes another:
    /// a sink does not block.
    fn pass_on(&self, mut records: Vec<Record>) {
        records.sort_by_key(|record| record.id);
        for record in records {
            self.sink.close(Closed { record, intended: false, answer: None, window: None });
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nothing is half done where this could panic.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordSink for Tally {
    fn close(&self, closed: Closed) {
        let is_strangers = self.options.anonymous_per_second > 0 && is_strangers(&closed);
        let is_read = !self.options.count_reads.is_zero() && is_read(&closed);
        if !is_strangers && !is_read {
            return self.sink.close(closed);
        }
        let mut counts = self.counts();
        let now = Instant::now();
        let on = match (counts.is_drained, is_strangers) {
            (true, _) => vec![closed.record],
            (false, true) => counts.strangers.offer(closed.record, now),
            (false, false) => counts.repeats.offer(closed.record, now),
        };
        self.pass_on(on);
    }
}

/// Nobody was proven, and nothing was done.
fn is_strangers(closed: &Closed) -> bool {
    let record = &closed.record;
    is_bare(closed) && record.outcome == Outcome::Refused && record.caller.is_empty()
}

/// A proven caller's, and nothing was changed.
fn is_read(closed: &Closed) -> bool {
    let record = &closed.record;
    is_bare(closed) && !record.caller.is_empty() && record.class() == Class::Reads
}

/// Nothing hangs on the record.
fn is_bare(closed: &Closed) -> bool {
    let hangs = closed.intended || closed.answer.is_some() || closed.window.is_some();
    !hangs && closed.record.family != ADMINISTRATIVE
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
    }
}
