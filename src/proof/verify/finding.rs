//! What is wrong with an export, bounded in number.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::proof::Hash;

/// So many are kept; the others are counted.
pub(super) const KEPT: usize = 100;

/// One thing that is not as it was signed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The log; none for what concerns the whole export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// What was found.
    #[serde(flatten)]
    pub what: What,
}

/// The kinds of findings. Indices are places in the log as it was signed, as far as that is known.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are what their sentences say, see `sentence`")]
pub enum What {
    /// An entry's content is not what was hashed.
    Edited { index: u64, id: String, witness: &'static str },
    /// The content is as it was hashed; the `hash` beside it or its tile is not.
    HashChanged { index: u64, id: String },
    /// An entry that was never hashed.
    Inserted {
        index: u64,
        id: String,
        #[serde(skip)]
        hash: Hash,
    },
    /// Entries that were hashed and are not there.
    Removed {
        first: u64,
        last: u64,
        #[serde(skip)]
        hash: Option<Hash>,
    },
    /// An entry at another place.
    Moved { from: u64, to: u64, id: String },
    /// An entry at its place with another number.
    Misnumbered { index: u64, claimed: u64, id: String },
    /// The log ends too early.
    Cut { missing: u64, ends: u64, fits: u64, since: Option<String>, signed: u64, at: Option<String> },
    /// Records and hashes were rewritten together.
    Rewritten { from: u64, from_time: Option<String>, to: u64, to_time: Option<String> },
    /// The beginning is gone, and no signed record says that retention dropped it.
    Dropped { start: u64, vouched: u64, unsigned: Option<String> },
    /// A checkpoint that the log does not fit, though it fits a later one.
    OtherHistory { size: u64, time: Option<String> },
    /// A checkpoint that nobody known has signed.
    WrongSignature { from: String, size: u64, why: String, times: u64 },
    /// A statement over all logs that nobody known has signed.
    WrongStatement { from: String, why: String, times: u64 },
    /// A checkpoint of something else.
    OtherOrigin { origin: String, from: String, times: u64 },
    /// A log that was signed and is not in the export.
    LogMissing { signed: u64 },
    /// A log of which nothing is signed by a given key.
    Unsigned { entries: u64 },
    /// `recorded_at` is earlier than that of the entry before.
    TimeGoesBack { index: u64, id: String },
    /// A full group of entries without its tile.
    NoTile { number: u64 },
    /// A line that is not a line of an export.
    Malformed { line: u64, why: String },
    /// Counts do not agree.
    WrongCount { what: &'static str, said: u64, found: u64 },
    /// The file ends before its last line.
    Truncated,
    /// More checkpoints than are looked at.
    TooManyCheckpoints { passed_over: u64 },
}

/// All findings: the first of them, and how many there are of each kind.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Findings {
    /// The first hundred.
    pub first: Vec<Finding>,
    /// How many there are in all.
    pub total: u64,
    /// How many there are of each kind; a removal counts once for each entry.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Findings {
    pub(super) fn add(&mut self, log: Option<&str>, what: What) {
        let times = if let What::Removed { first, last, .. } = what { last - first + 1 } else { 1 };
        self.total = self.total.saturating_add(times);
        let count = self.counts.entry(what.kind()).or_default();
        *count = count.saturating_add(times);
        if let Some(same) = self.first.iter_mut().rev().find_map(|known| known.absorb(log, &what)) {
            // A removed entry that was found as an inserted one elsewhere, or the other way round, is one that was moved.
            if let Absorbed::Moved(gone) = same {
                self.total -= 1;
                for kind in [gone, what.kind()] {
                    self.counts.entry(kind).and_modify(|count| *count -= 1);
                }
                self.counts.retain(|_, count| *count > 0);
                *self.counts.entry("moved").or_default() += 1;
            }
            return;
        }
        if self.first.len() < KEPT {
            self.first.push(Finding { log: log.map(str::to_owned), what });
        }
    }
}

impl Findings {
    /// How many kept findings a log has.
    pub(super) fn total_of(&self, log: &str) -> usize {
        self.first.iter().filter(|finding| finding.log.as_deref() == Some(log)).count()
    }

