//! The real thing: a gateway, a simulator as its cloud, and a database of its own for every test.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should say so at once")]

mod caller;
mod smoke;
mod world;
