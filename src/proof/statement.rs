//! Statements: what all logs of a deployment were at one moment, in one signed note, so that none of them can be left out. A
//! C2SP signed note like a checkpoint, of another text: <https://c2sp.org/signed-note>.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::canonical::time_text;
use super::hash::Hash;
use super::key::{SigningKey, VerifyingKey};
use super::note::{NoteFault, open_note, sign_note, unverified_text};

/// What its origin ends in, after the deployment's.
pub const ALL_LOGS: &str = "all-logs";

/// What the line with the time begins with.
const TIME: &str = "time ";

/// A statement that a deployment had these logs and no others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// Which deployment: its origin, without [`ALL_LOGS`].
    pub origin: String,
    /// When it was made.
    pub time: Timestamp,
    /// Every log by its name, such as `0/changes`, with the number of its entries and the root over them.
    pub logs: BTreeMap<String, (u64, Hash)>,
}

impl Statement {
    /// The text that is signed. Lines: `{origin}/all-logs`, `time` with RFC 3339, and of each log its name, size and root in
    /// base64, sorted by name.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}/{ALL_LOGS}\n{TIME}{}\n", self.origin, time_text(self.time));
        for (name, (size, root)) in &self.logs {
            text.push_str(&format!("{name} {size} {}\n", root.to_base64()));
        }
        text
    }

    /// What [`Statement::to_text`] wrote, and nothing else: what is not understood must not look as if it were.
    pub fn from_text(text: &str) -> Option<Statement> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next()?.strip_suffix(ALL_LOGS)?.strip_suffix('/')?.to_owned();
        let time = lines.next()?.strip_prefix(TIME)?.parse().ok()?;
        let mut logs = BTreeMap::new();
        for line in lines {
            let mut words = line.split(' ');
            let (name, size, root) = (words.next()?, words.next()?, words.next()?);
            logs.insert(name.to_owned(), (size.parse().ok()?, Hash::from_base64(root).ok()?));
        }
        // Written again it is the same: no line twice, none out of order, no other way to write a number.
        let statement = Statement { origin, time, logs };
        (statement.to_text() == text).then_some(statement)
    }

    /// The signed note. Several keys while one replaces another.
    ///
    /// # Errors
    /// A name has a line's end or a control character in it.
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<String, NoteFault> {
        sign_note(&self.to_text(), keys)
    }

    /// Reads a signed note that one of the keys has signed.
    ///
    /// # Errors
    /// It is not signed by any of them, or its text is no statement.
    pub fn open(note: &str, keys: &[VerifyingKey]) -> Result<Statement, NoteFault> {
        Statement::from_text(open_note(note, keys)?.text).ok_or(NoteFault::Malformed)
    }

    /// What a note claims, whoever signed it.
    pub fn claimed(note: &str) -> Option<Statement> {
        Statement::from_text(unverified_text(note)?)
    }
}
