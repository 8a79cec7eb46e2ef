//! The tables: actions, limits, states and endpoints of every API version, as data. One folder is one version.
//!
//! A folder is read whole or not at all, and everything that is wrong with it is told at once, with file, line and
//! column. This room answers questions about the tables; it refuses to know who is calling, what time it is, how a
//! family speaks, and what is on the wire.
//!
//! ```
//! # fn main() -> Result<(), Vec<dts_gateway::provider::TableError>> {
//! let providers = dts_gateway::provider::Providers::embedded()?;
//! let version = providers.version("2018-03-30").unwrap();
//! assert_eq!(version.endpoint("mainland", "ap-shanghai"), Ok("dts.ap-shanghai.tencentcloudapi.com"));
//! let start = version.action("StartMigrateJob").unwrap();
//! let seen = dts_gateway::provider::Observation { state: "4".to_owned(), ..Default::default() };
//! assert!(version.legal_actions(&start.task, &seen).contains(&"StartMigrateJob"));
//! # Ok(())
//! # }
//! ```

mod accounts;
mod action;
mod check;
mod endpoint;
mod error;
mod ids;
mod limit;
mod load;
mod path;
mod sensitive;
mod several;
mod shape;
mod spelling;
mod state;
#[cfg(test)]
mod tests;
mod urgency;
mod version;

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::{fs, io};

pub use action::{Action, Dangerous, Kind, Trigger};
pub use check::{FaultKind, ParameterFault};
pub use endpoint::{Endpoints, UnknownRegion};
pub use error::TableError;
pub use ids::{Created, ListedAs, Role, TaskIdPath, TaskRef};
pub use limit::{Bucket, Dimension, Limit};
pub use path::{Path, PathError, Tree};
pub use sensitive::{Node, PathSet, REDACTED, REDACTION, UNKNOWN_MEMBER};
pub use several::Several;
pub use shape::{Field, Mark, Shape, Structure, Type};
pub use state::{
    Allowed, Also, Billing, Conditions, Confidence, Effect, JobIdPath, Listed, Mode, Newest, Objection, Observation,
    Offered, OfferedPaths, Parent, State, StateRead, StateRule, StateSource, TaskKind, Typed,
};
pub use version::{CommonUse, Family, KeyWords, Source, Version};

use error::{Place, Report, SourceFile};
use load::{FILES, Folder};

/// The committed tables: folder, file, text. Written by the build script, which takes whatever folders there are.
const EMBEDDED: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/provider_tables.rs"));

/// Every version that the gateway knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Providers {
    versions: BTreeMap<String, Arc<Version>>,
}

impl Providers {
    /// The tables that were committed with the code.
    ///
    /// # Errors
    /// Every mistake in them; a test keeps that from happening.
    pub fn embedded() -> Result<Providers, Vec<TableError>> {
        let report = Report::default();
        let mut folders: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for (folder, file, text) in EMBEDDED {
            folders.entry(folder).or_default().push((file, text));
        }
        let folders = folders.into_iter().filter_map(|(name, files)| folder(name, &files, &report)).collect();
        link(folders, report)
    }

    /// The tables of a folder: every folder in it is one version. Names that begin with a dot are passed over.
    ///
    /// # Errors
    /// Every mistake in all of them; a folder or file that cannot be read is one of them.
    pub fn load(dir: &FilePath) -> Result<Providers, Vec<TableError>> {
        let report = Report::default();
        let mut folders = Vec::new();
        match read_folders(dir) {
            Ok(names) => folders.extend(names.iter().filter_map(|name| read_folder(dir, name, &report))),
            Err(error) => unreadable(&dir.display().to_string(), &error, &report),
        }
        if folders.is_empty() && report.is_empty() {
            let place = SourceFile::new(&dir.display().to_string(), "").start();
            report.add(&place, "there is no version in this folder: one folder is one version");
        }
        link(folders, report)
    }

