//! Reads that meet: through the two steps, with a cloud that says when it was asked and whose sight it was asked for.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bed;
mod keys;
mod laws;
mod meeting;
