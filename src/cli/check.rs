//! `check`: every mistake of a configuration, of the tables and of the teams' files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::Surroundings;
use crate::config::{Config, Mistake};

/// Arguments of `check`.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Verdict<'a> {
    file: String,
    mistakes: &'a [Mistake],
}

impl Check {
    pub(super) fn run(self, surroundings: &Surroundings) -> ExitCode {
        let out = surroundings.out;
        let file = self.config.display().to_string();
        match Config::load(&self.config, surroundings.variables.iter().cloned()) {
            Ok(_) if self.json => out.json(&Verdict { file, mistakes: &[] }),
            Ok(_) => out.line(&format!("{file}: no mistakes")),
            Err(mistakes) => {
                if self.json {
                    out.json(&Verdict { file, mistakes: mistakes.list() });
                } else {
                    out.complain(&format!("{:?}", miette::Report::new(mistakes)));
                }
                return ExitCode::FAILURE;
            }
        }
        ExitCode::SUCCESS
    }
}
