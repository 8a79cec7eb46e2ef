//! The names that a grant can be about, out of the configuration and the tables, so that a typing error in a team's file
//! is told at once instead of granting nothing.

use std::collections::BTreeSet;

use crate::call::Pattern;

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
}

/// Whether a pattern matches any name that there is. `*` always does.
pub(super) fn has_match(names: Option<&BTreeSet<String>>, pattern: &Pattern) -> bool {
    pattern.as_str() == "*" || names.is_none_or(|names| names.iter().any(|name| pattern.matches(name)))
}
