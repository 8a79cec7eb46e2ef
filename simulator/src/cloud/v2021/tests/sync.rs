//! The life of a sync.

use serde_json::{Value, json};

use super::{Bench, RUN, STEP};

fn buy(bench: &Bench, more: Value) -> Result<Vec<String>, String> {
    let mut order = json!({
        "PayMode": "PostPay", "SrcDatabaseType": "mysql", "SrcRegion": "a", "DstDatabaseType": "mysql", "DstRegion": "b",
    });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let done = bench.call("CreateSyncJob", order).map_err(|error| error.code)?;
    Ok(serde_json::from_value(done.members["JobIds"].clone()).unwrap())
}

fn configure(bench: &Bench, id: &str, name: &str) {
    bench.answer(
        "ConfigureSyncJob",
        json!({
            "JobId": id, "JobName": name, "SrcAccessType": "extranet", "DstAccessType": "cdb",
            "SrcInfo": {"Ip": "192.0.2.1", "Password": "hush"}, "Objects": {"Mode": "All"},
        }),
    );
}

fn running(bench: &mut Bench, name: &str) -> String {
    let id = buy(bench, json!({})).unwrap().pop().unwrap();
    let job = json!({ "JobId": id });
    assert_eq!(bench.status(&id), "UnInitialized");
    assert!(bench.call("CreateCheckSyncJob", job.clone()).is_err(), "nothing to check");
    configure(bench, &id, name);
    assert_eq!(bench.status(&id), "Initialized");
    bench.answer("CreateCheckSyncJob", job.clone());
    assert_eq!(bench.answer("DescribeCheckSyncJobResult", job.clone())["Status"], "running");
    bench.wait(STEP);
    assert_eq!(bench.answer("DescribeCheckSyncJobResult", job.clone())["Status"], "success");
    bench.answer("StartSyncJob", job);
    assert_eq!(bench.status(&id), "ReadyRunning");
    bench.wait(STEP);
    assert_eq!(bench.status(&id), "Running");
    id
}

fn shown(bench: &Bench, id: &str) -> Value {
    bench.answer("DescribeSyncJobs", json!({ "JobIds": [id] }))["JobList"][0].clone()
}

#[test]
fn a_sync_runs_until_it_is_stopped() {
    let mut bench = Bench::new();
    let id = running(&mut bench, "whole");
    let job = json!({ "JobId": id });
    let expected = ["view", "stop", "pause", "limitRate", "resize", "isolate", "configureOptObj", "createCmpTask"];
    assert_eq!(shown(&bench, &id)["Actions"], json!(expected));
    assert_eq!(shown(&bench, &id)["AllActions"].as_array().unwrap().len(), 17);
    assert_eq!(shown(&bench, &id)["SrcInfo"]["Password"], "");
    let mut act = |action: &str, at_once: &str, then: &str| {
        bench.answer(action, job.clone());
        assert_eq!(bench.status(&id), at_once, "{action}");
        bench.wait(STEP);
        assert_eq!(bench.status(&id), then, "{action}");
    };
    act("PauseSyncJob", "Pausing", "Paused");
    act("ContinueSyncJob", "Running", "Running");
    act("StopSyncJob", "Stopping", "Stopped");
    assert_eq!(bench.code("ResetSyncJob", job.clone()), "OperationDenied.OperationDeniedError", "paid afterwards");
    for (action, at_once, then) in
        [("IsolateSyncJob", "Isolating", "Isolated"), ("RecoverSyncJob", "Recovering", "Normal")]
    {
        bench.answer(action, job.clone());
        assert_eq!(shown(&bench, &id)["TradeStatus"], at_once);
        bench.wait(STEP);
        assert_eq!(shown(&bench, &id)["TradeStatus"], then);
    }
    bench.answer("IsolateSyncJob", job.clone());
    bench.wait(STEP);
    bench.answer("DestroySyncJob", job);
    bench.wait(STEP);
    assert_eq!(bench.state(&id), None);
}

