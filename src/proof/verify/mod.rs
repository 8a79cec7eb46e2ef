//! The verification of an export, offline, with the public key alone, in memory that does not grow with the export.
//!
//! Every entry's hash is made anew from its content; the tree over them must have the roots that checkpoints say. Where
//! it has not, a second witness (the tiles, and the hashes beside the entries) says which record it was. The file is
//! read twice: the database's own checkpoints stand at its end, and only the roots at their sizes need to be compared.

mod align;
mod checkpoints;
mod finding;
mod line;
mod lines;
mod log;
#[cfg(test)]
mod tests;
mod vouched;

use std::io::{BufReader, Read, Seek, SeekFrom};

use jiff::Timestamp;
use serde::Serialize;

use super::VerifyingKey;
use checkpoints::Checkpoints;
use line::{Line, is_note, parse, read_line};
use log::Log;
use vouched::Beginnings;

pub use finding::{Finding, Findings, What};
pub use log::{LogReport, VouchedFor};

/// How much is read at once, in bytes.
const BUFFER: usize = 1 << 20;

/// So many logs are looked at; there are two for each replica.
const MOST_LOGS: usize = 1000;

/// How many lines pass between two calls of the progress function.
const STEP: u64 = 10_000;

/// A checkpoint that the auditor brought.
#[derive(Clone, Debug)]
pub struct Brought {
    /// Where it is from, for messages.
    pub from: String,
    /// The signed note.
    pub note: String,
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Entries verified.
    pub entries: u64,
    /// Bytes of the two passes read.
    pub read: u64,
    /// Bytes of the two passes in all.
    pub of: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Report {
    /// The origin that the export names.
    pub origin: String,
    /// When it says that it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
    /// Entries in the export.
    pub entries: u64,
    /// Checkpoints and statements used that the auditor brought.
    pub checkpoints: u64,
    /// Checkpoints and statements used that the database kept.
    pub own_checkpoints: u64,
    /// What was found out about each log.
    pub logs: Vec<LogReport>,
    /// What is wrong. Nothing: it is as it was signed.
    pub findings: Findings,
}

/// Why an export could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file can't be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It does not begin as an export does.
    #[error(
        "it is no export for verification: its first line is not {{\"export\":…}}; make one with `audit export --format proof`"
    )]
    NoExport,
}

/// Verifies an export.
///
/// # Errors
/// It can't be read. What is wrong inside is in the report.
pub fn verify(
    input: impl Read + Seek,
    keys: &[VerifyingKey],
    brought: &[Brought],
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, Unreadable> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let of = input.seek(SeekFrom::End(0))? * 2;
    input.seek(SeekFrom::Start(0))?;
    let mut findings = Findings::default();
    let mut buffer = Vec::new();
    let more = read_line(&mut input, &mut buffer)?;
    let Some(Line::Export { origin, made_at }) = parse(&buffer).ok().filter(|_| more) else {
        return Err(Unreadable::NoExport);
    };

    let mut checkpoints = Checkpoints::default();
    for Brought { from, note } in brought {
        checkpoints.take(note, Some(from), &origin, keys, &mut findings);
    }
    let (mut read, mut lines) = (buffer.len() as u64 + 1, 1);
    while read_line(&mut input, &mut buffer)? {
        (read, lines) = (read + buffer.len() as u64 + 1, lines + 1);
        if is_note(&buffer)
            && let Ok(Line::Note(note)) = parse(&buffer)
        {
            checkpoints.take(&note, None, &origin, keys, &mut findings);
        }
        if lines % STEP == 0 {
            progress(Progress { entries: 0, read, of });
        }
    }
    checkpoints.sort(&mut findings);

    input.seek(SeekFrom::Start(0))?;
    let mut pass = Pass {
        report: Report {
            origin,
            made_at,
            checkpoints: checkpoints.outside,
            own_checkpoints: checkpoints.inside,
            findings,
            ..Report::default()
        },
        checkpoints,
        log: None,
        beginnings: Beginnings::default(),
        keys: keys.iter().map(VerifyingKey::short).collect(),
        ended: false,
    };
    let mut number = 0;
    while read_line(&mut input, &mut buffer)? {
        (read, number) = (read + buffer.len() as u64 + 1, number + 1);
        pass.line(number, &buffer);
        if number % STEP == 0 {
            progress(Progress { entries: pass.report.entries, read, of });
        }
    }
    progress(Progress { entries: pass.report.entries, read: of, of });
    Ok(pass.end())
}

/// The second pass.
struct Pass {
    report: Report,
    checkpoints: Checkpoints,
    log: Option<Log>,
    beginnings: Beginnings,
    /// The names of the given keys.
    keys: Vec<String>,
    ended: bool,
}

impl Pass {
    fn line(&mut self, number: u64, text: &[u8]) {
        let misplaced = match parse(text) {
            Ok(Line::Export { .. }) if number == 1 => return,
            _ if self.ended => "there is more after the last line",
            Ok(Line::Log { name, size, range }) => {
                self.end_log();
                // A log is given once, and its checkpoints are handed out once.
                let logs = &self.report.logs;
                if logs.len() < MOST_LOGS && logs.iter().all(|log| log.name != name) {
                    let known = self.checkpoints.of_log(&name);
                    self.beginnings.gone(&name, &range);
                    self.log = Some(Log::new(name, size, range, known));
                    return;
                }
                "a log is given twice, or there are more than a thousand"
            }
            Ok(Line::Tile { number: tile, hashes }) => match &mut self.log {
                Some(log) => return log.tile(tile, hashes, number, &mut self.report.findings),
                None => "a tile stands outside of a log",
            },
            Ok(Line::Entry(mut entry)) => match &mut self.log {
                Some(log) => {
                    self.beginnings.entry(log.name(), &mut entry);
                    self.report.entries += 1;
                    return log.entry(entry, &mut self.report.findings);
                }
                None => "an entry stands outside of a log",
            },
            Ok(Line::Note(_)) => return self.end_log(),
            Ok(Line::End { entries }) => {
                self.end_log();
                self.ended = true;
                if entries != self.report.entries {
                    let wrong = What::WrongCount { what: "entries", said: entries, found: self.report.entries };
                    self.report.findings.add(None, wrong);
                }
                return;
            }
            Ok(Line::Export { .. }) => "the first line stands again",
            Err(why) => return self.report.findings.add(None, What::Malformed { line: number, why }),
        };
        self.report.findings.add(None, What::Malformed { line: number, why: misplaced.to_owned() });
    }

    fn end_log(&mut self) {
        if let Some(log) = self.log.take() {
            self.report.logs.push(log.end(&self.keys, &mut self.report.findings));
        }
    }

    fn end(mut self) -> Report {
        self.end_log();
        if !self.ended {
            self.report.findings.add(None, What::Truncated);
        }
        self.beginnings.judge(&mut self.report.logs, &mut self.report.findings);
        for (log, signed) in self.checkpoints.unasked() {
            self.report.findings.add(Some(&log), What::LogMissing { signed });
        }
        self.report
    }
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_proven(&self) -> bool {
        self.findings.total == 0
    }
}
