//! Signing what the logs are, again and again.
//!
//! Before a log is signed it is compared with what was signed before: one that lost entries, or whose hashes were changed,
//! is not signed any more, because a signature would make the change look right.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Mutex;

use super::claims::{Claims, begins_with};
use super::folder::Folder;
use super::second::{self, Second};
use super::signer::{Rotation, Signer};
use crate::call::Clock;
use crate::proof::{Checkpoint, Hash, NoteFault, Statement, VerifyingKey};
use crate::store::{Head, KeptCheckpoint, KeptStatement, LogName, Notes, SignedNote, Store, StoreError};

/// The checkpoints of a deployment.
pub struct Checkpoints {
    store: Arc<dyn Store>,
    signer: Signer,
    folder: Folder,
    clock: Clock,
    state: Mutex<State>,
    has_second: bool,
    published: AtomicI64,
    reached: AtomicI64,
}

/// What is known from one round to the next.
#[derive(Default)]
struct State {
    /// What this process has signed.
    signed: HashMap<LogName, (u64, Hash)>,
    /// What was signed before.
    claims: Claims,
    /// What the newest statement says; none until it was looked up.
    stated: Option<BTreeMap<String, (u64, Hash)>>,
    /// A checkpoint was signed of which no statement speaks.
    owes_statement: bool,
    second: Option<Second>,
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
        let [published, reached] = [(); 2].map(|()| AtomicI64::new(clock.unix_seconds()));
        let (state, has_second) = (Mutex::default(), false);
        Checkpoints { store, signer, folder, clock, state, has_second, published, reached }
    }

    /// The same, written to a second place as well.
    pub fn also_to(self, notes: Arc<dyn Notes>) -> Checkpoints {
        let state = State { second: Some(Second::new(notes)), ..State::default() };
        Checkpoints { state: Mutex::new(state), has_second: true, ..self }
    }

    /// Signs every log that has grown, and what all logs are then, and says how many there were. One that fails does not
    /// hinder the others; the first error is returned. That the second place is away is no error.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(&self) -> Result<usize, PublishError> {
        let state = &mut *self.state.lock().await;
        self.recall(state).await?;
        let heads = self.store.log().heads().await?;
        let (mut made, mut failed) = (Vec::new(), state.claims.missing(&heads));
        let mut sound = Vec::new();
        for head in &heads {
            let done = match self.sign(state, head).await {
                // Another instance may have signed more since the heads were read.
                Err(PublishError::Altered { .. }) => self.again(state, head.log).await,
                done => done,
            };
            match done {
                Ok(note) => {
                    made.extend(note);
                    sound.push(head.log);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let count = made.len();
        state.owes_statement |= count > 0;
        match self.state_all(state).await {
            Ok(note) => made.extend(note),
            Err(error) => failed = failed.or(Some(error)),
        }
        let now = self.clock.unix_seconds();
        if let Some(second) = &mut state.second
            && second.send(self.store.log(), &self.signer.origin, &sound, sound.len() == heads.len(), &made).await
        {
            self.reached.store(now, Ordering::Release);
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.published.store(now, Ordering::Release);
        Ok(count)
    }

    /// Whether there is a second place.
    pub fn has_second(&self) -> bool {
        self.has_second
    }

    /// Seconds since the second place last had every checkpoint; none for an instance that leaves it to another.
    pub fn second_age_seconds(&self) -> i64 {
        if !self.store.leads() {
            return 0;
        }
        self.clock.unix_seconds().saturating_sub(self.reached.load(Ordering::Acquire))
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
        self.signer.verifying_keys()
    }

    /// What to write down when the keys that sign are not those that signed the newest checkpoint.
    ///
    /// # Errors
    /// The store's.
    pub async fn rotation(&self) -> Result<Option<Rotation>, StoreError> {
        self.signer.rotation(self.store.log()).await
    }

    /// Looks up what was said of all logs before: here once, and at the second place as soon as it answers.
    async fn recall(&self, state: &mut State) -> Result<(), PublishError> {
        let keys = self.signer.keys_known();
        if state.stated.is_none() {
            let of_us = |statement: &Statement| statement.origin == self.signer.origin;
            let written = self.folder.newest_statement()?;
            // The folder is believed as it is, the database only what was signed.
            let claimed = written.as_deref().and_then(Statement::claimed).filter(of_us);
            claimed.iter().for_each(|claimed| state.claims.statement(claimed, false));
            let kept = self.store.log().newest_statement().await?.map(|kept| kept.note);
            // What is said again is what was signed.
            let signed = kept.iter().chain(&written).filter_map(|note| Statement::open(note, &keys).ok()).filter(of_us);
            let signed: Vec<Statement> = signed.collect();
            signed.iter().for_each(|signed| state.claims.statement(signed, true));
            let newest = signed.into_iter().max_by_key(|signed| signed.time);
            state.stated = Some(newest.map(|newest| newest.logs).unwrap_or_default());
        }
        if let Some(second) = &mut state.second
            && let Some(statement) = second.recall(&self.signer.origin, &keys).await
        {
            state.claims.statement(&statement, true);
        }
        Ok(())
    }

    async fn again(&self, state: &mut State, log: LogName) -> Result<Option<SignedNote>, PublishError> {
        match self.store.log().heads().await?.iter().find(|head| head.log == log) {
            Some(head) => self.sign(state, head).await,
            None => Ok(None),
        }
    }

    async fn sign(&self, state: &mut State, head: &Head) -> Result<Option<SignedNote>, PublishError> {
        let (log, size) = (head.log, head.size);
        let Some(root) = head.root else { return Err(PublishError::Altered { log, size }) };
        if !state.claims.asked.contains(&log) {
            self.ask(&mut state.claims, log).await?;
        }
        state.claims.hold(self.store.log(), log, size).await?;
        match state.signed.get(&log) {
            Some(last) if *last == (size, root) => return Ok(None),
            Some((before, root)) => begins_with(self.store.log(), log, size, *before, *root).await?,
            None => {}
        }
        if size == 0 {
            return Ok(None);
        }
        let made_at = self.clock.now();
        let note = self.signer.checkpoint(log, size, root, made_at)?;
        let (folder, text) = (self.folder.clone(), note.clone());
        self.written(move || folder.append(log, &text)).await?;
        self.store.log().keep_checkpoint(&KeptCheckpoint { log, size, made_at, note: note.clone() }).await?;
        state.signed.insert(log, (size, root));
        Ok(Some(SignedNote { log: self.signer.named(log), size, made_at, note }))
    }

    /// Signs what all logs are. Of one that can't be signed any more it says again what was said before.
    async fn state_all(&self, state: &mut State) -> Result<Option<SignedNote>, PublishError> {
        if !state.owes_statement {
            return Ok(None);
        }
        let mut logs = state.stated.clone().unwrap_or_default();
        logs.extend(state.signed.iter().map(|(log, signed)| (log.to_string(), *signed)));
        logs.extend(state.claims.broken());
        let (origin, made_at) = (self.signer.origin.clone(), self.clock.now());
        let statement = Statement { origin, time: made_at, logs };
        let note = self.signer.statement(&statement)?;
        let (folder, text) = (self.folder.clone(), note.clone());
        self.written(move || folder.append_statement(&text)).await?;
        self.store.log().keep_statement(&KeptStatement { made_at, note: note.clone() }).await?;
        (state.stated, state.owes_statement) = (Some(statement.logs), false);
        Ok(second::statement(&self.signer.origin, made_at, &note))
    }

    async fn written(&self, work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<(), PublishError> {
        Ok(tokio::task::spawn_blocking(work).await.map_err(io::Error::other)??)
    }

    /// Looks up what was signed of a log before, by this deployment's key, in the folder and in the database.
    async fn ask(&self, claims: &mut Claims, log: LogName) -> Result<(), PublishError> {
        let kept = self.store.log().newest_checkpoint(log).await?;
        let kept = kept.and_then(|kept| Checkpoint::open(&kept.note, &self.signer.keys_known()).ok());
        let written = self.folder.newest(log)?;
        for before in kept.into_iter().chain(written).filter(|before| before.origin == self.signer.named(log)) {
            claims.checkpoint(log, &before);
        }
        claims.asked.insert(log);
        Ok(())
    }
}