    /// A checkpoint proves the content of a log's first entries: what disagrees with it was changed, not they.
    pub(super) fn acquit(&mut self, log: &str, below: u64) {
        for finding in self.first.iter_mut().filter(|finding| finding.log.as_deref() == Some(log)) {
            if let What::Edited { index, id, .. } = &mut finding.what
                && *index < below
            {
                finding.what = What::HashChanged { index: *index, id: std::mem::take(id) };
                self.counts.entry("edited").and_modify(|count| *count -= 1);
                *self.counts.entry("hash-changed").or_default() += 1;
            }
        }
        self.counts.retain(|_, count| *count > 0);
    }
}

enum Absorbed {
    /// It makes a known finding larger.
    Same,
    /// Together with a known finding of this kind it says that an entry was moved.
    Moved(&'static str),
}

impl Finding {
    /// Takes in another finding that belongs to this one.
    fn absorb(&mut self, log: Option<&str>, other: &What) -> Option<Absorbed> {
        if self.log.as_deref() != log {
            return None;
        }
        let moved = match (&mut self.what, other) {
            (What::Inserted { index, id, hash }, What::Removed { first, hash: Some(gone), .. }) if hash == gone => {
                What::Moved { from: *first, to: *index, id: std::mem::take(id) }
            }
            (What::Removed { first, last, hash: Some(gone) }, What::Inserted { index, id, hash })
                if hash == gone && first == last =>
            {
                What::Moved { from: *first, to: *index, id: id.clone() }
            }
            (What::Removed { last, hash, .. }, What::Removed { first, last: further, .. }) if *last + 1 == *first => {
                (*last, *hash) = (*further, None);
                return Some(Absorbed::Same);
            }
            (
                What::WrongSignature { from, why, times, .. },
                What::WrongSignature { from: other_from, why: other_why, .. },
            ) if from == other_from && why == other_why => {
                *times += 1;
                return Some(Absorbed::Same);
            }
            (
                What::WrongStatement { from, why, times },
                What::WrongStatement { from: other_from, why: other_why, .. },
            ) if from == other_from && why == other_why => {
                *times += 1;
                return Some(Absorbed::Same);
            }
            (
                What::OtherOrigin { origin, from, times },
                What::OtherOrigin { origin: other_origin, from: other_from, .. },
            ) if origin == other_origin && from == other_from => {
                *times += 1;
                return Some(Absorbed::Same);
            }
            _ => return None,
        };
        let gone = std::mem::replace(&mut self.what, moved).kind();
        Some(Absorbed::Moved(gone))
    }

    /// What was found, as one sentence.
    pub fn sentence(&self) -> String {
        let place = self.log.as_ref().map(|log| format!("{log} ")).unwrap_or_default();
        format!("{place}{}", self.what.sentence())
    }
}

impl What {
    /// The kind's slug.
    pub fn kind(&self) -> &'static str {
        match self {
            What::Edited { .. } => "edited",
            What::HashChanged { .. } => "hash-changed",
            What::Inserted { .. } => "inserted",
            What::Removed { .. } => "removed",
            What::Moved { .. } => "moved",
            What::Misnumbered { .. } => "misnumbered",
            What::Cut { .. } => "cut",
            What::Rewritten { .. } => "rewritten",
            What::Dropped { .. } => "dropped",
            What::OtherHistory { .. } => "other-history",
            What::WrongSignature { .. } => "wrong-signature",
            What::WrongStatement { .. } => "wrong-statement",
            What::OtherOrigin { .. } => "other-origin",
            What::LogMissing { .. } => "log-missing",
            What::Unsigned { .. } => "unsigned",
            What::TimeGoesBack { .. } => "time-goes-back",
            What::NoTile { .. } => "no-tile",
            What::Malformed { .. } => "malformed",
            What::WrongCount { .. } => "wrong-count",
            What::Truncated => "truncated",
            What::TooManyCheckpoints { .. } => "too-many-checkpoints",
        }
    }

