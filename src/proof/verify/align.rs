//! Says what happened to which record: entries as they are exported, held against the hashes that a second witness has
//! of them in the order in which they were written, the tiles; where there is none, the hashes beside the entries.
//!
//! Both are streams; a window of each is held. Where they part, whichever hash turns up again later in the other stream
//! says whether an entry was inserted, removed or moved; if neither does it was edited.

use std::collections::{HashSet, VecDeque};

use super::finding::{Findings, What};
use crate::proof::Hash;

/// How far is looked ahead before anything is said, in entries.
const AHEAD: usize = 256;

/// How far at most, when nothing fits: a removal of more entries than that, with the rest renumbered, is found but shown
/// as edits.
const FURTHEST: usize = 8192;

/// An entry as it is exported.
pub(super) struct Entry {
    pub(super) index: u64,
    pub(super) hash: Hash,
    pub(super) stored: Hash,
    pub(super) id: String,
    /// Its place, counted in the file.
    pub(super) place: u64,
}

#[derive(Default)]
pub(super) struct Aligner {
    entries: VecDeque<Entry>,
    witness: VecDeque<(u64, Hash)>,
    /// Reported as moved already, to be passed over where they come.
    moved_entries: HashSet<Hash>,
    moved_witness: HashSet<Hash>,
    /// Place minus number of the entries: not 0 once entries were removed or inserted and the rest renumbered.
    shift: i128,
    /// Something was found since the last entry that fits, so that the shift may have changed.
    unsettled: bool,
    /// Nothing fits: look again when the witness has so many.
    look_again: usize,
}

impl Aligner {
    pub(super) fn entry(&mut self, entry: Entry) {
        self.entries.push_back(entry);
    }

    pub(super) fn witness(&mut self, place: u64, hash: Hash) {
        self.witness.push_back((place, hash));
    }

    /// More entries wait than a witness could still be on its way for.
    pub(super) fn lacks_witness(&self) -> bool {
        self.witness.is_empty() && self.entries.len() > self.waiting_room()
    }

    /// Whether entries that were there are missing before the current one, or some were added, and the rest renumbered.
    pub(super) fn is_shifted(&self) -> bool {
        self.shift != 0
    }

    /// How many entries may be ahead of the tiles: as many more as were removed before them.
    fn waiting_room(&self) -> usize {
        FURTHEST + usize::try_from(self.shift.clamp(0, 65_536)).unwrap_or_default()
    }

    /// Takes the entries' own hashes for the witness that is missing. `next` is the place where it ended; what is found
    /// to be its continuation goes to `seen`, none for entries that are missing. Returns where it ends now.
    pub(super) fn be_own_witness(
        &mut self,
        mut next: u64,
        log: &str,
        out: &mut Findings,
        seen: &mut impl FnMut(Option<Hash>),
    ) -> u64 {
        let place = |entry: &Entry, shift| u64::try_from(i128::from(entry.index) + shift).unwrap_or(0);
        for (at, entry) in self.entries.iter().enumerate() {
            let claimed = place(entry, self.shift);
            // A single number that is wrong is no gap.
            let goes_on = self.entries.get(at + 1).is_some_and(|after| place(after, self.shift) == next + 1);
            if claimed > next && !goes_on {
                out.add(Some(log), What::Removed { first: next, last: claimed - 1, hash: None });
                seen(None);
                next = claimed;
            }
            self.witness.push_back((next, entry.stored));
            seen(Some(entry.stored));
            next += 1;
        }
        next
    }

    /// Compares as far as it can be said yet; everything when it is the end.
    pub(super) fn compare(&mut self, log: &str, end: bool, out: &mut Findings) {
        self.look_again = 0;
        loop {
            // When entries pile up no further tile is on its way.
            let piled_up = self.entries.len() > self.waiting_room();
            let enough = self.entries.len() > AHEAD && self.witness.len() > AHEAD || piled_up;
            if !end && !enough && self.witness.len() <= FURTHEST {
                return;
            }
            let (Some(entry), Some((place, hash))) = (self.entries.front(), self.witness.front()) else {
                if !end && let Some((place, hash)) = self.witness.pop_front() {
                    out.add(Some(log), What::Removed { first: place, last: place, hash: Some(hash) });
                    continue;
                }
                return;
            };
            if self.moved_entries.remove(&entry.hash) {
                self.entries.pop_front();
            } else if self.moved_witness.remove(hash) {
                self.witness.pop_front();
            } else if entry.hash == *hash {
                let place = *place;
                if let Some(entry) = self.entries.pop_front() {
                    self.fits(&entry, place, log, out);
                }
                self.witness.pop_front();
            } else if !self.part(log, end, out) {
                return;
            }
        }
    }

