//! The command line: one file for each command, each of which says what it needs and prints what came of it.
//!
//! What is printed goes to standard output through `out`, what goes wrong to standard error; logs too. The environment
//! and the clock are arguments.

mod act;
mod audit;
mod check;
mod client;
mod healthcheck;

mod keys;
mod limits;
mod listener;
mod log;
mod migrate;
mod out;
mod quickstart;
mod serve;
mod settings;
mod signals;
mod table;
#[cfg(test)]
mod tests;
mod token;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use miette::MietteHandlerOpts;
use tokio::runtime::Runtime;

use crate::call::Clock;
use out::Out;

/// A gateway in front of the cloud's Data Transfer Service.
#[derive(Debug, Parser)]
#[command(name = "dts-gateway", version, about)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve(serve::Serve),
    /// Run a gateway with a simulated cloud and fresh keys: nothing to configure
    Quickstart(quickstart::Quickstart),
    /// Check a configuration and everything that it leads to: every mistake at once
    Check(check::Check),
    /// Bring the database's schema up to date
    Migrate(migrate::Migrate),
    /// Create, list, rotate and revoke callers' key pairs
    Keys(keys::Keys),
    /// Mint a token of a development issuer
    Token(token::Token),
    /// Ask the audit log
    Audit(audit::Audit),
    /// Show the cloud's quotas that are in use, and who waits for them
    Limits(limits::Limits),
    /// Ask a gateway whether it is alive, for a container's health check
    Healthcheck(healthcheck::Healthcheck),
}

/// What the process is in.
#[derive(Debug)]
pub struct Surroundings {
    variables: Vec<(String, String)>,
    clock: Clock,
    out: Out,
}

impl Surroundings {
    /// These variables, the machine's clock, and the process's standard output.
    pub fn new(variables: Vec<(String, String)>) -> Surroundings {
        Surroundings { variables, clock: Clock::system(), out: Out }
    }

    /// The value of a variable, if it is set and not empty.
    fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }
}

/// Runs what the command line says: 0 when it went well, 1 when it did not, 2 when the line makes no sense.
pub fn main(arguments: impl IntoIterator<Item = OsString>, surroundings: Surroundings) -> ExitCode {
    // A place that is broken over two lines can't be searched for or clicked on. Somebody's earlier hook may stay.
    let _ = miette::set_hook(Box::new(|_| Box::new(MietteHandlerOpts::new().wrap_lines(false).build())));
    let line = match Line::try_parse_from(arguments) {
        Ok(line) => line,
        Err(error) => {
            // Help goes to standard output, a mistake to standard error; a reader that left is not a failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let ran = Runtime::new()
        .map_err(|error| miette::miette!("the process can't start its threads, {error}"))
        .and_then(|runtime| runtime.block_on(line.command.run(&surroundings)));
    ran.unwrap_or_else(|report| {
        surroundings.out.complain(&format!("{report:?}"));
        ExitCode::FAILURE
    })
}

impl Command {
    async fn run(self, surroundings: &Surroundings) -> miette::Result<ExitCode> {
        match self {
            Command::Serve(command) => command.run(surroundings).await,
            Command::Quickstart(command) => command.run(surroundings).await,
            Command::Check(command) => Ok(command.run(surroundings)),
            Command::Migrate(command) => command.run(surroundings).await,
            Command::Keys(command) => command.run(surroundings).await,
            Command::Token(command) => command.run(surroundings),
            Command::Audit(command) => command.run(surroundings).await,
            Command::Limits(command) => command.run(surroundings).await,
            Command::Healthcheck(command) => command.run(surroundings).await,
        }
    }
}
