//! `[teams]` and `[providers]`: folders with files of their own.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::checker::Checker;

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
    pub(super) fn check(&self, checker: &mut Checker) -> PathBuf {
        checker.folder("teams.folder", &self.folder)
    }
}

impl RawProviders {
    pub(super) fn check(&self, checker: &mut Checker) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| checker.folder("providers.folder", folder))
    }
}
