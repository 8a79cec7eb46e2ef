//! Every action in every state of its kind, the moves under a clock of the test's own, and what answers hold.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by panicking

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Birth, Cloud, Done, Pace, Task};
use crate::clock::Moment;
use crate::dialect::{ApiError, tencent};
use crate::table::{Provider, Tables};

const STEP: Duration = Duration::from_millis(300);
const RUN: Duration = Duration::from_secs(2);
const START: Moment = Moment::from_micros(1_800_000_000_000_000);

struct Bench {
    tables: Tables,
    cloud: Cloud,
    now: Moment,
}

impl Bench {
    fn new() -> Self {
        let cloud = Cloud::new(Pace { step: STEP, run: RUN });
        Self { tables: Tables::built_in().unwrap(), cloud, now: START }
    }

    fn provider(&self) -> &Provider {
        self.tables.version("2018-03-30").unwrap()
    }

    fn put(&self, kind_name: &str, status: Value, billing: &str) -> String {
        let kind = &self.provider().kinds[kind_name];
        let birth = Birth {
            version: "2018-03-30",
            kind_name,
            kind,
            id: None,
            status,
            billing: billing.to_owned(),
            moves: false,
            parent: None,
            data: kind.sample.clone(),
        };
        self.cloud.world().make(birth, self.now).unwrap()
    }

    fn call(&self, action: &str, parameters: Value) -> Result<Done, ApiError> {
        let action = &self.provider().actions[action];
        let Value::Object(given) = parameters else { panic!("parameters are an object") };
        let checked = tencent::check_parameters(&given, false, &action.parameters, &self.provider().types)?;
        self.cloud.perform(self.provider(), action, &checked, "ap-guangzhou", self.now)
    }

    fn answer(&self, action: &str, parameters: Value) -> Map<String, Value> {
        self.call(action, parameters).expect(action).members
    }

    fn status(&self, id: &str) -> Value {
        self.answer("DescribeMigrateJobs", json!({ "JobId": id }))["JobList"][0]["Status"].clone()
    }

    fn wait(&mut self, how_long: Duration) {
        self.now = self.now.plus(how_long);
    }

    fn create(&self, name: &str, migrate_type: u8) -> String {
        let made = self.call("CreateMigrateJob", job(name, migrate_type)).unwrap();
        assert_eq!(made.made.as_deref(), made.members["JobId"].as_str());
        made.made.unwrap()
    }
}

fn job(name: &str, migrate_type: u8) -> Value {
    json!({
        "JobName": name, "MigrateOption": {"RunMode": 1, "MigrateType": migrate_type},
        "SrcDatabaseType": "mysql", "SrcAccessType": "extranet",
        "SrcInfo": {"Ip": "192.0.2.1", "Port": 3306, "User": "root", "Password": "secret"},
        "DstDatabaseType": "mysql", "DstAccessType": "cdb", "DstInfo": {"Region": "ap-shanghai", "Password": "secret"},
        "Tags": [{"TagKey": "team", "TagValue": "blue"}, {"TagKey": "bare"}],
    })
}

/// What the documentation says, written down a second time on purpose: action, statuses, resulting status.
fn documented() -> Vec<(&'static str, Vec<Value>, Value)> {
    let list = |value: Value| value.as_array().unwrap().clone();
    vec![
        ("ModifyMigrateJob", list(json!([1, 2, 4, 5, 10])), json!(2)),
        ("CreateMigrateCheckJob", list(json!([1, 2, 4, 5])), json!(3)),
        ("StartMigrateJob", list(json!([4])), json!(6)),
        ("StopMigrateJob", list(json!([7, 8])), json!(11)),
        ("CompleteMigrateJob", list(json!([8])), json!(12)),
        ("DeleteMigrateJob", list(json!([1, 2, 4, 5, 9, 10])), Value::Null),
        ("ActivateSubscribe", list(json!(["unconfigure"])), json!("configuring")),
        ("ResetSubscribe", list(json!(["configured"])), json!("unconfigure")),
        ("ModifySubscribeObjects", list(json!(["configured"])), json!("configured")),
        ("ModifySubscribeConsumeTime", list(json!(["configured"])), json!("configured")),
        ("ModifySubscribeVipVport", list(json!(["configured"])), json!("configured")),
    ]
}

