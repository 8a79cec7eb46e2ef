//! A log that can be proven: canonical JSON (RFC 8785), the Merkle tree over its entries (RFC 6962) in tiles of 256,
//! checkpoints of it and statements over all logs (C2SP signed notes, Ed25519), and the verification of an export with the public key alone.
//!
//! The room knows no records, no database and no HTTP: an entry is a JSON object whose members it doesn't know. Who
//! grows a tree, where tiles and checkpoints are kept and when one is signed is decided above.

mod canonical;
mod checkpoint;
mod dropped;
mod hash;
mod inclusion;
mod key;
mod note;
mod range;
mod statement;
#[cfg(test)]
mod tests;
mod tree;
pub mod verify;

pub use canonical::{Unrepresentable, canonical, content, time_text};
pub use checkpoint::Checkpoint;
pub use dropped::{DROP, DroppedRange};
pub use hash::{HASH_BYTES, Hash, NotAHash, leaf, node};
pub use inclusion::{NoProof, TilePart, verify_inclusion};
pub use key::{KeyFault, SigningKey, VerifyingKey};
pub use note::{NoteFault, Opened, claimed_signers, open_note, sign_note, split_notes};
pub use range::{CompactRange, WrongRange};
pub use statement::{ALL_LOGS, Statement};
pub use tree::{Tile, TiledTree, Tree, WrongLevels};
