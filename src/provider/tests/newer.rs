//! The committed tables of 2021-12-06 against the facts: actions, ids, rates and secrets. Transcribed by hand or taken
//! from the definitions, not from the rows.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::{Action, Dimension, Kind, Mark, Role};
use super::{json, newer, newer_action};

#[test]
fn the_tables_hold_84_actions() {
    let version = newer();
    let count = |is_one: &dyn Fn(&Action) -> bool| version.actions().filter(|action| is_one(action)).count();
    assert_eq!(count(&|_| true), 84);
    let is_check = |action: &Action| action.name.contains("Compare");
    assert_eq!(count(&is_check), 20);
    let groups = ["migration", "sync", "subscription"];
    assert_eq!(groups.map(|task| count(&|action| !is_check(action) && action.task == task)), [21, 21, 22]);
    // Creating a check is judged by the task that it checks.
    let tasks = ["migration", "compare", "sync", "sync-compare", "subscription", "consumer-group"];
    assert_eq!(tasks.map(|task| count(&|action| action.task == task)), [22, 9, 22, 9, 22, 0]);
    let kinds = [Kind::Read, Kind::Change, Kind::Destructive, Kind::Purchase];
    assert_eq!(kinds.map(|kind| count(&|action| action.kind == kind)), [21, 42, 13, 8]);
    let created = version.actions().filter_map(|action| Some((&*action.name, &*action.creates.as_ref()?.task)));
    let expected = [
        ("CreateCompareTask", "compare"),
        ("CreateMigrationService", "migration"),
        ("CreateSubscribe", "subscription"),
        ("CreateSyncCompareTask", "sync-compare"),
        ("CreateSyncJob", "sync"),
    ];
    assert_eq!(created.collect::<Vec<_>>(), expected);
}

#[test]
fn rates_are_those_of_the_pages_and_seven_are_assumed() {
    let version = newer();
    let mut assumed = Vec::new();
    for action in version.actions() {
        let [limit] = &action.bucket.limits[..] else { panic!("{} has one limit", action.name) };
        let is_fast = ["DescribeSyncJobs", "DescribeSubscribeJobs"].contains(&&*action.name);
        assert_eq!((limit.calls, limit.window), (if is_fast { 100 } else { 20 }, Duration::from_secs(1)));
        assert_eq!(limit.scope, [Dimension::Identity, Dimension::Endpoint]);
        if limit.assumed {
            assert!(limit.reason.is_some());
            assumed.push(action.name.as_str());
        }
    }
    let expected = [
        "CreateSyncCompareTask",
        "DeleteSyncCompareTask",
        "DescribeSyncCompareDiffItems",
        "ModifySyncCompareTask",
        "ModifySyncCompareTaskName",
        "StartSyncCompare",
        "StopSyncCompare",
    ];
    assert_eq!(assumed, expected);
}

/// The id is who the call is about: three actions need it although the definitions call it optional.
#[test]
fn every_call_names_its_task_but_three_lists() {
    let version = newer();
    let mut nameless = Vec::new();
    for action in version.actions() {
        let owner = action.ids.iter().find(|id| id.of.is_none() && id.role == Role::Subject);
        match owner {
            None => nameless.push(action.name.as_str()),
            Some(id) => assert_eq!(id.required, !action.lists, "{}", action.name),
        }
    }
    let expected = ["CreateMigrationService", "CreateSubscribe", "CreateSyncJob", "DescribeMigrateDBInstances"];
    assert_eq!(nameless, expected);
    for name in ["StartSyncJob", "DestroyMigrateJob", "DescribeCheckSyncJobResult"] {
        let fault = newer_action(name).check_parameters(&json("{}")).unwrap_err();
        assert_eq!(fault.to_string(), "parameter `JobId`: required and missing");
    }
    let lists: Vec<_> = version.actions().filter(|action| action.lists).map(|action| &*action.name).collect();
    assert_eq!(lists, ["DescribeMigrationJobs", "DescribeSubscribeJobs", "DescribeSyncJobs"]);
    let named = |name: &str, call: &str| {
        let tasks = newer_action(name).task_ids(&json(call)).into_iter();
        let told = tasks.map(|task| format!("{} {} {:?} {:?}", task.kind, task.id, task.parent, task.role));
        told.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(
        named("DescribeSyncJobs", r#"{"JobId": "sync-a", "JobIds": ["sync-a", "sync-b"]}"#),
        ["sync sync-a None Subject", "sync sync-b None Subject"]
    );
    assert_eq!(
        named("StopSyncCompare", r#"{"JobId": "sync-a", "CompareTaskId": "sync-a-cmp-1"}"#),
        ["sync sync-a None Subject", "sync-compare sync-a-cmp-1 Some(\"sync-a\") Subject"]
    );
    assert_eq!(named("CreateSyncJob", r#"{"ExistedJobId": "sync-a"}"#), ["sync sync-a None Template"]);
    let group = "consumer-grp-subs-a-x";
    let call = format!(r#"{{"SubscribeId": "subs-a", "ConsumerGroupName": "{group}"}}"#);
    let subscription = "subscription subs-a None Subject".to_owned();
    assert_eq!(named("DeleteConsumerGroup", &call), std::slice::from_ref(&subscription));
    let of_group = format!("consumer-group {group} Some(\"subs-a\") Subject");
    assert_eq!(named("ResetConsumerGroupOffset", &call), [of_group, subscription]);
}

/// `newer.sensitive` holds the definitions' own sensitive members, one a line.
#[test]
fn what_is_sensitive_is_what_the_definitions_say() {
    let version = newer();
    let mut found = Vec::new();
    for action in version.actions() {
        for (part, set) in [("request", &action.secrets), ("answer", &action.answer_secrets)] {
            for (path, mark) in set.paths() {
                let mark = match mark {
                    Mark::Secret => "secret",
                    Mark::Opaque => "opaque",
                    Mark::Identity => "identity",
                    Mark::Account => "account",
                };
                found.push(format!("{} {part} {mark} {path}", action.name));
            }
        }
    }
    found.sort();
    let mut expected: Vec<_> = include_str!("newer.sensitive").lines().collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(newer_action("DeleteConsumerGroup").parameters.field("BackendJobId").is_none());
}
