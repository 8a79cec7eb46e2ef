//! What needs a grant of its own in 2021-12-06, by a value of the call and by what is known of its task.

use super::super::Observation;
use super::{as_text, json, newer, newer_action};
use crate::parameters::Value;

fn dangers(name: &str, parameters: &str) -> Vec<String> {
    let action = newer_action(name);
    let of = |call: &Value| {
        assert_eq!(action.check_parameters(call), Ok(()), "{name}");
        action.dangers(call).into_iter().map(|(danger, _)| danger.name.clone()).collect::<Vec<_>>()
    };
    let call = json(parameters);
    let found = of(&call);
    assert_eq!(found, of(&as_text(&call)), "{name}: as JSON and as a form it is the same call");
    found
}

#[test]
fn values_that_can_hurt_are_dangers() {
    let clear = r#"[{"Key": "IsDstReadOnly", "Value": "true"}, {"Key": "DstWriteMode", "Value": "ClearData "}]"#;
    let call = format!(r#"{{"JobId": "dts-a", "OtherOptions": {clear}}}"#);
    assert_eq!(dangers("ModifyMigrateRuntimeAttribute", &call), ["clear-data"]);
    assert!(dangers("ModifyMigrateRuntimeAttribute", &call.replace("DstWriteMode", "Other")).is_empty());
    assert_eq!(dangers("ResumeMigrateJob", r#"{"JobId": "dts-a", "ResumeOption": "clearData"}"#), ["clear-data"]);
    assert!(dangers("ResumeMigrateJob", r#"{"JobId": "dts-a", "ResumeOption": "overwrite"}"#).is_empty());
    for bag in ["MigrateOption", "SrcInfo", "DstInfo"] {
        let option = r#"{"DatabaseTable": {"ObjectMode": "all"}, "ExtraAttr": []}"#;
        let end = r#"{"Region": "r", "AccessType": "cdb", "DatabaseType": "redis", "NodeType": "simple",
            "Info": [{"Host": "h", "Port": 6379, "Password": "p"}], "ExtraAttr": []}"#;
        let with = |name: &str, text: &str| {
            if name == bag {
                text.replace("\"ExtraAttr\": []", &format!("\"ExtraAttr\": {clear}"))
            } else {
                text.into()
            }
        };
        let call = format!(
            r#"{{"JobId": "dts-a", "RunMode": "immediate", "MigrateOption": {}, "SrcInfo": {}, "DstInfo": {}}}"#,
            with("MigrateOption", option),
            with("SrcInfo", end),
            with("DstInfo", end)
        );
        assert_eq!(dangers("ModifyMigrationJob", &call), ["clear-data"], "{bag}");
    }
    let complete = r#"{"JobId": "dts-a", "CompleteMode": "immediately"}"#;
    assert_eq!(dangers("CompleteMigrateJob", complete), ["complete-immediately"]);
    assert!(dangers("CompleteMigrateJob", &complete.replace("immediately", "waitForSync")).is_empty());
    for name in ["StopCompare", "StopSyncCompare"] {
        let stop = |force| format!(r#"{{"JobId": "a", "CompareTaskId": "a-cmp-1", "ForceStop": {force}}}"#);
        assert_eq!(dangers(name, &stop("true")), ["force-stop"]);
        assert!(dangers(name, &stop("false")).is_empty());
    }
    for kind in 0..3 {
        let call = format!(r#"{{"SubscribeId": "subs-a", "SubscribeObjectType": {kind}}}"#);
        assert_eq!(dangers("ModifySubscribeObjects", &call), ["replace-objects"]);
    }
}

#[test]
fn tasks_that_can_be_hurt_are_dangers() {
    let version = newer();
    let pulled = |name: &str, kind: &str, state: &str, billing: &str, facts: &[(&str, &str)]| {
        let facts = facts.iter().map(|(fact, value)| ((*fact).to_owned(), (*value).to_owned())).collect();
        let billing = Some(billing.to_owned());
        let seen = Observation { state: state.into(), billing, facts, ..Observation::default() };
        let kind = version.task_kind(kind).unwrap();
        let action = newer_action(name);
        let names: Vec<_> = action.dangerous.iter().filter(|danger| danger.trigger.is_pulled_by(kind, &seen)).collect();
        names.into_iter().map(|danger| danger.name.clone()).collect::<Vec<_>>()
    };
    let isolate = |state, billing, facts: &[_]| pulled("IsolateMigrateJob", "migration", state, billing, facts);
    assert!(isolate("canceled", "normal", &[("billing_type", "billing")]).is_empty());
    assert!(isolate("success", "normal", &[]).is_empty() && isolate("failed", "resizing", &[]).is_empty());
    assert_eq!(isolate("running", "normal", &[]), ["isolate-unfinished"]);
    assert_eq!(isolate("failed", "notBilled", &[]), ["isolate-unbilled"]);
    assert_eq!(isolate("failed", "normal", &[("billing_type", "notBilling")]), ["isolate-unbilled"]);
    assert_eq!(isolate("new to us", "notBilled", &[]), ["isolate-unbilled", "isolate-unfinished"]);
    let isolate = |state, billing| pulled("IsolateSyncJob", "sync", state, billing, &[]);
    assert!(isolate("Stopped", "Normal").is_empty() && isolate("Failed", "Normal").is_empty());
    assert_eq!(isolate("ResumableErr", "Normal"), ["isolate-unfinished"]);
    for billing in ["NotBilled", "NotBilledByInternational"] {
        assert_eq!(isolate("Stopped", billing), ["isolate-unbilled"]);
    }
    let reset = |state| pulled("ResetConsumerGroupOffset", "consumer-group", state, "", &[]);
    assert!(reset("Dead").is_empty() && reset("Empty").is_empty());
    for state in ["Stable", "PreparingRebalance", "CompletingRebalance", "new to us"] {
        assert_eq!(reset(state), ["reset-busy-group"]);
    }
    assert!(pulled("ResetConsumerGroupOffset", "subscription", "running", "normal", &[]).is_empty());
}
