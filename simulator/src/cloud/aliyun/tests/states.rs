//! Every rule in every status of its kind, and the documented ones written down a second time on purpose.

use serde_json::{Value, json};

use super::{Bench, KINDS, NEW};
use crate::table::Action;

/// The least that an action takes, about one task.
pub(super) fn sample(action: &Action, job: &str) -> Value {
    let mut parameters = json!({});
    for member in &action.parameters {
        let name = member.name.replace(".N", ".1");
        if member.required {
            let value = match member.kind {
                crate::table::Type::Text => json!("x"),
                crate::table::Type::Boolean => json!(true),
                _ => json!(1),
            };
            parameters[&name] = value;
        }
        match name.as_str() {
            "DtsJobId" | "DtsJobIds" | "JobId" => parameters[&name] = job.into(),
            "DtsInstanceId"
            | "DtsInstanceID"
            | "MigrationJobId"
            | "SynchronizationJobId"
            | "SubscriptionInstanceId" => {
                parameters[&name] = format!("dts{job}").into();
            }
            "InstanceId" if action.name == "UpgradeTwoWay" => parameters[&name] = format!("dts{job}").into(),
            "ChargeType" => parameters[&name] = "PREPAY".into(),
            _ => {}
        }
    }
    parameters
}

#[test]
fn a_rule_allows_exactly_its_statuses() {
    let bench = Bench::new();
    for version in ["2016-08-01", "2018-08-01", "2019-09-01", NEW] {
        let provider = bench.provider(version);
        for action in provider.actions.values() {
            for (kind, rule) in &action.rules {
                let Some(allowed) = &rule.allowed else { continue };
                for status in &provider.kinds[kind].statuses {
                    let id = bench.put(kind, status.wire.as_str().unwrap());
                    if action.name.contains("ConsumerChannel") || action.name.contains("ConsumerGroup") {
                        bench
                            .cloud
                            .world()
                            .look(&id, &bench.tables, bench.cloud.pace(), bench.now)
                            .unwrap()
                            .data
                            .insert(
                                "ConsumerChannels".to_owned(),
                                json!([{ "ConsumerGroupId": "x", "ConsumerGroupName": "x" }]),
                            );
                    }
                    let code = bench.call_in(version, &action.name, &sample(action, &id)).err().map(|error| error.code);
                    bench.cloud.world().remove(&id);
                    let place = format!("{version} {} {kind} {}", action.name, status.wire);
                    match code {
                        None => assert!(allowed.contains(&status.wire), "{place} was allowed"),
                        Some(code) if code.contains("Status") => {
                            assert!(!allowed.contains(&status.wire), "{place}: {code}");
                        }
                        Some(code) => panic!("{place}: {code}"),
                    }
                }
            }
        }
    }
}

#[test]
fn what_the_pages_say() {
    let bench = Bench::new();
    let documented = [
        (NEW, "StartMigrationJob", "migration", vec!["NotStarted", "Suspending", "MigrationFailed"]),
        (NEW, "StopMigrationJob", "migration", vec!["Migrating"]),
        (NEW, "StartSynchronizationJob", "sync", vec!["NotStarted", "PrecheckFailed", "Failed", "Suspending"]),
        (NEW, "SuspendSynchronizationJob", "sync", vec!["Synchronizing"]),
        (NEW, "ModifySynchronizationObject", "sync", vec!["NotStarted", "Synchronizing"]),
        (NEW, "UpgradeTwoWay", "sync", vec!["Synchronizing"]),
        (NEW, "StartSubscriptionInstance", "subscription", vec!["NotStarted", "Abnormal", "Failed"]),
        (NEW, "ModifyConsumptionTimestamp", "subscription", vec!["Normal"]),
        (NEW, "StartReverseWriter", "sync", vec!["Suspending"]),
        (NEW, "ResetDtsJob", "migration", vec![]),
        ("2018-08-01", "StopMigrationJob", "migration", vec!["Migrating"]),
        ("2019-09-01", "SuspendSynchronizationJob", "sync", vec!["Synchronizing"]),
    ];
    for (version, action, kind, allowed) in documented {
        let provider = bench.provider(version);
        let statuses = provider.kinds[kind].statuses.iter().map(|status| status.wire.as_str().unwrap());
        let works = |status: &&str| {
            let id = bench.put(kind, status);
            bench.call_in(version, action, &sample(&provider.actions[action], &id)).is_ok()
        };
        assert_eq!(statuses.filter(works).collect::<Vec<_>>(), allowed, "{version} {action}");
    }
}

#[test]
fn capitals_do_not_matter_and_unknown_statuses_allow_nothing() {
    let bench = Bench::new();
    let id = bench.put("sync", "synchronizing");
    bench.call("SuspendDtsJob", json!({ "DtsJobId": id }));
    assert_eq!(bench.status(&id), "Suspending");
    let id = bench.put("sync", "Levitating");
    assert_eq!(bench.status(&id), "Levitating");
    assert_eq!(bench.code("SuspendDtsJob", json!({ "DtsJobId": id })), "OperationDenied.JobStatus");
}

#[test]
fn ids_must_be_there_agree_and_be_of_the_right_kind() {
    let bench = Bench::new();
    let [migration, sync, _] = KINDS.map(|kind| bench.put(kind, "Suspending"));
    assert_eq!(bench.code("StartDtsJob", json!({})), "MissingParameter");
    assert_eq!(bench.code("StartDtsJob", json!({ "DtsJobId": " , " })), "MissingParameter");
    assert_eq!(
        bench.code("StartDtsJob", json!({ "DtsJobId": migration, "DtsInstanceId": format!("dts{sync}") })),
        "InvalidJobId"
    );
    let wrong = json!({ "MigrationJobId": format!("dts{sync}") });
    assert_eq!(bench.code("DescribeMigrationJobStatus", wrong), "Forbidden.InstanceNotFound");
    assert_eq!(bench.code("ResetDtsJob", json!({ "DtsJobId": migration })), "InvalidJobId");
}

#[test]
fn tasks_of_the_other_family_are_not_seen() {
    let bench = Bench::new();
    let foreign = bench.put_in("2018-03-30", "migration", "7", json!({}));
    assert_eq!(bench.code("DescribeDtsJobDetail", json!({ "DtsJobId": foreign })), "InvalidJobId");
    assert_eq!(bench.call("DescribeDtsJobs", json!({ "Region": "cn-hangzhou" }))["TotalRecordCount"], 0);
}

#[test]
fn who_paid_in_advance_cannot_delete_but_renew() {
    let bench = Bench::new();
    let id = bench.put("sync", "Suspending");
    let renewal = json!({ "DtsJobId": id, "ChargeType": "PREPAY" });
    assert_eq!(bench.code("RenewInstance", renewal.clone()), "OperationDenied.JobStatus");
    bench.call("TransferPayType", json!({ "DtsJobId": id, "ChargeType": "PREPAY" }));
    bench.call("RenewInstance", renewal);
    assert_eq!(bench.call("DescribeDtsJobDetail", json!({ "DtsJobId": id }))["PayType"], "PrePaid");
    assert_eq!(bench.code("DeleteDtsJob", json!({ "DtsJobId": id })), "OperationDenied.JobStatus");
    let migration = bench.put("migration", "Suspending");
    assert_eq!(bench.code("TransferPayType", json!({ "DtsJobId": migration, "ChargeType": "PREPAY" })), "InvalidJobId");
}
