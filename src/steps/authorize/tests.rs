//! The grants' decision, over the real tables.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::num::NonZeroU32;
use std::sync::LazyLock;

use super::decide::{Ask, decide};
use crate::call::{Caller, Condition, Effect, Grant, Pattern, Refusal, TaskScope};
use crate::parameters::Value;
use crate::provider::{Path, Providers, TaskRef};

static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| Providers::embedded().unwrap());

fn grant(effect: Effect, actions: &[&str]) -> Grant {
    Grant {
        name: format!("{effect:?} {actions:?}"),
        effect,
        accounts: vec![Pattern::any()],
        versions: vec![Pattern::any()],
        actions: actions.iter().copied().map(Pattern::new).collect(),
        regions: vec![Pattern::any()],
        tasks: TaskScope::Any,
        conditions: Vec::new(),
        dangers: Vec::new(),
        repeat_purchases: false,
    }
}

fn on_tasks(mut grant: Grant, own: bool, ids: &[&str]) -> Grant {
    grant.tasks = TaskScope::Limited { own, ids: ids.iter().copied().map(Pattern::new).collect() };
    grant
}

fn condition(parameter: &str, value: &str) -> Condition {
    Condition { parameter: Path::parse(parameter).unwrap(), one_of: vec![value.to_owned()] }
}

/// Whether `grants` allow `action` on `task` (owned or not), with these parameters beside the id.
fn ask(
    grants: Vec<Grant>,
    action: &str,
    task: Option<(&str, bool)>,
    more: &[(&str, &str)],
) -> Result<(), (Refusal, bool)> {
    let mut parameters = more.to_vec();
    parameters.extend(task.map(|(id, _)| ("JobId", id)));
    let owned: Vec<&str> = task.iter().filter(|(_, own)| *own).map(|(id, _)| *id).collect();
    ask_in("2018-03-30", grants, action, &owned, &parameters)
}

/// Whether `grants` allow `action` with these parameters, when the caller's team has the tasks `owned`.
fn ask_in(
    version: &str,
    grants: Vec<Grant>,
    action: &str,
    owned: &[&str],
    parameters: &[(&str, &str)],
) -> Result<(), (Refusal, bool)> {
    let member = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::Text((*value).to_owned()));
    ask_with(version, grants, action, owned, Value::Object(parameters.iter().map(member).collect()))
}

/// The same with parameters that have parts.
fn ask_with(
    version: &str,
    grants: Vec<Grant>,
    action: &str,
    owned: &[&str],
    parameters: Value,
) -> Result<(), (Refusal, bool)> {
    let version = PROVIDERS.version(version).unwrap();
    let action = version.action(action).unwrap();
    let caller = Caller {
        name: "billing".to_owned(),
        team: "payments".to_owned(),
        accounts: vec!["main".to_owned()],
        weight: NonZeroU32::MIN,
        require_signed_headers: Vec::new(),
        pace: None,
        grants,
        policy: "".into(),
    };
    let tasks = action.task_ids(&parameters);
    let owned: Vec<TaskRef> = tasks.iter().filter(|task| owned.contains(&task.id.as_str())).cloned().collect();
    let dangers = action.dangers(&parameters);
    let ask = Ask {
        caller: &caller,
        account: "main",
        version: &version.version,
        action,
        region: "ap-guangzhou",
        tasks: &tasks,
        children: &[],
        owned: &owned,
        parameters: &parameters,
        dangers: &dangers,
    };
    decide(&ask).map(|_| ()).map_err(|denied| (denied.refusal, denied.must_name_tasks))
}

fn is_not_granted(answer: Result<(), (Refusal, bool)>) -> bool {
    matches!(answer, Err((Refusal::NotGranted { .. }, _)))
}

