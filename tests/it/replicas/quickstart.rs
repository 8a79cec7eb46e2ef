//! Several of `quickstart` on one folder, as somebody tries it: no credential is handed over by hand.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::world::TestDatabase;

use super::*;

/// Starts one, and reads what it prints up to `ready`.
async fn start(folder: &Path, database: &str, prefix: &str, more: &[&str]) -> (Child, BTreeMap<String, String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dts-gateway"));
    command.args(["quickstart", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(folder).args(["--database-url", database, "--redis-url", &redis_url()]).args(more);
    command.env("DTS_GATEWAY__REDIS__PREFIX", prefix).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut says = BTreeMap::new();
    let reading = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            match line.split_once('=') {
                _ if line == "ready" => return,
                Some((name, value)) => says.insert(name.to_owned(), value.to_owned()),
                None => None,
            };
        }
        panic!("quickstart ended before it was ready");
    };
    timeout(Duration::from_secs(60), reading).await.expect("quickstart is ready in a minute");
    (child, says)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_of_quickstart_on_one_folder_are_three_replicas() {
    let (folder, database) = (TempDir::new().unwrap(), TestDatabase::create(Database::Postgres).await);
    let (path, prefix) = (folder.path().join("data"), Uuid::new_v4().simple().to_string());
    let url = database.postgres_url().unwrap();
    let first = start(&path, url, &prefix, &["--simulator-listen", "127.0.0.1:0"]).await;
    let cloud = ["--simulator-url", &first.1["DTS_SIMULATOR_URL"]];
    // Both at once: neither may find a folder, a database or a key half made.
    let (second, third) = tokio::join!(start(&path, url, &prefix, &cloud), start(&path, url, &prefix, &cloud));
    for (_, says) in [&first, &second, &third] {
        // One key pair and one token are good at each.
        let caller = Caller::with_token(&says["DTS_GATEWAY_URL"], &first.1["DTS_GATEWAY_TOKEN"]);
        caller.act("DescribeMigrateJobs", json!({"Limit": 1})).await.response();
        let pair = (&first.1["DTS_GATEWAY_SECRET_ID"], &first.1["DTS_GATEWAY_SECRET_KEY"]);
        let caller = Caller::with_key(&says["DTS_GATEWAY_URL"], pair.0, pair.1);
        caller.act("DescribeMigrateJobs", json!({"Limit": 1})).await.response();
    }
    for (mut child, _) in [second, third, first] {
        child.kill().await.unwrap();
    }
    database.drop_it().await;
}
