//! The names under which a task keeps what it was told, one for all versions.

use serde_json::{Map, Value};

/// Names of older versions and what they are called here; dots are left out before.
const NAMES: [(&str, &str); 17] = [
    ("DestinationEndpointDataBaseName", "DestinationEndpointDatabaseName"),
    ("DestinationEndpointInstanceId", "DestinationEndpointInstanceID"),
    ("InstanceClass", "DtsJobClass"),
    ("MigrationJobClass", "DtsJobClass"),
    ("MigrationJobName", "DtsJobName"),
    ("MigrationModeDataIntialization", "DataInitialization"),
    ("MigrationModeDataSynchronization", "DataSynchronization"),
    ("MigrationModeStructureIntialization", "StructureInitialization"),
    ("MigrationObject", "DbList"),
    ("MigrationReserved", "Reserve"),
    ("Reserved", "Reserve"),
    ("SourceEndpointInstanceId", "SourceEndpointInstanceID"),
    ("SubscriptionInstanceName", "DtsJobName"),
    ("SubscriptionObject", "DbList"),
    ("SynchronizationJobClass", "DtsJobClass"),
    ("SynchronizationJobName", "DtsJobName"),
    ("SynchronizationObjects", "DbList"),
];

/// What the parameters of a call say of a task, without those that name it or say how to answer.
pub(super) fn kept(parameters: &Map<String, Value>) -> Map<String, Value> {
    let own = |name: &str| !(name.ends_with("JobId") || name.ends_with("JobIds") || IDS.contains(&name));
    parameters.iter().filter(|(name, _)| own(name)).map(|(name, value)| (plain(name), value.clone())).collect()
}

const IDS: [&str; 8] = [
    "ClientToken",
    "DtsInstanceId",
    "InstanceId",
    "JobType",
    "RegionId",
    "SubscriptionInstanceId",
    "SynchronizationDirection",
    "Type",
];

/// The name that a parameter has here.
fn plain(name: &str) -> String {
    let bare = name.replace('.', "");
    let known = NAMES.iter().find(|(old, _)| *old == bare);
    known.map_or(bare, |(_, new)| (*new).to_owned())
}
