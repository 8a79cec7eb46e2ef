//! The committed tables against the facts, transcribed by hand and not from the rows.

use std::fs;
use std::time::Duration;

use super::super::{Allowed, CommonUse, Dimension, Family, Kind, Mark, Mode, Observation, Providers, UnknownRegion};
use super::{action, committed, copy, json, replace, version};

#[test]
fn the_committed_tables_load_with_22_actions() {
    let version = version();
    assert_eq!(version.family, Family::Tencent);
    assert_eq!(version.service, "dts");
    assert_eq!(version.actions().count(), 22);
    let about = |task| version.actions().filter(|action| action.task == task).count();
    assert_eq!((about("migration"), about("subscription")), (9, 13));
    let of_kind = |kind| version.actions().filter(|action| action.kind == kind).count();
    let kinds = [Kind::Read, Kind::Change, Kind::Destructive, Kind::Purchase].map(of_kind);
    assert_eq!(kinds, [5, 10, 5, 2]);
}

#[test]
fn embedded_and_read_from_the_folder_are_the_same() {
    let (embedded, read) = (Providers::embedded().unwrap(), Providers::load(&committed()).unwrap());
    assert_eq!(embedded, read);
    assert_eq!(version().digest().len(), 64);
    assert_eq!(embedded.families(), [Family::Tencent, Family::Aliyun]);
}

#[test]
fn rates_are_the_safe_ones_and_have_a_source() {
    let version = version();
    for action in version.actions() {
        let [limit] = &action.bucket.limits[..] else { panic!("{} has one limit", action.name) };
        let expected = if action.name == "DescribeMigrateJobs" { 50 } else { 20 };
        assert_eq!(limit.calls, expected, "{}", action.name);
        assert_eq!(limit.window, Duration::from_secs(1));
        assert_eq!(limit.scope, [Dimension::Identity, Dimension::Endpoint]);
        assert!(!limit.assumed);
        assert!(limit.sources.iter().all(|source| version.source(source).is_some()));
    }
    for disputed in ["DescribeMigrateJobs", "DescribeSubscribes"] {
        assert!(action(disputed).bucket.limits[0].reason.as_ref().unwrap().contains("100"));
    }
}

fn seen(state: &str, billing: Option<&str>) -> Observation {
    Observation { state: state.into(), billing: billing.map(str::to_owned), ..Observation::default() }
}

/// Seed 004, rule by rule, then what it does not hold; every other state is refused.
#[test]
fn rules_of_migration_state_by_state() {
    let rules = [
        ("ModifyMigrateJob", &[1, 2, 4, 5, 10][..]),
        ("CreateMigrateCheckJob", &[1, 2, 4, 5]),
        ("StartMigrateJob", &[4]),
        ("StopMigrateJob", &[7, 8]),
        ("CompleteMigrateJob", &[8]),
        ("DeleteMigrateJob", &[1, 2, 4, 5, 9, 10]),
    ];
    let version = version();
    let kind = version.task_kind("migration").unwrap();
    assert_eq!(kind.states.len(), 13);
    for (name, allowed) in rules {
        let rule = action(name).rule.clone().unwrap();
        assert_eq!(rule.mode, Mode::Enforce);
        for code in (1..=12).chain([23]) {
            let is_allowed = rule.objection(kind, name, &seen(&code.to_string(), None)).is_none();
            assert_eq!(is_allowed, allowed.contains(&code), "{name} in {code}");
        }
    }
    assert!(kind.state("13").is_none() && kind.state("Running").is_none() && kind.state("07").is_none());
}

#[test]
fn rules_of_subscription_state_by_state() {
    let configured =
        ["ResetSubscribe", "ModifySubscribeObjects", "ModifySubscribeConsumeTime", "ModifySubscribeVipVport"];
    let any = ["ModifySubscribeName", "ModifySubscribeAutoRenewFlag", "IsolateSubscribe", "OfflineIsolatedSubscribe"];
    let version = version();
    let kind = version.task_kind("subscription").unwrap();
    for action in version.actions().filter(|action| action.task == "subscription" && !action.ids.is_empty()) {
        let Some(rule) = &action.rule else {
            assert_eq!(action.kind, Kind::Read, "{}", action.name);
            continue;
        };
        let name = action.name.as_str();
        let needed = if name == "OfflineIsolatedSubscribe" { "isolated" } else { "normal" };
        for state in kind.states.values() {
            let in_state = match state.name.as_str() {
                "unconfigure" => name == "ActivateSubscribe" || any.contains(&name),
                "configured" => configured.contains(&name) || any.contains(&name),
                _ => any.contains(&name),
            };
            let allows = |billing| rule.objection(kind, name, &seen(&state.wire, billing)).is_none();
            for billing in &kind.billing.as_ref().unwrap().states {
                assert_eq!(allows(Some(billing)), in_state && billing == needed, "{name} {billing}");
            }
            assert!(!allows(None) && !allows(Some("what is this")));
        }
    }
}

