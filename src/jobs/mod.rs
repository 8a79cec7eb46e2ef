//! What runs by itself: keys, teams and issuers' keys are read again, remembered answers are forgotten, and changes
//! that a previous run left open are closed.

mod checkpoints;
mod recover;
mod refresh;

pub use checkpoints::{prepare_partitions, publish, publish_checkpoints};
pub use recover::close_left_open;
pub use refresh::{Refresh, forget_answers};
