//! The life of a migration.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, RUN, STEP};

fn bought(bench: &Bench, name: &str) -> String {
    let parameters = json!({
        "SrcDatabaseType": "mysql", "DstDatabaseType": "mysql", "SrcRegion": "ap-beijing", "DstRegion": "ap-guangzhou",
        "InstanceClass": "small", "JobName": name,
    });
    let done = bench.call("CreateMigrationService", parameters).unwrap();
    assert_eq!(done.made.as_deref(), done.members["JobIds"][0].as_str());
    done.made.unwrap()
}

fn configuration(id: &str, migrate_type: &str) -> Value {
    let side = json!({
        "Region": "ap-beijing", "AccessType": "extranet", "DatabaseType": "mysql", "NodeType": "simple",
        "Info": [{"Host": "192.0.2.1", "Port": 3306, "User": "root", "Password": "hush"}],
    });
    json!({
        "JobId": id, "RunMode": "immediate", "SrcInfo": side, "DstInfo": side,
        "MigrateOption": {"DatabaseTable": {"ObjectMode": "all"}, "MigrateType": migrate_type},
    })
}

fn checked(bench: &mut Bench, name: &str, migrate_type: &str) -> String {
    let id = bought(bench, name);
    bench.answer("ModifyMigrationJob", configuration(&id, migrate_type));
    bench.answer("CreateMigrateCheckJob", json!({ "JobId": id }));
    assert_eq!(bench.status(&id), "checking");
    bench.wait(STEP);
    id
}

fn running(bench: &mut Bench, name: &str) -> String {
    let id = checked(bench, name, "fullAndIncrement");
    bench.answer("StartMigrateJob", json!({ "JobId": id }));
    assert_eq!(bench.status(&id), "readyRun");
    bench.wait(STEP);
    assert_eq!(bench.status(&id), "running");
    id
}

fn allowed(bench: &Bench, id: &str) -> Vec<String> {
    let action = bench.answer("DescribeMigrationDetail", json!({ "JobId": id }))["Action"].clone();
    assert_eq!(action["AllAction"].as_array().unwrap().len(), 13);
    serde_json::from_value(action["AllowedAction"].clone()).unwrap()
}

#[test]
fn an_incremental_migration_goes_all_the_way() {
    let mut bench = Bench::new();
    let id = bought(&bench, "whole");
    let job = json!({ "JobId": id });
    assert_eq!(bench.state(&id), Some(("created".to_owned(), "normal".to_owned())));
    assert_eq!(
        allowed(&bench, &id),
        ["view", "modify", "configure", "isolate", "resize"],
        "as the definitions show it"
    );
    assert_eq!(bench.code("CreateMigrateCheckJob", job.clone()), "OperationDenied.JobOperationDeniedError");
    let shown = bench.answer("DescribeMigrationDetail", job.clone());
    assert_eq!(
        (&shown["SrcInfo"]["DatabaseType"], &shown["SrcInfo"]["Region"]),
        (&json!("mysql"), &json!("ap-beijing"))
    );
    let id = running(&mut bench, "whole again");
    let job = json!({ "JobId": id });
    bench.wait(RUN);
    assert_eq!(bench.status(&id), "readyComplete");
    let expected = ["view", "stop", "complete", "createCmpTask", "isolate", "resize"];
    assert_eq!(allowed(&bench, &id), expected, "as the example shows it");
    bench.answer("CompleteMigrateJob", job.clone());
    assert_eq!(bench.status(&id), "completing");
    bench.wait(STEP);
    assert_eq!(bench.status(&id), "success");
    bench.answer("IsolateMigrateJob", job.clone());
    assert_eq!(bench.state(&id), Some(("success".to_owned(), "isolating".to_owned())));
    bench.wait(STEP);
    assert_eq!(allowed(&bench, &id), ["view", "offline", "recover"]);
    bench.answer("DestroyMigrateJob", job);
    bench.wait(STEP);
    assert_eq!(bench.state(&id), None);
}

#[test]
fn what_is_bought_is_counted() {
    let bench = Bench::new();
    let order = |count: Value| {
        json!({
            "SrcDatabaseType": "mysql", "DstDatabaseType": "mysql", "SrcRegion": "a", "DstRegion": "b",
            "InstanceClass": "small", "Count": count, "Tags": [{"TagKey": "k", "TagValue": "v"}],
        })
    };
    assert_eq!(bench.answer("CreateMigrationService", order(json!(15)))["JobIds"].as_array().unwrap().len(), 15);
    for wrong in [json!(0), json!(16)] {
        assert_eq!(bench.code("CreateMigrationService", order(wrong)).split('.').next(), Some("InvalidParameterValue"));
    }
    let filter = |value: &str| json!({"TagFilters": [{"TagKey": "k", "TagValue": [value]}]});
    assert_eq!(bench.answer("DescribeMigrationJobs", filter("v"))["TotalCount"], 15);
    assert_eq!(bench.answer("DescribeMigrationJobs", filter("w"))["TotalCount"], 0);
    assert_eq!(bench.answer("DescribeMigrationJobs", json!({"SrcDatabaseType": ["redis"]}))["TotalCount"], 0);
}

