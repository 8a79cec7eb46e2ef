//! `audit export`: everything that fits, written as it comes. What is not complete never bears the file's name.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::Surroundings;
use super::super::out::{plain, plain_json};
use super::Format;
use super::source::Source;
use crate::admin::{csv_head, csv_rows};

/// After how many records the progress is shown anew.
const STEP: u64 = 1_000;

/// Where records are written to.
struct Target {
    to: Box<dyn Write>,
    format: Format,
    /// Somebody reads it at once, and what the terminal would obey must not be in it.
    is_shown: bool,
    records: u64,
}

pub(super) async fn run(
    source: &Source,
    path: &str,
    format: Format,
    file: Option<&Path>,
    here: &Surroundings,
) -> miette::Result<()> {
    let mut lines = source.lines(path).await?;
    let partial = file.map(partial);
    let named = |error: io::Error| match &partial {
        Some(partial) => miette::miette!("{}: {error}", partial.display()),
        None => miette::miette!("standard output: {error}"),
    };
    let is_shown = file.is_none() && io::stdout().is_terminal();
    let to: Box<dyn Write> = match &partial {
        Some(partial) => Box::new(BufWriter::new(File::create(partial).map_err(named)?)),
        None => Box::new(BufWriter::new(io::stdout())),
    };
    let mut target = Target { to, format, is_shown, records: 0 };
    let mut progress = Progress(!is_shown && io::stderr().is_terminal());
    let mut written = target.begin();
    let end = loop {
        match written {
            Ok(()) => {}
            // `| head` has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(named(error)),
        }
        progress.show(target.records);
        let line = match lines.next().await {
            Ok(line) => line,
            Err(why) => return Err(broken(target.records, &why, partial.as_deref())),
        };
        let entry: Value = line.and_then(|line| serde_json::from_slice(&line).ok()).unwrap_or_default();
        if entry["id"].is_string() {
            written = target.record(&entry);
        } else if entry["end"].is_object() {
            break entry;
        } else {
            let why = entry["error"]["detail"].as_str().unwrap_or("it was cut off");
            return Err(broken(target.records, why, partial.as_deref()));
        }
    };
    progress.end();
    // Whoever does not take the end itself has left early, as the log sees it.
    if !matches!(lines.next().await, Ok(None)) {
        return Err(broken(target.records, "something follows its end", partial.as_deref()));
    }
    target.end(&end).map_err(named)?;
    if let (Some(partial), Some(file)) = (&partial, file) {
        fs::rename(partial, file).map_err(named)?;
        here.out.complain(&format!("note: {} records in {}", target.records, file.display()));
    }
    if let Some(cursor) = end["end"]["next_cursor"].as_str() {
        here.out.complain(&format!("note: there are more, go on with --cursor {}", plain(cursor)));
    }
    Ok(())
}

impl Target {
    fn begin(&mut self) -> io::Result<()> {
        match self.format {
            Format::Csv => self.to.write_all(&csv_head()),
            Format::Json => self.to.write_all(b"["),
            Format::Ndjson | Format::Proof => Ok(()),
        }
    }

    fn record(&mut self, record: &Value) -> io::Result<()> {
        self.records += 1;
        let before = if self.records > 1 { ",\n" } else { "\n" };
        match self.format {
            Format::Csv => self.csv(csv_rows([record])),
            Format::Json => write!(self.to, "{before}{}", self.json(record)),
            Format::Ndjson | Format::Proof => writeln!(self.to, "{}", self.json(record)),
        }
    }

    fn end(&mut self, end: &Value) -> io::Result<()> {
        match self.format {
            Format::Csv => {}
            Format::Json => self.to.write_all(b"\n]\n")?,
            Format::Ndjson | Format::Proof => writeln!(self.to, "{}", self.json(end))?,
        }
        self.to.flush()
    }

    fn json(&self, value: &Value) -> String {
        let text = value.to_string();
        if self.is_shown { plain_json(&text) } else { text }
    }

    fn csv(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        if !self.is_shown {
            return self.to.write_all(&bytes);
        }
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.split("\r\n").map(plain).collect::<Vec<_>>();
        self.to.write_all(lines.join("\r\n").as_bytes())
    }
}

/// How many records there are so far, on a terminal.
struct Progress(bool);

impl Progress {
    fn show(&mut self, records: u64) {
        if self.0 && records > 0 && records.is_multiple_of(STEP) {
            let _ = write!(io::stderr(), "\r{records} records");
        }
    }

    fn end(&mut self) {
        if self.0 {
            // What comes next begins where the line began.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

pub(super) fn partial(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

fn broken(records: u64, why: &str, partial: Option<&Path>) -> miette::Report {
    let left = partial.map(|partial| format!("; what there is stays in {}", partial.display())).unwrap_or_default();
    miette::miette!("the export broke off after {records} records: {}{left}", plain(why))
}
