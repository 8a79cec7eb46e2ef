//! One gateway with its cloud, in this process, on free ports and with a database of its own.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use dts_gateway::app::Running;
use dts_gateway::call::Clock;
use dts_gateway::config::Config;
use dts_gateway::identity::{Claims, KeyIssuer, SystemRandom, mint};
use dts_gateway::store::{self, Store};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::caller::Caller;

/// A secret of the development issuer; random enough for the check of weak ones.
const TOKEN_SECRET: &str = "xB4kqR9vT2mWz7LpYc8sHd3nJf6gKaQe";

/// On which database.
#[derive(Clone, Copy, Debug)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// A gateway and everything around it.
pub struct World {
    pub folder: TempDir,
    pub simulator: dts_simulator::Running,
    pub public: String,
    pub admin: String,
    pub store_url: SecretString,
    pub database: TestDatabase,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

/// What differs from test to test.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Appended to the configuration.
    pub config: String,
    /// Team files beside the standard one, by name.
    pub teams: Vec<(String, String)>,
    /// How long a step of a task takes at the simulator.
    pub step: Option<Duration>,
}

/// Who there is in every world: `all` may do everything, `reader` may describe, `own` may do everything to tasks of
/// its own, and `payer` belongs to another team.
const TEAMS: &str = r#"
team = "platform"

[[caller]]
name = "all"
accounts = ["main"]

[[caller]]
name = "reader"
accounts = ["main"]

[[caller]]
name = "own"
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

[[grant]]
callers = ["own"]
actions = ["*"]
tasks = ["own"]
"#;

impl World {
    /// A world with the standard callers.
    pub async fn start(database: Database) -> World {
        World::start_with(database, Options::default()).await
    }

    /// A world that differs.
    pub async fn start_with(database: Database, options: Options) -> World {
        let simulator = dts_simulator::Simulator::start(dts_simulator::Options {
            listen: ([127, 0, 0, 1], 0).into(),
            step: options.step.unwrap_or(Duration::from_millis(20)),
            run: Duration::from_millis(40),
            ..dts_simulator::Options::default()
        });
        let simulator = simulator.await.unwrap();
        let folder = TempDir::new().unwrap();
        let database = TestDatabase::create(database).await;
        let in_folder = || format!("sqlite:{}", folder.path().join("gateway.sqlite3").display());
        let store_url = SecretString::from(database.postgres_url().map_or_else(in_folder, str::to_owned));
        write_config(&folder, &simulator, &store_url, &options);
        let mut world = World {
            folder,
            simulator,
            public: String::new(),
            admin: String::new(),
            store_url,
            database,
            stop: None,
            running: None,
        };
        world.start_gateway().await;
        world
    }

    /// Starts the gateway (again) on what is there.
    pub async fn start_gateway(&mut self) {
        let path = self.folder.path().join("gateway.toml");
        let config = Config::load(&path, []).unwrap_or_else(|mistakes| panic!("{:?}", miette::Report::new(mistakes)));
        let running = Running::start(config, Clock::system()).await.unwrap();
        self.public = format!("http://{}", running.public_addr());
        self.admin = format!("http://{}", running.admin_addr());
        let (stop, stopped) = oneshot::channel::<()>();
        self.stop = Some(stop);
        self.running = Some(tokio::spawn(async move {
            let until = async {
                let _ = stopped.await;
            };
            running.run_until(until).await.unwrap();
        }));
    }

    /// Stops the gateway as SIGTERM does, and waits until everything is written.
    pub async fn stop_gateway(&mut self) {
        drop(self.stop.take());
        if let Some(running) = self.running.take() {
            running.await.unwrap();
        }
    }

    /// The store, opened beside the gateway.
    pub fn store(&self) -> std::sync::Arc<dyn Store> {
        store::open(&self.store_url).unwrap()
    }

    /// A caller with a token.
    pub fn with_token(&self, name: &str) -> Caller {
        Caller::with_token(&self.public, self.token(name, &[]).expose_secret())
    }

    /// A caller with a key pair that the gateway issued just now.
    pub async fn with_key(&self, name: &str) -> Caller {
        let (id, key) = self.key_pair(name).await;
        Caller::with_key(&self.public, &id, &key)
    }

    /// The key pair alone, for a client that is not ours.
    pub async fn key_pair(&self, name: &str) -> (String, String) {
        let store = self.store();
        let config = Config::load(&self.folder.path().join("gateway.toml"), []).unwrap();
        let issuer = KeyIssuer::new(&*store, &config.keys.sealing, &SystemRandom);
        let pair = issuer.create(name, jiff::Timestamp::now(), None).await.unwrap();
        (pair.key_id, pair.secret_key.expose_secret().to_owned())
    }

