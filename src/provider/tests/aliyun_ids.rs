//! Alibaba's two ids of a task: what calls name, how the gateway asks, and what answers tell.

use super::super::{FaultKind, Observation, TaskRef};
use super::{aliyun, aliyun_action, json, version_of};

fn named(name: &str, call: &str) -> Vec<TaskRef> {
    aliyun_action(name).task_ids(&json(call))
}

fn ids(name: &str, call: &str) -> Vec<String> {
    named(name, call).into_iter().map(|task| task.id).collect()
}

#[test]
fn both_ids_of_a_task_are_one_task() {
    let both = named("StartDtsJob", r#"{"DtsInstanceId": "dtsabc", "DtsJobId": "abc"}"#);
    assert_eq!(both.iter().map(|task| (&*task.id, &*task.written)).collect::<Vec<_>>(), [("dtsabc", "dtsabc")]);
    let job = named("StartDtsJob", r#"{"DtsJobId": "abc"}"#);
    assert_eq!(job.iter().map(|task| (&*task.id, &*task.written)).collect::<Vec<_>>(), [("dtsabc", "abc")]);
    assert_eq!(ids("StartMigrationJob", r#"{"MigrationJobId": "dtsabc"}"#), ["dtsabc"]);
    assert_eq!(ids("DescribeDtsJobDetail", r#"{"DtsInstanceID": "dtsabc"}"#), ["dtsabc"]);
    assert_eq!(ids("UpgradeTwoWay", r#"{"InstanceId": "dtsabc"}"#), ["dtsabc"]);
    // Whatever stands there is a job's id: one that looks like an instance's is another task, and nobody's.
    assert_eq!(ids("StartDtsJob", r#"{"DtsJobId": "dtsabc"}"#), ["dtsdtsabc"]);
    assert_eq!(ids("StartDtsJob", r#"{"DtsInstanceId": "dtsabc", "DtsJobId": "x"}"#), ["dtsabc", "dtsx"]);
}

#[test]
fn several_ids_in_one_text_are_several_tasks() {
    assert_eq!(ids("DeleteDtsJobs", r#"{"DtsJobIds": "a, b,,a"}"#), ["dtsa", "dtsb"]);
    assert_eq!(
        ids("DescribeDtsJobs", r#"{"DtsInstanceId": "dtsa,dtsb", "DtsJobId": "b,c"}"#),
        ["dtsa", "dtsb", "dtsc"]
    );
    let list = "DescribeSynchronizationJobStatusList";
    assert_eq!(ids(list, r#"{"SynchronizationJobIdListJsonStr": "[\"dtsa\", \"dtsb\"]"}"#), ["dtsa", "dtsb"]);
    // What cannot be read is nobody's task, rather than none.
    assert_eq!(ids(list, r#"{"SynchronizationJobIdListJsonStr": "[{}]"}"#), ["[{}]"]);
    // What a lenient reader could find ids in goes nowhere.
    for (text, is_clear) in
        [("[{}]", false), ("['dtsa']", false), (" [\"dtsa\",]", false), ("[\"dtsa\"]", true), ("dtsa", true)]
    {
        let call = format!(r#"{{"SynchronizationJobIdListJsonStr": {}}}"#, serde_json::Value::from(text));
        assert_eq!(aliyun_action(list).check_parameters(&json(&call)).is_ok(), is_clear, "{text}");
    }
    assert_eq!(ids("TagResources", r#"{"ResourceId": ["dtsa", "dtsb"]}"#), ["dtsa", "dtsb"]);
}

#[test]
fn one_call_deletes_ten_tasks_at_most() {
    let ids = |count: usize| (0..count).map(|id| format!("job{id}")).collect::<Vec<_>>().join(",");
    let check = |action: &str, ids: &str| {
        let call = json(&serde_json::json!({ "DtsJobIds": ids }).to_string());
        aliyun_action(action).check_parameters(&call).map_err(|fault| (fault.path, fault.kind))
    };
    assert_eq!(check("DeleteDtsJobs", &ids(10)), Ok(()));
    assert_eq!(check("DeleteDtsJobs", &format!(", {},", ids(10))), Ok(()), "an empty id is none");
    let too_many = Err(("DtsJobIds".to_owned(), FaultKind::TooMany { at_most: 10 }));
    assert_eq!(check("DeleteDtsJobs", &ids(11)), too_many);
    assert_eq!(check("DeleteDtsJobs", &"job1,".repeat(11)), too_many, "the cloud counts one that is named twice");
    assert_eq!(check("StopDtsJobs", &ids(1_000)), Ok(()), "no source has a number");
    let too_many = Err(("DtsJobIds".to_owned(), FaultKind::TooMany { at_most: 1_000 }));
    assert_eq!(check("StopDtsJobs", &ids(1_001)), too_many, "the gateway has one");
}

/// A caller is asked for its proof only after this: whoever compared each with each would not end.
#[test]
fn of_a_list_without_end_no_more_is_read_than_is_refused() {
    let ids = (0..200_000).map(|id| format!("job{id}")).collect::<Vec<_>>();
    let json_list = serde_json::to_string(&ids).unwrap();
    let list = "DescribeSynchronizationJobStatusList";
    for (name, parameter, text) in [
        ("StopDtsJobs", "DtsJobIds", ids.join(",")),
        ("DeleteDtsJobs", "DtsJobIds", ids.join(",")),
        (list, "SynchronizationJobIdListJsonStr", json_list),
    ] {
        let call = json(&serde_json::json!({ parameter: text }).to_string());
        let limit = aliyun_action(name).ids.iter().find(|id| id.path.to_string() == parameter).unwrap().limit();
        assert_eq!(aliyun_action(name).task_ids(&call).len(), limit as usize + 1, "{name}");
        let fault = aliyun_action(name).check_parameters(&call).unwrap_err();
        assert_eq!(fault.kind, FaultKind::TooMany { at_most: limit }, "{name}");
    }
    let many = json(&serde_json::json!({ "ResourceId": &ids[..5_000] }).to_string());
    assert_eq!(aliyun_action("TagResources").task_ids(&many).len(), 1_001);
}

#[test]
fn a_change_that_names_no_task_is_refused() {
    let fault = |name: &str, call: &str| aliyun_action(name).check_parameters(&json(call)).unwrap_err();
    assert_eq!(fault("StartDtsJob", r#"{"DtsInstanceId": "dtsabc"}"#).path, "DtsJobId");
    let nameless = fault("ReverseTwoWayDirection", "{}");
    assert_eq!((&*nameless.path, nameless.kind), ("DtsInstanceId", FaultKind::Missing));
    assert_eq!(fault("ReverseTwoWayDirection", r#"{"DtsInstanceId": ""}"#).kind, FaultKind::Missing);
    assert_eq!(fault("DeleteDtsJobs", r#"{"DtsJobIds": ","}"#).kind, FaultKind::Missing);
    let call = json(r#"{"DtsInstanceId": "dtsabc"}"#);
    assert_eq!(aliyun_action("ReverseTwoWayDirection").check_parameters(&call), Ok(()));
    // A purchase makes its task, and what is no task has none.
    let cluster = json(r#"{"DedicatedClusterId": "dtscluster_a"}"#);
    assert_eq!(aliyun_action("ModifyDedicatedCluster").check_parameters(&cluster), Ok(()));
    assert_eq!(
        aliyun_action("CreateDtsInstance").check_parameters(&json(r#"{"PayType": "PostPaid", "DatabaseCount": 1}"#)),
        Ok(())
    );
}

#[test]
fn lists_that_cannot_be_narrowed_are_lists_all_the_same() {
    let version = aliyun();
    let whole: Vec<_> =
        version.actions().filter(|action| action.lists && action.ids.is_empty()).map(|action| &*action.name).collect();
    let expected = [
        "CountJobByCondition",
        "DescribeCheckJobs",
        "DescribeMigrationJobs",
        "DescribeSubscriptionInstances",
        "DescribeSynchronizationJobs",
    ];
    assert_eq!(whole, expected);
    assert!(aliyun_action("DescribeDtsJobs").lists && !aliyun_action("DescribeEtlJobLogs").lists);
}

#[test]
fn created_tasks_have_canonical_ids() {
    let created = |name: &str, answer: &str| aliyun_action(name).creates.clone().unwrap().ids(&json(answer));
    assert_eq!(created("CreateDtsInstance", r#"{"InstanceId": "dtsabc", "JobId": "abc"}"#), ["dtsabc"]);
    assert_eq!(created("CreateDocParserJob", r#"{"DtsJobId": "abc"}"#), ["dtsabc"]);
    let again = |name: &str| aliyun_action(name).creates.clone().unwrap().unless_named;
    assert!(again("ConfigureDtsJob") && again("ConfigureSubscription") && !again("CreateReverseDtsJob"));
    assert!(created("CreateMigrationJob", r#"{"MigrationJobId": ""}"#).is_empty());
}

#[test]
fn a_task_is_asked_for_by_the_id_that_the_call_has() {
    let version = aliyun();
    let read = &version.task_kind("job").unwrap().read;
    let request = |call: &str| read.request(&named("SuspendDtsJob", call)[0]);
    assert_eq!(request(r#"{"DtsJobId": "abc"}"#), json(r#"{"DtsJobId": "abc"}"#));
    assert_eq!(request(r#"{"DtsInstanceId": "dtsabc"}"#), json(r#"{"DtsInstanceID": "dtsabc"}"#));
    assert!(aliyun_action(&read.source.action).is_lookup);
    for (date, kinds) in [("2016-08-01", 3), ("2018-08-01", 3), ("2019-09-01", 1)] {
        let version = version_of(date);
        assert_eq!(version.task_kinds().count(), kinds);
        for kind in version.task_kinds() {
            let action = version.action(&kind.read.source.action).unwrap();
            let start = version.actions().find(|action| action.task == kind.name && action.rule.is_some()).unwrap();
            let id = start.ids[0].path.build(crate::parameters::Value::String("dtsabc".to_owned()));
            let task = start.task_ids(&id).remove(0);
            assert_eq!(action.check_parameters(&kind.read.request(&task)), Ok(()), "{date} {}", kind.name);
        }
    }
}

#[test]
fn answers_tell_of_a_task_under_both_ids() {
    let version = aliyun();
    let told = |action: &str, answer: &str| {
        let sources: Vec<_> = version.state_sources(action).collect();
        let [(_, source)] = &sources[..] else { panic!("one kind is read in {action}") };
        let told = source.observe(&json(answer)).into_iter();
        told.map(|seen: Observation| format!("{} {} {:?}", seen.id, seen.state, seen.facts.get("pay_type")))
            .collect::<Vec<_>>()
    };
    let detail = |instance: &str, job: &str| {
        let answer = format!(
            r#"{{"DtsInstanceID": "{instance}", "DtsJobId": "{job}", "Status": "Migrating", "PayType": "PrePaid"}}"#
        );
        told("DescribeDtsJobDetail", &answer)
    };
    assert_eq!(detail("dtsabc", "abc"), ["dtsabc Migrating Some(\"PrePaid\")"]);
    // After a reset the job is another than the instance's first. The second direction's tells nothing of the first.
    assert_eq!(detail("dtsabc", "x"), ["dtsabc Migrating Some(\"PrePaid\")", "dtsx Migrating Some(\"PrePaid\")"]);
    assert_eq!(detail("", "x"), ["dtsx Migrating Some(\"PrePaid\")"]);
    let second = r#"{"DtsInstanceID": "dtsabc", "DtsJobId": "x", "DtsJobDirection": "Reverse", "Status": "Failed"}"#;
    assert_eq!(told("DescribeDtsJobDetail", second), ["dtsx Failed None"]);
    assert_eq!(told("DescribeDtsJobs", &format!(r#"{{"DtsJobList": [{second}]}}"#)), ["dtsx Failed None"]);
    let list = r#"{"DtsJobList": [{"DtsInstanceID": "dtsa", "DtsJobId": "a", "Status": "Normal"}, {"DtsJobId": "b"}]}"#;
    assert_eq!(told("DescribeDtsJobs", list), ["dtsa Normal None"]);
    let status =
        r#"{"MigrationJobId": "dtsa", "TaskId": "a", "MigrationJobStatus": "Finished", "PayType": "PostPaid"}"#;
    assert_eq!(told("DescribeMigrationJobStatus", status), ["dtsa Finished Some(\"PostPaid\")"]);
    let kind = version.task_kind("job").unwrap();
    let name = |wire: &str| kind.state(wire).map(|state| state.name.clone());
    assert_eq!(name("synchronizing").as_deref(), Some("Synchronizing"));
    assert_eq!((name("PreCheckFailed").as_deref(), name("SYNCHRONIZING")), (Some("PrecheckFailed"), None));
}
