//! Logs whose beginning is gone, and the records that say that it was dropped by retention.
//!
//! That the hashes which stand for a beginning are right is proven by the checkpoints behind it. That it was retention that
//! took it away, and not somebody else, is proven by a record that a checkpoint covers.

use jiff::Timestamp;

use super::finding::{Findings, What};
use super::line::EntryLine;
use super::log::{LogReport, VouchedFor};
use crate::proof::{CompactRange, DroppedRange, time_text};

/// So many sayings are held: some for each log and month.
const MOST: usize = 10_000;

/// Everything that is known of beginnings that are gone.
#[derive(Default)]
pub(super) struct Beginnings {
    gone: Vec<(String, CompactRange)>,
    said: Vec<Said>,
}

struct Said {
    dropped: DroppedRange,
    /// Where the record stands.
    log: String,
    index: u64,
    id: String,
    at: Timestamp,
}

impl Beginnings {
    /// A log that does not begin with its first entry.
    pub(super) fn gone(&mut self, log: &str, range: &CompactRange) {
        if range.size() > 0 {
            self.gone.push((log.to_owned(), range.clone()));
        }
    }

    /// Takes what an entry says.
    pub(super) fn entry(&mut self, log: &str, entry: &mut EntryLine) {
        for dropped in std::mem::take(&mut entry.dropped) {
            if self.said.len() < MOST {
                let (log, index, id, at) = (log.to_owned(), entry.index, entry.id.clone(), entry.recorded_at);
                self.said.push(Said { dropped, log, index, id, at });
            }
        }
    }

    /// Says of each log whether its beginning was dropped by retention.
    pub(super) fn judge(self, logs: &mut [LogReport], out: &mut Findings) {
        for (name, range) in &self.gone {
            let about = || self.said.iter().filter(|said| said.dropped.log == *name);
            let fits = |said: &&Said| said.dropped.to == range.size() && said.dropped.range == range.hashes();
            let is_signed = |said: &&Said| {
                let log = logs.iter().find(|log| log.name == said.log);
                log.is_some_and(|log| said.index < log.fits.max(log.proven))
            };
            // The first that said it is the one that did it.
            let by = about().filter(fits).filter(is_signed).min_by_key(|said| said.at);
            match by {
                Some(said) => {
                    let by = VouchedFor { at: time_text(said.at), record: said.id.clone(), log: said.log.clone() };
                    if let Some(log) = logs.iter_mut().find(|log| log.name == *name) {
                        log.dropped = Some(by);
                    }
                }
                None => {
                    let unsigned = about().find(fits).map(|said| said.id.clone());
                    let below = about().filter(is_signed).map(|said| said.dropped.to).filter(|to| *to < range.size());
                    let vouched = below.max().unwrap_or(0);
                    out.add(Some(name), What::Dropped { start: range.size(), vouched, unsigned });
                }
            }
        }
    }
}