#[test]
fn a_prepaid_sync_can_begin_again() {
    let mut bench = Bench::new();
    let id = bench.put("sync", "Stopped", None, json!({"PayMode": "PrePay"}));
    bench.cloud.world().look(&id, &bench.tables, bench.cloud.pace(), bench.now).unwrap().moves = true;
    bench.answer("ResetSyncJob", json!({ "JobId": id }));
    assert_eq!(bench.status(&id), "Resetting");
    bench.wait(STEP);
    assert_eq!(bench.status(&id), "UnInitialized");
    assert!(bench.call("CreateCheckSyncJob", json!({ "JobId": id })).is_err(), "what it was told is forgotten");
    assert_eq!(shown(&bench, &id)["JobName"], "sample");
}

#[test]
fn a_running_sync_is_changed_in_steps() {
    let mut bench = Bench::new();
    let id = running(&mut bench, "changed");
    let job = json!({ "JobId": id });
    let result =
        |bench: &Bench| bench.answer("DescribeModifyCheckSyncJobResult", json!({ "JobId": id }))["Status"].clone();
    assert!(bench.call("CreateModifyCheckSyncJob", job.clone()).is_err());
    assert_eq!(result(&bench), "notStarted");
    bench.answer("ModifySyncJobConfig", json!({ "JobId": id, "DynamicObjects": {"Mode": "All"} }));
    bench.answer("CreateModifyCheckSyncJob", job.clone());
    assert_eq!(result(&bench), "running");
    assert!(bench.call("StartModifySyncJob", job.clone()).is_err());
    bench.wait(STEP);
    assert_eq!(result(&bench), "success");
    bench.answer("StartModifySyncJob", job.clone());
    assert_eq!(bench.status(&id), "Running");
    assert!(bench.call("StartModifySyncJob", job).is_err(), "it is done");
    bench.answer("ModifySyncRateLimit", json!({ "JobId": id, "DumpThread": 3 }));
    assert_eq!(shown(&bench, &id)["Options"]["RateLimitOption"]["CurrentDumpThread"], 3);
}

#[test]
fn a_sync_in_trouble_is_resumed_or_fails() {
    let mut bench = Bench::new();
    for (name, then) in [("it run-fails", "Running"), ("it run-fails and resume-fails", "Failed")] {
        let id = running(&mut bench, name);
        bench.wait(RUN);
        assert_eq!(bench.status(&id), "ResumableErr");
        bench.answer("ResumeSyncJob", json!({ "JobId": id }));
        bench.wait(STEP);
        assert_eq!(bench.status(&id), then);
    }
}

#[test]
fn syncs_are_bought_alike() {
    let bench = Bench::new();
    assert_eq!(buy(&bench, json!({"Count": 10})).unwrap().len(), 10);
    for wrong in [json!({"Count": 11}), json!({"PayMode": "Later"}), json!({"ExistedJobId": "sync-nobody"})] {
        assert_eq!(buy(&bench, wrong).unwrap_err(), "InvalidParameterValue.InvalidParameterValueError");
    }
    let template = buy(&bench, json!({})).unwrap().pop().unwrap();
    let bare = buy(&bench, json!({ "ExistedJobId": template })).unwrap().pop().unwrap();
    assert_eq!(bench.status(&bare), "UnInitialized");
    configure(&bench, &template, "template");
    let copy = buy(&bench, json!({ "ExistedJobId": template, "JobName": "copy" })).unwrap().pop().unwrap();
    assert_eq!(bench.status(&copy), "Initialized");
    let shown = shown(&bench, &copy);
    assert_eq!((&shown["SrcInfo"]["Ip"], &shown["JobName"]), (&json!("192.0.2.1"), &json!("copy")));
}

#[test]
fn an_unpaid_sync_is_deleted_at_once() {
    let bench = Bench::new();
    for billing in ["NotBilled", "NotBilledByInternational"] {
        let id = bench.put("sync", "Running", Some(billing), json!({}));
        bench.answer("IsolateSyncJob", json!({ "JobId": id }));
        assert_eq!(bench.state(&id), None, "{billing}");
    }
}
