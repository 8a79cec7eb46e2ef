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
        self.line(&plain_json(&serde_json::to_string(value).unwrap_or_default()));
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

/// A text without what a terminal would obey, or would show in another order than it is.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { '\u{fffd}' } else { c }).collect()
}

/// JSON with the same meaning, without what a terminal would obey. What it has to be escaped for anyway is not in it.
pub(super) fn plain_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            c if is_obeyed(c) => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe
}

/// Control characters, and those that change the direction of what is written (Unicode, UAX #9) or begin a line.
fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}
