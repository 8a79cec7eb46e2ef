//! The real thing: a gateway, a simulator as its cloud, and a database of its own for every test.
#![allow(
    clippy::disallowed_methods,
    reason = "a test takes the time and the folders that it is given from the outside"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should say so at once")]
#![allow(clippy::print_stdout, reason = "what a failed test did before is shown with its failure")]
#![allow(unreachable_pub, reason = "one binary: `pub` says what a room offers to the others")]

mod answers;
mod caller;
mod callers;
mod clients;
mod console;
mod corpora;
mod counting;
mod database;
mod database_away;
mod edition_2021;
mod evidence;
mod framing;
mod gateway;
mod inputs;
mod journaling;
mod kill;
mod limits;
mod load;
mod outcomes;
mod ownership;
mod purchases;
mod questions;
mod races;
mod recovery;
mod refusals;
mod replays;
mod replicas;
mod retention;
mod second_family;
mod second_place;
mod secrets;
mod settings;
mod sharing;
mod smoke;
mod statements;
mod tokens;
mod two_users;
mod upstream;
mod walk;
mod world;