#[test]
fn nothing_is_allowed_by_default_and_deny_wins() {
    let task = Some(("dts-a", false));
    assert!(is_not_granted(ask(vec![], "StopMigrateJob", task, &[])));
    let allow = || grant(Effect::Allow, &["*"]);
    assert!(ask(vec![allow()], "StopMigrateJob", task, &[]).is_ok());
    let deny = grant(Effect::Deny, &["Stop*", "Delete*"]);
    for order in [vec![allow(), deny.clone()], vec![deny, allow()]] {
        assert!(is_not_granted(ask(order.clone(), "StopMigrateJob", task, &[])));
        assert!(ask(order, "StartMigrateJob", task, &[]).is_ok());
    }
}

#[test]
fn patterns_are_exact_in_case_and_only_a_star_is_special() {
    for (pattern, action, allowed) in [
        ("Describe*", "DescribeMigrateJobs", true),
        ("describe*", "DescribeMigrateJobs", false),
        ("*MigrateJob", "StopMigrateJob", true),
        ("*MigrateJob", "DescribeMigrateJobs", false),
        ("S*p*Job", "StopMigrateJob", true),
        ("Stop?igrateJob", "StopMigrateJob", false),
    ] {
        let answer = ask(vec![grant(Effect::Allow, &[pattern])], action, Some(("dts-a", false)), &[]);
        assert_eq!(answer.is_ok(), allowed, "{pattern} {action}");
    }
}

#[test]
fn own_tasks_and_named_tasks_are_all_that_a_limited_grant_covers() {
    let own = || on_tasks(grant(Effect::Allow, &["*"]), true, &["dts-shared-*"]);
    assert!(ask(vec![own()], "StopMigrateJob", Some(("dts-a", true)), &[]).is_ok());
    assert!(ask(vec![own()], "StopMigrateJob", Some(("dts-shared-1", false)), &[]).is_ok());
    assert!(is_not_granted(ask(vec![own()], "StopMigrateJob", Some(("dts-a", false)), &[])));
}

#[test]
fn of_several_tasks_those_in_the_way_are_named() {
    let limited = |own: bool, ids: &[&str]| on_tasks(grant(Effect::Allow, &["*"]), own, ids);
    let why = |grants: Vec<Grant>| {
        let answer = ask_in("2020-01-01", grants, "StopDtsJobs", &["dtsmine"], &[("DtsJobIds", "mine,shared,other")]);
        match answer {
            Err((Refusal::NotGranted { why }, false)) => why,
            other => panic!("{other:?}"),
        }
    };
    assert!(why(vec![limited(true, &["dtsshared"])]).ends_with("only on certain tasks, not on dtsother"));
    let apart = vec![limited(true, &["dtsother"]), limited(false, &["dtsshared"])];
    assert!(why(apart).ends_with("not on dtsmine, dtsshared, dtsother together"), "no grant has them all");
}

#[test]
fn a_limited_caller_must_name_tasks_in_a_list_read_but_may_create() {
    let own = || on_tasks(grant(Effect::Allow, &["*"]), true, &[]);
    let (_, must_name_tasks) = ask(vec![own()], "DescribeMigrateJobs", None, &[]).unwrap_err();
    assert!(must_name_tasks);
    assert!(ask(vec![own()], "CreateMigrateJob", None, &[]).is_ok());
    let only_named = on_tasks(grant(Effect::Allow, &["*"]), false, &["dts-a"]);
    assert!(is_not_granted(ask(vec![only_named], "CreateMigrateJob", None, &[])), "it could not use what it creates");
}

