//! The checkpoints, and the statements over all logs, that an export is held against: those that the auditor brought, and
//! those that the database kept.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::finding::{Findings, What};
use crate::proof::{
    ALL_LOGS, Checkpoint, CompactRange, Hash, NoteFault, Statement, VerifyingKey, open_note, time_text,
};

/// So many of the database's own are held: one a minute for 400 days in each of two logs, 64 bytes each.
const MOST: u64 = 1_500_000;

/// A checkpoint that a given key has signed.
pub(super) struct Known {
    pub(super) size: u64,
    pub(super) root: Hash,
    pub(super) time: Option<Timestamp>,
    /// Which of the first 64 keys have signed it, a bit for each: there can be very many checkpoints.
    pub(super) signers: u64,
    /// Whether the auditor brought it.
    pub(super) outside: bool,
}

/// The checkpoints of each log, by their size.
#[derive(Default)]
pub(super) struct Checkpoints {
    logs: BTreeMap<String, Vec<Known>>,
    pub(super) outside: u64,
    pub(super) inside: u64,
    passed_over: u64,
}

impl Checkpoints {
    /// Takes a note, if it is signed by a given key and is a checkpoint or a statement of this origin.
    pub(super) fn take(&mut self, note: &str, from: Option<&str>, of: &str, keys: &[VerifyingKey], out: &mut Findings) {
        let place = from.unwrap_or("the export").to_owned();
        let (text, signers) = match open_note(note, keys) {
            Ok(opened) => (opened.text, opened.signed_by),
            Err(fault) => return out.add(None, not_believed(place, note, &fault)),
        };
        let signers = signers.into_iter().filter(|at| *at < 64).fold(0, |bits, at| bits | 1 << at);
        let (named, about, time) = if let Some(checkpoint) = Checkpoint::from_text(text) {
            let Checkpoint { origin, size, root, time } = checkpoint;
            let log = origin.strip_prefix(of).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
            (origin, log.map(|log| vec![(log, (size, root))]), time)
        } else if let Some(Statement { origin, time, logs }) = Statement::from_text(text) {
            // It says of each log what a checkpoint would, and names those that there are.
            let logs = (origin == of).then(|| logs.into_iter().collect());
            (format!("{origin}/{ALL_LOGS}"), logs, Some(time))
        } else {
            return out.add(None, not_believed(place, note, &NoteFault::Malformed));
        };
        let Some(about) = about else {
            return out.add(None, What::OtherOrigin { origin: bounded(&named), from: place, times: 1 });
        };
        if from.is_none() && self.inside >= MOST {
            self.passed_over += 1;
            return;
        }
        *(if from.is_some() { &mut self.outside } else { &mut self.inside }) += 1;
        for (log, (size, root)) in about {
            let known = Known { size, root, time, signers, outside: from.is_some() };
            self.logs.entry(log).or_default().push(known);
        }
    }

    /// All were taken.
    pub(super) fn sort(&mut self, out: &mut Findings) {
        self.logs.values_mut().for_each(|known| known.sort_by_key(|known| known.size));
        if self.passed_over > 0 {
            out.add(None, What::TooManyCheckpoints { passed_over: self.passed_over });
        }
    }

    /// Those of a log; each log asks once.
    pub(super) fn of_log(&mut self, log: &str) -> Vec<Known> {
        self.logs.remove(log).unwrap_or_default()
    }

    /// Logs that were signed and of which nobody asked, with the largest size signed.
    pub(super) fn unasked(self) -> impl Iterator<Item = (String, u64)> {
        let largest = |known: Vec<Known>| known.last().map_or(0, |known| known.size);
        self.logs.into_iter().map(move |(log, known)| (log, largest(known))).filter(|(_, size)| *size > 0)
    }
}

impl Known {
    /// When it was made, if it says so.
    pub(super) fn time_text(&self) -> Option<String> {
        self.time.map(time_text)
    }
}

fn not_believed(from: String, note: &str, fault: &NoteFault) -> What {
    let why = bounded(&fault.to_string());
    match Statement::claimed(note) {
        Some(_) => What::WrongStatement { from, why, times: 1 },
        None => {
            let size = Checkpoint::claimed(note).map_or(0, |claimed| claimed.size);
            What::WrongSignature { from, size, why, times: 1 }
        }
    }
}

/// A note can claim much.
fn bounded(text: &str) -> String {
    text.chars().take(300).collect()
}

/// A tree that grows and is compared with the checkpoints on its way.
pub(super) struct Track {
    /// None once an entry is missing: no root can be made any more.
    range: Option<CompactRange>,
    next: usize,
    /// The last that fits, and the last of the auditor's that does.
    pub(super) fits: Option<usize>,
    pub(super) fits_outside: Option<usize>,
    /// The first that does not.
    pub(super) misfit: Option<usize>,
    /// Misfits before one that fits.
    pub(super) other_histories: Vec<usize>,
}

impl Track {
    pub(super) fn new(range: CompactRange, known: &[Known]) -> Track {
        let next = known.partition_point(|known| known.size < range.size());
        let mut track = Track {
            range: Some(range),
            next,
            fits: None,
            fits_outside: None,
            misfit: None,
            other_histories: Vec::new(),
        };
        track.compare(known);
        track
    }

    /// The next entry's hash; none for one that is missing.
    pub(super) fn append(&mut self, hash: Option<Hash>, known: &[Known]) {
        match (&mut self.range, hash) {
            (Some(range), Some(hash)) => range.append(hash),
            _ => self.range = None,
        }
        self.compare(known);
    }

    fn compare(&mut self, known: &[Known]) {
        let Some(range) = &self.range else { return };
        while let Some(checkpoint) = known.get(self.next).filter(|known| known.size == range.size()) {
            if checkpoint.root == range.root() {
                self.fits = Some(self.next);
                if checkpoint.outside {
                    self.fits_outside = Some(self.next);
                }
                // More than a few would say nothing new.
                self.other_histories.extend(self.misfit.take().filter(|_| self.other_histories.len() < 10));
            } else if self.misfit.is_none() {
                self.misfit = Some(self.next);
            }
            self.next += 1;
        }
    }
}
