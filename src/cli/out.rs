//! Printing. A reader that went away (`| head`) is no failure, and nothing panics for it.

use std::io::Write;

use serde::Serialize;

/// Where results and complaints go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Out;

impl Out {
    /// A line of result, flushed: whoever waits for it sees it at once.
    pub(super) fn line(self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }

    /// A result as JSON on one line.
    pub(super) fn json(self, value: &impl Serialize) {
        self.line(&serde_json::to_string(value).unwrap_or_default());
    }

    /// A line on a terminal that the next one replaces.
    pub(super) fn progress(self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "\r{text}\x1b[K").and_then(|()| stderr.flush());
    }

    /// Something that the user must know and that is not the result.
    pub(super) fn complain(self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// A text without what a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
