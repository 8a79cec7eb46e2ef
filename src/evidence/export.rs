//! An export that can be verified offline: every log with its entries, tiles and checkpoints, and the newest statement over
//! all of them, as lines of JSON.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::tiles::range;
use crate::call::Clock;
use crate::proof::{Hash, time_text};
use crate::store::{Head, LogName, Store, StoreError};

/// The format's version.
const VERSION: u64 = 1;

/// Entries that are read at once: those of a tile.
const PAGE: u32 = 256;

/// Checkpoints that are read at once.
const NOTES: u32 = 1_000;

/// Why an export can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is exported is not there any more.
    #[error("retention dropped the beginning of {0} while it was exported; begin the export again")]
    Dropped(LogName),
}

/// A log that is exported.
#[derive(Clone, Debug)]
struct Extent {
    log: LogName,
    /// Its first entry that is still there.
    start: u64,
    /// Behind its last one.
    size: u64,
}

/// An export under way: one page of it in memory.
pub struct Export {
    store: Arc<dyn Store>,
    /// Logs that were not begun.
    logs: VecDeque<Extent>,
    /// The log under way, and its next entry.
    current: Option<(Extent, u64)>,
    /// Logs whose checkpoints are to follow.
    noting: VecDeque<Extent>,
    /// The newest statement over all logs when it began.
    statement: Option<String>,
    /// Behind which size and how many of its notes the checkpoints of the first of `noting` go on.
    noted: u64,
    entries: u64,
    is_over: bool,
    head: Option<Value>,
}

impl Export {
    /// Begins an export of everything that is in the logs now.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(store: Arc<dyn Store>, origin: &str, clock: &Clock) -> Result<Export, StoreError> {
        // First: what it says of the logs they then have.
        let statement = store.log().newest_statement().await?.map(|kept| kept.note);
        // Then beginnings, then ends: the record of what was dropped before is in what is exported, and what is dropped from
        // now on is noticed.
        let mut starts = HashMap::new();
        for Head { log, .. } in store.log().heads().await? {
            starts.insert(log, store.log().start(log).await?.map_or(0, |dropped| dropped.start));
        }
        let heads = store.log().heads().await?.into_iter();
        let extent = |Head { log, size, .. }| Extent { log, start: starts.get(&log).copied().unwrap_or(0), size };
        let logs: VecDeque<Extent> = heads.map(extent).collect();
        let head = json!({ "export": { "version": VERSION, "made_at": time_text(clock.now()), "origin": origin } });
        Ok(Export {
            store,
            logs: logs.clone(),
            current: None,
            noting: logs,
            statement,
            noted: 0,
            entries: 0,
            is_over: false,
            head: Some(head),
        })
    }

    /// How many entries were given so far, and of how many.
    pub fn progress(&self) -> (u64, u64) {
        (self.entries, self.noting.iter().map(|log| log.size.saturating_sub(log.start)).sum())
    }

    /// The next lines; none at the end.
    ///
    /// # Errors
    /// See [`ExportError`]; an entry that is missing is none, the verifier says which.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        if let Some(head) = self.head.take() {
            return Ok(Some(line(&head)));
        }
        if self.current.is_none()
            && let Some(extent) = self.logs.pop_front()
        {
            let Extent { log, start, size } = extent;
            let hashes = match range(self.store.log(), log, start).await {
                Ok(range) => range.hashes().to_vec(),
                // Tiles are gone. The rest is exported all the same, the verifier says that this stands for nothing.
                Err(StoreError::Incompatible(_)) => vec![Hash::empty(); start.count_ones() as usize],
                Err(error) => return Err(error.into()),
            };
            let about = json!({ "name": log.to_string(), "start": start, "size": size, "range": hashes });
            self.current = Some((extent, start));
            return Ok(Some(line(&json!({ "log": about }))));
        }
        match self.current.take() {
            Some((extent, next)) => self.entries(extent, next).await.map(Some),
            None => Ok(self.notes().await?),
        }
    }

    async fn entries(&mut self, extent: Extent, next: u64) -> Result<Vec<u8>, ExportError> {
        let mut lines = Vec::new();
        let Extent { log, start, size } = extent;
        // Tile by tile, also from the middle of one on.
        let end = size.min((next / u64::from(PAGE) + 1) * u64::from(PAGE));
        if let Some(tile) = self.store.log().tile(log, 0, next / u64::from(PAGE)).await? {
            let hashes = STANDARD.encode(Hash::concat(&tile.hashes));
            lines.extend(line(&json!({ "tile": { "level": 0, "number": tile.number, "hashes": hashes } })));
        }
        // More than a page's worth are there if somebody has added some; they are shown too.
        for entry in self.store.log().entries(log, next, PAGE).await?.into_iter().filter(|entry| entry.index < end) {
            self.entries += 1;
            lines.extend(line(&json!({ "entry": entry })));
        }
        if end < size {
            self.current = Some((extent, end));
        } else if self.store.log().start(log).await?.is_some_and(|dropped| dropped.start != start) {
            // Entries and where they begin go in one transaction, so what is missing for that shows here.
            return Err(ExportError::Dropped(log));
        }
        Ok(lines)
    }

    async fn notes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        while let Some(extent) = self.noting.front() {
            let notes = self.store.log().checkpoints(extent.log, self.noted, NOTES).await?;
            let notes: Vec<_> = notes.into_iter().filter(|kept| kept.size <= extent.size).collect();
            match notes.last() {
                Some(last) => {
                    self.noted = last.size + 1;
                    let lines = notes.iter().flat_map(|kept| line(&json!({ "checkpoint": kept.note })));
                    return Ok(Some(lines.collect()));
                }
                None => {
                    self.noted = 0;
                    self.noting.pop_front();
                }
            }
        }
        if let Some(statement) = self.statement.take() {
            return Ok(Some(line(&json!({ "statement": statement }))));
        }
        let was_over = std::mem::replace(&mut self.is_over, true);
        Ok((!was_over).then(|| line(&json!({ "end": { "entries": self.entries } }))))
    }
}

fn line(value: &Value) -> Vec<u8> {
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}
