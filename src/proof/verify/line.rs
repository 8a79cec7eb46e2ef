//! The lines of an export, read one at a time and strictly: what is not covered by a hash must not look as if it were.

use std::io::{self, BufRead, Read};

use jiff::Timestamp;

use crate::parameters::{Value, read_json};
use crate::proof::canonical::{LARGEST_INTEGER, LIMITS, canonical_value};
use crate::proof::{CompactRange, DROP, DroppedRange, Hash, leaf};

/// A line that is longer is not read, in bytes; an entry's limits are below it.
const LONGEST: u64 = 16 << 20;

/// A line that was understood.
pub(super) enum Line {
    Export {
        origin: String,
        made_at: Option<Timestamp>,
    },
    Log {
        name: String,
        size: u64,
        range: CompactRange,
    },
    Tile {
        number: u64,
        hashes: Vec<Hash>,
    },
    Entry(EntryLine),
    /// A checkpoint, or a statement.
    Note(String),
    End {
        entries: u64,
    },
}

/// An entry, with the hash of its content made anew.
pub(super) struct EntryLine {
    pub(super) index: u64,
    pub(super) stored: Hash,
    pub(super) hash: Hash,
    pub(super) id: String,
    pub(super) recorded_at: Timestamp,
    /// What it says was dropped.
    pub(super) dropped: Vec<DroppedRange>,
}

/// Reads a line without its end into `line`; false at the end of the file. A line beyond the limit is cut, passed over,
/// and not understood.
pub(super) fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    input.take(LONGEST).read_until(b'\n', line)?;
    if line.pop_if(|byte| *byte == b'\n').is_none() && line.len() as u64 == LONGEST {
        input.skip_until(b'\n')?;
    }
    Ok(!line.is_empty() || !input.fill_buf()?.is_empty())
}

/// Whether a line is a checkpoint's or a statement's: decided without reading the others.
pub(super) fn is_note(line: &[u8]) -> bool {
    line.starts_with(b"{\"checkpoint\":") || line.starts_with(b"{\"statement\":")
}

/// Reads a line.
pub(super) fn parse(line: &[u8]) -> Result<Line, String> {
    let value = read_json(line, &LIMITS).map_err(|fault| fault.to_string())?;
    let Value::Object(members) = value else { return Err("it is not an object".to_owned()) };
    let Ok([(kind, value)]) = <[_; 1]>::try_from(members) else { return Err("it has not one member".to_owned()) };
    let understood = match kind.as_str() {
        "export" => export(&value),
        "log" => log(&value)?,
        "tile" => tile(&value),
        "entry" => return entry(value).map(Line::Entry),
        // The first pass knows it by its beginning.
        "checkpoint" | "statement" if is_note(line) => value.as_text().map(|note| Line::Note(note.to_owned())),
        "end" => number(&value, "entries").map(|entries| Line::End { entries }),
        _ => None,
    };
    understood.ok_or_else(|| format!("it is no {:?} line of an export", kind.chars().take(20).collect::<String>()))
}

fn export(value: &Value) -> Option<Line> {
    let origin = text(value, "origin")?.to_owned();
    let made_at = text(value, "made_at").and_then(|time| time.parse().ok());
    (number(value, "version")? == 1).then_some(Line::Export { origin, made_at })
}

fn log(value: &Value) -> Result<Option<Line>, String> {
    let (Some(name), Some(start), Some(size)) = (text(value, "name"), number(value, "start"), number(value, "size"))
    else {
        return Ok(None);
    };
    let Some(Value::List(range)) = value.get("range") else { return Ok(None) };
    let hashes: Option<Vec<Hash>> = range.iter().map(|hash| hash.as_text()?.parse().ok()).collect();
    let Some(hashes) = hashes else { return Ok(None) };
    let range = CompactRange::new(start, hashes).map_err(|wrong| wrong.to_string())?;
    // It is held until the end, and shown.
    let is_one = name.len() <= 200;
    Ok(is_one.then(|| Line::Log { name: name.to_owned(), size, range }))
}

fn tile(value: &Value) -> Option<Line> {
    let hashes = Hash::split_base64(text(value, "hashes")?).ok()?;
    let is_one = number(value, "level")? == 0 && hashes.len() == 256;
    Some(Line::Tile { number: number(value, "number")?, hashes }).filter(|_| is_one)
}

fn entry(value: Value) -> Result<EntryLine, String> {
    let missing = |name: &str| format!("an entry's {name} is missing or is none");
    let index = number(&value, "index").ok_or_else(|| missing("index"))?;
    let stored = text(&value, "hash").and_then(|hash| hash.parse().ok()).ok_or_else(|| missing("hash"))?;
    text(&value, "phase").ok_or_else(|| missing("phase"))?;
    let recorded_at = text(&value, "recorded_at").and_then(|time| time.parse().ok());
    let recorded_at = recorded_at.ok_or_else(|| missing("recorded_at"))?;
    let id = value.get("record").and_then(|record| text(record, "id")).unwrap_or("without an id");
    // It goes to a terminal, whatever it is.
    let id = id.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let dropped = value.get("record").map(dropped).unwrap_or_default();
    let Value::Object(mut members) = value else { return Err(missing("object")) };
    members.retain(|(name, _)| name != "index" && name != "hash");
    if members.len() != 3 || !members.iter().any(|(name, _)| name == "record") {
        return Err("an entry has index, hash, phase, recorded_at and record, and nothing else".to_owned());
    }
    let content = canonical_value(&Value::Object(members)).map_err(|why| why.to_string())?;
    Ok(EntryLine { index, stored, hash: leaf(&content), id, recorded_at, dropped })
}

/// What a record says of the beginnings of logs. Only the gateway itself writes records of this family.
fn dropped(record: &Value) -> Vec<DroppedRange> {
    let is = |name: &str, expected: &str| text(record, name) == Some(expected);
    let parameters = record.get("detail").and_then(|detail| text(detail, "parameters"));
    match parameters {
        Some(parameters) if is("family", "gateway") && is("action", DROP) && is("outcome", "ok") => {
            DroppedRange::read(parameters)
        }
        _ => Vec::new(),
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    match value.get(name)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn number(value: &Value, name: &str) -> Option<u64> {
    match value.get(name)? {
        Value::Number(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|number| *number <= LARGEST_INTEGER)
        }
        _ => None,
    }
}
