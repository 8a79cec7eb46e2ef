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

/// What has come of a log.
#[derive(Clone, Debug)]
pub enum News {
    /// An entry.
    Entry(LogEntry),
    /// Entries that were dropped by retention before they were read.
    Gap {
        /// The first of them.
        from: u64,
        /// The first that is there.
        to: u64,
    },
}

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
    pub async fn next(&mut self) -> Result<Vec<(LogName, News)>, StoreError> {
        let mut found = Vec::new();
        for head in self.store.log().heads().await? {
            let log = head.log;
            let next = self.position.0.get(&log).copied().unwrap_or(0);
            if next >= head.size {
                continue;
            }
            let entries = self.store.log().entries(log, next, PAGE).await?;
            if entries.first().is_none_or(|entry| entry.index > next)
                && let Some(dropped) = self.store.log().start(log).await?.filter(|dropped| dropped.start > next)
            {
                found.push((log, News::Gap { from: next, to: dropped.start }));
            }
            found.extend(entries.into_iter().map(|entry| (log, News::Entry(entry))));
        }
        for (log, news) in &found {
            let next = match news {
                News::Entry(entry) => entry.index + 1,
                News::Gap { to, .. } => *to,
            };
            self.position.0.insert(*log, next);
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
