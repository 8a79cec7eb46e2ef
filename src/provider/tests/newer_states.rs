//! What answers of 2021-12-06 tell of a task, and what follows from it beyond its state: conditions, offers.

use super::super::{Objection, Observation, Offered};
use super::{json, newer, newer_action};

#[test]
fn conditions_on_facts_narrow_and_widen() {
    let version = newer();
    let objection = |name: &str, state: &str, billing: &str, facts: &[(&str, &str)]| {
        let action = newer_action(name);
        let facts = facts.iter().map(|(fact, value)| ((*fact).to_owned(), (*value).to_owned())).collect();
        let seen = Observation { state: state.into(), billing: Some(billing.into()), facts, ..Observation::default() };
        action.rule.as_ref().unwrap().objection(version.task_kind(&action.task).unwrap(), name, &seen)
    };
    let is_condition = |objection| matches!(objection, Some(Objection::Condition(_)));
    assert_eq!(objection("ResumeMigrateJob", "failed", "normal", &[("source_engine", "redis")]), None);
    assert_eq!(objection("ResumeMigrateJob", "error", "normal", &[]), None);
    assert!(is_condition(objection("ResumeMigrateJob", "failed", "normal", &[("source_engine", "mysql")])));
    assert!(is_condition(objection("ResumeMigrateJob", "failed", "normal", &[])));
    let family = ["mysql", "mariadb", "percona", "cynosdbmysql"];
    let eligible = ["tdsqlmysql", "tdstore", "postgresql", "mongodb", "redis"];
    for (name, state, billing) in
        [("CreateCompareTask", "readyComplete", "normal"), ("CreateSyncCompareTask", "Running", "Normal")]
    {
        for engine in family.iter().chain(&eligible) {
            assert_eq!(objection(name, state, billing, &[("source_engine", engine)]), None, "{name} {engine}");
        }
        for engine in ["sqlserver", "Mysql", "kafka", ""] {
            assert!(is_condition(objection(name, state, billing, &[("source_engine", engine)])), "{name} {engine}");
        }
        assert!(is_condition(objection(name, state, billing, &[])));
    }
    let reset = |pay, source, target| {
        let facts = [("pay_mode", pay), ("source_engine", source), ("target_engine", target)];
        objection("ResetSyncJob", "Stopped", "Normal", &facts)
    };
    for engine in family {
        assert_eq!(reset("PrePay", engine, "mysql"), None);
        assert!(is_condition(reset("PostPay", engine, "mysql")));
    }
    assert!(is_condition(reset("PrePay", "mysql", "kafka")) && is_condition(reset("PrePay", "mongodb", "mysql")));
    assert_eq!(objection("RecoverSyncJob", "Stopped", "Isolated", &[("pay_mode", "PostPay")]), None);
    assert!(is_condition(objection("RecoverSyncJob", "Stopped", "Isolated", &[("pay_mode", "PrePay")])));
    assert!(is_condition(objection("RecoverSyncJob", "Stopped", "Isolated", &[])));
}

