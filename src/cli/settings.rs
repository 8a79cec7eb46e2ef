//! Which configuration a command works with.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::Surroundings;
use crate::call::Clock;
use crate::config::Config;
use crate::store::{self, Store};

/// The configuration's name in a folder of quickstart.
pub(super) const FILE: &str = "gateway.toml";

/// A configuration file, or a folder that quickstart has made.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct Settings {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The folder that quickstart was given
    #[arg(long, value_name = "FOLDER")]
    pub(super) data_dir: Option<PathBuf>,
}

impl Settings {
    /// The configuration.
    pub(super) fn load(&self, surroundings: &Surroundings) -> miette::Result<Config> {
        let file = match (&self.config, &self.data_dir) {
            (Some(file), _) => file.clone(),
            (None, Some(folder)) => folder.join(FILE),
            // clap asks for one of them.
            (None, None) => PathBuf::from(FILE),
        };
        if let Some(folder) = self.data_dir.as_ref().filter(|_| !file.exists()) {
            return Err(miette::miette!(
                help = "start `dts-gateway quickstart --data-dir` with it once",
                "{} is not a folder that quickstart has made",
                folder.display()
            ));
        }
        Ok(Config::load(&file, surroundings.variables.iter().cloned())?)
    }
}

/// A duration such as `90d` or `1h 30m`; a day has 24 hours.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let wrong = |_| "write it like 90d, 12h or \"1h 30m\"".to_owned();
    let span: Span = text.parse().map_err(wrong)?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(wrong)?;
    if duration.is_negative() { Err("it can't be negative".to_owned()) } else { Ok(duration) }
}

/// The configuration's database, its schema up to date.
pub(super) async fn open_store(config: &Config, clock: &Clock) -> miette::Result<Arc<dyn Store>> {
    let store = store::open_as(&config.store, config.store_owner.as_ref(), clock.clone())
        .map_err(|error| miette::miette!("{error}"))?;
    store.migrate().await.map_err(|error| miette::miette!("{error}"))?;
    Ok(store)
}
