//! Every action answers with the members that the definitions list, and what it takes is typed.

use serde_json::{Map, Value, json};

use super::Bench;
use crate::dialect::tencent;
use crate::table::{Member, Type};

/// Whether a value has exactly the members of its type, all the way down.
fn fits(bench: &Bench, value: &Value, kind: &Type) -> bool {
    match (kind, value) {
        (Type::Text, Value::String(_)) | (Type::Boolean, Value::Bool(_)) | (Type::Float, Value::Number(_)) => true,
        (Type::Integer | Type::Unsigned, Value::Number(number)) => number.is_i64(),
        (Type::Array(element), Value::Array(values)) => values.iter().all(|value| fits(bench, value, element)),
        (Type::Structure(name), Value::Object(members)) => has(bench, members, bench.provider().types.members(name)),
        _ => false,
    }
}

fn has(bench: &Bench, members: &Map<String, Value>, documented: &[Member]) -> bool {
    members.len() == documented.len()
        && documented.iter().all(|one| members.get(&one.name).is_some_and(|value| fits(bench, value, &one.kind)))
}

#[test]
fn every_action_answers_in_its_shape() {
    let bench = Bench::new();
    for action in bench.provider().actions.values() {
        let kind = &bench.provider().kinds[&action.task];
        let status = action.allowed.as_ref().map_or(&kind.statuses[0].wire, |allowed| &allowed[0]);
        let billing = action.allowed_billing.as_ref().map(|allowed| allowed[0].as_str());
        let pay_mode = if action.name == "ResetSyncJob" { "PrePay" } else { "PostPay" };
        let mut data = json!({ "PayMode": pay_mode, "ConsumerGroups": [{ "ConsumerGroupName": "g" }] });
        if let Some(parent) = &action.parent {
            data["JobId"] = bench.put(&parent.task, "running", None, json!({})).into();
        }
        let id = bench.put(&action.task, status.as_str().unwrap(), billing, data);
        let answer = bench.answer(&action.name, bench.minimal(action, &id));
        assert!(has(&bench, &answer, &action.answer), "{}: {answer:?}", action.name);
    }
}

#[test]
fn the_lists_have_items_in_their_shape() {
    let bench = Bench::new();
    for (action, kind, items) in [
        ("DescribeMigrationJobs", "migration", "JobList"),
        ("DescribeSyncJobs", "sync", "JobList"),
        ("DescribeSubscribeJobs", "subscription", "Items"),
    ] {
        let status = bench.provider().kinds[kind].statuses[0].name.clone();
        for _ in 0..3 {
            bench.put(kind, &status, None, json!({}));
        }
        let answer = bench.answer(action, json!({ "Limit": 2 }));
        assert_eq!((&answer["TotalCount"], answer[items].as_array().unwrap().len()), (&json!(3), 2), "{action}");
    }
}

#[test]
fn secrets_are_shown_only_to_a_test_that_asks() {
    let bench = Bench::new();
    let info = json!({"DatabaseType": "mysql", "Info": [{"User": "root", "Password": "hush", "TmpToken": "hush"}]});
    for shows in [false, true] {
        let told = json!({ "SrcInfo": info, "ShowSecrets": shows });
        let id = bench.put("migration", "running", None, told);
        for answer in [
            bench.answer("DescribeMigrationDetail", json!({ "JobId": id }))["SrcInfo"].clone(),
            bench.answer("DescribeMigrationJobs", json!({ "JobId": id }))["JobList"][0]["SrcInfo"].clone(),
        ] {
            assert_eq!(answer["Info"][0]["User"], "root");
            assert_eq!(answer["Info"][0]["Password"], if shows { "hush" } else { "" });
            assert_eq!(answer["Info"][0]["TmpToken"], if shows { "hush" } else { "" });
        }
    }
}

#[test]
fn flat_values_are_texts_of_their_type() {
    let bench = Bench::new();
    let action = &bench.provider().actions["StopCompare"];
    let check = |flat: bool, value: Value| {
        let given = Map::from_iter([
            ("JobId".to_owned(), json!("dts-1")),
            ("CompareTaskId".to_owned(), json!("dts-1-cmp-1")),
            ("ForceStop".to_owned(), value),
        ]);
        tencent::check_parameters(&given, flat, &action.parameters, &bench.provider().types)
    };
    for (text, expected) in [("true", true), ("True", true), ("false", false), ("False", false)] {
        assert_eq!(check(true, json!(text)).unwrap()["ForceStop"], expected, "{text}");
    }
    assert_eq!(check(false, json!(false)).unwrap()["ForceStop"], false);
    for (flat, wrong) in [(true, json!("1")), (true, json!("")), (false, json!("true")), (false, json!(1))] {
        assert_eq!(check(flat, wrong).unwrap_err().code, "InvalidParameterValue");
    }
}

#[test]
fn parameters_are_checked_against_their_row() {
    let bench = Bench::new();
    for (action, parameters, code) in [
        ("StartSyncJob", json!({}), "MissingParameter"),
        ("DestroyMigrateJob", json!({}), "MissingParameter"),
        ("StopMigrateJob", json!({"JobId": "a", "Force": true}), "UnknownParameter"),
        ("StopMigrateJob", json!({"JobId": 7}), "InvalidParameterValue"),
        ("DescribeSyncJobs", json!({"JobIds": "a"}), "InvalidParameterValue"),
        ("DescribeSyncJobs", json!({"Limit": -1}), "InvalidParameterValue"),
        ("DescribeSyncJobs", json!({"OrderSeq": "UP"}), "InvalidParameterValue.InvalidParameterValueError"),
        ("DescribeMigrationJobs", json!({"Limit": 101}), "InvalidParameterValue.InvalidParameterValueError"),
    ] {
        assert_eq!(bench.code(action, parameters.clone()), code, "{action} {parameters}");
    }
}
