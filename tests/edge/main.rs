//! The gateway between hostile bytes: callers who bend HTTP on one side, a cloud that answers wrongly on the other.
//! Everything is spoken over plain TCP, for no client library would send or say such things.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that can't go on should say so at once"
)]
#![allow(clippy::disallowed_methods, reason = "a token is minted at the time of the test")]
#![allow(unreachable_pub, missing_docs, reason = "a test binary exports nothing")]

mod answers;
mod cloud;
mod families;
mod house;
mod patience;
mod requests;
mod talk;
mod tls;
