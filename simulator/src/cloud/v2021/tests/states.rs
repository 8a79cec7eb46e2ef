//! Which states allow what: the documentation, written down a second time on purpose.

use serde_json::json;

use super::Bench;

/// Action, the statuses that allow it, the status afterwards.
const MOVES: [(&str, &str, &str); 46] = [
    ("ModifyMigrationJob", "created checkPass checkNotPass", "created"),
    ("CreateMigrateCheckJob", "created checkPass checkNotPass", "checking"),
    ("SkipCheckItem", "checkNotPass", ""),
    ("StartMigrateJob", "checkPass", "readyRun"),
    ("StopMigrateJob", "readyRun running readyComplete error manualPaused unknown", "stopping"),
    ("CompleteMigrateJob", "readyComplete", "completing"),
    ("ResumeMigrateJob", "error", "resuming"),
    ("PauseMigrateJob", "running", "pausing"),
    ("ContinueMigrateJob", "manualPaused", "running"),
    ("ModifyMigrateRateLimit", "running", ""),
    ("ModifyMigrateJobSpec", SEED_MIGRATION, ""),
    ("IsolateMigrateJob", SEED_MIGRATION, ""),
    ("CreateCompareTask", "running readyComplete", ""),
    ("ConfigureSyncJob", "UnInitialized Initialized CheckPass CheckNotPass", "Initialized"),
    ("CreateCheckSyncJob", "UnInitialized Initialized CheckPass CheckNotPass", "Checking"),
    ("SkipSyncCheckItem", "CheckNotPass", ""),
    ("StartSyncJob", "CheckPass", "ReadyRunning"),
    ("PauseSyncJob", "Running", "Pausing"),
    ("ContinueSyncJob", "Paused", "Running"),
    ("StopSyncJob", "ReadyRunning Running ResumableErr", "Stopping"),
    ("ResumeSyncJob", "ResumableErr", "Resuming"),
    ("ResetSyncJob", "Stopped", "Resetting"),
    ("ModifySyncJobConfig", "Running", ""),
    ("CreateModifyCheckSyncJob", "Running", ""),
    ("StartModifySyncJob", "Running", ""),
    ("ModifySyncRateLimit", "Running", ""),
    ("ResizeSyncJob", SEED_SYNC, ""),
    ("IsolateSyncJob", SEED_SYNC, ""),
    ("CreateSyncCompareTask", "Running", ""),
    ("ModifyCompareTask", "created", ""),
    ("StartCompare", "created", "readyRun"),
    ("StopCompare", "readyRun running", "stopping"),
    ("DeleteCompareTask", "success failed canceled", "gone"),
    ("ModifySyncCompareTask", "created", ""),
    ("StartSyncCompare", "created", "readyRun"),
    ("StopSyncCompare", "readyRun running", "stopping"),
    ("DeleteSyncCompareTask", "success failed canceled", "gone"),
    ("ConfigureSubscribeJob", "notStarted checkPass checkNotPass", "notStarted"),
    ("CreateSubscribeCheckJob", "notStarted checkPass checkNotPass", "checking"),
    ("StartSubscribe", "checkPass", "starting"),
    ("ResumeSubscribe", "error", "running"),
    ("ResetSubscribe", "running error", "notStarted"),
    ("ModifySubscribeObjects", "running", ""),
    ("CreateConsumerGroup", "running", ""),
    // No status is looked at.
    ("ModifyMigrateRuntimeAttribute", "*", ""),
    ("ModifyMigrateName", "*", ""),
];

const SEED_MIGRATION: &str = "created checking checkPass checkNotPass readyRun running stopping canceled readyComplete \
                              completing success error resuming failed";
const SEED_SYNC: &str = "UnInitialized Checking CheckPass CheckNotPass ReadyRunning Running Stopping Stopped ResumableErr \
                         Resuming Failed";

