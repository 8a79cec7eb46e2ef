//! What leaves the database to prove what is in it: signed checkpoints, exports that an auditor verifies offline, the
//! proof of one record, and the log as it grows.
//!
//! The room reads logs and writes none: entries come about in the store. It knows neither HTTP nor the request path.

mod checkpoints;
mod claims;
mod export;
mod folder;
mod follow;
mod record;
mod second;
mod signer;
mod tiles;

pub use checkpoints::{Checkpoints, PublishError};
pub use export::{Export, ExportError};
pub use folder::Folder;
pub use follow::{BadPosition, Follow, News, Position};
pub use record::{RecordProof, record_proofs};
pub use signer::{Rotation, Signer};
pub use tiles::range as compact_range;
