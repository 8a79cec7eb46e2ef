//! Presence, names and types of parameters; task ids; what may be written down.

use super::super::{FaultKind, REDACTED, UNKNOWN_MEMBER};
use super::{action, as_text, json};
use crate::parameters::Value;

const CREATE: &str = r#"{
    "JobName": "userstest", "SrcDatabaseType": "mysql", "SrcAccessType": "extranet", "DstDatabaseType": "mysql",
    "DstAccessType": "cdb",
    "MigrateOption": {"RunMode": 1, "MigrateType": 1, "MigrateObject": 1, "ConsistencyType": 1, "IsOverrideRoot": 0,
        "ExternParams": "{\"key\": \"planted-opaque\"}"},
    "SrcInfo": {"Ip": "14.17.22.36", "Port": 10301, "User": "root", "Supplier": "others",
        "Password": "planted-secret", "Region": "ap-guangzhou"},
    "DstInfo": {"InstanceId": "cdb-e78e0nnv", "Region": "ap-shanghai"},
    "Tags": [{"TagKey": "team", "TagValue": "blue"}]
}"#;

fn fault(name: &str, parameters: &Value) -> (String, FaultKind) {
    let fault = action(name).check_parameters(parameters).unwrap_err();
    (fault.path, fault.kind)
}

fn wrong(expected: &str) -> FaultKind {
    FaultKind::WrongType { expected: expected.into() }
}

