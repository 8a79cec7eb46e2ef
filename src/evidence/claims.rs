//! What was signed before, until it is found to be so still. A signature over a log that was altered would make the change look
//! right, so nothing of such a log is signed.

use std::collections::HashSet;

use super::checkpoints::PublishError;
use super::tiles::range;
use crate::proof::{Checkpoint, Hash, Statement};
use crate::store::{Head, LogName, LogStore, StoreError};

/// What was said of logs.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// Logs whose own checkpoints were looked up.
    pub(super) asked: HashSet<LogName>,
    open: Vec<Claim>,
}

#[derive(Debug)]
struct Claim {
    log: LogName,
    size: u64,
    root: Hash,
    /// Whether it was seen that this deployment signed it; what stands in the folder is believed without.
    is_signed: bool,
}

impl Claims {
    /// Takes what a checkpoint says of a log.
    pub(super) fn checkpoint(&mut self, log: LogName, checkpoint: &Checkpoint) {
        self.open.push(Claim { log, size: checkpoint.size, root: checkpoint.root, is_signed: false });
    }

    /// Takes what a statement says of all logs.
    pub(super) fn statement(&mut self, statement: &Statement, is_signed: bool) {
        let claim = |(name, (size, root)): (&String, &(u64, Hash))| {
            Some(Claim { log: name.parse().ok()?, size: *size, root: *root, is_signed })
        };
        self.open.extend(statement.logs.iter().filter_map(claim));
    }

    /// What this deployment has signed of logs that are not so any more.
    pub(super) fn broken(&self) -> impl Iterator<Item = (String, (u64, Hash))> {
        let signed = self.open.iter().filter(|claim| claim.is_signed);
        signed.map(|claim| (claim.log.to_string(), (claim.size, claim.root)))
    }

    /// A log that was signed and is not there any more.
    pub(super) fn missing(&self, heads: &[Head]) -> Option<PublishError> {
        let is_there = |claim: &&Claim| heads.iter().any(|head| head.log == claim.log);
        let gone = self.open.iter().find(|claim| !is_there(claim))?;
        Some(PublishError::Altered { log: gone.log, size: gone.size })
    }

    /// Compares a log of `size` entries with what was said of it. What holds need not be compared again.
    pub(super) async fn hold(&mut self, store: &dyn LogStore, log: LogName, size: u64) -> Result<(), PublishError> {
        for claim in self.open.iter().filter(|claim| claim.log == log) {
            begins_with(store, log, size, claim.size, claim.root).await?;
        }
        self.open.retain(|claim| claim.log != log);
        Ok(())
    }
}

/// Whether the first `before` of a log's `size` entries still have the root that was signed. Asked of the database each
/// time: what this process has seen says nothing of other slots, nor of a connection that was made anew.
pub(super) async fn begins_with(
    store: &dyn LogStore,
    log: LogName,
    size: u64,
    before: u64,
    root: Hash,
) -> Result<(), PublishError> {
    let is_kept = before <= size
        && match range(store, log, before).await {
            Ok(range) => range.root() == root,
            // Tiles or entries are gone.
            Err(StoreError::Incompatible(_)) => false,
            Err(error) => return Err(error.into()),
        };
    if is_kept { Ok(()) } else { Err(PublishError::Altered { log, size: before }) }
}