    /// A token of the development issuer.
    pub fn token(&self, name: &str, roles: &[&str]) -> SecretString {
        let claims = Claims {
            issuer: "https://development.invalid/".to_owned(),
            audience: "dts-gateway".to_owned(),
            caller: ("sub".to_owned(), name.to_owned()),
            roles: ("roles".to_owned(), roles.iter().map(|role| (*role).to_owned()).collect()),
            lifetime: Duration::from_secs(3600),
        };
        mint(TOKEN_SECRET.as_bytes(), &claims, jiff::Timestamp::now()).unwrap()
    }

    /// The audit records that match `query`, newest first, once there are at least `least` of them.
    pub async fn records(&self, query: &str, least: usize) -> Vec<serde_json::Value> {
        let auditor = Caller::with_token(&self.admin, self.token("all", &["auditor"]).expose_secret());
        crate::caller::until("the records are written", || async {
            let answer = auditor.get(&format!("/v1/audit/records?limit=1000&{query}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let records = answer.json()["records"].as_array().unwrap().clone();
            (records.len() >= least).then_some(records)
        })
        .await
    }

    /// What the simulator was asked, oldest first.
    pub async fn requests(&self) -> Vec<serde_json::Value> {
        self.cloud("GET", "/_sim/requests", "").await["requests"].as_array().unwrap().clone()
    }

    /// Control of the simulator.
    pub async fn cloud(&self, method: &str, path: &str, body: &str) -> serde_json::Value {
        let answer = Caller::with_token(&self.simulator.url(), "none").send(method, path, &[], body).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
        if answer.body.is_empty() { serde_json::Value::Null } else { answer.json() }
    }

    /// Tasks at the cloud that stay in a state.
    pub async fn tasks(&self, kind: &str, status: serde_json::Value, count: usize) -> Vec<String> {
        let body = serde_json::json!({"kind": kind, "version": "2018-03-30", "status": status, "count": count});
        let made = self.cloud("POST", "/_sim/tasks", &body.to_string()).await;
        made["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// Ends everything; the database goes too.
    pub async fn end(mut self) {
        self.stop_gateway().await;
        self.database.drop_it().await;
        self.simulator.shutdown().await;
    }
}

fn write_config(folder: &TempDir, simulator: &dts_simulator::Running, store_url: &SecretString, options: &Options) {
    let write = |name: &str, text: &str| {
        let path: PathBuf = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("teams/platform.toml", TEAMS);
    for (name, text) in &options.teams {
        write(&format!("teams/{name}.toml"), text);
    }
    let mut config = String::new();
    let (id, key) = (simulator.secret_id(), simulator.secret_key());
    let (url, store) = (simulator.url(), store_url.expose_secret());
    write!(
        config,
        r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
store.url = "{store}"
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
secret_id = "{id}"
secret_key = "{key}"
default_region = "ap-guangzhou"
endpoint = "{url}"
{}
"#,
        options.config
    )
    .unwrap();
    write("gateway.toml", &config);
}

/// Whether the long figures are wanted: `make soak`.
pub fn is_soak() -> bool {
    std::env::var_os("DTS_TEST_SOAK").is_some()
}

fn postgres_url() -> String {
    let url = std::env::var("DATABASE_URL");
    url.expect("DATABASE_URL must name a throwaway Postgres server: run `make test`")
}

/// A database of a test's own. SQLite's is a file in the test's folder.
pub struct TestDatabase(Option<(String, String)>);

impl TestDatabase {
    pub async fn create(database: Database) -> TestDatabase {
        let Database::Postgres = database else { return TestDatabase(None) };
        let (server, name) = (postgres_url(), format!("it_{}", uuid::Uuid::new_v4().simple()));
        on_server(&format!("CREATE DATABASE {name}")).await;
        let (base, _) = server.rsplit_once('/').unwrap();
        TestDatabase(Some((format!("{base}/{name}"), name)))
    }

    pub fn postgres_url(&self) -> Option<&str> {
        self.0.as_ref().map(|(url, _)| url.as_str())
    }

    /// Nobody gets in any more, and who was in is thrown out: for a client, the server is gone.
    pub async fn lock_out(&self) {
        let (_, name) = self.0.as_ref().unwrap();
        on_server(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")).await;
        on_server(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    }

    /// As before.
    pub async fn let_in(&self) {
        let (_, name) = self.0.as_ref().unwrap();
        on_server(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")).await;
    }

    pub async fn drop_it(&self) {
        if let Some((_, name)) = &self.0 {
            on_server(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

async fn on_server(statement: &str) {
    let mut server = PgConnection::connect(&postgres_url()).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut server).await.unwrap();
}
