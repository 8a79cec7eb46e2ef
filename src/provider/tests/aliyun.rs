//! The committed tables of Alibaba Cloud against the facts: actions, hosts, rates, secrets, rules. Transcribed by hand or
//! taken from the definitions, not from the rows.

use std::time::Duration;

use super::super::{Allowed, Confidence, Dimension, Family, Kind, Mark, Mode, UnknownRegion};
use super::{aliyun, aliyun_action, json, version_of};

const VERSIONS: [&str; 4] = ["2016-08-01", "2018-08-01", "2019-09-01", "2020-01-01"];

#[test]
fn four_versions_hold_the_actions_of_the_definitions() {
    let kinds = [Kind::Read, Kind::Change, Kind::Destructive, Kind::Purchase];
    // DescirbeMigrationJobs of 2016 is misspelt, and a read all the same.
    let expected = [[11, 13, 4, 3], [17, 19, 6, 3], [5, 6, 2, 1], [54, 51, 16, 9]];
    for (date, expected) in VERSIONS.into_iter().zip(expected) {
        let version = version_of(date);
        assert_eq!(version.family, Family::Aliyun);
        assert_eq!(
            kinds.map(|kind| version.actions().filter(|action| action.kind == kind).count()),
            expected,
            "{date}"
        );
    }
    let purchases = aliyun();
    let purchases = purchases.actions().filter(|action| action.kind == Kind::Purchase).map(|action| &*action.name);
    let expected = [
        "CreateDtsInstance",
        "CreateMigrationJob",
        "CreateReverseDtsJob",
        "CreateSubscriptionInstance",
        "CreateSynchronizationJob",
        "RenewInstance",
        "TransferInstanceClass",
        "TransferPayType",
        "UpgradeTwoWay",
    ];
    assert_eq!(purchases.collect::<Vec<_>>(), expected);
}

#[test]
fn fifty_five_regions_share_one_host_and_the_rest_have_their_own() {
    for version in VERSIONS.map(version_of) {
        let mapped = |region: &&str| version.endpoint("public", region) == Ok("dts.aliyuncs.com");
        assert_eq!(version.endpoints.regions("public").filter(mapped).count(), 55);
        assert_eq!(version.endpoint("public", "cn-hangzhou"), Ok("dts.aliyuncs.com"));
        assert_eq!(version.endpoint("public", "ap-northeast-1"), Ok("dts.ap-northeast-1.aliyuncs.com"));
        assert_eq!(version.endpoint("vpc", "cn-hangzhou"), Ok("dts-vpc.cn-hangzhou.aliyuncs.com"));
        assert_eq!(version.endpoints.regions("vpc").count(), 25);
        assert_eq!(version.endpoint("vpc", "cn-wuhan"), Err(UnknownRegion));
        assert_eq!(version.endpoint("public", "evil.example/"), Err(UnknownRegion));
    }
}

#[test]
fn rates_count_by_region_and_by_account() {
    let second = Duration::from_secs(1);
    let (region, both) = (vec![Dimension::Region], vec![Dimension::Identity, Dimension::Region]);
    for version in VERSIONS.map(version_of) {
        for action in version.actions() {
            let limits = &action.bucket.limits;
            let told: Vec<_> = limits.iter().map(|limit| (limit.calls, limit.window, limit.scope.clone())).collect();
            let expected = match &*action.name {
                "DescribeDtsJobs" => vec![(200, second, region.clone()), (20, second, both.clone())],
                "DescribeDtsJobDetail" => vec![(160, second, region.clone()), (40, second, both.clone())],
                "ConfigureDtsJob" => vec![(40, Duration::from_secs(60), both.clone())],
                _ => {
                    assert!(limits[0].assumed && limits[0].reason.is_some(), "{}", action.name);
                    vec![(20, second, both.clone())]
                }
            };
            assert_eq!(told, expected, "{}", action.name);
        }
    }
}

