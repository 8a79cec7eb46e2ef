//! `audit verify`: an export of the audit log, held against checkpoints, offline.

use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokio::time::{Duration, Instant};

use super::super::Surroundings;
use super::super::out::{Out, plain};
use crate::proof::verify::{Brought, Progress, Report, verify};
use crate::proof::{VerifyingKey, split_notes};

/// What files of checkpoints, and of statements over all logs, end in.
const ENDINGS: [&str; 2] = ["checkpoints", "statements"];

/// How often a terminal is told how far it is.
const TELL: Duration = Duration::from_millis(250);

/// The file could not be read, or what it is held against.
const UNREADABLE: u8 = 2;

/// Arguments of `audit verify`.
#[derive(Args, Debug)]
pub(super) struct Verify {
    /// What `audit export --format proof` wrote
    export: PathBuf,
    /// The public key's text, or a file with it; several while one replaces another
    #[arg(long = "key", value_name = "PUB", required = true)]
    keys: Vec<String>,
    /// A file of checkpoints or statements that the database's owner can't edit, or a folder of such files
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told<'r> {
    proven: bool,
    #[serde(flatten)]
    report: &'r Report,
}

impl Verify {
    /// 0 when nothing is wrong, 1 when something is, 2 when it can't be read.
    pub(super) fn run(self, here: &Surroundings) -> ExitCode {
        let report = match self.verify(here.out) {
            Ok(report) => report,
            Err(why) => {
                here.out.complain(&format!("error: {}", plain(&why)));
                return ExitCode::from(UNREADABLE);
            }
        };
        if self.json {
            here.out.json(&Told { proven: report.is_proven(), report: &report });
        } else {
            report.lines().iter().for_each(|line| here.out.line(line));
        }
        if report.is_proven() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn verify(&self, out: Out) -> Result<Report, String> {
        let mut keys = Vec::new();
        for key in &self.keys {
            keys.extend(read_keys(key)?);
        }
        let mut brought = Vec::new();
        for place in &self.checkpoints {
            for file in checkpoint_files(place)? {
                brought.extend(read_checkpoints(&file, out)?);
            }
        }
        let file = File::open(&self.export).map_err(|error| format!("{}: {error}", self.export.display()))?;
        let (began, mut told) = (Instant::now(), Instant::now());
        let on_terminal = std::io::stderr().is_terminal();
        let mut progress = |progress: Progress| {
            if on_terminal && told.elapsed() >= TELL {
                told = Instant::now();
                out.progress(&how_far(&progress, began.elapsed()));
            }
        };
        let report = verify(file, &keys, &brought, &mut progress);
        if on_terminal {
            out.progress("");
        }
        report.map_err(|error| format!("{}: {error}", self.export.display()))
    }
}

fn how_far(progress: &Progress, so_far: Duration) -> String {
    let percent = progress.read.saturating_mul(100) / progress.of.max(1);
    let a_second = u128::from(progress.entries) * 1000 / so_far.as_millis().max(1);
    format!("{percent} %, {} entries, {a_second} a second", progress.entries)
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// A key's text, or a file with one on each line.
fn read_keys(given: &str) -> Result<Vec<VerifyingKey>, String> {
    let file = Path::new(given);
    let (text, place) = if file.is_file() { (read(file)?, given) } else { (given.to_owned(), "--key") };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Vec<VerifyingKey> =
        lines.map(|line| line.parse().map_err(|fault| format!("{place}: {fault}"))).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(format!("{place}: it holds no public key")) } else { Ok(keys) }
}

fn checkpoint_files(place: &Path) -> Result<Vec<PathBuf>, String> {
    if !place.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let fault = |error: std::io::Error| format!("{}: {error}", place.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(place).map_err(fault)? {
        let file = entry.map_err(fault)?.path();
        if file.extension().is_some_and(|extension| ENDINGS.iter().any(|ending| extension == *ending)) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        Err(format!("{}: no *.checkpoints or *.statements is in it", place.display()))
    } else {
        Ok(files)
    }
}

fn read_checkpoints(file: &Path, out: Out) -> Result<Vec<Brought>, String> {
    let text = read(file)?;
    let (notes, rest) = split_notes(&text);
    let from = plain(&file.display().to_string());
    if notes.is_empty() {
        return Err(format!("{from}: it holds no checkpoint and no statement"));
    }
    if !rest.is_empty() {
        out.complain(&format!("note: {from}: what follows the last whole note is passed over"));
    }
    Ok(notes.into_iter().map(|note| Brought { from: from.clone(), note: note.to_owned() }).collect())
}

#[cfg(test)]
mod tests;
