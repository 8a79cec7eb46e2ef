//! `migrate`: the database's schema, for those who do not let `serve` do it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Surroundings;
use super::settings::open_store;
use crate::config::Config;

/// Arguments of `migrate`.
#[derive(Args, Debug)]
pub(super) struct Migrate {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub(super) async fn run(self, surroundings: &Surroundings) -> miette::Result<ExitCode> {
        let config = Config::load(&self.config, surroundings.variables.iter().cloned())?;
        let store = open_store(&config, &surroundings.clock).await?;
        let warnings = store.warnings().await;
        store.close().await;
        for warning in warnings.map_err(|error| miette::miette!("{error}"))? {
            surroundings.out.complain(&format!("note: {warning}"));
        }
        if self.json {
            surroundings.out.json(&json!({ "migrated": true }));
        } else {
            surroundings.out.line("the schema is up to date");
        }
        Ok(ExitCode::SUCCESS)
    }
}
