//! `[log]`: what the process says on standard error.

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::checker::Checker;

/// The process's own log; the audit log is elsewhere.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Log {
    /// For machines or for people.
    pub format: Format,
    /// Levels, by module: `info`, or `warn,dts_gateway=debug`.
    pub filter: String,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// Text, coloured on a terminal.
    Text,
}

impl Default for Log {
    fn default() -> Log {
        Log { format: Format::Json, filter: "info".to_owned() }
    }
}

impl Log {
    pub(super) fn check(self, checker: &mut Checker) -> Option<Log> {
        if let Err(error) = EnvFilter::try_new(&self.filter) {
            checker.wrong_help("log.filter", error.to_string(), "write it like \"info\" or \"warn,dts_gateway=debug\"");
        }
        Some(self)
    }
}
