//! Links the rows of the four files into a `Version`. One module per thing that is looked up; each reports what it
//! cannot find where the name stands, and goes on.

mod actions;
mod buckets;
mod dangers;
mod endpoints;
mod ids;
mod reads;
mod rules;
mod shapes;
mod sources;
mod tasks;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::error::{At, Report};
use super::super::version::{Codes, CommonUse, Version};
use super::{Folder, Rows, digest};
use sources::Sources;

/// Links everything; whatever does not fit is in the report.
pub(super) fn version(folder: &Folder, rows: &Rows, report: &Report) -> Option<Version> {
    let sources = Sources::new(&rows.identity.sources, report);
    let common = common(rows, report);
    let codes = codes(rows, &sources, report);
    let endpoints = endpoints::link(&rows.identity, &sources, report);
    let mut actions = actions::link(rows, &sources, report);
    let task_kinds = tasks::link(rows, &actions, &sources, report);
    buckets::link(rows, &mut actions, &sources, report);
    rules::link(rows, &mut actions, &task_kinds, &sources, report);
    for action in actions.values_mut() {
        action.is_lookup = task_kinds.values().any(|kind| kind.read.source.action == action.name);
    }
    sources.report_unused();

    let identity = &rows.identity;
    let (family, version) = (identity.family.as_ref()?, identity.version.as_ref()?);
    check_date(version, report);
    let expected = format!("{}-{}", family.value.name(), version.value);
    if folder.name != expected {
        report.add(&version.place, format!("the folder must be called `{expected}`, not `{}`", folder.name));
    }
    Some(Version {
        family: family.value,
        version: version.value.clone(),
        service: identity.service.as_ref()?.value.clone(),
        region_parameter: identity.request.region.as_ref()?.value.clone(),
        first_index: identity.request.first_index,
        endpoints,
        common,
        codes,
        actions: actions.into_iter().map(|(name, action)| (name, Arc::new(action))).collect(),
        task_kinds: task_kinds.into_iter().map(|(name, kind)| (name, Arc::new(kind))).collect(),
        sources: sources.into_rows(),
        digest: digest(&folder.files),
    })
}

fn common(rows: &Rows, report: &Report) -> BTreeMap<String, CommonUse> {
    let request = &rows.identity.request;
    let common = request.common.iter().map(|(name, becomes)| (name.value.clone(), becomes.value)).collect();
    if let Some(region) = &request.region
        && BTreeMap::get(&common, &region.value).is_some_and(|becomes| *becomes != CommonUse::Rebuilt)
    {
        report.add(&region.place, format!("`{}` must be a common parameter that is `rebuilt`", region.value));
    }
    common
}

fn codes(rows: &Rows, sources: &Sources<'_>, report: &Report) -> Codes {
    let written = &rows.identity.codes;
    sources.names(&written.sources);
    let read = |codes: &[At<String>]| {
        let is_code = |text: &str| text.strip_suffix(".*").unwrap_or(text).split('.').all(super::super::path::is_name);
        for code in codes.iter().filter(|code| !is_code(&code.value)) {
            report.add(&code.place, format!("`{}` is no code: `Class.Detail`, or `Class.*`", code.value));
        }
        codes.iter().map(|code| code.value.clone()).collect()
    };
    Codes {
        throttled: read(&written.throttled),
        task_not_found: read(&written.task_not_found),
        state_refused: read(&written.state_refused),
    }
}

/// `reason = "Code"` rows: a reason is one of our slugs, which the error table of the refusals knows.
fn refusals(rows: &[(At<String>, At<String>)], report: &Report) -> BTreeMap<String, String> {
    let is_slug = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    for (reason, _) in rows.iter().filter(|(reason, _)| !is_slug(&reason.value)) {
        report.add(&reason.place, format!("`{}` is no reason: lower-case letters and `-`", reason.value));
    }
    rows.iter().map(|(reason, code)| (reason.value.clone(), code.value.clone())).collect()
}

fn check_date(version: &At<String>, report: &Report) {
    if version.value.parse::<jiff::civil::Date>().is_err() {
        report.add(&version.place, "a version is a date: `YYYY-MM-DD`");
    }
}
