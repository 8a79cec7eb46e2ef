//! Which host serves a region: a closed table, filled in when it is loaded. A caller's text is only ever compared with
//! it, byte for byte, and never becomes part of a host name.

use std::collections::{BTreeMap, BTreeSet};

/// The hosts of one version, by site and region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    sites: BTreeMap<String, BTreeMap<String, String>>,
    defaults: BTreeSet<String>,
}

/// The region is in no table of this version, or the site is none of its sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no endpoint serves this region")]
pub struct UnknownRegion;

impl Endpoints {
    pub(super) fn insert(&mut self, site: &str, region: &str, host: String) {
        self.sites.entry(site.to_owned()).or_default().insert(region.to_owned(), host);
    }

    pub(super) fn insert_default(&mut self, host: String) {
        self.defaults.insert(host);
    }

    /// The sites' hosts that serve every region without one of its own, sorted, each once.
    pub fn default_hosts(&self) -> impl Iterator<Item = &str> {
        self.defaults.iter().map(String::as_str)
    }

    /// The hosts of a region on all sites that serve it; none without a region.
    pub fn hosts_of(&self, region: Option<&str>) -> impl Iterator<Item = &str> {
        self.sites.values().filter_map(move |regions| regions.get(region?)).map(String::as_str)
    }

    /// The host for a region on a site.
    ///
    /// # Errors
    /// `UnknownRegion` unless both are in the table, exactly as written.
    pub fn host(&self, site: &str, region: &str) -> Result<&str, UnknownRegion> {
        self.sites.get(site).and_then(|regions| regions.get(region)).map(String::as_str).ok_or(UnknownRegion)
    }

    /// Whether an account may name this site.
    pub fn has_site(&self, site: &str) -> bool {
        self.sites.contains_key(site)
    }

    /// The names of the sites, sorted.
    pub fn sites(&self) -> impl Iterator<Item = &str> {
        self.sites.keys().map(String::as_str)
    }

    /// The regions of a site, sorted; none for an unknown site.
    pub fn regions(&self, site: &str) -> impl Iterator<Item = &str> {
        self.sites.get(site).into_iter().flat_map(|regions| regions.keys().map(String::as_str))
    }
}
