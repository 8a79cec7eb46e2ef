//! What a person is told of a verification.

use jiff::Timestamp;

use super::Report;
use super::finding::{Finding, KEPT, What};
use super::log::{LogReport, VouchedFor};
use crate::proof::time_text;

impl Report {
    /// The report as lines: what was found, where proof ends, and the verdict last.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.findings.first.iter().map(|finding| finding.sentence()).collect();
        let counts: Vec<String> = self.findings.counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        if self.findings.first.len() >= KEPT {
            lines.push(format!("only the first {KEPT} are shown"));
        }
        lines.extend(self.younger_checkpoint());
        lines.extend(self.logs.iter().map(|log| self.log_line(log)));
        if self.checkpoints == 0 {
            lines.push(
                "no --checkpoint was given: the database's own checkpoints prove only against those who lack the \
                 signing key and could not cut the newest of them off"
                    .to_owned(),
            );
        }
        lines.push(match self.is_proven() {
            true => format!("{}: {} entries, nothing is wrong", self.origin, self.entries),
            false => format!("{}: {} entries, NOT AS SIGNED: {}", self.origin, self.entries, counts.join(", ")),
        });
        lines
            .into_iter()
            .map(|line| line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect())
            .collect()
    }

    /// What to do where entries are missing only because the log has grown since it was exported. When that was nobody has
    /// signed, so it is no excuse.
    fn younger_checkpoint(&self) -> Option<String> {
        let made_at = self.made_at?;
        let is_younger = |finding: &&Finding| match &finding.what {
            What::Cut { at, .. } => {
                at.as_ref().and_then(|at| at.parse().ok()).is_some_and(|at: Timestamp| at > made_at)
            }
            _ => false,
        };
        self.findings.first.iter().find(is_younger)?;
        Some(format!(
            "the export says that it is of {}, which is before the checkpoint that misses entries: export the log again \
             and verify that with the checkpoints that you have",
            time_text(made_at)
        ))
    }

    fn log_line(&self, log: &LogReport) -> String {
        let LogReport { name, start, dropped, entries, proven, proven_at, proven_by, fits, hashes_fit, .. } = log;
        let end = start + entries;
        let mut line = format!("{name} holds {entries} entries from {start} on: ");
        if self.checkpoints > 0 {
            match proven > start {
                true => {
                    let time = proven_at.as_ref().map(|time| format!(" of {time}")).unwrap_or_default();
                    line.push_str(&format!("proven below {proven} by your checkpoint{time}"));
                    if !proven_by.is_empty() {
                        line.push_str(&format!(", signed by {}", proven_by.join(" and ")));
                    }
                }
                false => line.push_str("none of your checkpoints proves any"),
            }
            if end > *proven {
                line.push_str(&format!("; {} after it are not yet proven by what you hold", end - proven.max(start)));
            }
            line.push_str("; ");
        }
        line.push_str(&format!("the database's own checkpoints fit below {fits}"));
        if hashes_fit > fits {
            line.push_str(&format!(
                "; below {hashes_fit} the hashes are as signed, only the records named were changed"
            ));
        }
        if let Some(by) = dropped {
            let VouchedFor { at, record, log } = by;
            line.push_str(&format!(
                "; entries below {start} were dropped by retention on {at}, vouched for by record {record} in {log}"
            ));
        }
        line
    }
}