/// A seed row of its own: what a task in this state allows, as a refusal lists it.
#[test]
fn the_legal_actions_are_those_of_the_seeds_row() {
    let version = newer();
    let legal = |billing: &str, state: &str, offered: Option<Offered>| {
        let seen =
            Observation { state: state.into(), billing: Some(billing.into()), offered, ..Observation::default() };
        let any = ["ModifyMigrateName", "ModifyMigrateRuntimeAttribute"];
        let actions = version.legal_actions("migration", &seen).into_iter().map(str::to_owned);
        actions.filter(|name| !any.contains(&name.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(legal("normal", "checking", None), ["IsolateMigrateJob", "ModifyMigrateJobSpec"]);
    assert_eq!(legal("isolated", "checking", None), ["DestroyMigrateJob", "RecoverMigrateJob"]);
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    // As the definitions show a task that was bought and not configured: a check is known, and not offered.
    let offered = Offered {
        allowed: text(&["view", "modify", "configure", "isolate", "resize"]),
        all: text(&["view", "modify", "configure", "check", "start", "stop", "isolate", "resize"]),
    };
    assert_eq!(
        legal("normal", "created", Some(offered)),
        ["IsolateMigrateJob", "ModifyMigrateJobSpec", "ModifyMigrationJob"]
    );
}

#[test]
fn states_are_read_and_learnt_where_answers_have_them() {
    let version = newer();
    let observe = |action: &str, answer: &str| {
        let sources: Vec<_> = version.state_sources(action).collect();
        let [(kind, source)] = &sources[..] else { panic!("one kind is read in {action}") };
        let told = source.observe(&json(answer)).into_iter();
        let facts = |seen: &Observation| seen.facts.values().cloned().collect::<Vec<_>>().join(" ");
        told.map(|seen| {
            let offered = seen.offered.as_ref().map(|offered| offered.allowed.join(" "));
            let parts = [&kind.name, &seen.id, &seen.state, seen.billing.as_ref().unwrap_or(&String::new())]
                .map(String::as_str)
                .join(" ");
            format!("{parts} [{}] {offered:?}", facts(&seen))
        })
        .collect::<Vec<_>>()
    };
    let job = r#""JobId": "dts-a", "Status": "error", "RunMode": "immediate", "Action": {"AllowedAction": ["stop"]},
        "TradeInfo": {"TradeStatus": "normal", "PayType": "postpay", "BillingType": "billing"},
        "SrcInfo": {"DatabaseType": "redis"}, "DstInfo": {"DatabaseType": "redis"}"#;
    let told = ["migration dts-a error normal [billing postpay immediate redis redis] Some(\"stop\")"];
    assert_eq!(observe("DescribeMigrationJobs", &format!(r#"{{"JobList": [{{{job}}}, {{"JobId": "dts-b"}}]}}"#)), told);
    assert_eq!(observe("DescribeMigrationDetail", &format!("{{{job}}}")), told);
    let sync = r#"{"JobList": [{"JobId": "sync-a", "Status": "Running", "TradeStatus": "Normal", "PayMode": "PrePay",
        "RunMode": "Immediate", "SrcDatabaseType": "mysql", "DstDatabaseType": "kafka", "Actions": null}]}"#;
    assert_eq!(
        observe("DescribeSyncJobs", sync),
        ["sync sync-a Running Normal [PrePay Immediate mysql kafka] Some(\"\")"]
    );
    let subscription = r#""SubscribeId": "subs-a", "SubsStatus": "running", "Status": "normal""#;
    let told = ["subscription subs-a running normal [] None"];
    assert_eq!(observe("DescribeSubscribeJobs", &format!(r#"{{"Items": [{{{subscription}}}]}}"#)), told);
    assert_eq!(observe("DescribeSubscribeDetail", &format!("{{{subscription}}}")), told);
    let check = r#"{"Items": [{"CompareTaskId": "a-cmp-1", "Status": "created"}]}"#;
    assert_eq!(observe("DescribeCompareTasks", check), ["compare a-cmp-1 created  [] None"]);
    assert_eq!(observe("DescribeSyncCompareTasks", check), ["sync-compare a-cmp-1 created  [] None"]);
    let groups = r#"{"Items": [{"ConsumerGroupName": "consumer-grp-subs-a-x", "ConsumerGroupState": "Dead"}]}"#;
    assert_eq!(observe("DescribeConsumerGroups", groups), ["consumer-group consumer-grp-subs-a-x Dead  [] None"]);
    for kind in version.task_kinds() {
        let read = &kind.read;
        assert!(newer_action(&read.source.action).is_lookup);
        let call = r#"{"JobId": "sync-a", "SubscribeId": "subs-a", "CompareTaskId": "x", "ConsumerGroupName": "y"}"#;
        for task in version.actions().flat_map(|action| action.task_ids(&json(call))) {
            if task.kind == kind.name {
                assert_eq!(newer_action(&read.source.action).check_parameters(&read.request(&task)), Ok(()));
            }
        }
    }
}
