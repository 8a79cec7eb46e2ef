//! A gateway to be measured: its folder, its database, a caller with a token and a key.
//!
//! Every policy is on. Only the cloud's quota is raised, or it would be what is measured.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use dts_gateway::call::Clock;
use dts_gateway::config::Config;
use dts_gateway::identity::{Claims, KeyIssuer, SystemRandom, mint};
use dts_gateway::store;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::messages::{Script, signed_read};
use crate::process::{Process, server_cpu};

/// A secret of the development issuer; random enough for the check of weak ones.
const TOKEN_SECRET: &str = "xB4kqR9vT2mWz7LpYc8sHd3nJf6gKaQe";

/// Stands for every limit of the tables, a second: more than any peer reaches, and no more than the books can hold.
const CALLS: u32 = 100_000;

const TEAM: &str = r#"
team = "bench"

[[caller]]
name = "bench"
accounts = ["main"]

[[grant]]
actions = ["*"]
tasks = "any"
dangers = ["*"]
"#;

/// A gateway that runs.
pub(super) struct Bed {
    pub(super) process: Process,
    pub(super) token: String,
    key: (String, SecretString),
    postgres: Option<(PgConnection, String, u32)>,
    _folder: TempDir,
}

impl Bed {
    /// Starts one on a Postgres server, or without one on SQLite.
    pub(super) async fn start(program: &Path, database: Option<&str>, cloud: SocketAddr) -> Bed {
        let folder = TempDir::new().unwrap();
        raise_limits(&folder.path().join("providers"));
        fs::create_dir(folder.path().join("teams")).unwrap();
        fs::write(folder.path().join("teams/bench.toml"), TEAM).unwrap();
        let (postgres, store_url) = match database {
            None => (None, format!("sqlite:{}", folder.path().join("gateway.sqlite3").display())),
            Some(server) => {
                let (postgres, url) = create_database(server).await;
                (Some(postgres), url)
            }
        };
        let config = folder.path().join("gateway.toml");
        fs::write(&config, text(&store_url, cloud)).unwrap();
        let key = issue_key(&config).await;
        let process = Process::gateway(program, &config).await;
        Bed { process, token: token(), key, postgres, _folder: folder }
    }

    pub(super) fn signed_read(&self) -> Script {
        signed_read(&self.key.0, self.key.1.expose_secret(), Clock::system().now().as_second())
    }

    /// CPU time of the database's own processes.
    pub(super) fn database_cpu(&self) -> Option<Duration> {
        self.postgres.as_ref().and_then(|(_, _, backend)| server_cpu(*backend))
    }

    pub(super) async fn end(self) {
        drop(self.process);
        if let Some((mut server, name, _)) = self.postgres {
            execute(&mut server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

/// The committed tables with other numbers in limits.toml.
fn raise_limits(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/providers");
    for version in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let folder = to.join(version.file_name());
        fs::create_dir_all(&folder).unwrap();
        for file in fs::read_dir(version.path()).unwrap().map(Result::unwrap) {
            let raised = |line: &str| match line.starts_with("calls = ") {
                true => format!("calls = {CALLS}\n"),
                false => format!("{line}\n"),
            };
            let text = fs::read_to_string(file.path()).unwrap();
            let text: String =
                if file.file_name() == "limits.toml" { text.lines().map(raised).collect() } else { text };
            fs::write(folder.join(file.file_name()), text).unwrap();
        }
    }
}

fn text(store_url: &str, cloud: SocketAddr) -> String {
    format!(
        r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
store.url = "{store_url}"
audit.digest_key = "q8Zr1Xv5Tn0LkW3bYp7cHs2mJd9fGaQe"
providers.folder = "providers"
upstream.idle_connections = 64

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
secret_id = "AKIDbenchbenchbenchbenchbench0000"
secret_key = "tR5vXq2Lm9Zk4Wc7Yp1Hs8Nd3Jf6Ga0Q"
default_region = "ap-guangzhou"
endpoint = "http://{cloud}"
"#
    )
}

async fn issue_key(config: &Path) -> (String, SecretString) {
    let config = Config::load(config, []).unwrap_or_else(|mistakes| panic!("{:?}", miette::Report::new(mistakes)));
    let store = store::open(&config.store, Clock::system()).unwrap();
    store.migrate().await.unwrap();
    let issuer = KeyIssuer::new(&*store, &config.keys.sealing, &SystemRandom);
    let pair = issuer.create("bench", Clock::system().now(), None).await.unwrap();
    store.close().await;
    (pair.key_id, pair.secret_key)
}

fn token() -> String {
    let claims = Claims {
        issuer: "https://development.invalid/".to_owned(),
        audience: "dts-gateway".to_owned(),
        caller: ("sub".to_owned(), "bench".to_owned()),
        roles: ("roles".to_owned(), Vec::new()),
        lifetime: Duration::from_secs(3600),
    };
    mint(TOKEN_SECRET.as_bytes(), &claims, Clock::system().now()).unwrap().expose_secret().to_owned()
}

/// A database of our own on a server, and its address.
async fn create_database(server: &str) -> ((PgConnection, String, u32), String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
    execute(&mut connection, format!("CREATE DATABASE {name}")).await;
    let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let url = format!("{base}/{name}");
    ((connection, name, backend.unsigned_abs()), url)
}

async fn execute(connection: &mut PgConnection, statement: String) {
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(connection).await.unwrap();
}