#[test]
fn the_region_has_two_names_and_one_of_them_decides() {
    let version = aliyun();
    let own: Vec<_> = version.actions().filter(|action| action.region_parameter != "RegionId").collect();
    assert_eq!(own.iter().map(|action| &*action.name).collect::<Vec<_>>(), ["DescribeDtsJobs"]);
    let call = json(r#"{"Region": "cn-beijing", "RegionId": "cn-hangzhou"}"#);
    assert_eq!(aliyun_action("DescribeDtsJobs").region(&call), Some("cn-beijing"));
    assert_eq!(aliyun_action("CreateMigrationJob").region(&call), Some("cn-hangzhou"));
    assert_eq!(aliyun_action("DescribeDtsJobs").region(&json(r#"{"RegionId": "cn-hangzhou"}"#)), None);
    assert_eq!(aliyun_action("DescribeDtsJobs").region(&json(r#"{"Region": ""}"#)), None);
    for version in VERSIONS.map(version_of) {
        for action in version.actions() {
            let region = action.parameters.field("RegionId").expect("the old SDK sends it with every call");
            assert!(!region.required, "{}", action.name);
        }
    }
}

#[test]
fn the_protocols_parameters_are_known_and_one_action_has_its_own_of_that_name() {
    let version = aliyun();
    assert_eq!(version.common_parameters().count(), 11);
    let usage = aliyun_action("DescribeClusterUsedUtilization");
    assert_eq!(version.common_parameter_of(&usage, "SecurityToken"), None);
    assert!(version.common_parameter_of(&usage, "Signature").is_some());
    assert!(version.common_parameter_of(&aliyun_action("DescribeDtsJobs"), "SecurityToken").is_some());
    assert!(version.is_throttled("Throttling.User") && version.is_throttled("Throttling"));
    assert!(version.is_task_not_found("Forbidden.InstanceNotFound") && version.is_state_refused("InvalidJobStatus"));
}

#[test]
fn dotted_names_are_structures_and_lists_count_from_one() {
    let action = aliyun_action("TagResources");
    let call =
        r#"{"ResourceId": ["dtsabc"], "ResourceType": "ALIYUN::DTS::INSTANCE", "Tag": [{"Key": "a", "Value": "b"}]}"#;
    assert_eq!(action.check_parameters(&json(call)), Ok(()));
    let fault = action.check_parameters(&json(r#"{"ResourceId": ["dtsabc"], "Tag": [{"Value": "b"}]}"#)).unwrap_err();
    assert_eq!(fault.to_string(), "parameter `Tag.1.Key`: required and missing");
    let action = aliyun_action("ConfigureSubscriptionInstance");
    let call = r#"{"SubscriptionInstanceId": "dtsabc", "SubscriptionObject": "[]", "SourceEndpoint": {"Password": "x"},
        "SubscriptionDataType": {"DDL": "True", "DML": "False"}}"#;
    assert_eq!(action.check_parameters(&super::as_text(&json(call))), Ok(()));
    let text = format!("{:?}", action.redacted(&super::as_text(&json(call))));
    assert!(!text.contains("\"x\""), "{text}");
}

/// `aliyun.sensitive` holds the definitions' own sensitive members, one a line.
#[test]
fn what_is_sensitive_is_what_the_definitions_say() {
    let version = aliyun();
    let mut found = Vec::new();
    for action in version.actions() {
        for (part, set) in [("request", &action.secrets), ("answer", &action.answer_secrets)] {
            for (path, mark) in set.paths() {
                let mark = match mark {
                    Mark::Secret => "secret",
                    Mark::Opaque => "opaque",
                    Mark::Account => "account",
                    Mark::Identity => continue,
                };
                found.push(format!("{} {part} {mark} {path}", action.name));
            }
        }
    }
    found.sort();
    assert_eq!(found, include_str!("aliyun.sensitive").lines().collect::<Vec<_>>());
}

/// What no page prints is only observed.
#[test]
fn rules_are_enforced_where_the_sources_print_them() {
    let mut enforced = Vec::new();
    for version in VERSIONS.map(version_of) {
        for action in version.actions() {
            let Some(rule) = &action.rule else { continue };
            let is_open = rule.allowed == Allowed::Any && rule.confidence == Confidence::Low;
            assert_eq!(
                rule.mode == Mode::Enforce,
                rule.confidence == Confidence::High || action.name == "CreateDtsInstance"
            );
            assert!(is_open || rule.confidence == Confidence::High || rule.reason.is_some(), "{}", action.name);
            if rule.confidence == Confidence::High && version.version == "2020-01-01" {
                let states = match &rule.allowed {
                    Allowed::Any => "any".to_owned(),
                    Allowed::Only(states) => states.join(" "),
                };
                enforced.push(format!("{}: {states} {}", action.name, rule.when).trim().to_owned());
            }
        }
    }
    let expected = [
        "ModifyConsumptionTimestamp: Normal",
        "ModifySubscriptionObject: NotStarted Normal Abnormal Failed",
        "ModifySynchronizationObject: NotStarted Synchronizing",
        "RenewInstance: any pay_type PrePaid",
        "StartMigrationJob: NotStarted MigrationFailed Suspending",
        "StartReverseWriter: Suspending",
        "StartSubscriptionInstance: NotStarted Abnormal Failed",
        "StartSynchronizationJob: NotStarted PrecheckFailed Failed Suspending",
        "StopMigrationJob: Migrating",
        "SuspendSynchronizationJob: Synchronizing",
        "TransferPayType: any",
        "UpgradeTwoWay: Synchronizing",
    ];
    assert_eq!(enforced, expected);
}

#[test]
fn dangers_are_named() {
    let asked = |name: &str, call: &str| {
        let action = aliyun_action(name);
        action.dangers(&json(call)).first().map(|(danger, _)| danger.name.clone())
    };
    assert_eq!(asked("UntagResources", r#"{"All": "True"}"#).as_deref(), Some("untag-all"));
    assert_eq!(asked("UntagResources", r#"{"All": "False"}"#), None);
    assert_eq!(asked("SkipPreCheck", r#"{"Skip": true}"#).as_deref(), Some("skip-precheck"));
    assert_eq!(asked("StopDedicatedCluster", r#"{"InstanceId": "x"}"#).as_deref(), Some("stop-cluster"));
    assert_eq!(asked("PromoteToMaster", r#"{"SlaveDbInstanceId": "x"}"#).as_deref(), Some("change-gad"));
}
