//! Every action of every version answers exactly the members that its row documents, each of its type.

use serde_json::{Map, Value, json};

use super::states::sample;
use super::{Bench, KINDS, NEW};
use crate::table::{Member, Type, Types};

const VERSIONS: [(&str, usize); 4] = [("2016-08-01", 31), ("2018-08-01", 45), ("2019-09-01", 14), (NEW, 130)];

#[test]
fn every_version_has_all_its_actions() {
    let bench = Bench::new();
    for (version, count) in VERSIONS {
        assert_eq!(bench.provider(version).actions.len(), count, "{version}");
    }
    for version in ["2016-08-01", "2018-08-01", NEW] {
        assert!(bench.provider(version).actions.contains_key("DescribeMigrationJobStatus"), "{version}");
    }
}

#[test]
fn every_action_answers_its_documented_members() {
    let bench = Bench::new();
    for (version, _) in VERSIONS {
        let provider = bench.provider(version);
        for action in provider.actions.values() {
            let mut answered = 0;
            for (kind, status) in KINDS.iter().flat_map(|kind| {
                ["NotStarted", "Migrating", "Synchronizing", "Normal", "Suspending", "PrecheckFailed"]
                    .map(|status| (kind, status))
            }) {
                let group = json!([{ "ConsumerGroupId": "x", "ConsumerGroupName": "x" }]);
                let id =
                    bench.put_in(NEW, kind, status, json!({ "ConsumerChannels": group, "Tags": { "team": "blue" } }));
                let result = bench.call_in(version, &action.name, &sample(action, &id));
                bench.cloud.world().remove(&id); // or the lists get longer and longer
                match result {
                    Ok(done) => {
                        answered += 1;
                        check(&provider.types, &action.name, &action.answer, &done.members, true);
                    }
                    Err(error) => {
                        let expected = error.code.contains("Status")
                            || error.code.contains("Job")
                            || error.code.contains("Instance");
                        assert!(expected, "{version} {}: {error:?}", action.name);
                    }
                }
            }
            let paid_in_advance_only = action.name == "RenewInstance";
            assert!(answered > 0 || paid_in_advance_only, "{version} {} was never answered", action.name);
        }
    }
}

fn check(types: &Types, place: &str, members: &[Member], given: &Map<String, Value>, whole: bool) {
    for name in given.keys() {
        assert!(members.iter().any(|member| member.name == *name), "{place}: {name} is not documented");
    }
    for member in members {
        let only_in_failures =
            whole && ["ErrCode", "ErrMessage", "DynamicCode", "DynamicMessage"].contains(&member.name.as_str());
        match given.get(&member.name) {
            Some(value) => check_value(types, &format!("{place}.{}", member.name), &member.kind, value),
            None => {
                assert!(only_in_failures || !whole, "{place} lacks {}", member.name)
            }
        }
    }
}

fn check_value(types: &Types, place: &str, kind: &Type, value: &Value) {
    let right = match kind {
        Type::Text => value.is_string(),
        Type::Integer | Type::Unsigned => value.is_i64(),
        Type::Float => value.is_number(),
        Type::Boolean => value.is_boolean(),
        Type::Map => value.is_object(),
        Type::Array(element) => {
            let items = value.as_array().unwrap_or_else(|| panic!("{place} is no list"));
            items.iter().for_each(|item| check_value(types, place, element, item));
            true
        }
        Type::Structure(name) => {
            let members = value.as_object().unwrap_or_else(|| panic!("{place} is no structure"));
            check(types, place, types.members(name), members, false);
            true
        }
    };
    assert!(right, "{place} is {value}, not {kind}");
}

#[test]
fn success_is_said_in_the_type_of_the_row() {
    let bench = Bench::new();
    let id = bench.put("migration", "Migrating");
    let new = bench.call("ModifyDtsJobName", json!({ "DtsJobId": id, "DtsJobName": "n" }));
    assert_eq!((&new["Success"], &new["HttpStatusCode"], &new["Code"]), (&json!(true), &json!(200), &json!("200")));
    assert!(!new.contains_key("ErrCode"));
    let old = bench
        .call("ConfigureMigrationJobAlert", json!({ "MigrationJobId": format!("dts{id}"), "DelayOverSeconds": "1" }));
    assert_eq!(old["Success"], "true");
}

#[test]
fn secrets_are_empty_unless_a_test_wants_them() {
    let bench = Bench::new();
    let id =
        bench.put_in(NEW, "subscription", "Normal", json!({ "Password": "told", "SourceEndpointPassword": "told" }));
    let account = bench.call("DescribeChannelAccount", json!({ "DtsJobId": id }));
    assert_eq!(account["Password"], "");
    let detail = bench.call("DescribeDtsJobDetail", json!({ "DtsJobId": id }));
    assert!(!Value::Object(detail).to_string().contains("told"));
    let open = bench.put_in(NEW, "subscription", "Normal", json!({ "Password": "told", "ShowSecrets": true }));
    assert_eq!(bench.call("DescribeChannelAccount", json!({ "DtsJobId": open }))["Password"], "told");
}
