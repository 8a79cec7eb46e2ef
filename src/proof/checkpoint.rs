//! Checkpoints: what a log's tree was at one moment, signed. C2SP tlog-checkpoint (<https://c2sp.org/tlog-checkpoint>).

use jiff::Timestamp;

use super::canonical::time_text;
use super::hash::Hash;
use super::key::{SigningKey, VerifyingKey};
use super::note::{NoteFault, open_note, sign_note, unverified_text};

/// What the extension line with the time begins with.
const TIME: &str = "time ";

/// A statement that a log had these entries and no others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// Which log: `{configured origin}/{log name}`.
    pub origin: String,
    /// How many entries it had.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// When it was made; other people's checkpoints may not say.
    pub time: Option<Timestamp>,
}

impl Checkpoint {
    /// The text that is signed. Lines: origin, size, root in base64, and `time` with RFC 3339.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64());
        if let Some(time) = self.time {
            text.push_str(&format!("{TIME}{}\n", time_text(time)));
        }
        text
    }

    /// What [`Checkpoint::to_text`] wrote; further lines, which C2SP allows, are passed over.
    pub fn from_text(text: &str) -> Option<Checkpoint> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let plain = size.bytes().all(|byte| byte.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        if origin.is_empty() || !plain {
            return None;
        }
        let time = match lines.find_map(|line| line.strip_prefix(TIME)) {
            Some(time) => Some(time.parse().ok()?),
            None => None,
        };
        Some(Checkpoint {
            origin: origin.to_owned(),
            size: size.parse().ok()?,
            root: Hash::from_base64(root).ok()?,
            time,
        })
    }

    /// The signed note. Several keys while one replaces another.
    ///
    /// # Errors
    /// The origin is empty or has a line's end or a control character in it.
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<String, NoteFault> {
        sign_note(&self.to_text(), keys)
    }

    /// Reads a signed note that one of the keys has signed.
    ///
    /// # Errors
    /// It is not signed by any of them, or its text is no checkpoint.
    pub fn open(note: &str, keys: &[VerifyingKey]) -> Result<Checkpoint, NoteFault> {
        Checkpoint::from_text(open_note(note, keys)?.text).ok_or(NoteFault::Malformed)
    }

    /// What a note claims, whoever signed it.
    pub fn claimed(note: &str) -> Option<Checkpoint> {
        Checkpoint::from_text(unverified_text(note)?)
    }
}
