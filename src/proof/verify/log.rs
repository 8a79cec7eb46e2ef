//! One log of an export, from its first line to its last.

use jiff::Timestamp;
use serde::Serialize;

use super::align::{Aligner, Entry};
use super::checkpoints::{Known, Track};
use super::finding::{Findings, What};
use super::line::EntryLine;
use crate::proof::{CompactRange, Hash, time_text};

/// Entries in a tile.
const TILE: u64 = 256;

/// What vouches for a beginning that is gone.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct VouchedFor {
    /// When it was recorded that it would be dropped.
    pub at: String,
    /// The record's id.
    pub record: String,
    /// The log that the record stands in.
    pub log: String,
}

/// What was found out about one log.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct LogReport {
    /// Its name.
    pub name: String,
    /// The first entry that is still there.
    pub start: u64,
    /// The record that says that what came before was dropped by retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<VouchedFor>,
    /// How many entries of it are in the export.
    pub entries: u64,
    /// When the last of them was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Up to which index, exclusive, the records are proven by a checkpoint that the auditor brought.
    pub proven: u64,
    /// When that checkpoint was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<String>,
    /// Which of the given keys have signed it, when several were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proven_by: Vec<String>,
    /// Up to which index the database's own checkpoints fit the records too.
    pub fits: u64,
    /// Up to which index the hashes fit the checkpoints, whatever became of the records.
    pub hashes_fit: u64,
}

pub(super) struct Log {
    report: LogReport,
    announced: u64,
    known: Vec<Known>,
    /// By the entries' content, in the order of the file.
    records: Track,
    /// By the tiles, and behind them by the hashes beside the entries.
    hashes: Track,
    witnessed: u64,
    aligner: Aligner,
    last: Option<Timestamp>,
    tiles: u64,
}

impl Log {
    pub(super) fn new(name: String, size: u64, range: CompactRange, known: Vec<Known>) -> Log {
        let start = range.size();
        Log {
            report: LogReport { name, start, ..LogReport::default() },
            announced: size,
            records: Track::new(range.clone(), &known),
            hashes: Track::new(range, &known),
            known,
            witnessed: start,
            aligner: Aligner::default(),
            last: None,
            tiles: start / TILE,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.report.name
    }

    pub(super) fn tile(&mut self, number: u64, hashes: Vec<Hash>, line: u64, out: &mut Findings) {
        // Behind hashes that were taken for missing tiles none can follow.
        if number != self.tiles || self.witnessed > (number + 1) * TILE {
            let why = format!("tile {} was expected, this is tile {number}", self.tiles);
            return out.add(Some(&self.report.name), What::Malformed { line, why });
        }
        self.tiles += 1;
        let gone = self.witnessed.saturating_sub(number * TILE);
        for hash in hashes.into_iter().skip(usize::try_from(gone).unwrap_or(usize::MAX)) {
            self.aligner.witness(self.witnessed, hash);
            self.hashes.append(Some(hash), &self.known);
            self.witnessed += 1;
        }
        self.aligner.compare(&self.report.name, false, out);
    }

    pub(super) fn entry(&mut self, entry: EntryLine, out: &mut Findings) {
        if self.last.is_some_and(|last| entry.recorded_at < last) {
            out.add(Some(&self.report.name), What::TimeGoesBack { index: entry.index, id: entry.id.clone() });
        }
        self.last = Some(entry.recorded_at);
        let EntryLine { index, stored, hash, id, .. } = entry;
        self.records.append(Some(hash), &self.known);
        let place = self.report.start + self.report.entries;
        self.aligner.entry(Entry { index, hash, stored, id, place });
        self.report.entries += 1;
        if self.aligner.lacks_witness() {
            self.be_own_witness(out);
        }
        if self.aligner.is_due() {
            self.aligner.compare(&self.report.name, false, out);
        }
    }

    /// Goes on by the hashes beside the entries where tiles end.
    fn be_own_witness(&mut self, out: &mut Findings) {
        let mut seen = |hash| self.hashes.append(hash, &self.known);
        self.witnessed = self.aligner.be_own_witness(self.witnessed, &self.report.name, out, &mut seen);
        // After a removal with the rest numbered anew the exporter's groups are not those that were written.
        let numbers = if self.aligner.is_shifted() { 0..0 } else { self.tiles..self.witnessed / TILE };
        for number in numbers {
            out.add(Some(&self.report.name), What::NoTile { number });
        }
        self.tiles = self.tiles.max(self.witnessed / TILE);
    }

    /// `keys` are the names of those that were given.
    pub(super) fn end(mut self, keys: &[String], out: &mut Findings) -> LogReport {
        self.aligner.compare(&self.report.name, true, out);
        if self.aligner.has_entries() {
            self.be_own_witness(out);
            self.aligner.compare(&self.report.name, true, out);
        }
        let name = self.report.name.clone();
        let start = self.report.start;
        let size = |fits: Option<usize>| fits.and_then(|at| self.known.get(at)).map_or(start, |known| known.size);
        self.report.last = self.last.map(time_text);
        let outside = self.records.fits_outside.and_then(|at| self.known.get(at));
        (self.report.proven, self.report.proven_at) =
            (size(self.records.fits_outside), outside.and_then(Known::time_text));
        let signers = outside.filter(|_| keys.len() > 1).map_or(0, |known| known.signers);
        let signed = keys.iter().enumerate().take(64).filter(|(at, _)| signers >> at & 1 == 1);
        self.report.proven_by = signed.map(|(_, key)| key.clone()).collect();
        (self.report.fits, self.report.hashes_fit) = (size(self.records.fits), size(self.hashes.fits));

        let left_over = self.aligner.left_over();
        let ends = left_over.unwrap_or(self.witnessed);
        let newest = self.known.last().filter(|known| known.size >= self.witnessed);
        let signed = newest.map_or(self.witnessed, |known| known.size);
        if signed > ends {
            let (since, at) = (self.report.last.clone(), newest.and_then(Known::time_text));
            let fits = self.report.fits.max(self.report.hashes_fit);
            out.add(Some(&name), What::Cut { missing: signed - ends, ends, fits, since, signed, at });
        }
        for other in self.records.other_histories.iter().filter_map(|at| self.known.get(*at)) {
            out.add(Some(&name), What::OtherHistory { size: other.size, time: other.time_text() });
        }
        let unexplained = out.total_of(&name) == 0;
        let track = match (self.records.misfit, self.hashes.misfit) {
            (Some(_), Some(_)) if self.hashes.fits >= self.records.fits => Some(&self.hashes),
            (Some(_), Some(_)) => Some(&self.records),
            (Some(_), None) if unexplained => Some(&self.records),
            _ => None,
        };
        if let Some((track, misfit)) = track.and_then(|track| Some((track, self.known.get(track.misfit?)?))) {
            let from_time = track.fits.and_then(|at| self.known.get(at)).and_then(Known::time_text);
            let (from, to, to_time) = (size(track.fits), misfit.size, misfit.time_text());
            out.add(Some(&name), What::Rewritten { from, from_time, to, to_time });
        }
        if self.records.misfit.is_none() {
            out.acquit(&name, self.report.fits);
        }
        if self.report.entries > 0 && self.known.last().is_none_or(|known| known.size < start.max(1)) {
            out.add(Some(&name), What::Unsigned { entries: self.report.entries });
        }
        let found = start + self.report.entries;
        if found != self.announced && out.total_of(&name) == 0 {
            out.add(Some(&name), What::WrongCount { what: "entries up to the log's end", said: self.announced, found });
        }
        self.report
    }
}
