//! One task's whole life through the gateway, on both databases, with a token and with a signature.

use serde_json::json;

use crate::caller::{Caller, until};
use crate::world::{Database, World};

/// A good creation.
pub fn creation() -> serde_json::Value {
    json!({
        "JobName": "smoke", "MigrateOption": {"RunMode": 1, "MigrateType": 3},
        "SrcDatabaseType": "mysql", "SrcAccessType": "extranet",
        "SrcInfo": {"Ip": "192.0.2.7", "Port": 3306, "User": "root", "Password": "planted-Passw0rd"},
        "DstDatabaseType": "mysql", "DstAccessType": "cdb",
        "DstInfo": {"InstanceId": "cdb-1", "Region": "ap-guangzhou"},
        "DatabaseInfo": "[{\"Database\":\"db1\"}]"
    })
}

async fn status(caller: &Caller, id: &str, wanted: i64) {
    until("the task reaches the state", || async {
        let jobs = caller.act("DescribeMigrateJobs", json!({"JobId": id})).await.response();
        (jobs["JobList"][0]["Status"].as_i64() == Some(wanted)).then_some(())
    })
    .await;
}

async fn life(world: &World, caller: &Caller) {
    let created = caller.act("CreateMigrateJob", creation()).await;
    assert_eq!(created.header("x-dts-gateway-origin"), "upstream");
    let id = created.response()["JobId"].as_str().unwrap().to_owned();
    status(caller, &id, 2).await;
    let early = caller.act("StartMigrateJob", json!({"JobId": id})).await;
    assert_eq!(early.code(), "FailedOperation.NotAllowOperation", "{}", early.text());
    assert_eq!(early.header("x-dts-gateway-reason"), "state-forbids");
    caller.act("CreateMigrateCheckJob", json!({"JobId": id})).await.response();
    status(caller, &id, 4).await;
    caller.act("StartMigrateJob", json!({"JobId": id})).await.response();
    status(caller, &id, 8).await;
    caller.act("CompleteMigrateJob", json!({"JobId": id})).await.response();
    status(caller, &id, 9).await;
    caller.act("DeleteMigrateJob", json!({"JobId": id})).await.response();

    let records = world.records(&format!("task_id={id}&action=StartMigrateJob"), 2).await;
    let outcomes: Vec<_> = records.iter().map(|record| record["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["ok", "refused"], "newest first");
    let creation = &world.records(&format!("task_id={id}&action=CreateMigrateJob"), 1).await[0];
    assert_eq!((creation["team"].as_str(), creation["account"].as_str()), (Some("platform"), Some("main")));
    assert!(!creation.to_string().contains("planted-Passw0rd"));
}

#[tokio::test]
async fn a_task_lives_and_dies_through_the_gateway_on_sqlite() {
    let world = World::start(Database::Sqlite).await;
    life(&world, &world.with_token("all")).await;
    life(&world, &world.with_key("own").await).await;
    world.end().await;
}

#[tokio::test]
async fn a_task_lives_and_dies_through_the_gateway_on_postgres() {
    let world = World::start(Database::Postgres).await;
    life(&world, &world.with_token("own")).await;
    life(&world, &world.with_key("all").await).await;
    world.end().await;
}
