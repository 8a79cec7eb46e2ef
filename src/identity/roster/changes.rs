//! What one reading of the folder changed against the roster before it, by name: for the record of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::call::{Caller, Grant, Team};

/// Names that are listed of one kind; the rest is counted. With names of 128 bytes a summary stays below 16 KiB.
const LISTED: usize = 12;

/// What was added, removed or changed.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Changes {
    /// Teams.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub teams: Names,
    /// Callers; one is changed if anything is but its grants.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub callers: Names,
    /// Grants, as `team/grant`; one is changed also if other callers have it than before.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub grants: Names,
}

/// Names of one kind.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Names {
    /// Were not there before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Are not there any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Say something else than before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
}

impl Changes {
    /// What differs between two rosters.
    pub(super) fn between(before: &[Team], after: &[Team]) -> Changes {
        Changes {
            teams: Names::between(&teams(before), &teams(after)),
            callers: Names::between(&callers(before), &callers(after)),
            grants: Names::between(&grants(before), &grants(after)),
        }
    }
}

impl Names {
    fn between<T: PartialEq>(before: &BTreeMap<&str, T>, after: &BTreeMap<&str, T>) -> Names {
        let missing_in = |these: &BTreeMap<&str, T>, those: &BTreeMap<&str, T>| {
            bounded(these.keys().filter(|name| !those.contains_key(*name)).copied())
        };
        let differs = |(name, now): &(&&str, &T)| before.get(*name).is_some_and(|earlier| earlier != *now);
        Names {
            added: missing_in(after, before),
            removed: missing_in(before, after),
            changed: bounded(after.iter().filter(differs).map(|(name, _)| *name)),
        }
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

fn teams(teams: &[Team]) -> BTreeMap<&str, ()> {
    teams.iter().map(|team| (team.name.as_str(), ())).collect()
}

/// Callers by name, without what has names of its own.
fn callers(teams: &[Team]) -> BTreeMap<&str, Caller> {
    let all = teams.iter().flat_map(|team| &team.callers);
    all.map(|caller| (caller.name.as_str(), Caller { grants: Vec::new(), policy: "".into(), ..caller.clone() }))
        .collect()
}

/// Grants by name, each with whom it is for.
fn grants(teams: &[Team]) -> BTreeMap<&str, (&Grant, Vec<&str>)> {
    let mut found: BTreeMap<&str, (&Grant, Vec<&str>)> = BTreeMap::new();
    for caller in teams.iter().flat_map(|team| &team.callers) {
        for grant in &caller.grants {
            found.entry(&grant.name).or_insert_with(|| (grant, Vec::new())).1.push(&caller.name);
        }
    }
    found
}

fn bounded<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut listed: Vec<String> = names.map(str::to_owned).collect();
    let more = listed.len().saturating_sub(LISTED);
    if more > 0 {
        listed.truncate(LISTED);
        listed.push(format!("and {more} more"));
    }
    listed
}
