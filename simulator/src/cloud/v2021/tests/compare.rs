//! Consistency checks and the jobs that they belong to.

use serde_json::{Value, json};

use super::{Bench, RUN, STEP};

fn listed(bench: &Bench, job: &str, parameters: Value) -> Vec<String> {
    let action = if job.starts_with("sync-") { "DescribeSyncCompareTasks" } else { "DescribeCompareTasks" };
    let mut all = json!({ "JobId": job });
    all.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
    let answer = bench.answer(action, all);
    let items = answer["Items"].as_array().unwrap();
    items.iter().map(|item| item["CompareTaskId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_check_runs_and_reports() {
    for (kind, status, create, start, delete, report, diffs, gtid) in [
        (
            "migration",
            "running",
            "CreateCompareTask",
            "StartCompare",
            "DeleteCompareTask",
            "DescribeCompareReport",
            "DescribeCompareDiffItems",
            "DescribeMigrateGtidCompareReport",
        ),
        (
            "sync",
            "Running",
            "CreateSyncCompareTask",
            "StartSyncCompare",
            "DeleteSyncCompareTask",
            "DescribeSyncCompareReport",
            "DescribeSyncCompareDiffItems",
            "DescribeSyncGtidCompareReport",
        ),
    ] {
        let mut bench = Bench::new();
        let job = bench.put(kind, status, None, json!({}));
        let made = bench.call(create, json!({ "JobId": job, "TaskName": "it differs" })).unwrap();
        let id = made.made.unwrap();
        assert!(id.starts_with(&format!("{job}-cmp-")), "{id}");
        let both = json!({ "JobId": job, "CompareTaskId": id });
        assert!(bench.call(delete, both.clone()).is_err(), "it has not run");
        bench.answer(start, both.clone());
        assert_eq!(bench.status(&id), "readyRun");
        bench.wait(STEP);
        assert_eq!(bench.status(&id), "running");
        bench.wait(RUN);
        assert_eq!(bench.status(&id), "success");
        let abstracted = bench.answer(report, both.clone())["Abstract"].clone();
        assert_eq!((&abstracted["Conclusion"], &abstracted["DifferentRows"]), (&json!("different"), &json!(1)));
        assert_eq!(bench.answer(diffs, both.clone())["Items"][0]["SrcItem"], json!(["1", "10"]));
        let detailed = json!({ "JobId": job, "CompareTaskId": id, "NeedDiffDetail": true });
        assert_eq!(bench.answer(gtid, detailed)["Detail"].as_array().unwrap().len(), 1);
        bench.answer(delete, both);
        assert_eq!(listed(&bench, &job, json!({})), [""; 0]);
    }
}

#[test]
fn a_check_is_stopped() {
    let mut bench = Bench::new();
    let job = bench.put("migration", "readyComplete", None, json!({}));
    let id = bench.call("CreateCompareTask", json!({ "JobId": job })).unwrap().made.unwrap();
    let both = json!({ "JobId": job, "CompareTaskId": id });
    bench.answer("StartCompare", both);
    bench.answer("StopCompare", json!({ "JobId": job, "CompareTaskId": id, "ForceStop": true }));
    assert_eq!(bench.status(&id), "stopping");
    bench.wait(STEP);
    assert_eq!(bench.status(&id), "canceled");
    let shown = bench.answer("DescribeMigrationDetail", json!({ "JobId": job }))["CompareTask"].clone();
    assert_eq!(shown, json!({ "CompareTaskId": id, "Status": "canceled" }));
}

#[test]
fn a_check_is_found_with_its_own_job_only() {
    let bench = Bench::new();
    let by_id = bench.put_as("compare", Some("dts-abc-cmp-1"), "created", None, json!({})).unwrap();
    assert_eq!(listed(&bench, "dts-abc", json!({})), [by_id.as_str()]);
    assert_eq!(listed(&bench, "dts-abc", json!({"Status": ["running"]})), [""; 0]);
    let of_sync = bench.put("compare", "running", None, json!({"JobId": "sync-abc"}));
    assert!(of_sync.starts_with("sync-abc-cmp-"));
    assert_eq!(listed(&bench, "sync-abc", json!({ "CompareTaskId": of_sync })), [of_sync.as_str()]);
    let alone = bench.put("compare", "created", None, json!({}));
    let (job, _) = alone.split_once("-cmp-").unwrap();
    assert_eq!(bench.status(job), "running");
    for (action, job, id) in [
        ("StartCompare", "dts-abc", &alone),
        ("StopSyncCompare", "dts-abc", &of_sync),
        ("StopCompare", "sync-abc", &of_sync),
        ("StartCompare", "dts-nobody", &by_id),
    ] {
        let code = bench.code(action, json!({ "JobId": job, "CompareTaskId": id }));
        assert_eq!(code, "ResourceNotFound.ResourceNotFoundError", "{action} {job} {id}");
    }
    assert!(bench.call("DescribeCompareTasks", json!({"JobId": "sync-abc"})).is_err(), "a job of the other kind");
}

#[test]
fn a_job_that_was_made_for_its_check_can_be_made_anew() {
    let bench = Bench::new();
    let check = bench.put("compare", "created", None, json!({"JobId": "dts-abc"}));
    assert_eq!(bench.put_as("migration", Some("dts-abc"), "readyComplete", None, json!({})).unwrap(), "dts-abc");
    assert_eq!(bench.status("dts-abc"), "readyComplete");
    assert_eq!(listed(&bench, "dts-abc", json!({})), [check.as_str()]);
    assert_eq!(bench.put_as("migration", Some("dts-abc"), "running", None, json!({})), None, "now it is taken");
    bench.cloud.world().remove("dts-abc");
    assert_eq!(bench.state(&check), None, "it goes with its job");
}
