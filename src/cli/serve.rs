//! `serve`: the gateway, until it is told to stop.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Surroundings, log, signals::Signals};
use crate::app::Running;
use crate::config::Config;

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Serve {
    pub(super) async fn run(self, surroundings: &Surroundings) -> miette::Result<ExitCode> {
        let config = Config::load(&self.config, surroundings.variables.iter().cloned())?;
        log::start(&config.log);
        let signals = Signals::listen()?;
        let starting = Running::start(config, surroundings.clock.clone()).await;
        let running = starting.map_err(|error| miette::miette!("{error}"))?;
        tracing::info!(public = %running.public_addr(), admin = %running.admin_addr(), "listening");
        running.run_until(signals.stop()).await.map_err(|error| miette::miette!("{error}"))?;
        Ok(ExitCode::SUCCESS)
    }
}
