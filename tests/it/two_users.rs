//! A gateway that runs as a user who can only add to the log, on tables that belong to another.

use dts_gateway::store::open;
use secrecy::SecretString;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::smoke::creation;
use crate::world::{Database, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_works_as_a_user_who_can_only_add_to_the_log() {
    let mut world = World::start(Database::Postgres).await;
    world.stop_gateway().await;
    let url = world.database.postgres_url().unwrap().to_owned();
    let number = uuid::Uuid::new_v4().simple();
    let (owner, runtime) = (format!("owner_{number}"), format!("gateway_{number}"));
    let mut superuser = PgConnection::connect(&url).await.unwrap();
    let users = format!(
        "CREATE ROLE {owner} LOGIN PASSWORD 'a-password'; CREATE ROLE {runtime} LOGIN PASSWORD 'a-password';
         DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION {owner}"
    );
    sqlx::raw_sql(AssertSqlSafe(users)).execute(&mut superuser).await.unwrap();
    let (_, place) = url.split_once('@').unwrap();
    let address = |user: &str| format!("postgres://{user}:a-password@{place}");
    let file = world.folder.path().join("gateway.toml");
    let both = format!("store.url = \"{}\"\nstore.migrate_url = \"{}\"", address(&runtime), address(&owner));
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, config.replace(&format!("store.url = \"{url}\""), &both)).unwrap();
    world.store_url = SecretString::from(address(&runtime));

    world.start_gateway().await;
    let caller = world.with_key("all").await;
    let id = caller.act("CreateMigrateJob", creation()).await.response()["JobId"].as_str().unwrap().to_owned();
    caller.act("DescribeMigrateJobs", json!({"JobId": id})).await.response();
    caller.act("CreateMigrateCheckJob", json!({"JobId": id})).await.response();
    world.records(&format!("task_id={id}&outcome=ok"), 3).await;
    world.stop_gateway().await;

    // Again, without the owner's address: the schema is up to date.
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, config.replace(&both, &format!("store.url = \"{}\"", address(&runtime)))).unwrap();
    world.start_gateway().await;
    let caller = world.with_token("all");
    caller.act("DescribeMigrateJobs", json!({"JobId": id})).await.response();
    world.records(&format!("task_id={id}&outcome=ok"), 4).await;
    world.stop_gateway().await;

    let store = open(&world.store_url, dts_gateway::call::Clock::system()).unwrap();
    assert_eq!(store.warnings().await.unwrap(), Vec::<String>::new());
    store.close().await;
    let gone = format!("DROP OWNED BY {owner}, {runtime} CASCADE; DROP ROLE {owner}, {runtime}");
    sqlx::raw_sql(AssertSqlSafe(gone)).execute(&mut superuser).await.unwrap();
    superuser.close().await.unwrap();
    world.end().await;
}
