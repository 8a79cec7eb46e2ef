//! Who signs, and what it was that signed before.

use std::fmt;

use jiff::Timestamp;

use crate::proof::{Checkpoint, Hash, NoteFault, SigningKey, Statement, VerifyingKey, claimed_signers};
use crate::store::{KeptCheckpoint, LogName, LogStore, StoreError};

/// Who signs, and as what.
pub struct Signer {
    /// What checkpoints are of: the deployment's name, before the log's.
    pub origin: String,
    /// The key, and the one before it while auditors still have only that.
    pub keys: Vec<SigningKey>,
}

/// The keys that sign are others than before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rotation {
    /// Name and digits of those that signed the newest checkpoint.
    pub before: Vec<String>,
    /// The public halves of those that sign now.
    pub keys: Vec<String>,
}

impl Signer {
    /// The public halves.
    pub(super) fn verifying_keys(&self) -> Vec<&VerifyingKey> {
        self.keys.iter().map(SigningKey::verifying_key).collect()
    }

    /// The same, to know one's own notes by.
    pub(super) fn keys_known(&self) -> Vec<VerifyingKey> {
        self.verifying_keys().into_iter().cloned().collect()
    }

    /// What the checkpoints of a log are of.
    pub(super) fn named(&self, log: LogName) -> String {
        super::second::named(&self.origin, log)
    }

    pub(super) fn checkpoint(&self, log: LogName, size: u64, root: Hash, now: Timestamp) -> Result<String, NoteFault> {
        let checkpoint = Checkpoint { origin: self.named(log), size, root, time: Some(now) };
        checkpoint.sign(&self.keys.iter().collect::<Vec<_>>())
    }

    pub(super) fn statement(&self, statement: &Statement) -> Result<String, NoteFault> {
        statement.sign(&self.keys.iter().collect::<Vec<_>>())
    }

    pub(super) async fn rotation(&self, store: &dyn LogStore) -> Result<Option<Rotation>, StoreError> {
        let mut newest: Option<KeptCheckpoint> = None;
        for head in store.heads().await? {
            let kept = store.newest_checkpoint(head.log).await?;
            newest = kept.into_iter().chain(newest).max_by_key(|kept| kept.made_at);
        }
        let Some(newest) = newest else { return Ok(None) };
        let before = claimed_signers(&newest.note);
        let mut now: Vec<String> = self.verifying_keys().into_iter().map(VerifyingKey::short).collect();
        now.sort();
        let keys = self.verifying_keys().into_iter().map(ToString::to_string).collect();
        Ok((before != now).then_some(Rotation { before, keys }))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.origin).finish()
    }
}
