//! What the simulated cloud knows of an API version, read from a file: actions, kinds of tasks, types.
//!
//! A table that contradicts itself is refused at load. The room knows no request and no task.

mod check;
mod effect;
mod kind;
mod row;
mod types;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

pub(crate) use effect::Effect;
pub(crate) use kind::{After, Condition, Kind, Mark, Offer};
pub(crate) use row::{Action, IdParameter, Named, Rate, Rule, Template};
pub(crate) use types::{Member, Type, Types};

const TENCENT_2018: &str = include_str!("../../tables/tencent-2018-03-30.toml");
const TENCENT_2021: &str = include_str!("../../tables/tencent-2021-12-06.toml");
const ALIYUN_2016: &str = include_str!("../../tables/aliyun-2016-08-01.toml");
const ALIYUN_2018: &str = include_str!("../../tables/aliyun-2018-08-01.toml");
const ALIYUN_2019: &str = include_str!("../../tables/aliyun-2019-09-01.toml");
const ALIYUN_2020: &str = include_str!("../../tables/aliyun-2020-01-01.toml");

/// Every API version that the simulator serves, by its date.
#[derive(Debug)]
pub(crate) struct Tables(BTreeMap<String, Provider>);

/// One API version.
#[derive(Debug)]
pub(crate) struct Provider {
    /// The dialect that it is spoken in.
    pub(crate) family: Family,
    /// The version date, as requests spell it.
    pub(crate) version: String,
    /// The length of the cloud's rate window.
    pub(crate) window: Duration,
    /// The regions that exist.
    pub(crate) regions: Vec<String>,
    /// The regions that answer on their own hosts only.
    pub(crate) finance_regions: Vec<String>,
    /// The region of a call that names none; such a call is refused, if there is none here either.
    pub(crate) default_region: Option<String>,
    /// The other versions that see the same tasks.
    pub(crate) shares_tasks_with: Vec<String>,
    /// The kinds of tasks, by name.
    pub(crate) kinds: BTreeMap<String, Kind>,
    /// The structures that parameters and answers are made of.
    pub(crate) types: Types,
    /// The actions, by name.
    pub(crate) actions: BTreeMap<String, Action>,
}

/// Why a table cannot be used.
#[derive(Debug, Error)]
pub(crate) enum TableError {
    /// The file is not what the program reads.
    #[error("{0}")]
    Unreadable(#[from] toml::de::Error),
    /// The file contradicts itself; every contradiction is listed.
    #[error("table {version}: {}", mistakes.join("; "))]
    Contradicts { version: String, mistakes: Vec<String> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    family: Family,
    version: String,
    window_ms: u64,
    regions: Vec<String>,
    finance_regions: Vec<String>,
    #[serde(default)]
    default_region: Option<String>,
    #[serde(default)]
    shares_tasks_with: Vec<String>,
    kinds: BTreeMap<String, Kind>,
    types: Vec<types::Structure>,
    actions: Vec<Action>,
}

/// Which dialect a version is spoken in.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Family {
    #[default]
    Tencent,
    Aliyun,
}

impl Tables {
    /// Reads the tables that are built in.
    pub(crate) fn built_in() -> Result<Self, TableError> {
        let mut tables = BTreeMap::new();
        for text in [TENCENT_2018, TENCENT_2021, ALIYUN_2016, ALIYUN_2018, ALIYUN_2019, ALIYUN_2020] {
            let provider = Provider::parse(text)?;
            tables.insert(provider.version.clone(), provider);
        }
        Ok(Self(tables))
    }

    /// The table of a version of that family, if there is one.
    pub(crate) fn of_family(&self, family: Family, version: &str) -> Option<&Provider> {
        self.version(version).filter(|provider| provider.family == family)
    }

    /// The table of a version, if there is one.
    pub(crate) fn version(&self, version: &str) -> Option<&Provider> {
        self.0.get(version)
    }

    /// The versions, as a message lists them.
    pub(crate) fn versions(&self, family: Family) -> Vec<&str> {
        self.0.values().filter(|provider| provider.family == family).map(|provider| provider.version.as_str()).collect()
    }
}

impl Provider {
    /// Reads and cross-checks one table.
    fn parse(text: &str) -> Result<Self, TableError> {
        let file: File = toml::from_str(text)?;
        let mut mistakes = Vec::new();
        let mut types = Types::default();
        for structure in file.types {
            let name = structure.name.clone();
            if !types.add(structure) {
                mistakes.push(format!("type {name} is there twice"));
            }
        }
        let mut actions = BTreeMap::new();
        for action in file.actions {
            let name = action.name.clone();
            if actions.insert(name.clone(), action).is_some() {
                mistakes.push(format!("action {name} is there twice"));
            }
        }
        let provider = Self {
            family: file.family,
            version: file.version,
            window: Duration::from_millis(file.window_ms),
            regions: file.regions,
            finance_regions: file.finance_regions,
            default_region: file.default_region,
            shares_tasks_with: file.shares_tasks_with,
            kinds: file.kinds,
            types,
            actions,
        };
        check::contradictions(&provider, &mut mistakes);
        if mistakes.is_empty() {
            Ok(provider)
        } else {
            Err(TableError::Contradicts { version: provider.version, mistakes })
        }
    }

    /// Whether tasks of that version are seen here.
    pub(crate) fn sees_tasks_of(&self, version: &str) -> bool {
        self.version == version || self.shares_tasks_with.iter().any(|other| other == version)
    }

    /// The length of a rate's window.
    pub(crate) fn window_of(&self, rate: &Rate) -> Duration {
        rate.window_ms.map_or(self.window, Duration::from_millis)
    }
}
