//! Tasks from being bought to being gone, in the current version.

use serde_json::{Value, json};

use super::{Bench, RUN, STEP, text};

fn configuration(name: &str, job_type: &str, id: &str) -> Value {
    let instance = if id.is_empty() { String::new() } else { format!("dts{id}") };
    json!({
        "DtsInstanceId": instance, "DtsJobId": id, "DtsJobName": name, "JobType": job_type,
        "DataInitialization": true, "DataSynchronization": true, "StructureInitialization": true, "DelayRuleTime": 60,
        "SourceEndpointInstanceType": "RDS", "SourceEndpointRole": "r", "SourceEndpointPassword": "secret",
        "DestinationEndpointInstanceType": "RDS", "DestinationEndpointRole": "r", "DbList": "{\"db\": {}}",
    })
}

fn bought(bench: &Bench, kind: &str) -> String {
    let order = json!({ "Type": kind, "PayType": "PostPaid", "InstanceClass": "large", "DatabaseCount": 1 });
    let answer = bench.call("CreateDtsInstance", order);
    assert_eq!(answer["InstanceId"], format!("dts{}", text(&answer, "JobId")));
    text(&answer, "JobId")
}

#[test]
fn a_migration_from_its_purchase_to_its_end() {
    let mut bench = Bench::new();
    let id = bought(&bench, "MIGRATION");
    assert!(id.len() == 15 && !id.starts_with("dts"), "{id}");
    assert_eq!(bench.status(&id), "NotConfigured");
    assert_eq!(bench.code("StartDtsJob", json!({ "DtsJobId": id })), "OperationDenied.JobStatus");
    let configured = bench.call("ConfigureDtsJob", configuration("m", "MIGRATION", &id));
    assert_eq!((text(&configured, "DtsJobId"), &configured["Success"]), (id.clone(), &json!("true")));
    assert_eq!(bench.watch(&id, 3), ["Prechecking", "PreCheckPass", "PreCheckPass", "PreCheckPass"]);
    bench.call("StartDtsJob", json!({ "DtsJobId": id }));
    bench.wait(RUN * 10);
    assert_eq!(bench.status(&id), "Migrating", "changes follow until somebody stops it");
    bench.call("SuspendDtsJob", json!({ "DtsInstanceId": format!("dts{id}") }));
    assert_eq!(bench.status(&id), "Suspending");
    assert_eq!(bench.code("SuspendDtsJob", json!({ "DtsJobId": id })), "OperationDenied.JobStatus");
    bench.call("StartDtsJob", json!({ "DtsJobId": id }));
    assert_eq!(bench.status(&id), "Migrating");
    bench.call("StopDtsJob", json!({ "DtsJobId": id }));
    assert_eq!(bench.status(&id), "Finished");
    bench.call("DeleteDtsJob", json!({ "DtsJobId": id }));
    assert_eq!(bench.code("DescribeDtsJobDetail", json!({ "DtsJobId": id })), "InvalidJobId");
    let instance = json!({ "DtsInstanceID": format!("dts{id}") });
    assert_eq!(bench.code("DescribeDtsJobDetail", instance), "Forbidden.InstanceNotFound");
}

#[test]
fn a_migration_without_changes_finishes_and_one_that_is_told_fails_once() {
    let mut bench = Bench::new();
    let mut once = configuration("once", "MIGRATION", "");
    once["DataSynchronization"] = false.into();
    let id = text(&bench.call("ConfigureDtsJob", once), "DtsJobId");
    bench.wait(STEP);
    bench.call("StartDtsJob", json!({ "DtsJobId": id }));
    bench.wait(RUN);
    assert_eq!(bench.status(&id), "Finished");
    let id = text(&bench.call("ConfigureDtsJob", configuration("run-fails", "MIGRATION", "")), "DtsJobId");
    bench.wait(STEP);
    bench.call("StartDtsJob", json!({ "DtsJobId": id }));
    bench.wait(RUN);
    assert_eq!(bench.status(&id), "MigrationFailed");
    bench.call("StartDtsJob", json!({ "DtsJobId": id }));
    bench.wait(RUN * 2);
    assert_eq!(bench.status(&id), "Migrating");
}

#[test]
fn reserve_says_what_comes_after_configuring() {
    let mut bench = Bench::new();
    let configured = |bench: &Bench, after: &str| {
        let mut told = configuration("r", "SYNC", "");
        told["Reserve"] = json!({ "autoStartModulesAfterConfig": after }).to_string().into();
        text(&bench.call("ConfigureDtsJob", told), "DtsJobId")
    };
    let none = configured(&bench, "none");
    assert_eq!(bench.watch(&none, 1), ["NotStarted", "NotStarted"]);
    let auto = configured(&bench, "auto");
    assert_eq!(bench.watch(&auto, 3), ["Prechecking", "PreCheckPass", "Initializing", "Synchronizing"]);
    bench.call("StartDtsJob", json!({ "DtsJobId": none }));
    assert_eq!(bench.watch(&none, 3), ["Prechecking", "PreCheckPass", "Initializing", "Synchronizing"]);
}

#[test]
fn a_check_that_fails_can_be_skipped() {
    let mut bench = Bench::new();
    let id = text(&bench.call("ConfigureDtsJob", configuration("check-fails", "SYNC", "")), "DtsJobId");
    bench.wait(STEP);
    assert_eq!(bench.status(&id), "PrecheckFailed");
    let report = bench.call("DescribePreCheckStatus", json!({ "DtsJobId": id, "JobCode": "01" }));
    let failed = |item: &&Value| item["State"] == "Failed";
    assert_eq!(report["JobProgress"].as_array().unwrap().iter().filter(failed).count(), 1);
    bench.call("SkipPreCheck", json!({ "DtsJobId": id, "Skip": true }));
    bench.call("StartDtsJob", json!({ "DtsJobId": id }));
    assert_eq!(bench.watch(&id, 1), ["Initializing", "Synchronizing"]);
}

