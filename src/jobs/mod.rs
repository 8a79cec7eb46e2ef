//! What runs by itself: keys, teams and issuers' keys are read again, remembered answers are forgotten, changes that a
//! previous run left open are closed, and what is unknown is settled.

mod checkpoints;
mod recover;
mod refresh;
mod settle;

pub use checkpoints::{prepare_partitions, publish, publish_checkpoints};
pub use recover::close_left_open;
pub use refresh::{Refresh, forget_answers};
pub use settle::Settle;