fn minimal(action: &str, id: &str) -> Value {
    match action {
        "ActivateSubscribe" => json!({"SubscribeId": id, "InstanceId": "cdb-1", "SubscribeObjectType": 0}),
        "ModifySubscribeObjects" => json!({"SubscribeId": id, "SubscribeObjectType": 0}),
        "ModifySubscribeConsumeTime" => json!({"SubscribeId": id, "ConsumeStartTime": "2027-01-15 16:00:00"}),
        "ModifySubscribeVipVport" => json!({"SubscribeId": id, "DstPort": 7000}),
        "ModifySubscribeName" => json!({"SubscribeId": id, "SubscribeName": "n"}),
        "ModifySubscribeAutoRenewFlag" => json!({"SubscribeId": id, "AutoRenewFlag": 1}),
        name if name.contains("Subscribe") => json!({ "SubscribeId": id }),
        _ => json!({ "JobId": id }),
    }
}

#[test]
fn every_action_in_every_state() {
    let bench = Bench::new();
    for action in bench.provider().actions.values().filter(|action| action.task_id.is_some()) {
        let kind = &bench.provider().kinds[&action.task];
        let unheard_of = if action.task == "migration" { json!(99) } else { json!("paused") };
        let rule = documented().into_iter().find(|(name, ..)| *name == action.name);
        for status in kind.statuses.iter().map(|status| status.wire.clone()).chain([unheard_of]) {
            let billing = if action.name == "OfflineIsolatedSubscribe" { "isolated" } else { "normal" };
            let id = bench.put(&action.task, status.clone(), billing);
            let result = bench.call(&action.name, minimal(&action.name, &id));
            let place = format!("{} at {status}", action.name);
            let after = bench
                .cloud
                .world()
                .look(&id, &bench.tables, bench.cloud.pace(), bench.now)
                .map(|task| task.status.clone());
            match &rule {
                Some((_, allowed, to)) if allowed.contains(&status) => {
                    result.expect(&place);
                    assert_eq!(after, (!to.is_null()).then(|| to.clone()), "{place}");
                }
                Some(_) => {
                    assert_eq!(Some(result.expect_err(&place).code), action.state_code, "{place}");
                    assert_eq!(after, Some(status), "{place}: a refused call changes nothing");
                }
                None => {
                    result.expect(&place);
                    assert_eq!(after, Some(status), "{place}");
                }
            }
        }
    }
}

#[test]
fn billing_states_forbid_as_well() {
    let bench = Bench::new();
    let billing = |id: &str| bench.answer("DescribeSubscribeConf", json!({ "SubscribeId": id }))["Status"].clone();
    for (action, allowed, to) in
        [("IsolateSubscribe", "normal", "isolating"), ("OfflineIsolatedSubscribe", "isolated", "offlining")]
    {
        for state in ["creating", "normal", "isolating", "isolated", "offlining", "post2PrePayIng"] {
            let id = bench.put("subscription", json!("configured"), state);
            let result = bench.call(action, json!({ "SubscribeId": id }));
            assert_eq!(result.is_ok(), state == allowed, "{action} at {state}");
            assert_eq!(billing(&id), if state == allowed { to } else { state });
        }
    }
}

#[test]
fn a_task_that_is_not_there_has_the_documented_code() {
    let bench = Bench::new();
    let subscription = bench.put("subscription", json!("configured"), "normal");
    for action in bench.provider().actions.values().filter(|action| action.not_found_code.is_some()) {
        let Some(task_id) = &action.task_id else { continue };
        let code = bench.call(&action.name, minimal(&action.name, "dts-nobody")).expect_err(&action.name).code;
        assert_eq!(Some(code), action.not_found_code, "{}", action.name);
        if task_id == "JobId" {
            let other_kind = bench.call(&action.name, minimal(&action.name, &subscription));
            assert_eq!(Some(other_kind.expect_err(&action.name).code), action.not_found_code);
        }
    }
    let code = bench.call("DescribeAsyncRequestInfo", json!({"AsyncRequestId": "x"})).unwrap_err().code;
    assert_eq!(code, "ResourceNotFound");
}