#[test]
fn a_limited_caller_changes_nothing_that_is_no_task() {
    let grants = |tasks: TaskScope| {
        let mut grant = grant(Effect::Allow, &["*"]);
        (grant.tasks, grant.dangers) = (tasks, vec!["*".to_owned()]);
        vec![grant]
    };
    let own = || grants(TaskScope::Limited { own: true, ids: vec![Pattern::any()] });
    let mut refused = Vec::new();
    for version in PROVIDERS.versions() {
        for action in version.actions().filter(|action| action.ids.is_empty() && action.kind.is_change()) {
            let answer = ask_in(&version.version, own(), &action.name, &[], &[]);
            assert_eq!(answer.is_ok(), action.creates.is_some(), "{} {}", version.version, action.name);
            if let Err((refusal, must_name_tasks)) = answer {
                let message = refusal.message();
                assert!(!must_name_tasks && message.contains("needs a grant with tasks = \"any\""), "{message}");
                refused.push(action.name.as_str());
            }
            assert!(ask_in(&version.version, grants(TaskScope::Any), &action.name, &[], &[]).is_ok());
        }
    }
    let outside = [
        "CreateDedicatedClusterMonitorRule",
        "DetachGadInstanceDbMember",
        "ModifyDedicatedCluster",
        "ModifyGadInstanceName",
        "PreCheckCreateGadOrder",
        "PromoteToMaster",
        "StopDedicatedCluster",
    ];
    assert_eq!(refused, outside);
    for (read, is_allowed) in [("DescribeDTSIP", true), ("WhiteIpList", true), ("CountJobByCondition", false)] {
        assert_eq!(ask_in("2020-01-01", own(), read, &[], &[]).is_ok(), is_allowed, "{read}");
    }
}

#[test]
fn who_is_denied_certain_tasks_must_name_others_in_a_list_read() {
    let grants = || {
        let deny = on_tasks(grant(Effect::Deny, &["Describe*"]), false, &["dts-payroll*"]);
        vec![grant(Effect::Allow, &["Describe*", "Create*"]), deny]
    };
    let (refusal, must_name_tasks) = ask(grants(), "DescribeMigrateJobs", None, &[]).unwrap_err();
    assert!(must_name_tasks, "{}", refusal.message());
    assert!(ask(grants(), "DescribeMigrateJobs", Some(("dts-a", false)), &[]).is_ok());
    let (refusal, must_name_tasks) =
        ask(grants(), "DescribeMigrateJobs", Some(("dts-payroll-1", false)), &[]).unwrap_err();
    assert!(!must_name_tasks && refusal.message().contains(" denies DescribeMigrateJobs to billing"));
    assert!(ask(grants(), "DescribeAsyncRequestInfo", None, &[("AsyncRequestId", "1")]).is_ok(), "it is no list");
    assert!(ask(grants(), "CreateMigrateJob", None, &[]).is_ok());

    let (refusal, must_name_tasks) = ask_in("2020-01-01", grants(), "DescribeMigrationJobs", &[], &[]).unwrap_err();
    assert!(!must_name_tasks, "it always lists, so there is nothing to name");
    let why = "denies tasks to billing that DescribeMigrationJobs would show";
    assert!(refusal.message().contains(why), "{}", refusal.message());

    let mut outright = grants();
    outright.push(grant(Effect::Deny, &["DescribeMigrateJobs"]));
    let (_, must_name_tasks) = ask(outright, "DescribeMigrateJobs", None, &[]).unwrap_err();
    assert!(!must_name_tasks, "naming tasks would not help");
    let only_denied = grants().split_off(1);
    let (_, must_name_tasks) = ask(only_denied, "DescribeMigrateJobs", None, &[]).unwrap_err();
    assert!(!must_name_tasks, "naming tasks would not help");
}

#[test]
fn a_danger_needs_a_grant_that_names_it() {
    let parameters = [("CompleteMode", "immediately")];
    let task = Some(("dts-a", false));
    let plain = grant(Effect::Allow, &["*"]);
    let refused = ask(vec![plain.clone()], "CompleteMigrateJob", task, &parameters);
    assert!(matches!(refused, Err((Refusal::DangerousParameter { .. }, _))));
    assert!(ask(vec![plain.clone()], "CompleteMigrateJob", task, &[]).is_ok());
    let mut daring = plain;
    daring.dangers = vec!["complete-immediately".to_owned()];
    assert!(ask(vec![daring], "CompleteMigrateJob", task, &parameters).is_ok());
}

