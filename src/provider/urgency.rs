//! Which buckets count calls of different urgency: where the others could use up what a stop or a pause needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::version::{Family, Version};

/// A bucket: versions of a family share those of one name.
type Shared = (Family, String);

/// Marks the buckets that mix. An emergency counts in the bucket of its own action and in that of the action by which the
/// state of its task is looked up.
pub(super) fn mark(versions: &mut BTreeMap<String, Version>) {
    let (mut urgent, mut others): (BTreeSet<Shared>, BTreeSet<Shared>) = Default::default();
    for version in versions.values() {
        let note = |buckets: &mut BTreeSet<Shared>, action: &str| {
            if let Some(action) = version.action(action) {
                buckets.insert((version.family, action.bucket.name.clone()));
            }
        };
        for action in version.actions() {
            if !action.emergency {
                note(&mut others, &action.name);
                continue;
            }
            note(&mut urgent, &action.name);
            for kind in action.ids.iter().filter_map(|id| version.task_kind(&id.task)) {
                note(&mut urgent, &kind.read.source.action);
            }
        }
    }
    for version in versions.values_mut() {
        let family = version.family;
        for action in version.actions.values_mut() {
            let bucket = (family, action.bucket.name.clone());
            if urgent.contains(&bucket) && others.contains(&bucket) {
                Arc::make_mut(action).bucket.mixes_urgency = true;
            }
        }
    }
}