#[test]
fn an_incremental_migration_goes_all_the_way() {
    let mut bench = Bench::new();
    let id = bench.create("whole", 3);
    assert_eq!(bench.status(&id), 1);
    bench.wait(STEP - Duration::from_micros(1));
    assert_eq!(bench.status(&id), 1);
    bench.wait(Duration::from_micros(1));
    assert_eq!(bench.status(&id), 2);
    bench.answer("CreateMigrateCheckJob", json!({ "JobId": id }));
    let report = bench.answer("DescribeMigrateCheckJob", json!({ "JobId": id }));
    assert_eq!((&report["Status"], &report["CheckFlag"]), (&json!("running"), &json!(3)));
    bench.wait(STEP);
    let report = bench.answer("DescribeMigrateCheckJob", json!({ "JobId": id }));
    let expected =
        json!({"Status": "finished", "CheckFlag": 1, "ErrorCode": 0, "ErrorMessage": "ok", "Progress": "100"});
    assert_eq!(Value::Object(report), expected);
    bench.answer("StartMigrateJob", json!({ "JobId": id }));
    assert_eq!(bench.status(&id), 6);
    bench.wait(STEP);
    assert_eq!(bench.status(&id), 7);
    bench.wait(RUN);
    assert_eq!(bench.status(&id), 8);
    bench.answer("CompleteMigrateJob", json!({ "JobId": id }));
    assert_eq!(bench.status(&id), 12);
    bench.wait(STEP);
    assert_eq!(bench.status(&id), 9);
    bench.answer("DeleteMigrateJob", json!({ "JobId": id }));
    assert_eq!(bench.answer("DescribeMigrateJobs", json!({ "JobId": id }))["TotalCount"], 0);
}

#[test]
fn moves_that_nobody_watched_are_made_up_for() {
    let mut bench = Bench::new();
    let id = bench.create("full", 2);
    bench.answer("CreateMigrateCheckJob", json!({ "JobId": id }));
    bench.wait(STEP);
    bench.answer("StartMigrateJob", json!({ "JobId": id }));
    bench.wait(Duration::from_secs(3600));
    let job = bench.answer("DescribeMigrateJobs", json!({ "JobId": id }))["JobList"][0].clone();
    assert_eq!(job["Status"], 9, "a full migration ends by itself");
    assert_eq!((&job["StartTime"], &job["EndTime"]), (&json!("2027-01-15 16:00:00"), &json!("2027-01-15 16:00:02")));
}

#[test]
fn a_check_can_fail_by_name_or_by_address() {
    let mut bench = Bench::new();
    let by_name = bench.create("this check-fails", 3);
    let mut unreachable = job("by address", 3);
    unreachable["SrcInfo"]["Ip"] = "0.0.0.0".into();
    let by_address = bench.call("CreateMigrateJob", unreachable).unwrap().made.unwrap();
    for id in [&by_name, &by_address] {
        bench.answer("CreateMigrateCheckJob", json!({ "JobId": id }));
    }
    bench.wait(STEP);
    for id in [&by_name, &by_address] {
        assert_eq!(bench.status(id), 5);
        let report = bench.answer("DescribeMigrateCheckJob", json!({ "JobId": id }));
        assert_eq!((&report["CheckFlag"], &report["ErrorCode"]), (&json!(0), &json!(-1)));
    }
    bench.answer("ModifyMigrateJob", json!({"JobId": by_name, "JobName": "better"}));
    bench.answer("CreateMigrateCheckJob", json!({ "JobId": by_name }));
    bench.wait(STEP);
    assert_eq!(bench.status(&by_name), 4);
}

#[test]
fn a_stopped_migration_fails_and_can_begin_again() {
    let mut bench = Bench::new();
    let id = bench.create("stopped", 3);
    bench.answer("CreateMigrateCheckJob", json!({ "JobId": id }));
    bench.wait(STEP);
    bench.answer("StartMigrateJob", json!({ "JobId": id }));
    bench.wait(STEP);
    bench.answer("StopMigrateJob", json!({ "JobId": id }));
    assert_eq!(bench.status(&id), 11);
    bench.wait(STEP);
    assert_eq!(bench.status(&id), 10);
    bench.answer("ModifyMigrateJob", json!({ "JobId": id }));
    assert_eq!(bench.status(&id), 2);
}

