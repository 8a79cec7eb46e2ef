//! `audit checkpoints`: the signed notes out of the second place, for an auditor who verifies with them. It takes no
//! configuration and no right but to read there.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use secrecy::SecretString;

use super::super::Surroundings;
use super::super::out::plain;
use crate::proof::ALL_LOGS;
use crate::store::open_notes;

/// Notes that are read at once.
const PAGE: u32 = 1_000;

/// Arguments of `audit checkpoints`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("place").required(true)))]
pub(super) struct Notes {
    /// The second place: postgres://USER:PASSWORD@HOST/DATABASE or sqlite:FILE. Others on this machine can see a password
    #[arg(long, value_name = "URL", group = "place")]
    from: Option<String>,
    /// A file that holds it
    #[arg(long, value_name = "FILE", group = "place")]
    from_file: Option<PathBuf>,
    /// Only those of this deployment, by its audit.proof.origin
    #[arg(long)]
    origin: Option<String>,
}

impl Notes {
    /// Prints every note as a file of checkpoints has it.
    pub(super) async fn run(self, here: &Surroundings) -> miette::Result<()> {
        let url = match (self.from, self.from_file) {
            (Some(url), _) => url,
            (None, Some(file)) => {
                let text = std::fs::read_to_string(&file);
                let text = text.map_err(|error| miette::miette!("{}: {error}", file.display()))?;
                text.trim().to_owned()
            }
            (None, None) => return Err(miette::miette!("say where they are: --from or --from-file")),
        };
        let place = open_notes(&SecretString::from(url)).map_err(|error| miette::miette!("{error}"))?;
        let is_wanted = |log: &str| match &self.origin {
            None => true,
            // A log's name has one slash in it.
            Some(origin) => log
                .strip_prefix(origin)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|name| name == ALL_LOGS || name.parse::<crate::store::LogName>().is_ok()),
        };
        let (mut last, mut count) = (None, 0_u64);
        loop {
            let page = place.after(last.as_ref(), PAGE).await.map_err(|error| miette::miette!("{error}"))?;
            for kept in page.iter().filter(|kept| is_wanted(&kept.log)) {
                count += 1;
                // The lines of a note are its own; what a terminal would obey is no part of one.
                kept.note.lines().for_each(|line| here.out.line(&plain(line)));
                here.out.line("");
            }
            last = match page.into_iter().last() {
                Some(page_end) => Some(page_end),
                None => break,
            };
        }
        here.out.complain(&format!("note: {count} signed notes"));
        Ok(())
    }
}