    /// The version of exactly this date.
    pub fn version(&self, version: &str) -> Option<&Arc<Version>> {
        self.versions.get(version)
    }

    /// Every version, sorted by its date.
    pub fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        self.versions.values()
    }

    /// The families that have a version, sorted, each once.
    pub fn families(&self) -> Vec<Family> {
        let mut families: Vec<Family> = self.versions.values().map(|version| version.family).collect();
        families.sort_unstable();
        families.dedup();
        families
    }
}

fn read_folders(dir: &FilePath) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read_folder(dir: &FilePath, name: &str, report: &Report) -> Option<Folder> {
    let path = dir.join(name);
    let mut files = Vec::new();
    let entries = fs::read_dir(&path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    match entries {
        Err(error) => unreadable(&path.display().to_string(), &error, report),
        Ok(entries) => {
            for entry in entries {
                let file = entry.file_name().to_string_lossy().into_owned();
                if !file.ends_with(".toml") || file.starts_with('.') {
                    continue;
                }
                match fs::read_to_string(entry.path()) {
                    Ok(text) => files.push((file, text)),
                    Err(error) => unreadable(&entry.path().display().to_string(), &error, report),
                }
            }
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    folder(name, &files, report)
}

fn unreadable(path: &str, error: &io::Error, report: &Report) {
    report.add(&SourceFile::new(path, "").start(), format!("cannot be read: {error}"));
}

/// A folder's four files, or a report of which are missing and which are too many.
fn folder(name: &str, files: &[(&str, &str)], report: &Report) -> Option<Folder> {
    for (file, text) in files.iter().filter(|(file, _)| !FILES.contains(file)) {
        let place = SourceFile::new(&format!("{name}/{file}"), text).start();
        report.add(&place, format!("no file of a version; those are {}", FILES.join(", ")));
    }
    let found = FILES.map(|wanted| {
        let text = files.iter().find(|(file, _)| *file == wanted).map(|(_, text)| *text);
        let file = SourceFile::new(&format!("{name}/{wanted}"), text.unwrap_or_default());
        if text.is_none() {
            report.add(&file.start(), "the file is missing");
        }
        text.map(|_| file)
    });
    match found {
        [Some(provider), Some(actions), Some(limits), Some(states)] => {
            Some(Folder { name: name.to_owned(), files: [provider, actions, limits, states] })
        }
        _ => None,
    }
}

fn link(folders: Vec<Folder>, report: Report) -> Result<Providers, Vec<TableError>> {
    let mut versions: BTreeMap<String, Version> = BTreeMap::new();
    for folder in folders {
        let Some((version, place)) = load::version(&folder, &report) else { continue };
        for other in versions.values().filter(|other| other.family == version.family) {
            check_shared_buckets(&version, other, &place, &report);
        }
        if versions.contains_key(&version.version) {
            report.add(&place, format!("there is another version {}; the date tells versions apart", version.version));
        }
        versions.insert(version.version.clone(), version);
    }
    if !report.is_empty() {
        return Err(report.into_errors());
    }
    urgency::mark(&mut versions);
    Ok(Providers { versions: versions.into_iter().map(|(name, version)| (name, Arc::new(version))).collect() })
}

/// The same bucket in two versions of a family is one bucket at the cloud, so it has one set of limits.
fn check_shared_buckets(version: &Version, other: &Version, place: &Place, report: &Report) {
    let counts = |bucket: &Bucket| {
        let mut counts: Vec<_> =
            bucket.limits.iter().map(|limit| (limit.calls, limit.window, limit.scope.clone())).collect();
        counts.sort();
        counts
    };
    for action in version.actions() {
        let namesake = other.actions().find(|namesake| namesake.bucket.name == action.bucket.name);
        if namesake.is_some_and(|namesake| counts(&namesake.bucket) != counts(&action.bucket)) {
            let bucket = &action.bucket.name;
            report.add(place, format!("the bucket `{bucket}` has other limits in version {}", other.version));
        }
    }
}