#[test]
fn a_timed_migration_waits_for_its_time() {
    let mut bench = Bench::new();
    let mut timed = job("timed", 2);
    timed["MigrateOption"] = json!({"RunMode": 2, "MigrateType": 2, "ExpectTime": "2027-01-15 16:01:00"});
    let id = bench.call("CreateMigrateJob", timed).unwrap().made.unwrap();
    bench.answer("CreateMigrateCheckJob", json!({ "JobId": id }));
    bench.wait(STEP);
    bench.answer("StartMigrateJob", json!({ "JobId": id }));
    bench.wait(Duration::from_secs(59));
    assert_eq!(bench.status(&id), 6);
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.status(&id), 7);
}

#[test]
fn what_a_test_puts_here_stands_still() {
    let mut bench = Bench::new();
    let id = bench.put("migration", json!(7), "normal");
    bench.wait(Duration::from_secs(3600));
    assert_eq!(bench.status(&id), 7);
    bench.answer("StopMigrateJob", json!({ "JobId": id }));
    bench.wait(Duration::from_secs(3600));
    assert_eq!(bench.status(&id), 11, "an action has its effect, nothing follows by itself");
}

#[test]
fn a_listed_job_has_every_member_and_no_secret() {
    let bench = Bench::new();
    let id = bench.create("shown", 3);
    let job = bench.answer("DescribeMigrateJobs", json!({ "JobId": id }))["JobList"][0].clone();
    assert_eq!(job["SrcInfo"]["User"], "root");
    assert_eq!(job["SrcInfo"]["Password"], "");
    assert_eq!(job["DstInfo"]["Password"], "");
    assert_eq!(job["SrcInfo"]["VpcId"], "");
    assert_eq!(job["MigrateOption"]["ConsistencyParams"]["TablesSelectAll"], 0);
    assert_eq!(job["Tags"], json!([{"TagKey": "team", "TagValue": "blue"}, {"TagKey": "bare", "TagValue": ""}]));
    assert!(!job.to_string().contains("secret"));
    let shown = |task: &mut Task| task.data.insert("ShowSecrets".to_owned(), true.into());
    shown(bench.cloud.world().look(&id, &bench.tables, bench.cloud.pace(), bench.now).unwrap());
    let job = bench.answer("DescribeMigrateJobs", json!({ "JobId": id }))["JobList"][0].clone();
    assert_eq!(job["SrcInfo"]["Password"], "secret", "a test asked for it");
}

