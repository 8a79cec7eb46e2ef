//! `dts-simulator`: runs the simulated cloud until SIGTERM or SIGINT.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use dts_simulator::{Options, Running, Simulator};
use tokio::signal::unix::{SignalKind, signal};

/// A small Data Transfer Service cloud of our own, to try and to test against.
///
/// DTS_SIMULATOR_SECRET_ID and DTS_SIMULATOR_SECRET_KEY say which credential it accepts; if one is missing, both are fresh.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8088")]
    listen: SocketAddr,
    /// How long creating, checking, preparing, stopping and completing take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 300)]
    step_ms: u64,
    /// How long a migration runs, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 2000)]
    run_ms: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _nobody_reads = writeln!(io::stderr(), "dts-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read; below it is an argument")]
async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = Simulator::start(Options {
        listen: arguments.listen,
        credential: credential(|name| std::env::var(name).ok().filter(|value| !value.is_empty())),
        step: Duration::from_millis(arguments.step_ms),
        run: Duration::from_millis(arguments.run_ms),
        ..Options::default()
    })
    .await?;
    announce(&running)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.shutdown().await;
    Ok(())
}

fn credential(variable: impl Fn(&str) -> Option<String>) -> Option<(String, String)> {
    variable("DTS_SIMULATOR_SECRET_ID").zip(variable("DTS_SIMULATOR_SECRET_KEY"))
}

fn announce(running: &Running) -> io::Result<()> {
    let lines = [
        format!("DTS_SIMULATOR_URL={}", running.url()),
        format!("DTS_SIMULATOR_SECRET_ID={}", running.secret_id()),
        format!("DTS_SIMULATOR_SECRET_KEY={}", running.secret_key()),
        "ready".to_owned(),
    ];
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
        out.flush()?; // a reader at the other end of a pipe waits for each
    }
    Ok(())
}