#[test]
fn every_action_in_every_state() {
    let bench = Bench::new();
    for action in bench.provider().actions.values().filter(|action| action.task_id.is_some()) {
        let rule = MOVES.iter().find(|(name, ..)| *name == action.name);
        assert_eq!(rule.is_some_and(|(_, allowed, _)| *allowed != "*"), action.allowed.is_some(), "{}", action.name);
        let kind = &bench.provider().kinds[&action.task];
        for status in kind.statuses.iter().map(|status| status.name.as_str()).chain(["neverHeardOf"]) {
            let billing = action.allowed_billing.as_ref().map(|allowed| allowed[0].as_str());
            let pay_mode = if action.name == "ResetSyncJob" { "PrePay" } else { "PostPay" };
            let mut data = json!({ "PayMode": pay_mode, "ConsumerGroups": [{ "ConsumerGroupName": "g" }] });
            if let Some(parent) = &action.parent {
                data["JobId"] = bench.put(&parent.task, "running", None, json!({})).into();
            }
            let id = bench.put(&action.task, status, billing, data);
            let result = bench.call(&action.name, bench.minimal(action, &id));
            let place = format!("{} at {status}", action.name);
            let after = bench.state(&id).map_or_else(|| "gone".to_owned(), |(status, _)| status);
            match rule {
                Some((_, allowed, _)) if *allowed != "*" && !allowed.split(' ').any(|one| one == status) => {
                    assert_eq!(Some(result.expect_err(&place).code), action.state_code, "{place}");
                    assert_eq!(after, status, "{place}: a refused call changes nothing");
                }
                Some((_, _, to)) => {
                    result.expect(&place);
                    assert_eq!(after, if to.is_empty() { status } else { to }, "{place}");
                }
                None => {
                    result.expect(&place);
                    assert_eq!(after, status, "{place}");
                }
            }
        }
    }
}

#[test]
fn an_isolated_task_can_only_be_recovered_and_destroyed() {
    let bench = Bench::new();
    for (kind, status, isolated, recover, destroy, refused) in [
        ("migration", "running", "isolated", "RecoverMigrateJob", "DestroyMigrateJob", "StopMigrateJob"),
        ("sync", "Running", "Isolated", "RecoverSyncJob", "DestroySyncJob", "StopSyncJob"),
    ] {
        let first = bench.put(kind, status, Some(isolated), json!({}));
        let isolate = if kind == "sync" { "IsolateSyncJob" } else { "IsolateMigrateJob" };
        for action in [refused, isolate] {
            let row = &bench.provider().actions[action];
            assert_eq!(Some(bench.code(action, json!({ "JobId": first }))), row.state_code, "{action}");
        }
        bench.answer(recover, json!({ "JobId": first }));
        let second = bench.put(kind, status, Some(isolated), json!({}));
        bench.answer(destroy, json!({ "JobId": second }));
        for action in [recover, destroy] {
            let row = &bench.provider().actions[action];
            let paid = bench.put(kind, status, None, json!({}));
            assert_eq!(Some(bench.code(action, json!({ "JobId": paid }))), row.state_code, "{action}");
        }
    }
}

#[test]
fn a_task_that_is_not_there_has_the_documented_code() {
    let bench = Bench::new();
    let sync = bench.put("sync", "Running", None, json!({}));
    let lists = ["DescribeMigrationJobs", "DescribeSyncJobs", "DescribeSubscribeJobs"];
    let named = bench.provider().actions.values().filter(|action| action.task_id.is_some());
    for action in named.filter(|action| !lists.contains(&action.name.as_str())) {
        let code = bench.code(&action.name, bench.minimal(action, "dts-nobody"));
        assert_eq!(Some(code), action.not_found_code, "{}", action.name);
        if action.task == "migration" {
            let code = bench.code(&action.name, bench.minimal(action, &sync));
            assert_eq!(Some(code), action.not_found_code, "{}: a task of another kind", action.name);
        }
    }
    for list in lists {
        let parameter = if list == "DescribeSubscribeJobs" { "SubscribeId" } else { "JobId" };
        assert_eq!(bench.answer(list, json!({ parameter: "dts-nobody" }))["TotalCount"], 0);
    }
}
