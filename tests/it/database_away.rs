//! The database goes away while the gateway runs: nothing is sent that could not be recorded, callers are told so at
//! once, and when the database is back everything goes on by itself.

use serde_json::json;

use crate::caller::{Caller, until};
use crate::world::{Database, World};

/// Asks until the answer has this reason.
async fn reason(caller: &Caller, action: &str, task: &str, wanted: &str) {
    until("the answer has the reason", || async {
        let answer = caller.act(action, json!({"JobId": task})).await;
        (answer.header("x-dts-gateway-reason") == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_its_database_the_gateway_refuses_and_says_why() {
    let world = World::start(Database::Postgres).await;
    let (caller, tasks) = (world.with_token("all"), world.tasks("migration", json!(7), 3).await);
    caller.act("StopMigrateJob", json!({"JobId": tasks[0]})).await.response();

    world.database.lock_out().await;
    reason(&caller, "StopMigrateJob", &tasks[1], "audit-unavailable").await;
    reason(&caller, "DescribeMigrateCheckJob", &tasks[1], "audit-unavailable").await;
    let refused = caller.act("StopMigrateJob", json!({"JobId": tasks[1]})).await;
    assert_eq!(refused.code(), "ServiceUnavailable");
    assert_eq!(refused.header("retry-after"), "1");
    let ready = caller.at(&world.admin).get("/readyz").await;
    assert_eq!(ready.status, 503, "{}", ready.text());
    let stopped = world.requests().await.into_iter().filter(|request| request["action"] == "StopMigrateJob");
    assert_eq!(stopped.count(), 1, "only the one before");

    world.database.let_in().await;
    reason(&caller, "DescribeMigrateCheckJob", &tasks[1], "").await;
    caller.act("StopMigrateJob", json!({"JobId": tasks[2]})).await.response();
    let records = world.records("action=StopMigrateJob&outcome=refused", 1).await;
    assert_eq!(records[0]["reason"], "audit-unavailable", "what was refused meanwhile is in the log too");
    world.end().await;
}
