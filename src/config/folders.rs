//! `[teams]` and `[providers]`: folders with files of their own, which are read and checked with the configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use crate::call::Account;
use crate::identity::{Roster, Vocabulary};
use crate::provider::Providers;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawTeams {
    folder: PathBuf,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawProviders {
    folder: Option<PathBuf>,
}

impl Default for RawTeams {
    fn default() -> RawTeams {
        RawTeams { folder: Path::new("teams").to_owned() }
    }
}

impl RawTeams {
    /// The folder and what is in it.
    pub(super) fn check(&self, vocabulary: Vocabulary, checker: &mut Checker) -> Option<(PathBuf, Arc<Roster>)> {
        let folder = checker.folder("teams.folder", &self.folder)?;
        match Roster::open(&folder, vocabulary) {
            Ok(roster) => Some((folder, Arc::new(roster))),
            Err(faults) => {
                for fault in faults {
                    checker.elsewhere(&fault.file.display().to_string(), fault.place, fault.message);
                }
                None
            }
        }
    }
}

impl RawProviders {
    /// The tables: those of the folder, or those that are built in.
    pub(super) fn check(&self, checker: &mut Checker) -> Option<Arc<Providers>> {
        let read = match &self.folder {
            Some(folder) => Providers::load(&checker.folder("providers.folder", folder)?),
            None => Providers::embedded(),
        };
        match read {
            Ok(providers) => Some(Arc::new(providers)),
            Err(faults) => {
                for fault in faults {
                    checker.elsewhere(&fault.file, Some((fault.line, fault.column)), fault.message);
                }
                None
            }
        }
    }
}

/// The names that a team's file may use, as far as they are known.
pub(super) fn vocabulary(accounts: Option<&[Account]>, providers: Option<&Arc<Providers>>) -> Vocabulary {
    let all = |names: fn(&crate::provider::Version) -> Vec<String>| {
        providers.map(|providers| providers.versions().flat_map(|version| names(version)).collect::<BTreeSet<String>>())
    };
    Vocabulary {
        accounts: accounts.map(|accounts| accounts.iter().map(|account| account.alias.clone()).collect()),
        versions: all(|version| vec![version.version.clone()]),
        actions: all(|version| version.actions().map(|action| action.name.clone()).collect()),
        regions: all(|version| {
            let sites = version.endpoints.sites();
            sites.flat_map(|site| version.endpoints.regions(site)).map(str::to_owned).collect()
        }),
        dangers: all(|version| {
            version.actions().flat_map(|action| &action.dangerous).map(|danger| danger.name.clone()).collect()
        }),
        tables: providers.cloned(),
    }
}
