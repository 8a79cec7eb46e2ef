//! Signing what the logs are, again and again.
//!
//! Before a log is signed it is compared with what was signed before: one that lost entries, or whose hashes were changed,
//! is not signed any more, because a signature would make the change look right.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::folder::Folder;
use super::tiles::range;
use crate::call::Clock;
use crate::proof::{Checkpoint, Hash, NoteFault, SigningKey, VerifyingKey, claimed_signers};
use crate::store::{Head, KeptCheckpoint, LogName, Store, StoreError};

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

/// The checkpoints of a deployment.
pub struct Checkpoints {
    store: Arc<dyn Store>,
    signer: Signer,
    folder: Folder,
    clock: Clock,
    signed: Mutex<HashMap<LogName, (u64, Hash)>>,
    published: AtomicI64,
}

/// Why a checkpoint could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder's.
    #[error("the folder of checkpoints: {}", .0.kind())]
    Folder(#[from] io::Error),
    /// The note's.
    #[error("a checkpoint can't be signed: {0}")]
    Note(#[from] NoteFault),
    /// The log is not the one that was signed before.
    #[error(
        "the audit log {log} was altered: its first {size} entries are not those of the checkpoint over them; \
         it is not signed any more. Keep the folder of checkpoints, export the log and verify it"
    )]
    Altered {
        /// The log.
        log: LogName,
        /// How many entries the earlier checkpoint is about.
        size: u64,
    },
}

impl Checkpoints {
    /// Checkpoints of the logs in `store`, signed by `signer`, written to `folder`.
    pub fn new(store: Arc<dyn Store>, signer: Signer, folder: Folder, clock: Clock) -> Checkpoints {
        let published = AtomicI64::new(clock.unix_seconds());
        Checkpoints { store, signer, folder, clock, signed: Mutex::default(), published }
    }

    /// Signs every log that has grown, and says how many there were. One that fails does not hinder the others; the
    /// first error is returned.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(&self) -> Result<usize, PublishError> {
        let mut signed = self.signed.lock().await;
        let (mut count, mut failed) = (0, None);
        for head in self.store.log().heads().await? {
            let done = match self.sign(&mut signed, &head).await {
                // Another instance may have signed more since the heads were read.
                Err(PublishError::Altered { .. }) => self.again(&mut signed, head.log).await,
                done => done,
            };
            match done {
                Ok(true) => count += 1,
                Ok(false) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.published.store(self.clock.unix_seconds(), Ordering::Release);
        Ok(count)
    }

    /// Seconds since everything was last signed; none for an instance that leaves it to another.
    pub fn age_seconds(&self) -> i64 {
        if !self.store.leads() {
            return 0;
        }
        self.clock.unix_seconds().saturating_sub(self.published.load(Ordering::Acquire))
    }

    /// The public half of the key.
    pub fn verifying_keys(&self) -> Vec<&VerifyingKey> {
        self.signer.keys.iter().map(SigningKey::verifying_key).collect()
    }

    /// What to write down when the keys that sign are not those that signed the newest checkpoint.
    ///
    /// # Errors
    /// The store's.
    pub async fn rotation(&self) -> Result<Option<Rotation>, StoreError> {
        let mut newest: Option<KeptCheckpoint> = None;
        for head in self.store.log().heads().await? {
            let kept = self.store.log().newest_checkpoint(head.log).await?;
            newest = kept.into_iter().chain(newest).max_by_key(|kept| kept.made_at);
        }
        let Some(newest) = newest else { return Ok(None) };
        let before = claimed_signers(&newest.note);
        let mut now: Vec<String> = self.verifying_keys().into_iter().map(VerifyingKey::short).collect();
        now.sort();
        let keys = self.verifying_keys().into_iter().map(ToString::to_string).collect();
        Ok((before != now).then_some(Rotation { before, keys }))
    }

    async fn again(&self, signed: &mut HashMap<LogName, (u64, Hash)>, log: LogName) -> Result<bool, PublishError> {
        match self.store.log().heads().await?.iter().find(|head| head.log == log) {
            Some(head) => self.sign(signed, head).await,
            None => Ok(false),
        }
    }

    async fn sign(&self, signed: &mut HashMap<LogName, (u64, Hash)>, head: &Head) -> Result<bool, PublishError> {
        let size = head.size;
        let Some(root) = head.root else { return Err(PublishError::Altered { log: head.log, size }) };
        match signed.get(&head.log) {
            Some(last) if *last == (size, root) => return Ok(false),
            Some((before, root)) => self.begins_with(head.log, size, *before, *root).await?,
            None => self.compare(head.log, size).await?,
        }
        if size == 0 {
            return Ok(false);
        }
        let now = self.clock.now();
        let note = self.note(head.log, size, root, now)?;
        let (folder, log, text) = (self.folder.clone(), head.log, note.clone());
        let appended = tokio::task::spawn_blocking(move || folder.append(log, &text)).await;
        appended.map_err(io::Error::other)??;
        let kept = KeptCheckpoint { log, size, made_at: now, note };
        self.store.log().keep_checkpoint(&kept).await?;
        signed.insert(log, (size, root));
        Ok(true)
    }

    /// Whether the log still begins with what was signed before, by this deployment's key, in the folder and in the
    /// database.
    async fn compare(&self, log: LogName, size: u64) -> Result<(), PublishError> {
        let keys: Vec<VerifyingKey> = self.verifying_keys().into_iter().cloned().collect();
        let kept = self.store.log().newest_checkpoint(log).await?;
        let kept = kept.and_then(|kept| Checkpoint::open(&kept.note, &keys).ok());
        let written = self.folder.newest(log)?;
        for before in kept.into_iter().chain(written).filter(|before| before.origin == self.origin(log)) {
            self.begins_with(log, size, before.size, before.root).await?;
        }
        Ok(())
    }

    /// Whether the first `before` of the log's `size` entries still have the root that was signed. Asked of the database
    /// each time: what this process has seen says nothing of other slots, nor of a connection that was made anew.
    async fn begins_with(&self, log: LogName, size: u64, before: u64, root: Hash) -> Result<(), PublishError> {
        let is_kept = before <= size && range(self.store.log(), log, before).await?.root() == root;
        if is_kept { Ok(()) } else { Err(PublishError::Altered { log, size: before }) }
    }

    fn note(&self, log: LogName, size: u64, root: Hash, now: Timestamp) -> Result<String, NoteFault> {
        let origin = self.origin(log);
        let checkpoint = Checkpoint { origin, size, root, time: Some(now) };
        checkpoint.sign(&self.signer.keys.iter().collect::<Vec<_>>())
    }

    fn origin(&self, log: LogName) -> String {
        format!("{}/{log}", self.signer.origin)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.origin).finish()
    }
}
