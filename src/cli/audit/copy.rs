//! Lines that are passed on as they come: the log as it grows, and exports that are verified elsewhere.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use serde_json::Value;

use super::super::Surroundings;
use super::super::out::{plain, plain_json};
use super::export::partial;
use super::source::Source;

/// After how many lines the progress is shown anew.
const STEP: u64 = 1_000;

/// Copies the answer to `path` into a file, or to standard output; a file bears its name when it is whole.
pub(super) async fn run(source: &Source, path: &str, file: Option<&Path>, here: &Surroundings) -> miette::Result<()> {
    let mut lines = source.lines(path).await?;
    let unfinished = file.map(partial);
    let named = |error: io::Error| match &unfinished {
        Some(file) => miette::miette!("{}: {error}", file.display()),
        None => miette::miette!("standard output: {error}"),
    };
    let mut to: Box<dyn Write> = match &unfinished {
        Some(file) => Box::new(BufWriter::new(File::create(file).map_err(named)?)),
        None => Box::new(io::stdout()),
    };
    let is_shown = file.is_none() && io::stdout().is_terminal();
    let shows_progress = file.is_some() && io::stderr().is_terminal();
    let mut count: u64 = 0;
    loop {
        let line = lines.next().await.map_err(|why| miette::miette!("after {count} lines: {}", plain(&why)))?;
        let Some(line) = line else { return Err(miette::miette!("it was cut off after {count} lines")) };
        if line.starts_with(b"{\"error\":") {
            let error: Value = serde_json::from_slice(&line).unwrap_or_default();
            let why = error["error"]["detail"].as_str().unwrap_or("it does not say why");
            return Err(miette::miette!("it broke off after {count} lines: {}", plain(why)));
        }
        let written = match is_shown {
            true => writeln!(to, "{}", plain_json(&String::from_utf8_lossy(&line))),
            false => to.write_all(&line).and_then(|()| to.write_all(b"\n")),
        };
        match written {
            // `| head` has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.map_err(named)?,
        }
        count += 1;
        if shows_progress && count.is_multiple_of(STEP) {
            // Nothing depends on what cannot be shown.
            let _ = write!(io::stderr(), "\r{count} lines");
        }
        if line.starts_with(b"{\"end\":") {
            break;
        }
    }
    to.flush().map_err(named)?;
    drop(to);
    if shows_progress {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    if let (Some(unfinished), Some(file)) = (&unfinished, file) {
        fs::rename(unfinished, file).map_err(named)?;
        here.out.complain(&format!("note: {count} lines in {}", file.display()));
    }
    Ok(())
}
