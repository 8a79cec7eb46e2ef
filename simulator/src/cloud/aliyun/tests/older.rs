//! Tasks through the actions of the older versions, which name them by their instances.

use serde_json::json;

use super::{Bench, NEW, STEP, text};

#[test]
fn a_migration_of_the_older_versions_is_the_same_task_everywhere() {
    for version in ["2016-08-01", "2018-08-01"] {
        let mut bench = Bench::new();
        let made = bench
            .call_in(version, "CreateMigrationJob", &json!({ "Region": "cn-hangzhou", "MigrationJobClass": "large" }))
            .unwrap();
        let instance = text(&made.members, "MigrationJobId");
        assert_eq!(made.made.as_ref(), Some(&instance));
        let id = instance.strip_prefix("dts").unwrap().to_owned();
        let call = |bench: &Bench, action: &str| bench.call_in(version, action, &json!({ "MigrationJobId": instance }));
        let told = json!({
            "MigrationJobId": instance, "MigrationJobName": "old", "MigrationObject": "[]",
            "MigrationMode.DataIntialization": true, "MigrationMode.DataSynchronization": true,
            "MigrationMode.StructureIntialization": true, "SourceEndpoint.InstanceType": "RDS",
            "DestinationEndpoint.InstanceType": "RDS", "SourceEndpoint.Password": "secret", "SourceEndpoint.IP": "192.0.2.1",
        });
        bench.call_in(version, "ConfigureMigrationJob", &told).unwrap();
        assert_eq!(bench.status(&id), "NotStarted", "{version}");
        call(&bench, "StartMigrationJob").unwrap();
        assert_eq!(bench.watch(&id, 2), ["Prechecking", "PreCheckPass", "Migrating"]);
        let shown = call(&bench, "DescribeMigrationJobStatus").unwrap().members;
        assert_eq!((&shown["MigrationJobStatus"], &shown["TaskId"]), (&json!("Migrating"), &json!(id)));
        assert_eq!((&shown["SourceEndpoint"]["IP"], &shown["MigrationJobName"]), (&json!("192.0.2.1"), &json!("old")));
        assert_eq!(shown["PrecheckStatus"]["Detail"]["CheckItem"][0]["CheckStatus"], "Success");
        call(&bench, "SuspendMigrationJob").unwrap();
        assert_eq!(call(&bench, "StopMigrationJob").unwrap_err().code, "OperationDenied.JobStatus");
        bench.call("StartDtsJob", json!({ "DtsJobId": id }));
        call(&bench, "StopMigrationJob").unwrap();
        call(&bench, "DeleteMigrationJob").unwrap();
        assert_eq!(call(&bench, "DescribeMigrationJobStatus").unwrap_err().code, "Forbidden.InstanceNotFound");
    }
}

#[test]
fn a_sync_of_the_older_versions_starts_when_it_is_configured() {
    for version in ["2016-08-01", "2018-08-01", "2019-09-01", NEW] {
        let mut bench = Bench::new();
        let order = json!({
            "SourceRegion": "cn-hangzhou", "DestRegion": "cn-hangzhou", "PayType": "PostPaid", "DBInstanceCount": 1,
            "SynchronizationJobClass": "large",
        });
        let instance =
            text(&bench.call_in(version, "CreateSynchronizationJob", &order).unwrap().members, "SynchronizationJobId");
        let id = instance.strip_prefix("dts").unwrap();
        let told = json!({
            "SynchronizationJobId": instance, "SynchronizationObjects": "[]", "DataInitialization": true,
            "StructureInitialization": true,
        });
        bench.call_in(version, "ConfigureSynchronizationJob", &told).unwrap();
        assert_eq!(bench.watch(id, 3), ["Prechecking", "PreCheckPass", "Initializing", "Synchronizing"], "{version}");
        let named = json!({ "SynchronizationJobId": instance });
        let shown = bench.call_in(version, "DescribeSynchronizationJobStatus", &named).unwrap().members;
        assert_eq!((&shown["Status"], &shown["TaskId"]), (&json!("Synchronizing"), &json!(id)));
        bench.call_in(version, "SuspendSynchronizationJob", &named).unwrap();
        bench.call_in(version, "StartSynchronizationJob", &named).unwrap();
        assert_eq!(bench.status(id), "Synchronizing");
    }
}

#[test]
fn a_subscription_of_the_older_versions() {
    let mut bench = Bench::new();
    let version = "2018-08-01";
    let made = bench.call_in(version, "CreateSubscriptionInstance", &json!({ "Region": "cn-hangzhou" })).unwrap();
    let instance = text(&made.members, "SubscriptionInstanceId");
    let told = json!({
        "SubscriptionInstanceId": instance, "SubscriptionObject": "[]", "SubscriptionDataType.DDL": true,
        "SubscriptionDataType.DML": true,
    });
    bench.call_in(version, "ConfigureSubscriptionInstance", &told).unwrap();
    let named = json!({ "SubscriptionInstanceId": instance });
    bench.call_in(version, "StartSubscriptionInstance", &named).unwrap();
    bench.wait(STEP * 3);
    let shown = bench.call_in(version, "DescribeSubscriptionInstanceStatus", &named).unwrap().members;
    assert_eq!((&shown["Status"], &shown["SubscriptionDataType"]["DDL"]), (&json!("Normal"), &json!(true)));
}

#[test]
fn a_client_token_buys_once() {
    let bench = Bench::new();
    let buy = |version: &str, action: &str, token: &str| {
        let mut order = json!({
            "Region": "cn-hangzhou", "MigrationJobClass": "large", "SourceRegion": "cn-hangzhou", "DestRegion": "cn-hangzhou",
            "PayType": "PostPaid", "DBInstanceCount": 1, "SynchronizationJobClass": "large",
        });
        order["ClientToken"] = token.into();
        bench.call_in(version, action, &order).unwrap()
    };
    let first = buy("2018-08-01", "CreateMigrationJob", "token");
    let again = buy(NEW, "CreateMigrationJob", "token");
    assert_eq!(first.members["MigrationJobId"], again.members["MigrationJobId"]);
    assert!(first.made.is_some() && again.made.is_none());
    assert_ne!(first.members["MigrationJobId"], buy(NEW, "CreateMigrationJob", "other").members["MigrationJobId"]);
    assert!(buy(NEW, "CreateSynchronizationJob", "token").made.is_some(), "another action");
    assert_ne!(
        buy(NEW, "CreateMigrationJob", "").members["MigrationJobId"],
        buy(NEW, "CreateMigrationJob", "").members["MigrationJobId"],
        "no token is no token"
    );
}
