//! Retention: whole months of the log that are older than is wanted are dropped, and a record says what, so that what is left
//! can still be proven.
//!
//! First the record is committed, then it is signed, then is dropped: whatever breaks in between, the next run finds the
//! months still there, and nothing is ever gone that no signed record speaks of.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::refresh::wait;
use crate::call::{Class, Clock, Closed, Record};
use crate::evidence::{Checkpoints, PublishError, compact_range};
use crate::proof::{DROP, DroppedRange};
use crate::store::{Entry, LogName, Start, Store, StoreError};

/// How often it is looked: months do not pass more often.
const EVERY: Duration = Duration::from_secs(24 * 3600);

/// How often it is tried to drop, and how long callers have the tables for themselves in between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// Entries in a tile of level 0.
const TILE: u64 = 256;

/// How long records are kept; none is for ever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Changes and administrative acts.
    pub changes: Option<Duration>,
    /// Everything else.
    pub reads: Option<Duration>,
}

/// What drops.
pub struct Retention {
    /// Where.
    pub store: Arc<dyn Store>,
    /// What signs the record of it, if anything does.
    pub checkpoints: Option<Arc<Checkpoints>>,
    /// What is old enough.
    pub limits: Limits,
    /// Who is said to have done it.
    pub who: String,
    /// What time it is.
    pub clock: Clock,
}

/// What is dropped of a class.
#[derive(Clone, Debug, Serialize)]
pub struct Dropping {
    /// The class.
    pub class: Class,
    /// What was committed before this goes: the beginning of a month.
    pub before: Timestamp,
    /// How many entries.
    pub entries: u64,
    /// Log by log.
    pub logs: Vec<DroppedLog>,
    #[serde(skip)]
    starts: Vec<Start>,
}

/// What is dropped of a log.
#[derive(Clone, Debug, Serialize)]
pub struct DroppedLog {
    /// Its name.
    pub log: String,
    /// Where it began.
    pub from: u64,
    /// Where it begins then.
    pub to: u64,
    /// When the first entry that goes was committed.
    pub since: Timestamp,
    /// When the last one was.
    pub until: Timestamp,
}

/// Why nothing was dropped.
#[derive(Debug, thiserror::Error)]
pub enum RetainError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record of it could not be signed.
    #[error("nothing is dropped before the record of it is signed: {0}")]
    Unsigned(#[from] PublishError),
}

/// Drops what is old enough, at the start and every day, until `shutdown`.
pub async fn retain(retention: Retention, shutdown: CancellationToken) {
    let mut tick = interval(EVERY);
    while wait(&mut tick, &shutdown).await {
        if !retention.store.leads() {
            continue;
        }
        match retention.run().await {
            Ok(done) => {
                for dropping in done {
                    let (class, entries) = (dropping.class.as_str(), dropping.entries);
                    tracing::info!(class, entries, before = %dropping.before, "old months of the audit log were dropped");
                }
            }
            Err(error) => tracing::error!(error = %error, "old months of the audit log could not be dropped"),
        }
    }
}

impl Retention {
    /// What would be dropped now.
    ///
    /// # Errors
    /// The store's.
    pub async fn plan(&self) -> Result<Vec<Dropping>, StoreError> {
        let mut all = Vec::new();
        let Limits { changes, reads } = self.limits;
        for (class, kept) in [(Class::Changes, changes), (Class::Reads, reads)] {
            let Some(before) = kept.and_then(|kept| self.before(kept)) else { continue };
            let before = self.held(before).await?;
            let dropping = self.dropping(class, before).await?;
            all.extend(Some(dropping).filter(|dropping| dropping.entries > 0));
        }
        Ok(all)
    }

    /// Drops what is old enough.
    ///
    /// # Errors
    /// See [`RetainError`]. What was not dropped is tried again by the next run.
    pub async fn run(&self) -> Result<Vec<Dropping>, RetainError> {
        let planned = self.plan().await?;
        if planned.is_empty() {
            return Ok(planned);
        }
        self.store.log().may_drop().await?;
        for dropping in &planned {
            self.note(dropping).await?;
            if let Some(checkpoints) = &self.checkpoints {
                checkpoints.publish().await?;
            }
            self.dropped(dropping).await?;
        }
        Ok(planned)
    }

