//! The real thing: a gateway, a simulator as its cloud, and a database of its own for every test.
#![allow(
    clippy::disallowed_methods,
    reason = "a test takes the time and the folders that it is given from the outside"
)]
#![allow(unreachable_pub, reason = "one binary, nothing is reached from outside")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should say so at once")]

mod caller;
mod clients;
mod database_away;
mod kill;
mod load;
mod smoke;
mod world;
