//! The proof of one record: where its entries stand, and the way from each to a signed root.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::tiles::path;
use crate::proof::{self, Checkpoint, Hash, verify_inclusion};
use crate::store::{LogStore, Place, StoreError};

/// What is known of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Its content has its hash, and a path leads from it to the root of a checkpoint.
    Proven,
    /// It is newer than the newest checkpoint.
    Pending,
    /// Its content, its hash and the tree do not fit: somebody has altered the log.
    Mismatch,
}

/// The proof of an entry.
#[derive(Clone, Debug, Serialize)]
pub struct RecordProof {
    /// `intent`, `ended` or `settled`.
    #[serde(skip)]
    pub phase: String,
    /// Whether it is proven.
    pub state: Standing,
    /// The log.
    pub log: String,
    /// Where it stands in it.
    pub index: u64,
    /// Its hash.
    pub hash: Hash,
    /// When it was committed.
    pub recorded_at: String,
    /// The audit path (RFC 6962), from the leaf up.
    pub path: Vec<Hash>,
    /// The signed note over the root that the path leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// The proofs of all entries of a record.
///
/// # Errors
/// The store's.
pub async fn record_proofs(store: &dyn LogStore, id: Uuid) -> Result<Vec<RecordProof>, StoreError> {
    let mut proofs = Vec::new();
    for place in store.places(id).await? {
        proofs.push(prove(store, place).await?);
    }
    Ok(proofs)
}

async fn prove(store: &dyn LogStore, place: Place) -> Result<RecordProof, StoreError> {
    let Place { log, index, phase, hash, recorded_at } = place;
    let entry = store.entries(log, index, 1).await?.into_iter().next();
    let content = |record: &Value| proof::content(&phase, recorded_at, record).map(|content| proof::leaf(&content));
    let is_itself = entry.is_some_and(|entry| entry.index == index && content(&entry.record) == Ok(hash));
    let covering = store.checkpoints(log, index + 1, 1).await?.into_iter().next();
    let mut made = RecordProof {
        state: if is_itself { Standing::Pending } else { Standing::Mismatch },
        log: log.to_string(),
        index,
        hash,
        recorded_at: proof::time_text(recorded_at),
        path: Vec::new(),
        checkpoint: None,
        phase,
    };
    let Some(kept) = covering else { return Ok(made) };
    made.path = path(store, log, index, kept.size).await?;
    let leads = Checkpoint::claimed(&kept.note)
        .is_some_and(|claimed| verify_inclusion(index, claimed.size, &hash, &made.path, &claimed.root));
    made.state = if is_itself && leads { Standing::Proven } else { Standing::Mismatch };
    made.checkpoint = Some(kept.note);
    Ok(made)
}