    /// A question under way can be in the way for as long as it takes, some seconds.
    async fn dropped(&self, dropping: &Dropping) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            let done = self.store.log().drop_before(dropping.class, dropping.before, &dropping.starts).await;
            tries += 1;
            if tries == TRIES || !matches!(done, Err(StoreError::Unavailable(_))) {
                return done;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The beginning of the month that must be kept whole.
    fn before(&self, kept: Duration) -> Option<Timestamp> {
        let oldest = self.clock.now().checked_sub(SignedDuration::try_from(kept).ok()?).ok()?;
        month(oldest)
    }

    /// The same, so that every month that an active hold touches is kept; what comes after it is kept with it, because a
    /// log loses its beginning and never its middle.
    async fn held(&self, before: Timestamp) -> Result<Timestamp, StoreError> {
        let holds = self.store.log().holds().await?;
        let active = holds.iter().filter(|hold| !hold.released);
        let months = active.map(|hold| month(hold.from).unwrap_or(Timestamp::MIN));
        Ok(months.min().map_or(before, |first| first.min(before)))
    }

    async fn dropping(&self, class: Class, before: Timestamp) -> Result<Dropping, StoreError> {
        let mut dropping = Dropping { class, before, entries: 0, logs: Vec::new(), starts: Vec::new() };
        for head in self.store.log().heads().await? {
            let log = head.log;
            if log.class != class {
                continue;
            }
            let from = self.store.log().start(log).await?.map_or(0, |start| start.start);
            let to = self.first_since(log, from, head.size, before).await?;
            let Some((first, last)) = self.ends(log, from, to).await? else { continue };
            let mut hashes = self.store.log().leaves(log, to / TILE).await?;
            hashes.truncate(usize::try_from(to % TILE).unwrap_or_default());
            dropping.starts.push(Start { log, start: to, hashes, recorded_at: last });
            dropping.entries += to - from;
            dropping.logs.push(DroppedLog { log: log.to_string(), from, to, since: first, until: last });
        }
        Ok(dropping)
    }

    /// The first entry that was committed at `before` or later: their times never go back.
    async fn first_since(&self, log: LogName, from: u64, size: u64, before: Timestamp) -> Result<u64, StoreError> {
        let (mut from, mut to) = (from, size);
        while from < to {
            let middle = from + (to - from) / 2;
            match self.store.log().entries(log, middle, 1).await?.first() {
                Some(entry) if entry.recorded_at < before => from = entry.index + 1,
                _ => to = middle,
            }
        }
        Ok(from)
    }

    async fn ends(&self, log: LogName, from: u64, to: u64) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        if to <= from {
            return Ok(None);
        }
        let first = self.store.log().entries(log, from, 1).await?.into_iter().next();
        let last = self.store.log().entries(log, to - 1, 1).await?.into_iter().next();
        Ok(first.zip(last).map(|(first, last)| (first.recorded_at, last.recorded_at)))
    }

    /// Writes down what is going to be dropped. Of every log that ever lost its beginning it is said again what stands for
    /// that: the record that said it first may be among what is dropped now.
    async fn note(&self, dropping: &Dropping) -> Result<(), StoreError> {
        let mut logs: Vec<Value> = Vec::new();
        for head in self.store.log().heads().await? {
            let from = self.store.log().start(head.log).await?.map_or(0, |start| start.start);
            let start = dropping.starts.iter().find(|start| start.log == head.log);
            let to = start.map_or(from, |start| start.start);
            if to == 0 {
                continue;
            }
            let range = compact_range(self.store.log(), head.log, to).await?.hashes().to_vec();
            logs.push(DroppedRange { log: head.log.to_string(), from, to, range }.to_json());
        }
        let months =
            dropping.logs.iter().map(|log| log.since).min().zip(dropping.logs.iter().map(|log| log.until).max());
        let months = months
            .map(|(since, until)| json!([since.strftime("%Y-%m").to_string(), until.strftime("%Y-%m").to_string()]));
        let about = json!({
            "class": dropping.class, "before": dropping.before, "months": months, "entries": dropping.entries, "logs": logs,
        });
        let record = Record::administrative(self.clock.now(), &self.who, DROP, &about);
        let entry = Entry::Closed(Closed { record, intended: false, answer: None, window: None });
        self.store.commit(&[entry]).await.map(drop)
    }
}

/// The beginning of the month, in UTC, that a time lies in.
fn month(time: Timestamp) -> Option<Timestamp> {
    let first = time.to_zoned(TimeZone::UTC).first_of_month().ok()?;
    Some(first.start_of_day().ok()?.timestamp())
}
