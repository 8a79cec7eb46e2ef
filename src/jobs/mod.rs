//! What runs by itself: what is old is dropped from the log, keys, teams and issuers' keys are read again, remembered answers are forgotten, and changes
//! that a previous run left open are closed.

mod checkpoints;
mod recover;
mod refresh;
mod retain;

pub use checkpoints::{prepare_partitions, publish, publish_checkpoints};
pub use recover::close_left_open;
pub use refresh::{Refresh, forget_answers};
pub use retain::{DroppedLog, Dropping, Limits, RetainError, Retention, retain};
