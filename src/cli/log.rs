//! The process's own log, on standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Format, Log};

/// Starts it. A second one in the same process is left out: the first goes on.
pub(super) fn start(log: &Log) {
    // The configuration has checked the filter.
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // A line that can't be written is lost: complaining about it on the same closed or full standard error would panic.
    let builder = fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    let _ = match log.format {
        Format::Json => builder.json().flatten_event(true).try_init(),
        Format::Text => builder.with_ansi(stderr().is_terminal()).try_init(),
    };
}