#[test]
fn a_sync_is_modified_reset_and_deleted() {
    let mut bench = Bench::new();
    let id = text(&bench.call("ConfigureDtsJob", configuration("s", "SYNC", "")), "DtsJobId");
    bench.wait(STEP);
    bench.call("StartDtsJob", json!({ "DtsJobId": id }));
    bench.wait(STEP);
    let change =
        json!({ "DtsInstanceId": format!("dts{id}"), "SynchronizationDirection": "Forward", "DbList": "{\"n\":1}" });
    assert_eq!(bench.call("ModifyDtsJob", change.clone())["Status"], "Modifying");
    assert_eq!(bench.code("ModifyDtsJob", change.clone()), "DTS.Msg.OperationDenied.JobStatusModifying");
    bench.wait(STEP);
    let detail = bench.call("DescribeDtsJobDetail", json!({ "DtsJobId": id }));
    assert_eq!((&detail["Status"], &detail["DbObject"]), (&json!("Synchronizing"), &json!("{\"n\":1}")));
    bench.call("SuspendDtsJob", json!({ "DtsJobId": id }));
    assert_eq!(bench.code("ModifyDtsJob", change), "DTS.Msg.ModifyDenied.JobStatusNotRunning");
    bench.call("ResetDtsJob", json!({ "DtsJobId": id }));
    assert_eq!(bench.status(&id), "NotConfigured");
    assert_eq!(bench.call("DescribeDtsJobDetail", json!({ "DtsJobId": id }))["DbObject"], "");
    bench.call("DeleteDtsJob", json!({ "DtsJobId": id }));
    assert_eq!(bench.code("DeleteDtsJob", json!({ "DtsJobId": id })), "InvalidJobId");
}

#[test]
fn a_subscription_and_its_consumers() {
    let mut bench = Bench::new();
    let id = bought(&bench, "SUBSCRIBE");
    let told = json!({
        "DtsJobId": id, "RegionId": "cn-hangzhou", "DtsJobName": "s", "DbList": "{}", "DelayRuleTime": 60,
        "SourceEndpointEngineName": "MySQL", "SubscriptionInstanceNetworkType": "vpc",
    });
    bench.call("ConfigureSubscription", told);
    bench.wait(STEP);
    bench.call("StartDtsJob", json!({ "DtsJobId": id }));
    assert_eq!(bench.watch(&id, 1), ["Starting", "Normal"]);
    let named = json!({
        "DtsJobId": id, "RegionId": "cn-hangzhou", "ConsumerGroupName": "g", "ConsumerGroupUserName": "u",
        "ConsumerGroupPassword": "secret",
    });
    let group = text(&bench.call("CreateConsumerChannel", named), "ConsumerGroupID");
    let of = json!({ "DtsJobId": id, "RegionId": "cn-hangzhou" });
    let listed = bench.call("DescribeConsumerChannel", of.clone());
    assert_eq!(
        (&listed["TotalRecordCount"], &listed["ConsumerChannels"][0]["ConsumerGroupId"]),
        (&json!(1), &json!(group))
    );
    let old = bench.call("DescribeConsumerGroup", json!({ "SubscriptionInstanceId": format!("dts{id}") }));
    assert_eq!(old["ConsumerChannels"]["DescribeConsumerChannel"][0]["ConsumerGroupName"], "g");
    let gone = json!({ "DtsJobId": id, "RegionId": "cn-hangzhou", "ConsumerGroupId": group });
    bench.call("DeleteConsumerChannel", gone.clone());
    assert_eq!(bench.code("DeleteConsumerChannel", gone), "InvalidConsumerGroupId");
    bench.call("SuspendDtsJob", json!({ "DtsJobId": id }));
    assert_eq!(bench.status(&id), "Abnormal", "so a paused one reads");
    bench.call("DeleteDtsJob", json!({ "DtsJobId": id }));
}

#[test]
fn the_plural_forms_change_all_or_none() {
    let bench = Bench::new();
    let ids =
        [bench.put("migration", "Migrating"), bench.put("sync", "Synchronizing"), bench.put("subscription", "Normal")];
    let statuses = |bench: &Bench| ids.iter().map(|id| bench.status(id)).collect::<Vec<_>>();
    let all = json!({ "DtsJobIds": ids.join(", ") });
    let other = bench.put("sync", "Suspending");
    assert_eq!(
        bench.code("SuspendDtsJobs", json!({ "DtsJobIds": format!("{},{other}", ids.join(",")) })),
        "OperationDenied.JobStatus"
    );
    assert_eq!(
        bench.code("SuspendDtsJobs", json!({ "DtsJobIds": format!("{},nobody", ids.join(",")) })),
        "InvalidJobId"
    );
    assert_eq!(statuses(&bench), ["Migrating", "Synchronizing", "Normal"]);
    bench.call("SuspendDtsJobs", all.clone());
    assert_eq!(statuses(&bench), ["Suspending", "Suspending", "Abnormal"]);
    bench.call("StartDtsJobs", all.clone());
    assert_eq!(statuses(&bench), ["Migrating", "Synchronizing", "Starting"]);
    assert_eq!(bench.code("StopDtsJobs", all), "OperationDenied.JobStatus", "the third is still starting");
    bench.call("StopDtsJobs", json!({ "DtsJobIds": ids[..2].join(",") }));
    bench.call("DeleteDtsJobs", json!({ "DtsJobIds": ids[..2].join(",") }));
    assert_eq!(bench.code("DescribeDtsJobDetail", json!({ "DtsJobId": ids[0] })), "InvalidJobId");
}
