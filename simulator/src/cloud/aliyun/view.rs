//! What is known of a task, under every name that an answer of any version can have for it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::change::KINDS;
use super::find::instance_of;
use super::{Call, phases};
use crate::clock::Moment;
use crate::cloud::Task;

/// Everything that answers show of a task; its row says which of it.
pub(super) fn known(task: &Task, call: &Call<'_>) -> Value {
    let instance = instance_of(task);
    let status = task.status.as_str().unwrap_or("");
    let name = task.text("/DtsJobName");
    let class = task.text("/DtsJobClass");
    let job_type = KINDS.iter().find(|(kind, _, _)| *kind == task.kind).map_or("", |(_, _, answer)| *answer);
    let (source, destination) = (endpoint(task, "SourceEndpoint"), endpoint(task, "DestinationEndpoint"));
    let precheck = phases::precheck(task, call);
    let [structure, full, changes] = phases::parts(task, call);
    let mut all = members(json!({
        "DtsJobId": task.id, "JobId": task.id, "TaskId": task.id, "ScheduleJobId": task.id,
        "DtsInstanceId": instance, "DtsInstanceID": instance, "InstanceId": instance,
        "MigrationJobId": instance, "MigrationJobID": instance, "SynchronizationJobId": instance,
        "SubscriptionInstanceId": instance, "SubscriptionInstanceID": instance,
        "DtsJobName": name, "JobName": name, "MigrationJobName": name, "SynchronizationJobName": name,
        "SubscriptionInstanceName": name, "Status": task.status, "State": status, "MigrationJobStatus": status,
        "DtsInstanceStatus": { "Status": status }, "JobType": job_type, "PayType": task.billing,
        "DtsJobClass": class, "MigrationJobClass": class, "SynchronizationJobClass": class,
        "DtsJobDirection": "Forward", "SynchronizationDirection": "Forward", "OriginType": "DTS task",
    }));
    all.extend(members(json!({
        "Delay": 0, "Checkpoint": call.now.seconds().to_string(), "CreateTime": time(Some(task.created)),
        "InstanceCreateTime": time(Some(task.created)), "JobCreateTime": time(Some(task.created)),
        "FinishTime": time(task.ended), "BeginTimestamp": time(task.started), "EndTimestamp": time(task.ended),
        "SourceEndpoint": source, "DestinationEndpoint": destination, "MigrationMode": mode(task),
        "DbObject": task.text("/DbList"), "Reserved": task.text("/Reserve"), "TagList": tags(task, "TagKey", "TagValue"),
        "Tags": tags(task, "Key", "Value"), "TagResources": tags(task, "TagKey", "TagValue"),
        "SubscriptionDataType": {
            "DDL": task.data.get("SubscriptionDataTypeDDL"), "DML": task.data.get("SubscriptionDataTypeDML"),
        },
        "StructureInitializationStatus": structure, "DataInitializationStatus": full,
        "DataSynchronizationStatus": changes, "Precheck": precheck, "PrecheckStatus": precheck,
        "JobProgress": precheck.get("Detail"), "Performance": { "Rps": "0", "Flow": "0", "RPS": "0", "FLOW": "0" },
        "RetryState": { "Retrying": false, "JobId": task.id }, "MonitorRules": [], "SkipItems": "", "SkipNames": "",
    })));
    if task.kind == "migration" {
        // The older versions wrap the items once more, and call the parts' statuses like the parts.
        all.extend(members(json!({
            "StructureInitialization": structure, "DataInitialization": full, "DataSynchronization": changes,
            "MigrationObject": task.text("/DbList"),
        })));
    } else {
        let flag = |name: &str| task.data.get(name).cloned().unwrap_or(Value::Null);
        all.insert("DataInitialization".to_owned(), flag("DataInitialization"));
        all.insert("StructureInitialization".to_owned(), flag("StructureInitialization"));
    }
    let told = task
        .data
        .iter()
        .filter(|(name, _)| !all.contains_key(*name))
        .map(|(name, value)| (name.clone(), value.clone()));
    let told: Map<String, Value> = told.collect();
    all.extend(told);
    Value::Object(all)
}

/// A time as answers write it, `2021-03-16T08:01:19Z`; empty if there is none.
fn time(moment: Option<Moment>) -> String {
    let time = moment.and_then(|moment| Timestamp::from_second(moment.seconds()).ok());
    time.map_or_else(String::new, |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// One end, in every spelling; never its password.
fn endpoint(task: &Task, side: &str) -> Value {
    let told = |name: &str| task.text(&format!("/{side}{name}")).to_owned();
    let region = match told("Region") {
        none if none.is_empty() => task.text("/RegionId").to_owned(),
        region => region,
    };
    json!({
        "InstanceType": told("InstanceType"), "EngineName": told("EngineName"), "InstanceID": told("InstanceID"),
        "InstanceId": told("InstanceID"), "Ip": told("IP"), "IP": told("IP"), "Port": told("Port"), "Region": region,
        "UserName": told("UserName"), "DatabaseName": told("DatabaseName"), "OracleSID": told("OracleSID"),
        "oracleSID": told("OracleSID"), "SslSolutionEnum": "DISABLE",
    })
}

/// What a task copies, in both spellings.
fn mode(task: &Task) -> Value {
    let mut mode = Map::new();
    for (name, old) in [
        ("StructureInitialization", "structureInitialization"),
        ("DataInitialization", "dataInitialization"),
        ("DataSynchronization", "dataSynchronization"),
    ] {
        let told = task.data.get(name).cloned().unwrap_or_else(|| false.into());
        mode.insert(old.to_owned(), told.clone());
        mode.insert(name.to_owned(), told);
    }
    Value::Object(mode)
}

fn tags(task: &Task, key: &str, value: &str) -> Value {
    let tags = task.data.get("Tags").and_then(Value::as_object);
    tags.into_iter().flatten().map(|(name, text)| json!({ key: name, value: text })).collect()
}

pub(super) fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}
