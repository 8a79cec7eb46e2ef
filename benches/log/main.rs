//! What a large log costs its readers: `scripts/with-services.sh cargo bench --bench log -- 5000000` commits so many calls
//! (200,000 unless told) to a Postgres database of its own as the gateway does, with every hash; asks the questions that
//! auditors ask, prints how long the answers took and by which plans they were found; then exports the log, verifies the
//! export, and prints time and peak memory. Takes about 4 KB of disk for each call. It prints, and judges only that no
//! question reads a whole table and that the export is proven.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measurement without its ground is worth stopping

mod database;
mod fill;
mod plans;
mod questions;
mod verify;

use std::sync::Arc;

use dts_gateway::call::Clock;
use dts_gateway::store::{LogName, Store, open};

use database::Database;
use fill::Past;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let asked = std::env::args().filter_map(|argument| argument.parse().ok()).next();
    let calls: u64 = asked.unwrap_or(200_000);
    let database = Database::create().await;
    let past = Past::of(calls);
    let clock = Clock::from_wall(Arc::clone(&past) as _);
    let store = open(&database.url, clock.clone()).unwrap();
    store.migrate().await.unwrap();

    fill::fill(&*store, &past, calls).await;
    database.settle_down().await;
    println!("{:.1} GB in the database", database.size().await as f64 / 1e9);

    let asked = questions::all(&past);
    questions::ask(&*store, &asked).await;
    plans::show(&database, &clock, &asked).await;
    verify::run(Arc::clone(&store), &clock).await;
    store.close().await;
    database.drop().await;
}

/// The logs and how many entries each has.
async fn logs(store: &dyn Store) -> Vec<(LogName, u64)> {
    store.log().heads().await.unwrap().into_iter().map(|head| (head.log, head.size)).collect()
}