#[test]
fn a_full_migration_ends_by_itself_and_a_timed_one_waits() {
    let mut bench = Bench::new();
    let full = checked(&mut bench, "full", "full");
    let timed = checked(&mut bench, "timed", "full");
    let mut later = configuration(&timed, "full");
    later["RunMode"] = "timed".into();
    later["ExpectRunTime"] = "2027-01-15 16:01:00".into();
    bench.answer("ModifyMigrationJob", later);
    bench.answer("CreateMigrateCheckJob", json!({ "JobId": timed }));
    bench.wait(STEP);
    for id in [&full, &timed] {
        bench.answer("StartMigrateJob", json!({ "JobId": id }));
    }
    bench.wait(Duration::from_secs(30));
    assert_eq!((bench.status(&full).as_str(), bench.status(&timed).as_str()), ("success", "readyRun"));
    bench.wait(Duration::from_secs(30));
    assert_ne!(bench.status(&timed), "readyRun");
}

#[test]
fn a_check_that_fails_can_be_passed_over() {
    let mut bench = Bench::new();
    let id = checked(&mut bench, "this check-fails", "full");
    let job = json!({ "JobId": id });
    let report = bench.answer("DescribeMigrationCheckJob", job.clone());
    assert_eq!((&report["Status"], &report["CheckFlag"]), (&json!("failed"), &json!("checkNotPass")));
    let failed = report["StepInfo"].as_array().unwrap().iter().find(|step| step["StepStatus"] == "failed").unwrap();
    bench.answer("SkipCheckItem", json!({ "JobId": id, "StepIds": ["another"] }));
    assert_eq!(bench.status(&id), "checkNotPass");
    bench.answer("SkipCheckItem", json!({ "JobId": id, "StepIds": [failed["StepId"]] }));
    assert_eq!(bench.status(&id), "checkPass");
    assert_eq!(bench.answer("DescribeMigrationCheckJob", job)["CheckFlag"], "checkPass");
}

#[test]
fn a_migration_is_paused_stopped_and_goes_on() {
    let mut bench = Bench::new();
    let id = running(&mut bench, "paused");
    let job = json!({ "JobId": id });
    let mut act = |action: &str, at_once: &str, then: &str| {
        bench.answer(action, job.clone());
        assert_eq!(bench.status(&id), at_once, "{action}");
        bench.wait(STEP);
        assert_eq!(bench.status(&id), then, "{action}");
    };
    act("PauseMigrateJob", "pausing", "manualPaused");
    act("ContinueMigrateJob", "running", "running");
    act("StopMigrateJob", "stopping", "canceled");
}

#[test]
fn a_migration_in_trouble_is_resumed_or_fails() {
    let mut bench = Bench::new();
    for (name, then) in [("it run-fails", "running"), ("it run-fails and resume-fails", "failed")] {
        let id = running(&mut bench, name);
        bench.wait(RUN);
        assert_eq!(bench.status(&id), "error");
        bench.answer("ResumeMigrateJob", json!({ "JobId": id }));
        assert_eq!(bench.status(&id), "resuming");
        bench.wait(STEP);
        assert_eq!(bench.status(&id), then);
        bench.wait(RUN);
        assert_eq!(bench.status(&id), if then == "running" { "readyComplete" } else { "failed" });
    }
    let redis = bench.put("migration", "failed", None, json!({"SrcInfo": {"DatabaseType": "redis"}}));
    bench.answer("ResumeMigrateJob", json!({ "JobId": redis, "ResumeOption": "clearData" }));
    assert_eq!(bench.status(&redis), "resuming");
}

#[test]
fn an_unpaid_migration_is_deleted_at_once() {
    let mut bench = Bench::new();
    let id = bench.put("migration", "success", Some("notBilled"), json!({}));
    let trade = bench.answer("DescribeMigrationDetail", json!({ "JobId": id }))["TradeInfo"].clone();
    let shown = (&trade["TradeStatus"], &trade["BillingType"], &trade["PayType"]);
    assert_eq!(shown, (&json!("notBilled"), &json!("notBilling"), &json!("postpay")));
    bench.answer("IsolateMigrateJob", json!({ "JobId": id }));
    assert_eq!(bench.state(&id), None);
    let id = running(&mut bench, "resized");
    bench.answer("ModifyMigrateJobSpec", json!({ "JobId": id, "NewInstanceClass": "large" }));
    assert_eq!(bench.state(&id).unwrap().1, "resizing");
    bench.wait(STEP);
    let trade = bench.answer("DescribeMigrationDetail", json!({ "JobId": id }))["TradeInfo"].clone();
    assert_eq!((&trade["TradeStatus"], &trade["InstanceClass"]), (&json!("normal"), &json!("large")));
}
