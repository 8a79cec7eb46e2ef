//! A gateway on SQLite in front of a [`Cloud`].

use std::net::SocketAddr;
use std::time::Duration;

use dts_gateway::app::Running;
use dts_gateway::call::Clock;
use dts_gateway::config::Config;
use dts_gateway::identity::{Claims, mint};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cloud::Cloud;
use crate::talk::{Answer, Talk};

const TOKEN_SECRET: &str = "xB4kqR9vT2mWz7LpYc8sHd3nJf6gKaQe";

const TEAM: &str = r#"
team = "platform"

[[caller]]
name = "all"
accounts = ["main", "gone"]

[[caller]]
name = "reader"
accounts = ["main"]

[[grant]]
callers = ["all"]
actions = ["*"]
tasks = "any"
dangers = ["*"]

[[grant]]
callers = ["reader"]
actions = ["Describe*"]
tasks = "any"
"#;

/// What differs from the defaults: lines of these sections, and whole sections.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings<'a> {
    pub server: &'a str,
    pub upstream: &'a str,
    pub sections: &'a str,
}

pub struct House {
    pub cloud: Cloud,
    pub public: SocketAddr,
    pub admin: SocketAddr,
    folder: TempDir,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl House {
    pub async fn open(settings: Settings<'_>) -> House {
        House::open_in(TempDir::new().unwrap(), settings).await
    }

    /// The same, with files that are already in the folder.
    pub async fn open_in(folder: TempDir, settings: Settings<'_>) -> House {
        let cloud = Cloud::start().await;
        std::fs::create_dir_all(folder.path().join("teams")).unwrap();
        std::fs::write(folder.path().join("teams/platform.toml"), TEAM).unwrap();
        let path = folder.path().join("gateway.toml");
        std::fs::write(&path, config(&folder, &cloud, settings)).unwrap();
        let config = Config::load(&path, []).unwrap_or_else(|mistakes| panic!("{:?}", miette::Report::new(mistakes)));
        let running = Running::start(config, Clock::system()).await.unwrap();
        let (public, admin) = (running.public_addr(), running.admin_addr());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let until = async {
                let _ = stopped.await;
            };
            running.run_until(until).await.unwrap();
        });
        House { cloud, public, admin, folder, stop, running }
    }

    /// Stops it as SIGTERM does.
    pub async fn close(self) {
        drop(self.stop);
        self.running.await.unwrap();
        drop(self.folder);
    }

    pub async fn talk(&self) -> Talk {
        Talk::with(self.public).await
    }

    /// A call of 2018-03-30 by `caller`, with `more` header lines before the body, each ending in CR LF.
    pub fn call(&self, caller: &str, action: &str, more: &str, body: &str) -> String {
        let length = body.len();
        self.bare_call(caller, action, &format!("Content-Length: {length}\r\n{more}"), body)
    }

    /// The same without a length.
    pub fn bare_call(&self, caller: &str, action: &str, more: &str, body: &str) -> String {
        let (host, token) = (self.public, token(caller));
        format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nX-DTS-Gateway-Account: main\r\nContent-Type: application/json\r\nX-TC-Action: {action}\r\nX-TC-Version: 2018-03-30\r\nX-TC-Region: ap-guangzhou\r\n{more}\r\n{body}"
        )
    }

    pub fn read(&self) -> String {
        self.call("all", "DescribeMigrateJobs", "", "{}")
    }

    pub fn change(&self) -> String {
        let parameters = serde_json::json!({
            "JobName": "edge", "MigrateOption": {"RunMode": 1, "MigrateType": 3},
            "SrcDatabaseType": "mysql", "SrcAccessType": "extranet",
            "SrcInfo": {"Ip": "192.0.2.7", "Port": 3306, "User": "root", "Password": "p"},
            "DstDatabaseType": "mysql", "DstAccessType": "cdb",
            "DstInfo": {"InstanceId": "cdb-1", "Region": "ap-guangzhou"},
            "DatabaseInfo": "[{\"Database\":\"db1\"}]"
        });
        self.call("all", "CreateMigrateJob", "", &parameters.to_string())
    }

    /// A read and a change on new connections are answered, each with its own answer.
    pub async fn is_well(&self, after: &str) {
        for request in [self.read(), self.change()] {
            self.is_answered(request, after).await;
        }
    }

    pub async fn is_answered(&self, request: String, after: &str) {
        let answer = self.ask(&request).await;
        let number = self.cloud.heard().len();
        assert_eq!(answer.json()["Response"]["RequestId"], format!("r-{number}"), "after {after}: {answer:?}");
    }

    /// One request on a connection of its own.
    pub async fn ask(&self, request: &str) -> Answer {
        let mut talk = self.talk().await;
        talk.say(request).await;
        talk.hear().await.expect("an answer")
    }
}

pub fn token(caller: &str) -> String {
    let claims = Claims {
        issuer: "https://development.invalid/".to_owned(),
        audience: "dts-gateway".to_owned(),
        caller: ("sub".to_owned(), caller.to_owned()),
        roles: ("roles".to_owned(), vec!["auditor".to_owned()]),
        lifetime: Duration::from_secs(3600),
    };
    mint(TOKEN_SECRET.as_bytes(), &claims, jiff::Timestamp::now()).unwrap().expose_secret().to_owned()
}

fn config(folder: &TempDir, cloud: &Cloud, settings: Settings<'_>) -> String {
    let Settings { server, upstream, sections } = settings;
    let (store, endpoint) = (folder.path().join("gateway.sqlite3"), cloud.address);
    format!(
        r#"
store.url = "sqlite:{}"
admin.listen = "127.0.0.1:0"
state.settle = false
audit.digest_key = "q8Zr1Xv5Tn0LkW3bYp7cHs2mJd9fGaQe"

[[keys.sealing]]
name = "first"
key = "YiHDKhlthC2B87dIc15cjDA2v4yazEphnCuA6nTo3Rs="

[issuer.development]
issuer = "https://development.invalid/"
audience = "dts-gateway"
algorithms = ["HS256"]
key = "{TOKEN_SECRET}"
development = true

[account.main]
family = "tencent"
site = "mainland"
secret_id = "AKIDedge"
secret_key = "edge-secret-key"
default_region = "ap-guangzhou"
endpoint = "http://{endpoint}"

[account.gone]
family = "tencent"
site = "mainland"
secret_id = "AKIDgone"
secret_key = "gone-secret-key"
default_region = "ap-guangzhou"
endpoint = "http://127.0.0.1:1"

[server]
listen = "127.0.0.1:0"
{server}

[upstream]
{upstream}

{sections}
"#,
        store.display()
    )
}
