//! Whose a task is: a creation gives it to the creator's team, on the account that was chosen, for good.

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::smoke::creation;
use crate::world::Options;
use crate::world::{World, on_both};

async fn create(caller: &Caller, headers: &[(&str, &str)]) -> String {
    let made = caller.act_with("CreateMigrateJob", headers, &creation().to_string()).await.response();
    made["JobId"].as_str().unwrap().to_owned()
}

async fn may_read(caller: &Caller, task: &str) -> bool {
    let answer = caller.act("DescribeMigrateCheckJob", json!({"JobId": task})).await;
    if answer.header("x-dts-gateway-origin") == "upstream" {
        return true;
    }
    answer.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    false
}

async fn tasks_belong_to_teams(world: &mut World) {
    let (ours, theirs) = (world.with_token("own"), world.with_key("payer").await);
    let task = create(&ours, &[]).await;
    let other = create(&theirs, &[]).await;
    assert!(may_read(&ours, &task).await && may_read(&theirs, &other).await);
    assert!(!may_read(&ours, &other).await && !may_read(&theirs, &task).await);
    let stranger = world.tasks("migration", json!(2), 1).await.remove(0);
    assert!(!may_read(&ours, &stranger).await && !may_read(&theirs, &stranger).await, "nobody's");

    let list = theirs.act("DescribeMigrateJobs", json!({})).await;
    let message = list.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    assert!(message.contains(&other) && !message.contains(&task), "its own are told, and no others: {message}");
    let own = theirs.act("DescribeMigrateJobs", json!({"JobId": other})).await.response();
    assert_eq!(own["JobList"].as_array().unwrap().len(), 1);
    theirs
        .act("DescribeMigrateJobs", json!({"JobId": task}))
        .await
        .refused("AuthFailure.UnauthorizedOperation", "not-granted");
    // An id that is empty names nothing, so it would show everything.
    let empty = theirs.act("DescribeMigrateJobs", json!({"JobId": ""})).await;
    empty.refused("AuthFailure.UnauthorizedOperation", "not-granted");

    let record = &world.records(&format!("task_id={other}&action=CreateMigrateJob"), 1).await[0];
    assert_eq!((&record["team"], &record["caller"]), (&json!("payments"), &json!("payer")));

    world.stop_gateway().await;
    world.start_gateway().await;
    let (ours, theirs) = (world.with_token("own"), world.with_token("payer"));
    assert!(may_read(&ours, &task).await && may_read(&theirs, &other).await, "after a restart too");
    assert!(!may_read(&ours, &other).await && !may_read(&theirs, &task).await);
}

/// A purchase makes several tasks: each is the team's.
async fn several_at_once(world: &World) {
    let (ours, theirs) = (world.with_token("own"), world.with_token("payer"));
    let made = ours.act("CreateSubscribe", json!({"Product": "mysql", "PayType": 1, "Count": 3})).await.response();
    let ids = made["SubscribeIds"].as_array().unwrap();
    assert_eq!(ids.len(), 3);
    for id in ids {
        ours.act("DescribeSubscribeConf", json!({"SubscribeId": id})).await.response();
        let refused = theirs.act("DescribeSubscribeConf", json!({"SubscribeId": id})).await;
        refused.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    }
    let record = world.record("action=CreateSubscribe").await;
    assert_eq!(record["task_ids"].as_array().unwrap(), ids);
}

/// A second account on the same cloud, and a caller who may use both.
fn two_accounts() -> Options {
    let config = r#"
[account.second]
family = "tencent"
site = "mainland"
identity = "100000000002"
secret_id = "AKIDsecond"
secret_key = "the second account's secret key"
endpoint = "http://127.0.0.1:9"
"#;
    let team = r#"
team = "both"

[[caller]]
name = "both"
accounts = ["main", "second"]

[[grant]]
actions = ["*"]
accounts = ["main"]

[[grant]]
actions = ["Describe*"]
accounts = ["second"]
"#;
    let teams = vec![("both".to_owned(), team.to_owned())];
    Options { config: config.to_owned(), teams, ..Options::default() }
}

async fn accounts_are_chosen(world: &World) {
    let both = world.with_token("both");
    let account = async |headers: &[(&str, &str)]| -> Value {
        let answer = both.act_with("DescribeMigrateJobs", headers, "{}").await;
        world.record_of(&answer).await["account"].clone()
    };
    assert_eq!(account(&[]).await, "main", "the first one, if none is named");
    assert_eq!(account(&[("x-dts-gateway-account", "main")]).await, "main");
    assert_eq!(account(&[("x-dts-gateway-account", "second")]).await, "second");
    assert_eq!(world.requests().await.len(), 2, "the second one's calls go elsewhere");

    let second = [("x-dts-gateway-account", "second")];
    let refused = both.act_with("CreateMigrateJob", &second, &creation().to_string()).await;
    let message = refused.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    assert!(message.contains("account second"), "{message}");
    // It has no default region.
    let missing = both.act_with("DescribeMigrateJobs", &[second[0], ("x-tc-region", "")], "{}").await;
    missing.refused("MissingParameter", "parameter-missing");
    for other in ["elsewhere", "", "main,second"] {
        let named = both.act_with("DescribeMigrateJobs", &[("x-dts-gateway-account", other)], "{}").await;
        named.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    }
    let foreign = world.with_token("reader").act_with("DescribeMigrateJobs", &second, "{}").await;
    foreign.refused("AuthFailure.UnauthorizedOperation", "not-granted");
}

#[tokio::test]
async fn a_task_belongs_to_the_team_that_created_it() {
    on_both(Options::default(), tasks_belong_to_teams).await;
}

#[tokio::test]
async fn every_task_of_a_purchase_belongs_to_the_team() {
    on_both(Options::default(), async |world| several_at_once(world).await).await;
}

#[tokio::test]
async fn a_caller_names_the_account_that_it_means() {
    on_both(two_accounts(), async |world| accounts_are_chosen(world).await).await;
}
