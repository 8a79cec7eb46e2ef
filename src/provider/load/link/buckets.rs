//! Gives every action its bucket and every bucket its limits. A bucket without a limit, or a limit for a bucket that no
//! action is counted in, is a mistake.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::super::action::Action;
use super::super::super::error::Report;
use super::super::super::limit::Limit;
use super::super::Rows;
use super::super::limits::LimitRow;
use super::sources::Sources;

pub(super) fn link(rows: &Rows, actions: &mut BTreeMap<String, Action>, sources: &Sources<'_>, report: &Report) {
    let mut buckets: BTreeMap<&str, Vec<Limit>> = BTreeMap::new();
    for row in &rows.limits {
        let names = sources.names(&row.sources);
        for bucket in &row.buckets {
            if !actions.values().any(|action| action.bucket.name == bucket.value) {
                report.add(&bucket.place, format!("no action is counted in the bucket `{}`", bucket.value));
            }
            let limits = buckets.entry(&bucket.value).or_default();
            let Some(limit) = limit(row, names.clone()) else { continue };
            if limits.iter().any(|other| other.scope == limit.scope && other.window == limit.window) {
                let message = format!("the bucket `{}` has a limit of this scope and window already", bucket.value);
                report.add(&bucket.place, message);
            }
            limits.push(limit);
        }
        if row.assumed && row.reason.is_none() {
            report.add(&row.place, "an assumed limit has a `reason`");
        }
    }
    for row in &rows.actions.actions {
        let Some(action) = actions.get_mut(&row.name.value) else { continue };
        match buckets.get(action.bucket.name.as_str()) {
            Some(limits) => action.bucket.limits.clone_from(limits),
            None => {
                let place = row.bucket.as_ref().map_or(&row.name.place, |bucket| &bucket.place);
                report.add(place, format!("limits.toml has no limit for the bucket `{}`", action.bucket.name));
            }
        }
    }
}

fn limit(row: &LimitRow, sources: Vec<String>) -> Option<Limit> {
    Some(Limit {
        calls: row.calls.as_ref()?.value,
        window: Duration::from_millis(u64::from(row.window_ms.as_ref()?.value)),
        scope: row.scope.clone(),
        assumed: row.assumed,
        reason: row.reason.as_ref().map(|reason| reason.value.clone()),
        sources,
    })
}
