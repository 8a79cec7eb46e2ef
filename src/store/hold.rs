//! What of the log was dropped, and who wants a part of it kept.

use jiff::Timestamp;
use serde::Serialize;

use super::{LogName, StoreError};
use crate::proof::Hash;

/// Where a log begins since its beginning was dropped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Start {
    /// The log.
    pub log: LogName,
    /// Its first entry that is kept.
    pub start: u64,
    /// The hashes of the dropped entries that lie in the tile of level 0 that `start` lies in.
    pub hashes: Vec<Hash>,
    /// When the last dropped entry was committed.
    pub recorded_at: Timestamp,
}

/// Somebody wants a part of the log kept; or does no longer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Hold {
    /// What it is called.
    pub name: String,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Why, and what of that time is meant.
    pub reason: String,
    /// Who has said so last.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// Whether it is over.
    pub released: bool,
}

/// A start out of its columns.
pub(super) fn start(log: LogName, start: i64, hashes: &[u8], recorded_at: Timestamp) -> Result<Start, StoreError> {
    let hashes =
        Hash::split(hashes).map_err(|_| StoreError::Incompatible("a note of what was dropped can't be read".into()))?;
    Ok(Start { log, start: start.unsigned_abs(), hashes, recorded_at })
}

/// What is found to be not as it was written while a log's beginning is dropped; nothing is dropped then.
pub(super) fn altered() -> StoreError {
    StoreError::Incompatible(
        "its audit log was altered: what is to be dropped is not a log's beginning; export the log and verify it"
            .into(),
    )
}
