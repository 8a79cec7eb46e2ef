//! Fills in the closed table of hosts: each region on each site has exactly one, or the site does not serve it.

use super::super::super::endpoint::Endpoints;
use super::super::super::error::{At, Report};
use super::super::identity::{IdentityRows, RegionRow, SiteRow};
use super::sources::Sources;

/// Where a pattern takes the region's name.
const HOLE: &str = "{region}";

pub(super) fn link(rows: &IdentityRows, sources: &Sources<'_>, report: &Report) -> Endpoints {
    for site in &rows.sites {
        sources.names(&site.sources);
        check_site(site, report);
    }
    let mut endpoints = Endpoints::default();
    for host in rows.sites.iter().filter_map(|site| site.default.as_ref()) {
        endpoints.insert_default(host.value.clone());
    }
    for region in &rows.regions {
        sources.names(&region.sources);
        check_region(region, rows, report);
        for site in &rows.sites {
            if let Some(host) = host(site, region) {
                endpoints.insert(&site.name.value, &region.name.value, host);
            }
        }
    }
    endpoints
}

/// The region's only host, else its own on this site, else the site's default.
fn host(site: &SiteRow, region: &RegionRow) -> Option<String> {
    if let Some(only) = &region.only {
        return Some(only.value.clone());
    }
    if region.regional.iter().any(|listed| listed.value == site.name.value) {
        return site.regional.as_ref().map(|pattern| pattern.value.replace(HOLE, &region.name.value));
    }
    site.default.as_ref().map(|host| host.value.clone())
}

fn check_site(site: &SiteRow, report: &Report) {
    if site.default.is_none() && site.regional.is_none() {
        report.add(&site.name.place, format!("the site `{}` has neither `default` nor `regional`", site.name.value));
    }
    if let Some(host) = &site.default {
        check_host(host, &host.value, report);
    }
    if let Some(pattern) = &site.regional {
        check_host(pattern, &pattern.value.replacen(HOLE, "region", 1), report);
        if pattern.value.matches(HOLE).count() != 1 {
            report.add(&pattern.place, format!("a pattern has `{HOLE}` once: `{}`", pattern.value));
        }
    }
}

fn check_region(region: &RegionRow, rows: &IdentityRows, report: &Report) {
    if !is_label(&region.name.value) {
        report.add(&region.name.place, format!("`{}` cannot be part of a host name", region.name.value));
    }
    if let Some(only) = &region.only {
        check_host(only, &only.value, report);
        if let Some(regional) = region.regional.first() {
            report.add(&regional.place, "a region with `only` has no other host");
        }
    }
    for listed in &region.regional {
        match rows.sites.iter().find(|site| site.name.value == listed.value) {
            None => report.add(&listed.place, format!("there is no site `{}`", listed.value)),
            Some(site) if site.regional.is_none() => {
                report.add(&listed.place, format!("the site `{}` has no `regional` pattern", listed.value));
            }
            Some(_) => {}
        }
    }
}

fn check_host(place: &At<String>, host: &str, report: &Report) {
    if host.len() > 253 || !host.contains('.') || !host.split('.').all(is_label) {
        report.add(&place.place, format!("`{}` is no host name in lower case", place.value));
    }
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() < 64 && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}