#[test]
fn the_seeds_examples_pass_in_json_and_as_a_form() {
    assert_eq!(action("CreateMigrateJob").check_parameters(&json(CREATE)), Ok(()));
    assert_eq!(action("CreateMigrateJob").check_parameters(&as_text(&json(CREATE))), Ok(()));
    let modify = json(
        r#"{"JobId": "dts-1kl0iy0v", "JobName": "userdts", "DatabaseInfo": "[{\"Database\":\"test\"}]",
            "MigrateOption": {"RunMode": 1, "MigrateType": 2}, "DstInfo": {"ReadOnly": 0}}"#,
    );
    assert_eq!(action("ModifyMigrateJob").check_parameters(&as_text(&modify)), Ok(()));
    let list = json(r#"{"Order": "CreateTime", "OrderSeq": "DESC", "Offset": 0, "Limit": 2}"#);
    assert_eq!(action("DescribeMigrateJobs").check_parameters(&as_text(&list)), Ok(()));
    assert_eq!(action("DescribeMigrateJobs").check_parameters(&json("{}")), Ok(()));
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(fault("StartMigrateJob", &json("{}")), ("JobId".into(), FaultKind::Missing));
    assert_eq!(fault("StartMigrateJob", &json(r#"{"JobId": null}"#)), ("JobId".into(), FaultKind::Missing));
    assert_eq!(fault("StartMigrateJob", &json(r#"{"JobId": ""}"#)), ("JobId".into(), FaultKind::Missing));
    let tag = json(r#"{"TagFilters": [{"TagKey": "a"}, {"TagValue": ["b"]}]}"#);
    assert_eq!(fault("DescribeMigrateJobs", &tag), ("TagFilters.1.TagKey".into(), FaultKind::Missing));
    let option = json(r#"{"JobId": "dts-1", "MigrateOption": {"MigrateType": 2}}"#);
    assert_eq!(fault("ModifyMigrateJob", &option), ("MigrateOption.RunMode".into(), FaultKind::Missing));
}

#[test]
fn what_is_unknown_is_named_and_cannot_fill_a_log() {
    let call = json(r#"{"JobId": "dts-1", "jobid": "dts-2"}"#);
    assert_eq!(fault("StartMigrateJob", &call), ("jobid".into(), FaultKind::Unknown));
    let nested = json(r#"{"JobId": "dts-1", "SrcInfo": {"Pasword": "x"}}"#);
    assert_eq!(fault("ModifyMigrateJob", &nested), ("SrcInfo.Pasword".into(), FaultKind::Unknown));
    let endless = Value::Object(vec![(format!("\u{1b}[31m\n{}", "x".repeat(1_000_000)), Value::Null)]);
    let (path, kind) = fault("StartMigrateJob", &endless);
    assert_eq!(kind, FaultKind::Unknown);
    assert!(path.len() < 100 && path.ends_with("...") && !path.contains(['\n', '\u{1b}']));
}

#[test]
fn types_are_checked_as_the_cloud_documents_them() {
    let limit =
        |value: Value| action("DescribeMigrateJobs").check_parameters(&Value::Object(vec![("Limit".into(), value)]));
    for text in ["0", "-1", "+7", "12345678901234567890123"] {
        assert_eq!(limit(Value::Text(text.into())), Ok(()), "{text}");
        assert_eq!(limit(Value::String(text.into())), Ok(()), "{text}");
        assert_eq!(limit(Value::Number(text.into())), Ok(()), "{text}");
    }
    for text in ["", "-", "1.0", "1e3", " 1", "0x10", "١", "true"] {
        for value in [Value::Text(text.into()), Value::String(text.into()), Value::Number(text.into())] {
            assert_eq!(limit(value).unwrap_err().kind, wrong("Integer"), "{text}");
        }
    }
    assert_eq!(limit(Value::Bool(true)).unwrap_err().kind, wrong("Integer"));
    assert_eq!(limit(Value::List(vec![])).unwrap_err().kind, wrong("Integer"));
    assert_eq!(limit(Value::Null), Ok(()), "null is absent");

    assert_eq!(fault("StartMigrateJob", &json(r#"{"JobId": 1}"#)), ("JobId".into(), wrong("String")));
    assert_eq!(fault("StartMigrateJob", &json(r#"{"JobId": ["dts-1"]}"#)), ("JobId".into(), wrong("String")));
    let source = json(r#"{"JobId": "dts-1", "SrcInfo": "text"}"#);
    assert_eq!(fault("ModifyMigrateJob", &source), ("SrcInfo".into(), wrong("SrcInfo")));
    let port = json(r#"{"JobId": "dts-1", "SrcInfoMulti": [{"Port": 1}, {"Port": "x"}]}"#);
    assert_eq!(fault("ModifyMigrateJob", &port), ("SrcInfoMulti.1.Port".into(), wrong("Integer")));
    let list = json(r#"{"Status": "normal"}"#);
    assert_eq!(fault("DescribeSubscribes", &list), ("Status".into(), wrong("Array of String")));
    assert_eq!(fault("DescribeSubscribes", &json(r#"{"Status": [null]}"#)), ("Status.0".into(), wrong("String")));
    assert_eq!(fault("StartMigrateJob", &json("[]")), (String::new(), wrong("Object")));
}

#[test]
fn a_call_names_its_tasks() {
    let ids = |name: &str, call: &str| {
        action(name).task_ids(&json(call)).into_iter().map(|task| (task.kind, task.id)).collect::<Vec<_>>()
    };
    assert_eq!(ids("StartMigrateJob", r#"{"JobId": "dts-1"}"#), [("migration".into(), "dts-1".into())]);
    assert_eq!(ids("ResetSubscribe", r#"{"SubscribeId": "subs-1"}"#), [("subscription".into(), "subs-1".into())]);
    assert!(ids("DescribeMigrateJobs", r#"{"JobId": ""}"#).is_empty(), "an empty id names none");
    assert!(ids("CreateMigrateJob", CREATE).is_empty());
    assert!(action("DescribeMigrateJobs").lists && !action("DescribeMigrateJobs").ids[0].required);
}

#[test]
fn an_immediate_completion_is_a_danger() {
    let dangers = |call: &str| action("CompleteMigrateJob").dangers(&json(call)).len();
    assert_eq!(dangers(r#"{"JobId": "dts-1"}"#), 0);
    assert_eq!(dangers(r#"{"JobId": "dts-1", "CompleteMode": "waitForSync"}"#), 0);
    assert_eq!(dangers(r#"{"JobId": "dts-1", "CompleteMode": "immediately"}"#), 1);
    assert_eq!(dangers(r#"{"JobId": "dts-1", "CompleteMode": " Immediately"}"#), 1);
}

#[test]
fn what_is_written_down_holds_no_secret() {
    let mut call = json(CREATE);
    let Value::Object(members) = &mut call else { panic!("an object") };
    members.push(("SrcInf0".into(), json(r#"{"Password": "planted-misspelt"}"#)));
    members.push(("planted-name".into(), Value::Null));
    members.push(("SrcInfoMulti".into(), json(r#"[{"Password": "planted-second"}, "planted-misplaced"]"#)));
    members.push(("DatabaseInfo".into(), json(r#"{"Password": "planted-inside"}"#)));
    members.push(("DstInfo".into(), json(r#"{"Port": "planted-for-a-number", "ReadOnly": true}"#)));
    for call in [as_text(&call), call] {
        let redacted = action("CreateMigrateJob").redacted(&call);
        let mut texts = Vec::new();
        collect(&redacted, &mut texts);
        assert!(!texts.iter().any(|text| text.contains("planted")), "{texts:?}");
        for kept in ["userstest", "root", "10301", "team", REDACTED, UNKNOWN_MEMBER] {
            assert!(texts.iter().any(|text| text == kept), "{kept}");
        }
    }
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Text(text) | Value::String(text) | Value::Number(text) => texts.push(text.clone()),
        Value::Bool(_) | Value::Null => {}
        Value::List(elements) => elements.iter().for_each(|element| collect(element, texts)),
        Value::Object(members) => {
            for (name, value) in members {
                texts.push(name.clone());
                collect(value, texts);
            }
        }
    }
}