    /// What the witness has and the entries do not, at the end: the first of their places.
    pub(super) fn left_over(&mut self) -> Option<u64> {
        while self.witness.front().is_some_and(|(_, hash)| self.moved_witness.contains(hash)) {
            self.witness.pop_front();
        }
        self.witness.front().map(|(place, _)| *place)
    }

    /// Whether entries are left that nothing was compared with.
    pub(super) fn has_entries(&self) -> bool {
        !self.entries.is_empty()
    }

    fn fits(&mut self, entry: &Entry, place: u64, log: &str, out: &mut Findings) {
        let shift = i128::from(place) - i128::from(entry.index);
        if shift != self.shift {
            match self.unsettled {
                true => self.shift = shift,
                false => {
                    out.add(Some(log), What::Misnumbered { index: place, claimed: entry.index, id: entry.id.clone() })
                }
            }
        }
        self.unsettled = false;
        if entry.stored != entry.hash {
            out.add(Some(log), What::HashChanged { index: place, id: entry.id.clone() });
        }
    }

    /// The streams part at their fronts. False if more of them must be seen first.
    fn part(&mut self, log: &str, end: bool, out: &mut Findings) -> bool {
        let (Some(entry), Some(&(place, hash))) = (self.entries.front(), self.witness.front()) else { return false };
        let in_witness = self.witness.iter().position(|(_, other)| *other == entry.hash);
        let in_entries = self.entries.iter().position(|other| other.hash == hash);
        let to = |entry: &Entry, from: u64| if entry.index == from { entry.place } else { entry.index };
        let (mut take_entry, mut take_witness) = (false, false);
        match (in_witness, in_entries) {
            (None, None) => {
                let next = self.entries.get(1).zip(self.witness.get(1));
                let certain = entry.stored == hash || next.is_some_and(|(entry, (_, hash))| entry.hash == *hash);
                let waited = self.witness.len() >= FURTHEST || self.entries.len() >= FURTHEST;
                if !certain && !end && !waited {
                    return self.wait();
                }
                let id = entry.id.clone();
                out.add(Some(log), What::Edited { index: place, id, witness: witness(entry, hash) });
                (take_entry, take_witness) = (true, true);
            }
            (Some(_), None) => {
                out.add(Some(log), What::Removed { first: place, last: place, hash: Some(hash) });
                take_witness = true;
            }
            (None, Some(_)) => {
                let id = entry.id.clone();
                out.add(Some(log), What::Inserted { index: entry.index, id, hash: entry.hash });
                take_entry = true;
            }
            // Whichever is further from where it belongs is the one that was moved; in a swap, both.
            (Some(behind), Some(ahead)) => {
                if behind >= ahead {
                    let from = self.witness[behind].0;
                    out.add(Some(log), What::Moved { from, to: to(entry, from), id: entry.id.clone() });
                    self.moved_witness.insert(entry.hash);
                    take_entry = true;
                }
                if ahead >= behind {
                    let other = &self.entries[ahead];
                    out.add(Some(log), What::Moved { from: place, to: to(other, place), id: other.id.clone() });
                    self.moved_entries.insert(hash);
                    take_witness = true;
                }
            }
        }
        self.unsettled = true;
        if take_entry {
            self.entries.pop_front();
        }
        if take_witness {
            self.witness.pop_front();
        }
        true
    }

    /// Waits for more of both before it is said that nothing fits; but looks through the window only now and then.
    fn wait(&mut self) -> bool {
        self.look_again = self.witness.len() + AHEAD;
        false
    }

    /// Whether comparing again can say more than the last time.
    pub(super) fn is_due(&self) -> bool {
        self.witness.len() >= self.look_again
    }
}

fn witness(entry: &Entry, hash: Hash) -> &'static str {
    match (entry.stored == hash, entry.stored == entry.hash) {
        (true, _) => "its content is not what its hash, and its tile if it has one, were made of",
        (_, true) => "its tile has another hash than its content and the hash beside it",
        _ => "its content, the hash beside it and its tile all differ",
    }
}
