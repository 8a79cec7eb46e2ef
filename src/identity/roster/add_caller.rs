//! Adding a caller to its team's file: for `keys create` beside quickstart, where nobody wrote the files by hand. What
//! stands in the file stays as it is, byte for byte; the caller and its grants are appended.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::is_name;
use super::source::{Fault, Source, TeamFiles};
use super::team_file::read_team;
use super::vocabulary::Vocabulary;

/// A caller to add.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewCaller {
    /// Its name.
    pub name: String,
    /// Its team: the file is called after it.
    pub team: String,
    /// The accounts that it may use, the first its default.
    pub accounts: Vec<String>,
    /// What it may do: patterns of actions, or `all` for every action and every danger. None: nothing of its own.
    pub grants: Vec<String>,
    /// Its share of a contended quota.
    pub weight: u32,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Added {
    /// The caller is in the file now.
    Added,
    /// It was there already; nothing was changed.
    Already,
}

/// Why the caller was not added. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AddCallerError {
    /// A name that can't be one.
    #[error("{0:?} can't be the name of a caller or team: letters, digits and . _ - only (callers also @ : / +)")]
    Name(String),
    /// The caller belongs to somebody else.
    #[error("the caller {name} is in the team {team} already")]
    OtherTeam {
        /// The caller.
        name: String,
        /// Its team.
        team: String,
    },
    /// The files that are there, or what they would become, have mistakes.
    #[error("{}", .0.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n"))]
    Files(Vec<Fault>),
    /// The file could not be written.
    #[error("the team's file can't be written, {0}")]
    Write(#[from] io::Error),
}

/// Adds a caller to `<folder>/<team>.toml`, which is made if need be. Others who add at the same time, other processes
/// too, wait; who reads meanwhile sees the old file or the new one.
///
/// # Errors
/// See [`AddCallerError`].
pub fn add_caller(folder: &Path, caller: &NewCaller) -> Result<Added, AddCallerError> {
    if !is_name(&caller.name) {
        return Err(AddCallerError::Name(caller.name.clone()));
    }
    if !is_file_name(&caller.team) {
        return Err(AddCallerError::Name(caller.team.clone()));
    }
    std::fs::create_dir_all(folder)?;
    let lock = File::create(folder.join(".lock"))?;
    lock.lock()?;

    let files = TeamFiles::read(folder).map_err(AddCallerError::Files)?;
    let teams = files.parse(&Vocabulary::default()).map_err(AddCallerError::Files)?;
    let members = teams.iter().flat_map(|team| &team.callers);
    match members.into_iter().find(|known| known.name == caller.name) {
        Some(known) if known.team == caller.team => return Ok(Added::Already),
        Some(known) => {
            return Err(AddCallerError::OtherTeam { name: known.name.clone(), team: known.team.clone() });
        }
        None => {}
    }
    let file = folder.join(format!("{}.toml", caller.team));
    let old = if file.exists() {
        Source::read(file.clone()).map_err(|fault| AddCallerError::Files(vec![fault]))?.text
    } else {
        format!("team = {}\n", quoted(&caller.team))
    };
    let new = Source { text: old + &written(caller), file };
    let (read, faults) = read_team(&new, &Vocabulary::default());
    let is_theirs = read.team.name == caller.team;
    if !faults.is_empty() || !is_theirs {
        let other_team = Fault::about(&new.file, format!("this is the file of the team {}", read.team.name));
        return Err(AddCallerError::Files(if faults.is_empty() { vec![other_team] } else { faults }));
    }
    replace(folder, &new)?;
    Ok(Added::Added)
}

/// What is appended.
fn written(caller: &NewCaller) -> String {
    let accounts: Vec<String> = caller.accounts.iter().map(|alias| quoted(alias)).collect();
    let mut text = format!("\n[[caller]]\nname = {}\naccounts = [{}]\n", quoted(&caller.name), accounts.join(", "));
    if caller.weight != 1 {
        let _ = writeln!(text, "weight = {}", caller.weight);
    }
    for grant in &caller.grants {
        let (actions, dangers) = if grant == "all" { ("*", "dangers = [\"*\"]\n") } else { (grant.as_str(), "") };
        let callers = quoted(&caller.name);
        let _ = write!(text, "\n[[grant]]\ncallers = [{callers}]\nactions = [{}]\n{dangers}", quoted(actions));
    }
    text
}

/// Written beside and renamed, so that a reader sees all of it or nothing.
fn replace(folder: &Path, new: &Source) -> io::Result<()> {
    let beside = folder.join(".new");
    let mut file = File::create(&beside)?;
    file.write_all(new.text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, &new.file)?;
    File::open(folder)?.sync_all()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn is_file_name(team: &str) -> bool {
    is_name(team) && !team.starts_with('.') && team.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}