    fn sentence(&self) -> String {
        match self {
            What::Edited { index, id, witness } => format!("entry {index} (record {id}) was edited: {witness}"),
            What::HashChanged { index, id } => {
                format!(
                    "entry {index} (record {id}): its hash or its tile was changed, its content is as it was hashed"
                )
            }
            What::Inserted { index, id, .. } => format!("entry {index} (record {id}) was inserted: no tile knows it"),
            What::Removed { first, last, .. } if first == last => format!("entry {first} was removed"),
            What::Removed { first, last, .. } => {
                format!("entries {first} to {last} were removed, {} of them", last - first + 1)
            }
            What::Moved { from, to, id } => format!("the entry of record {id} was moved from {from} to {to}"),
            What::Misnumbered { index, claimed, id } => {
                format!("entry {index} (record {id}) was given the number {claimed}")
            }
            What::Cut { missing, ends, fits, since, signed, at } => format!(
                "ends at {ends}, but {signed} entries were signed by {}: {missing} are missing, cut off after {}, or taken \
                 out of those from {fits} on",
                at.as_ref()
                    .map_or_else(|| "its tiles or a checkpoint".to_owned(), |at| format!("the checkpoint of {at}")),
                since.as_deref().unwrap_or("its beginning")
            ),
            What::Rewritten { from, from_time, to, to_time } => format!(
                "was rewritten together with its hashes: entries {from} to {} do not fit the checkpoint of size {to}{}; \
                 what came before {}",
                to.saturating_sub(1),
                of(to_time.as_ref()),
                match from_time {
                    Some(time) => format!("fits the checkpoint of {time}"),
                    None => "is as little proven".to_owned(),
                }
            ),
            What::Dropped { start, unsigned: Some(id), .. } => format!(
                "begins at {start}: record {id} says that retention dropped what came before, but no checkpoint covers that \
                 record"
            ),
            What::Dropped { start, vouched, unsigned: None } => format!(
                "begins at {start}: what came before is gone, and records of retention vouch for {} of it",
                if *vouched > 0 { format!("no more than what is below {vouched}") } else { "nothing".to_owned() }
            ),
            What::OtherHistory { size, time } => format!(
                "the checkpoint of size {size}{} is of another history, though later ones fit",
                of(time.as_ref())
            ),
            What::WrongSignature { from, size, why, times } => {
                format!("checkpoint of size {size} in {from} is not believed: {why}{}", repeated(*times))
            }
            What::WrongStatement { from, why, times } => {
                format!("a statement over all logs in {from} is not believed: {why}{}", repeated(*times))
            }
            What::OtherOrigin { origin, from, times } => {
                format!("a checkpoint in {from} is of another log: {origin}{}", repeated(*times))
            }
            What::LogMissing { signed } => format!("is not in the export, but {signed} entries of it were signed"),
            What::Unsigned { entries } => {
                format!("has {entries} entries and no checkpoint by a given key that covers any of them")
            }
            What::TimeGoesBack { index, id } => {
                format!("entry {index} (record {id}) says that it was recorded before the one before it")
            }
            What::NoTile { number } => format!("tile {number} is missing"),
            What::Malformed { line, why } => format!("line {line}: {why}"),
            What::WrongCount { what, said, found } => format!("{what}: {said} are announced, {found} are there"),
            What::Truncated => "the file was cut off: its last line ({\"end\":…}) is missing".to_owned(),
            What::TooManyCheckpoints { passed_over } => {
                format!("{passed_over} checkpoints were passed over, there are too many to hold")
            }
        }
    }
}

fn of(time: Option<&String>) -> String {
    time.map(|time| format!(" of {time}")).unwrap_or_default()
}

fn repeated(times: u64) -> String {
    if times > 1 { format!(" ({times} such)") } else { String::new() }
}
