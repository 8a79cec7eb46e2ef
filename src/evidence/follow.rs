//! The log as it grows, for whatever ships it on: every entry once, in each log's order, from a position on.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::call::Class;
use crate::store::{LogEntry, LogName, Store, StoreError};

/// Entries that are read at once.
const PAGE: u32 = 256;

/// How far somebody has read, written `0-changes:17,0-reads:4096`: the next entry of each log. A log that is not named
/// is read from its beginning.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Position(BTreeMap<LogName, u64>);

/// A text that is no position.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a position is written like 0-changes:17,0-reads:4096; take it from an earlier answer, or `start`")]
pub struct BadPosition;

/// A reading under way.
pub struct Follow {
    store: Arc<dyn Store>,
    position: Position,
}

impl Follow {
    /// Reads on from `position`.
    pub fn new(store: Arc<dyn Store>, position: Position) -> Follow {
        Follow { store, position }
    }

    /// Where it is.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// What has come since, oldest first within each log; empty when there is nothing new. At most a page of each log.
    ///
    /// # Errors
    /// The store's. The position stays; the next call reads the same again.
    pub async fn next(&mut self) -> Result<Vec<(LogName, LogEntry)>, StoreError> {
        let mut found = Vec::new();
        for head in self.store.log().heads().await? {
            let next = self.position.0.get(&head.log).copied().unwrap_or(0);
            if next < head.size {
                let entries = self.store.log().entries(head.log, next, PAGE).await?;
                found.extend(entries.into_iter().map(|entry| (head.log, entry)));
            }
        }
        for (log, entry) in &found {
            self.position.0.insert(*log, entry.index + 1);
        }
        Ok(found)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("start");
        }
        for (number, (log, next)) in self.0.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            write!(f, "{comma}{}-{}:{next}", log.slot, log.class.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Position, BadPosition> {
        if text == "start" {
            return Ok(Position::default());
        }
        let mut position = Position::default();
        for part in text.split(',') {
            let (log, next) = part.split_once(':').ok_or(BadPosition)?;
            let (slot, class) = log.split_once('-').ok_or(BadPosition)?;
            let class = [Class::Changes, Class::Reads].into_iter().find(|known| known.as_str() == class);
            let log = LogName { slot: slot.parse().map_err(|_| BadPosition)?, class: class.ok_or(BadPosition)? };
            let next = next.parse().ok().filter(|next| *next <= i64::MAX.unsigned_abs()).ok_or(BadPosition)?;
            if log.slot < 0 || position.0.insert(log, next).is_some() {
                return Err(BadPosition);
            }
        }
        Ok(position)
    }
}
