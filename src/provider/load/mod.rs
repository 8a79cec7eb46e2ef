//! Reads the four files of a version and makes a `Version` of them, or a list of everything that is wrong with them.
//! Files are read into rows that keep their places (one module per file), then linked: every name that one row has for
//! another is looked up, and what does not fit is reported where it stands.

mod actions;
mod identity;
mod limits;
mod link;
mod reader;
mod reads;
mod rules;
mod states;

use sha2::{Digest, Sha256};

use super::error::{Place, Report, SourceFile};
use super::version::Version;

/// The files of a version, in the order in which they are read.
pub(super) const FILES: [&str; 4] = ["provider.toml", "actions.toml", "limits.toml", "states.toml"];

/// One folder: its name and its files, in the order of `FILES`.
pub(super) struct Folder {
    pub(super) name: String,
    pub(super) files: [SourceFile; 4],
}

/// Everything that the files say, with its places.
struct Rows {
    identity: identity::IdentityRows,
    actions: actions::ActionRows,
    limits: Vec<limits::LimitRow>,
    states: states::StateRows,
}

/// Reads one folder. Whatever is wrong is in the report; a version only comes back when nothing is.
pub(super) fn version(folder: &Folder, report: &Report) -> Option<(Version, Place)> {
    let own = Report::default();
    let [provider, action, limit, state] = &folder.files;
    let rows = Rows {
        identity: identity::read(provider, &own),
        actions: actions::read(action, &own),
        limits: limits::read(limit, &own),
        states: states::read(state, &own),
    };
    let place = rows.identity.start.clone();
    // After a syntax error a file's rows are a guess: what does not fit them would be noise.
    let version = if own.has_syntax_errors() { None } else { link::version(folder, &rows, &own) };
    let version = version.filter(|_| own.is_empty());
    report.absorb(own);
    version.map(|version| (version, place))
}

/// SHA-256 over names and contents, each with its length before it, so that no text can pass from one to the next.
fn digest(files: &[SourceFile]) -> String {
    let mut hash = Sha256::new();
    for (name, file) in FILES.iter().zip(files) {
        for part in [name, &*file.text] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
    }
    hex::encode(hash.finalize())
}