#[test]
fn jobs_are_filtered_sorted_and_paged() {
    let mut bench = Bench::new();
    for name in ["beta", "alpha", "gamma", "alphabet"] {
        bench.create(name, 3);
        bench.wait(Duration::from_secs(1));
    }
    bench.put("migration", json!(7), "normal");
    let names = |parameters: Value| -> Vec<String> {
        let answer = bench.answer("DescribeMigrateJobs", parameters);
        answer["JobList"].as_array().unwrap().iter().map(|job| job["JobName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(json!({"Order": "JobName", "OrderSeq": "ASC", "Limit": 2, "Offset": 1})), ["alphabet", "beta"]);
    assert_eq!(names(json!({"JobName": "alpha"})), ["alphabet", "alpha"], "newest first");
    let filter = |values: Value| json!({"TagFilters": [{"TagKey": "team", "TagValue": values}]});
    assert_eq!(names(filter(json!(["blue"]))).len(), 4);
    assert_eq!(names(filter(json!([]))).len(), 4);
    assert_eq!(names(filter(json!(["red"]))).len(), 0);
    assert_eq!(bench.answer("DescribeMigrateJobs", json!({"Limit": 1}))["TotalCount"], 5);
    for wrong in [json!({"Limit": 0}), json!({"Limit": 101}), json!({"Order": "Password"}), json!({"OrderSeq": "UP"})] {
        let code = bench.call("DescribeMigrateJobs", wrong).unwrap_err().code;
        assert_eq!(code, "InvalidParameterValue.InvalidParameterValueError");
    }
}

#[test]
fn a_subscription_lives_and_dies() {
    let mut bench = Bench::new();
    let bought = bench.answer("CreateSubscribe", json!({"Product": "mysql", "PayType": 1, "Count": 3, "Name": "s"}));
    let id = bought["SubscribeIds"][0].as_str().unwrap().to_owned();
    assert_eq!(bought["SubscribeIds"].as_array().unwrap().len(), 3);
    let show = |bench: &Bench| bench.answer("DescribeSubscribeConf", json!({ "SubscribeId": id }));
    assert_eq!(show(&bench)["SubsStatus"], "unconfigure");
    let begun = bench.answer("ActivateSubscribe", minimal("ActivateSubscribe", &id));
    let request = json!({ "AsyncRequestId": begun["AsyncRequestId"] });
    assert_eq!(bench.answer("DescribeAsyncRequestInfo", request.clone())["Status"], "running");
    bench.wait(STEP);
    assert_eq!(bench.answer("DescribeAsyncRequestInfo", request)["Status"], "success");
    assert_eq!(show(&bench)["SubsStatus"], "configured");
    bench.answer("IsolateSubscribe", json!({ "SubscribeId": id }));
    bench.wait(STEP);
    assert_eq!(show(&bench)["Status"], "isolated");
    bench.answer("OfflineIsolatedSubscribe", json!({ "SubscribeId": id }));
    bench.wait(STEP);
    assert_eq!(bench.answer("DescribeSubscribes", json!({ "SubscribeId": id }))["TotalCount"], 0);
    assert_eq!(bench.answer("DescribeSubscribes", json!({"PayType": "1", "Status": ["normal"]}))["TotalCount"], 2);
    let prepaid = bench.answer("CreateSubscribe", json!({"Product": "mysql", "PayType": 0}));
    let prepaid = json!({ "SubscribeId": prepaid["SubscribeIds"][0] });
    assert_eq!(bench.call("IsolateSubscribe", prepaid).unwrap_err().code, "UnsupportedOperation");
}

#[test]
fn parameters_are_checked_against_their_row() {
    let bench = Bench::new();
    let code = |action: &str, parameters: Value| bench.call(action, parameters).unwrap_err().code;
    assert_eq!(code("StartMigrateJob", json!({})), "MissingParameter");
    assert_eq!(code("StartMigrateJob", json!({"JobId": null})), "MissingParameter");
    assert_eq!(code("StartMigrateJob", json!({"JobId": "a", "Force": true})), "UnknownParameter");
    assert_eq!(code("StartMigrateJob", json!({"JobId": 7})), "InvalidParameterValue");
    assert_eq!(code("DescribeMigrateJobs", json!({"Limit": "7"})), "InvalidParameterValue");
    assert_eq!(code("DescribeMigrateJobs", json!({"Limit": 1.5})), "InvalidParameterValue");
    assert_eq!(code("DescribeMigrateJobs", json!({"Offset": -1})), "InvalidParameterValue");
    assert_eq!(code("DescribeMigrateJobs", json!({"TagFilters": {}})), "InvalidParameterValue");
    let mut incomplete = job("n", 3);
    incomplete["MigrateOption"] = json!({});
    let error = bench.call("CreateMigrateJob", incomplete).unwrap_err();
    assert!(error.message.contains("`MigrateOption.RunMode`"), "{}", error.message);
    let mut stray = job("n", 3);
    stray["Tags"] = json!([{"TagKey": "a", "Stray": "b"}]);
    assert!(bench.call("CreateMigrateJob", stray).unwrap_err().message.contains("`Tags.0.Stray`"));
    assert_eq!(code("CreateMigrateJob", job("n", 9)), "InvalidParameter");
}

#[test]
fn flat_numbers_are_texts_of_digits() {
    let bench = Bench::new();
    let action = &bench.provider().actions["DescribeMigrateJobs"];
    let check = |text: &str| {
        let given = Map::from_iter([("Limit".to_owned(), json!(text))]);
        tencent::check_parameters(&given, true, &action.parameters, &bench.provider().types)
    };
    assert_eq!(check("20").unwrap()["Limit"], 20);
    for wrong in ["", "twenty", "1.5", "-1", "99999999999999999999"] {
        assert_eq!(check(wrong).unwrap_err().code, "InvalidParameterValue", "{wrong}");
    }
}
