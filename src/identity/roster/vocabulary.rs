//! The names that a grant can be about, out of the configuration and the tables, so that a typing error in a team's file
//! is told at once instead of granting nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::call::Pattern;
use crate::provider::{Action, Providers};

/// The names that there are; where there is no set, any name goes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Vocabulary {
    /// Account aliases.
    pub accounts: Option<BTreeSet<String>>,
    /// API versions.
    pub versions: Option<BTreeSet<String>>,
    /// Actions of all versions.
    pub actions: Option<BTreeSet<String>>,
    /// Regions of all versions.
    pub regions: Option<BTreeSet<String>>,
    /// Dangers of all versions.
    pub dangers: Option<BTreeSet<String>>,
    /// The tables, for what stands in the parameters of which action.
    pub tables: Option<Arc<Providers>>,
}

impl Vocabulary {
    /// The actions that these patterns match; none where there are no tables.
    pub(super) fn actions_of(&self, versions: &[Pattern], actions: &[Pattern]) -> Option<Vec<&Action>> {
        let matches = |patterns: &[Pattern], name: &str| patterns.iter().any(|pattern| pattern.matches(name));
        let versions = self.tables.as_ref()?.versions().filter(|version| matches(versions, &version.version));
        let found = versions.flat_map(|version| version.actions()).filter(|action| matches(actions, &action.name));
        Some(found.map(AsRef::as_ref).collect())
    }
}

/// Whether a pattern matches any name that there is. `*` always does.
pub(super) fn has_match(names: Option<&BTreeSet<String>>, pattern: &Pattern) -> bool {
    pattern.as_str() == "*" || names.is_none_or(|names| names.iter().any(|name| pattern.matches(name)))
}