#[test]
fn the_legal_actions_of_a_state_are_told() {
    let version = version();
    assert_eq!(version.legal_actions("migration", &seen("7", None)), ["StopMigrateJob"]);
    assert_eq!(version.legal_actions("migration", &seen("9", None)), ["DeleteMigrateJob"]);
    assert_eq!(
        version.legal_actions("migration", &seen("4", None)),
        ["CreateMigrateCheckJob", "DeleteMigrateJob", "ModifyMigrateJob", "StartMigrateJob"]
    );
    assert!(version.legal_actions("migration", &seen("3", None)).is_empty());
    assert!(version.legal_actions("migration", &seen("Running", None)).is_empty());
    assert_eq!(
        version.legal_actions("subscription", &seen("configured", Some("isolated"))),
        ["OfflineIsolatedSubscribe"]
    );
}

#[test]
fn states_are_read_where_the_answer_has_them() {
    let version = version();
    let answer = r#"{"TotalCount": 3, "JobList": [
        {"JobId": "dts-a", "Status": 7, "SrcInfo": {"Password": ""}},
        {"JobId": "dts-b"},
        {"JobId": "dts-c", "Status": 99}
    ], "RequestId": "r"}"#;
    let sources: Vec<_> = version.state_sources("DescribeMigrateJobs").collect();
    let [(kind, source)] = &sources[..] else { panic!("one kind is read there") };
    assert_eq!(kind.name, "migration");
    assert_eq!(kind.read.parameter.as_ref().unwrap().to_string(), "JobId");
    let of = |id: &str, state: &str| Observation { id: id.into(), ..seen(state, None) };
    let expected = [of("dts-a", "7"), of("dts-c", "99")];
    assert_eq!(source.observe(&json(answer)), expected);
    assert_eq!(source.observe(&serde_json::from_str::<serde_json::Value>(answer).unwrap()), expected);

    let sources: Vec<_> = version.state_sources("DescribeSubscribeConf").collect();
    let told =
        sources[0].1.observe(&json(r#"{"SubscribeId": "subs-x", "SubsStatus": "configured", "Status": "normal"}"#));
    let expected = Observation { id: "subs-x".into(), ..seen("configured", Some("normal")) };
    assert_eq!(told, [expected]);
    assert_eq!(version.state_sources("DescribeSubscribes").count(), 0);
    assert!(action("DescribeMigrateJobs").is_lookup && action("DescribeSubscribeConf").is_lookup);
    assert!(!action("DescribeSubscribes").is_lookup);
}

#[test]
fn a_region_has_its_host_or_the_default_and_finance_only_its_own() {
    let version = version();
    let host = |site: &str, region: &str| version.endpoint(site, region).map(str::to_owned);
    let mainland = |region| host("mainland", region).unwrap();
    assert_eq!(mainland("ap-guangzhou"), "dts.ap-guangzhou.tencentcloudapi.com");
    assert_eq!(mainland("na-ashburn"), "dts.na-ashburn.tencentcloudapi.com");
    assert_eq!(mainland("na-toronto"), "dts.tencentcloudapi.com");
    assert_eq!(host("international", "ap-singapore").unwrap(), "dts.intl.tencentcloudapi.com");
    assert_eq!(host("internal", "ap-guangzhou").unwrap(), "dts.internal.tencentcloudapi.com");
    for site in ["mainland", "international", "internal"] {
        for region in ["ap-shanghai-fsi", "ap-shenzhen-fsi"] {
            assert_eq!(host(site, region).unwrap(), format!("dts.{region}.tencentcloudapi.com"));
        }
        assert_eq!(version.endpoints.regions(site).count(), 25);
    }
}

/// Threats: what must not become a host.
#[test]
fn a_region_is_compared_byte_for_byte() {
    let endless = "a".repeat(300);
    let hostile = [
        "",
        " ",
        "AP-GUANGZHOU",
        "ap-guangzhou ",
        "ap-guangzhou.",
        "ap-guangzhou@evil.example",
        "evil.example#",
        "ap-guangzhou%00",
        "ap-guangzhou\0",
        "ap-guangzhou\r\nHost: evil",
        "ap-guangzhou:443",
        "ap-guangzhou/..",
        "ap\u{2024}guangzhou",
        "{region}",
        &endless,
    ];
    for region in hostile {
        assert_eq!(version().endpoint("mainland", region), Err(UnknownRegion), "{region:?}");
    }
    assert_eq!(version().endpoint("nowhere", "ap-guangzhou"), Err(UnknownRegion));
}

#[test]
fn secrets_of_requests_and_answers_follow_from_the_structures() {
    let marked = |paths: Vec<(String, Mark)>, mark| {
        let of_mark = paths.into_iter().filter(|(_, other)| *other == mark).map(|(path, _)| path);
        of_mark.collect::<std::collections::BTreeSet<_>>()
    };
    let below = |prefix: &str| {
        let members = [
            "SrcInfo.AccessKey",
            "SrcInfo.Password",
            "DstInfo.Password",
            "SrcInfoMulti[].AccessKey",
            "SrcInfoMulti[].Password",
        ];
        members.map(|member| format!("{prefix}{member}")).into_iter().collect::<std::collections::BTreeSet<_>>()
    };
    for name in ["CreateMigrateJob", "ModifyMigrateJob"] {
        assert_eq!(marked(action(name).secrets.paths(), Mark::Secret), below(""));
        assert_eq!(marked(action(name).secrets.paths(), Mark::Opaque).len(), 1);
        assert_eq!(marked(action(name).secrets.paths(), Mark::Identity).len(), 3);
    }
    assert_eq!(marked(action("DescribeMigrateJobs").answer_secrets.paths(), Mark::Secret), below("JobList[]."));
    let version = version();
    assert_eq!(version.actions().filter(|action| !action.secrets.is_empty()).count(), 2);
    assert_eq!(version.actions().filter(|action| !action.answer_secrets.is_empty()).count(), 1);
}

#[test]
fn codes_and_protocol_parameters_are_known() {
    let version = version();
    assert!(
        version.is_throttled("RequestLimitExceeded") && version.is_throttled("RequestLimitExceeded.IPLimitExceeded")
    );
    assert!(!version.is_throttled("RequestLimitExceededX") && !version.is_throttled("LimitExceeded.MaxUnusedJobs"));
    assert!(version.is_task_not_found("ResourceNotFound.JobNotExist"));
    assert!(version.is_state_refused("FailedOperation.NotAllowOperation"));
    assert!(!version.is_state_refused("OperationDenied.NotEnoughMoneyError"));
    assert_eq!(version.region_parameter, "Region");
    assert_eq!(version.common_parameter("Signature"), Some(CommonUse::Rebuilt));
    assert_eq!(version.common_parameter("Token"), Some(CommonUse::Dropped));
    assert_eq!(version.common_parameter("JobId"), None);
    let code = |name: &str, reason| version.refusal_code(&action(name), reason).map(str::to_owned);
    assert_eq!(code("StartMigrateJob", "state-forbids").as_deref(), Some("FailedOperation.NotAllowOperation"));
    assert_eq!(code("ResetSubscribe", "state-forbids").as_deref(), Some("FailedOperation.StatusInConflict"));
    assert_eq!(code("ActivateSubscribe", "state-forbids").as_deref(), Some("OperationDenied"));
    assert_eq!(code("StartMigrateJob", "task-not-found").as_deref(), Some("ResourceNotFound.JobNotExist"));
    assert_eq!(code("StartMigrateJob", "rate-limited"), None);
}

#[test]
fn created_tasks_are_found_in_the_answer() {
    let created = |name: &str, answer: &str| {
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        let ids = action(name)
            .creates
            .clone()
            .unwrap()
            .path
            .select(&answer)
            .into_iter()
            .map(|id| id.as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(created("CreateMigrateJob", r#"{"JobId": "dts-1"}"#), ["dts-1"]);
    assert_eq!(created("CreateSubscribe", r#"{"SubscribeIds": ["subs-1", "subs-2"]}"#), ["subs-1", "subs-2"]);
    assert!(created("CreateSubscribe", r#"{"SubscribeIds": null}"#).is_empty());
}

/// Adding a version is a folder of rows and no code: here one with a nested id, an id that only we require, a danger in
/// a bag of keys and values, two scopes, a window of a minute, and a state of its own.
#[test]
fn a_made_up_third_version_is_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    copy(dir.path(), "tencent-2018-03-30", "tencent-2018-03-30");
    copy(dir.path(), "tencent-2018-03-30", "tencent-2031-01-02");
    let folder = dir.path().join("tencent-2031-01-02");
    replace(&folder.join("provider.toml"), "version = \"2018-03-30\"", "version = \"2031-01-02\"");
    let append = |file: &str, rows: &str| {
        let path = folder.join(file);
        fs::write(&path, fs::read_to_string(&path).unwrap() + rows).unwrap();
    };
    append(
        "actions.toml",
        r#"
        [structure.Option]
        Key = "String required"
        Value = "String"
        [structure.Target]
        Id = "String"
        [action.TwistMigrateJob]
        task = "migration"
        kind = "change"
        ids = { "Targets[].Id" = { task = "migration", required = true } }
        parameters = { Targets = "Target[]", Options = "Option[]" }
        sources = ["assumed"]
        [[action.TwistMigrateJob.dangerous]]
        name = "clear-data"
        parameter = "Options[Key=DstWriteMode].Value"
        equals = ["clearData"]
        reason = "wipes the target"
        sources = ["assumed"]
    "#,
    );
    append(
        "states.toml",
        r#"
        [rule.TwistMigrateJob]
        allowed = ["Twisted"]
        mode = "observe"
        confidence = "low"
        sources = ["assumed"]
        [task.migration.state.Twisted]
        code = "twisted"
        sources = ["assumed"]
    "#,
    );
    append(
        "limits.toml",
        r#"
        [[limit]]
        calls = 200
        window_ms = 1000
        scope = ["region"]
        sources = ["assumed"]
        buckets = ["TwistMigrateJob"]
        [[limit]]
        calls = 40
        window_ms = 60_000
        scope = ["region", "identity"]
        sources = ["assumed"]
        buckets = ["TwistMigrateJob"]
    "#,
    );
    let providers = Providers::load(dir.path()).unwrap();
    assert_eq!(providers.versions().count(), 2);
    let version = providers.version("2031-01-02").unwrap();
    let action = version.action("TwistMigrateJob").unwrap();
    assert_eq!(action.bucket.limits.len(), 2);
    assert_eq!(action.bucket.limits[1].window, Duration::from_secs(60));
    assert_eq!(action.rule.as_ref().unwrap().allowed, Allowed::Only(vec!["Twisted".into()]));
    assert_eq!(version.legal_actions("migration", &seen("twisted", None)), ["TwistMigrateJob"]);
    let call = json(
        r#"{"Targets": [{"Id": "dts-1"}, {"Id": "dts-2"}, {"Id": "dts-1"}],
        "Options": [{"Key": "Other", "Value": "clearData"}, {"Key": " dstwritemode", "Value": "ClearData "}]}"#,
    );
    assert_eq!(action.check_parameters(&call), Ok(()));
    assert_eq!(action.task_ids(&call).into_iter().map(|task| task.id).collect::<Vec<_>>(), ["dts-1", "dts-2"]);
    assert_eq!(
        action.dangers(&call).into_iter().map(|(danger, _)| danger.name.as_str()).collect::<Vec<_>>(),
        ["clear-data"]
    );
    let fault = action.check_parameters(&json(r#"{"Options": []}"#)).unwrap_err();
    assert_eq!(fault.to_string(), "parameter `Targets[].Id`: required and missing");
    assert_ne!(version.digest(), providers.version("2018-03-30").unwrap().digest());
}

#[test]
fn what_only_stops_or_pauses_is_marked_and_nothing_else_is() {
    let providers = Providers::embedded().unwrap();
    for version in providers.versions() {
        for action in version.actions() {
            let halts = ["Stop", "Pause", "Suspend"].iter().any(|verb| action.name.starts_with(verb));
            // It ends every task that runs on a cluster.
            assert_eq!(action.emergency, halts && action.name != "StopDedicatedCluster", "{}", action.name);
        }
    }
}

#[test]
fn a_bucket_mixes_urgency_where_a_stop_or_its_look_up_is_counted_with_other_calls() {
    let providers = Providers::embedded().unwrap();
    let mixes =
        |version: &str, action: &str| providers.version(version).unwrap().action(action).unwrap().bucket.mixes_urgency;
    assert!(mixes("2018-03-30", "DescribeMigrateJobs"), "the state of what is to be stopped is asked for with it");
    assert!(mixes("2020-01-01", "DescribeDtsJobDetail") || mixes("2020-01-01", "DescribeDtsJobs"));
    assert!(!mixes("2018-03-30", "StopMigrateJob"), "nothing else is counted with it");
    assert!(!mixes("2018-03-30", "DescribeSubscribeConf"), "no subscription can be stopped");
}
