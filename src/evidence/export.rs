//! An export that can be verified offline: every log with its entries, tiles and checkpoints, as lines of JSON.

use std::collections::VecDeque;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::tiles::range;
use crate::call::Clock;
use crate::proof::{Hash, time_text};
use crate::store::{Head, Store, StoreError};

/// The format's version.
const VERSION: u64 = 1;

/// Entries that are read at once: those of a tile.
const PAGE: u32 = 256;

/// Checkpoints that are read at once.
const NOTES: u32 = 1_000;

/// An export under way: one page of it in memory.
pub struct Export {
    store: Arc<dyn Store>,
    /// Logs that were not begun.
    logs: VecDeque<Head>,
    /// The log under way, and its next entry.
    current: Option<(Head, u64)>,
    /// Logs whose checkpoints are to follow.
    heads: VecDeque<Head>,
    /// Behind which size and how many of its notes the checkpoints of the first of `heads` go on.
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
        let heads: VecDeque<Head> = store.log().heads().await?.into();
        let head = json!({ "export": { "version": VERSION, "made_at": time_text(clock.now()), "origin": origin } });
        Ok(Export {
            store,
            logs: heads.clone(),
            current: None,
            heads,
            noted: 0,
            entries: 0,
            is_over: false,
            head: Some(head),
        })
    }

    /// How many entries were given so far, and of how many.
    pub fn progress(&self) -> (u64, u64) {
        (self.entries, self.heads.iter().map(|head| head.size).sum())
    }

    /// The next lines; none at the end.
    ///
    /// # Errors
    /// The store's; an entry that is missing is not one, the verifier says which.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(head) = self.head.take() {
            return Ok(Some(line(&head)));
        }
        if self.current.is_none()
            && let Some(head) = self.logs.pop_front()
        {
            let start = self.store.log().start(head.log).await?.map_or(0, |dropped| dropped.start);
            let hashes = match range(self.store.log(), head.log, start).await {
                Ok(range) => range.hashes().to_vec(),
                // Tiles are gone. The rest is exported all the same, the verifier says that this stands for nothing.
                Err(StoreError::Incompatible(_)) => vec![Hash::empty(); start.count_ones() as usize],
                Err(error) => return Err(error),
            };
            let (name, size) = (head.log.to_string(), head.size);
            let about = json!({ "name": name, "start": start, "size": size, "range": hashes });
            self.current = Some((head, start));
            return Ok(Some(line(&json!({ "log": about }))));
        }
        match self.current.take() {
            Some((head, next)) => self.entries(head, next).await.map(Some),
            None => self.notes().await,
        }
    }

    async fn entries(&mut self, head: Head, next: u64) -> Result<Vec<u8>, StoreError> {
        let mut lines = Vec::new();
        let (size, log) = (head.size, head.log);
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
            self.current = Some((head, end));
        }
        Ok(lines)
    }

    async fn notes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        while let Some(head) = self.heads.front() {
            let notes = self.store.log().checkpoints(head.log, self.noted, NOTES).await?;
            let notes: Vec<_> = notes.into_iter().filter(|kept| kept.size <= head.size).collect();
            match notes.last() {
                Some(last) => {
                    self.noted = last.size + 1;
                    let lines = notes.iter().flat_map(|kept| line(&json!({ "checkpoint": kept.note })));
                    return Ok(Some(lines.collect()));
                }
                None => {
                    self.noted = 0;
                    self.heads.pop_front();
                }
            }
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