#[test]
fn conditions_hold_only_for_the_values_listed() {
    let mut grant = grant(Effect::Allow, &["CompleteMigrateJob"]);
    grant.conditions = vec![condition("CompleteMode", "waitForSync")];
    let task = Some(("dts-a", false));
    assert!(ask(vec![grant.clone()], "CompleteMigrateJob", task, &[("CompleteMode", "waitForSync")]).is_ok());
    assert!(is_not_granted(ask(vec![grant.clone()], "CompleteMigrateJob", task, &[("CompleteMode", "other")])));
    let Err((refusal, _)) = ask(vec![grant], "CompleteMigrateJob", task, &[]) else {
        panic!("an absent parameter has no value")
    };
    assert!(refusal.message().contains("only with certain values of CompleteMode"), "{}", refusal.message());
}

#[test]
fn conditions_are_about_values_however_they_are_written() {
    let conditioned = |effect: Effect, parameter: &str, value: &str| {
        let mut grant = grant(effect, &["*"]);
        grant.conditions = vec![condition(parameter, value)];
        grant
    };
    let untag = |grants: Vec<Grant>, all: &str| {
        let mut grants = grants;
        grants.iter_mut().for_each(|grant| grant.dangers = vec!["untag-all".to_owned()]);
        ask_in("2020-01-01", grants, "UntagResources", &[], &[("All", all)])
    };
    for listed in ["true", "True", "1"] {
        for written in ["true", "True", "1", "false", "False", "0"] {
            let is_listed = ["true", "True", "1"].contains(&written);
            let allow = vec![conditioned(Effect::Allow, "All", listed)];
            assert_eq!(untag(allow, written).is_ok(), is_listed, "allow {listed}, given {written}");
            let deny = vec![grant(Effect::Allow, &["*"]), conditioned(Effect::Deny, "All", listed)];
            assert_eq!(is_not_granted(untag(deny, written)), is_listed, "deny {listed}, given {written}");
        }
    }
    let complete = |grants: Vec<Grant>, mode: &str| {
        ask(grants, "CompleteMigrateJob", Some(("dts-a", false)), &[("CompleteMode", mode)])
    };
    let deny = || vec![grant(Effect::Allow, &["*"]), conditioned(Effect::Deny, "CompleteMode", "waitForSync")];
    assert!(is_not_granted(complete(deny(), "waitforsync ")), "the cloud might take it for the same");
    assert!(complete(deny(), "other").is_ok());
    let allow = || vec![conditioned(Effect::Allow, "CompleteMode", "waitForSync")];
    assert!(complete(allow(), "waitForSync").is_ok() && is_not_granted(complete(allow(), "waitforsync")));
}

#[test]
fn of_several_values_all_must_be_listed_to_allow_and_one_is_enough_to_deny() {
    let untag = |effect: Effect, keys: &[&str]| {
        let mut conditioned = grant(effect, &["UntagResources"]);
        conditioned.conditions = vec![condition("TagKey[]", "owner")];
        let grants = match effect {
            Effect::Allow => vec![conditioned],
            Effect::Deny => vec![grant(Effect::Allow, &["*"]), conditioned],
        };
        let keys = Value::List(keys.iter().map(|key| Value::Text((*key).to_owned())).collect());
        let parameters = Value::Object(vec![("TagKey".to_owned(), keys)]);
        ask_with("2020-01-01", grants, "UntagResources", &[], parameters).is_ok()
    };
    for (keys, allowed, denied) in [
        (["owner"].as_slice(), true, true),
        (&["harmless", "owner"], false, true),
        (&["owner", "harmless"], false, true),
        (&["harmless"], false, false),
        (&[], false, false),
    ] {
        assert_eq!(untag(Effect::Allow, keys), allowed, "{keys:?}");
        assert_eq!(!untag(Effect::Deny, keys), denied, "{keys:?}");
    }
}
