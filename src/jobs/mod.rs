//! What runs by itself: keys, teams and issuers' keys are read again, remembered answers are forgotten, changes that a
//! previous run left open are closed, what is unknown is settled, and what is old is dropped from the log.

mod checkpoints;
mod recover;
mod refresh;
mod reloads;
mod retain;
mod settle;

pub use checkpoints::{make_partitions, note_rotation, prepare_partitions, publish, publish_checkpoints};
pub use recover::{close_left_open, close_those_of_the_dead};
pub use refresh::{Refresh, forget_answers};
pub use reloads::note_reloads;
pub use retain::{DroppedLog, Dropping, Limits, RetainError, Retention, retain};
pub use settle::Settle;
