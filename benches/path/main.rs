//! The whole path on loopback: what the gateway costs beside a proxy that does nothing, run in turns in the same call.
//!
//! Every peer is a process of its own, so that its CPU can be told from the load's. What is compared is CPU time per
//! call as a ratio to bare hyper in the same round; it moves least on a machine that does other things too. Prints and
//! writes down what it measured and judges nothing: no figure can fail it.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a measurement without its ground is worth stopping
#![allow(clippy::print_stdout, clippy::print_stderr)] // the table is what it is run for

mod bed;
mod cloud;
mod load;
mod messages;
mod passthrough;
mod process;
mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;
use tokio::signal::unix::{SignalKind, signal};

use bed::Bed;
use load::Load;
use messages::Script;
use process::{Process, Usage};
use report::{Report, Sample};

/// The gateway's allocator, so that bare hyper has the same one.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Connections that are busy all the time.
const CONNECTIONS: usize = 64;

#[derive(Debug, Parser)]
struct Options {
    /// Rounds; each peer has its turn in each of them
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long a turn is
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Only the rows whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// A Postgres where databases may be created; without one its row is left out
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where the figures are written, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Another build of the gateway, measured in the same rounds
    #[arg(long, value_name = "PROGRAM")]
    beside: Option<PathBuf>,
    /// Keep the load on one row and tell the process's id, for a profiler
    #[arg(long)]
    hold: bool,
    /// What cargo says to a benchmark; without it nothing is measured (`cargo test --benches`)
    #[arg(long, hide = true)]
    bench: bool,
    /// Be a peer
    #[arg(long, hide = true)]
    peer: Option<Peer>,
    /// The cloud of that peer
    #[arg(long, hide = true)]
    upstream: Option<std::net::SocketAddr>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Peer {
    Cloud,
    Hyper,
}

/// A row of the table.
struct Row {
    name: &'static str,
    /// None for bare hyper.
    bed: Option<usize>,
    script: Script,
}

fn main() {
    let options = Options::parse();
    match (options.peer, options.upstream) {
        (Some(Peer::Cloud), _) => tokio::runtime::Runtime::new().unwrap().block_on(cloud::serve()),
        (Some(Peer::Hyper), Some(upstream)) => {
            tokio::runtime::Runtime::new().unwrap().block_on(passthrough::serve(upstream));
        }
        (Some(Peer::Hyper), None) => panic!("bare hyper needs an upstream"),
        (None, _) if !options.bench => println!("nothing is measured without --bench"),
        (None, _) => {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let mut terminate = signal(SignalKind::terminate()).unwrap();
                // Whichever ends first, the peers end with it.
                tokio::select! {
                    () = measure(&options) => {}
                    _ = terminate.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                }
            });
        }
    }
}

async fn measure(options: &Options) {
    let cloud = Process::peer(&["--peer", "cloud"]).await;
    let upstream = cloud.address.to_string();
    let hyper = Process::peer(&["--peer", "hyper", "--upstream", &upstream]).await;
    let built = Path::new(env!("CARGO_BIN_EXE_dts-gateway"));
    let mut beds = vec![Bed::start(built, None, cloud.address).await];
    let mut rows = vec![Row { name: "bare hyper", bed: None, script: messages::read_with_token("none") }];
    rows.extend(rows_of(&beds[0], 0, ["read, token", "read, TC3", "creation", "change, state asked"]));
    if let Some(url) = &options.database_url {
        beds.push(Bed::start(built, Some(url), cloud.address).await);
        let names =
            ["Postgres: read, token", "Postgres: read, TC3", "Postgres: creation", "Postgres: change, state asked"];
        rows.extend(rows_of(&beds[1], 1, names));
    }
    if let Some(program) = &options.beside {
        beds.push(Bed::start(program, None, cloud.address).await);
        let names = ["beside: read, token", "beside: read, TC3", "beside: creation", "beside: change, state asked"];
        rows.extend(rows_of(&beds[beds.len() - 1], beds.len() - 1, names));
    }
    rows.retain(|row| row.bed.is_none() || row.name.contains(&options.only));
    let process = |row: &Row| row.bed.map_or(&hyper, |bed| &beds[bed].process);
    if options.hold {
        let row = rows.last().unwrap();
        return hold(row, process(row)).await;
    }
    let mut report = Report::new(rows.iter().map(|row| row.name));
    for round in 0..=options.rounds {
        for turn in 0..rows.len() {
            // Another one begins each round, so that nobody always runs behind the same neighbour.
            let at = (turn + round) % rows.len();
            let row = &rows[at];
            let process = process(row);
            let usage = || settled(process, row.bed.map(|bed| &beds[bed]));
            // The first round fills pools and caches.
            let seconds = if round == 0 { 0.5 } else { options.seconds };
            let before = usage().await;
            let load = load::run(process.address, &row.script, CONNECTIONS, Duration::from_secs_f64(seconds)).await;
            let cpu = usage().await.since(before);
            let alone = load::run(process.address, &row.script, 1, Duration::from_secs_f64(seconds / 10.0)).await;
            if round > 0 {
                report.add(at, Sample::new(&load, &alone, cpu, process.memory_kib()));
            }
        }
    }
    report.print(options.rounds, options.seconds);
    if let Some(path) = &options.json {
        report.write(path, options.rounds, options.seconds);
    }
    for bed in beds {
        bed.end().await;
    }
}

/// What is measured of every gateway.
fn rows_of(gateway: &Bed, bed: usize, names: [&'static str; 4]) -> impl Iterator<Item = Row> {
    let token = &gateway.token;
    let scripts =
        [messages::read_with_token(token), gateway.signed_read(), messages::creation(token), messages::change(token)];
    names.into_iter().zip(scripts).map(move |(name, script)| Row { name, bed: Some(bed), script })
}

/// What a process has used, once what it still had to write is written.
async fn settled(process: &Process, bed: Option<&Bed>) -> Usage {
    let now = || Usage { own: process.cpu(), database: bed.and_then(Bed::database_cpu).unwrap_or_default() };
    let (mut last, mut quiet) = (now(), 0);
    while quiet < 3 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let usage = now();
        quiet = if usage.since(last).total() <= process::TICK { quiet + 1 } else { 0 };
        last = usage;
    }
    last
}

/// Load without an end, for a profiler beside it.
async fn hold(row: &Row, process: &Process) {
    println!("{}: process {}", row.name, process.id());
    loop {
        let Load { calls, refused, .. } =
            load::run(process.address, &row.script, CONNECTIONS, Duration::from_secs(5)).await;
        println!("{calls} calls, {refused} refused, {} KiB", process.memory_kib());
    }
}
