//! One gateway with its cloud, in this process, on free ports and with a database of its own.

use std::time::Duration;

use dts_gateway::call::Clock;
use dts_gateway::config::Config;
use dts_gateway::identity::{Claims, IssuedPair, KeyIssuer, SystemRandom, mint};
use dts_gateway::store::{self, Store};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tempfile::TempDir;
use tracing::Dispatch;

use crate::caller::{Answer, Caller, until};
pub use crate::database::{Database, TestDatabase};
use crate::gateway::Gateway;
pub use crate::settings::Options;
use crate::settings::{self, TOKEN_SECRET};

/// A gateway and everything around it.
pub struct World {
    pub folder: TempDir,
    pub simulator: dts_simulator::Running,
    pub public: String,
    pub admin: String,
    pub store_url: SecretString,
    pub database: TestDatabase,
    log: Option<Dispatch>,
    gateway: Option<Gateway>,
}

/// Runs a scenario in a world on SQLite, then in one on Postgres.
pub async fn on_both(options: Options, scenario: impl AsyncFn(&mut World)) {
    for database in [Database::Sqlite, Database::Postgres] {
        println!("on {database:?}");
        let mut world = World::start_with(database, options.clone()).await;
        scenario(&mut world).await;
        world.end().await;
    }
}

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
            run: options.run.unwrap_or(Duration::from_millis(40)),
            ..dts_simulator::Options::default()
        });
        let simulator = simulator.await.unwrap();
        let folder = TempDir::new().unwrap();
        let database = TestDatabase::create(database).await;
        let in_folder = || format!("sqlite:{}", folder.path().join("gateway.sqlite3").display());
        let store_url = SecretString::from(database.postgres_url().map_or_else(in_folder, str::to_owned));
        settings::write(&folder, &simulator, &store_url, &options);
        let mut world = World {
            folder,
            simulator,
            public: String::new(),
            admin: String::new(),
            store_url,
            database,
            log: options.log,
            gateway: None,
        };
        world.start_gateway().await;
        world
    }

    /// Starts the gateway (again) on what is there.
    pub async fn start_gateway(&mut self) {
        let gateway = self.another().await;
        (self.public, self.admin) = (gateway.public.clone(), gateway.admin.clone());
        self.gateway = Some(gateway);
    }

    /// One more gateway of the same configuration.
    pub async fn another(&self) -> Gateway {
        self.another_by(Clock::system()).await
    }

    /// The same by another clock.
    pub async fn another_by(&self, clock: Clock) -> Gateway {
        Gateway::start(self.config(), clock, self.log.clone()).await
    }

    /// Tells the gateway to stop, and does not wait for it.
    pub fn tell_to_stop(&mut self) {
        if let Some(gateway) = &mut self.gateway {
            gateway.tell_to_stop();
        }
    }

    /// Stops the gateway as SIGTERM does, and waits until everything is written.
    pub async fn stop_gateway(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop().await;
        }
    }

    /// Stops the gateway as SIGKILL does: nothing of it runs on, nothing that was not committed is written.
    pub fn abandon_gateway(&mut self) {
        drop(self.gateway.take());
    }

    /// The store, opened beside the gateway.
    pub fn store(&self) -> std::sync::Arc<dyn Store> {
        store::open(&self.store_url, dts_gateway::call::Clock::system()).unwrap()
    }

    /// A caller with a token.
    pub fn with_token(&self, name: &str) -> Caller {
        Caller::with_token(&self.public, self.token(name, &[]).expose_secret())
    }

    /// A caller with a key pair that the gateway issued just now.
    pub async fn with_key(&self, name: &str) -> Caller {
        self.signing(&self.key(name, Timestamp::now(), None).await)
    }

    /// The key pair alone, for a client that is not ours.
    pub async fn key_pair(&self, name: &str) -> (String, String) {
        let pair = self.key(name, Timestamp::now(), None).await;
        (pair.key_id, pair.secret_key.expose_secret().to_owned())
    }

    /// A caller that signs with a key pair.
    pub fn signing(&self, pair: &IssuedPair) -> Caller {
        Caller::with_key(&self.public, &pair.key_id, pair.secret_key.expose_secret())
    }

    /// A key pair that was issued at `now`.
    pub async fn key(&self, name: &str, now: Timestamp, expires_at: Option<Timestamp>) -> IssuedPair {
        let (store, sealing) = (self.store(), self.config().keys.sealing);
        let pair = KeyIssuer::new(&*store, &sealing, &SystemRandom).create(name, now, expires_at).await.unwrap();
        store.close().await;
        pair
    }

    /// Revokes a key.
    pub async fn revoke(&self, key_id: &str) {
        let (store, sealing) = (self.store(), self.config().keys.sealing);
        KeyIssuer::new(&*store, &sealing, &SystemRandom).revoke(key_id, Timestamp::now()).await.unwrap();
        store.close().await;
    }

    fn config(&self) -> Config {
        let path = self.folder.path().join("gateway.toml");
        Config::load(&path, []).unwrap_or_else(|mistakes| panic!("{:?}", miette::Report::new(mistakes)))
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
        mint(TOKEN_SECRET.as_bytes(), &claims, Timestamp::now()).unwrap()
    }

    /// Somebody who may read the audit log.
    pub fn auditor(&self) -> Caller {
        Caller::with_token(&self.admin, self.token("all", &["auditor"]).expose_secret())
    }

    /// The audit records that match `query`, newest first, once there are at least `least` of them.
    pub async fn records(&self, query: &str, least: usize) -> Vec<Value> {
        let auditor = self.auditor();
        until("the records are written", || async {
            let answer = auditor.get(&format!("/v1/audit/records?limit=1000&{query}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let records = answer.json()["records"].as_array().unwrap().clone();
            (records.len() >= least).then_some(records)
        })
        .await
    }

    /// The record of a call, once its end is written.
    pub async fn record_of(&self, answer: &Answer) -> Value {
        self.record(&format!("request_id={}", answer.header("x-request-id"))).await
    }

    /// The one record that matches `query`, once its end is written.
    pub async fn record(&self, query: &str) -> Value {
        until("the record is closed", || async {
            let mut records = self.records(query, 1).await;
            assert_eq!(records.len(), 1, "{query}: {records:?}");
            records.pop().filter(|record| record["outcome"] != "open")
        })
        .await
    }

    /// What the simulator was asked, oldest first.
    pub async fn requests(&self) -> Vec<Value> {
        self.cloud("GET", "/_sim/requests", "").await["requests"].as_array().unwrap().clone()
    }

    /// How often the simulator was asked for `action`.
    pub async fn sent(&self, action: &str) -> usize {
        self.requests().await.iter().filter(|request| request["action"] == action).count()
    }

    /// Waits until the simulator was asked for `action` so often.
    pub async fn sent_at_least(&self, action: &str, times: usize) {
        until("the call reaches the cloud", || async { (self.sent(action).await >= times).then_some(()) }).await;
    }

    /// Makes the simulator forget what it was asked.
    pub async fn forget_requests(&self) {
        self.cloud("DELETE", "/_sim/requests", "").await;
    }

    /// Makes the simulator misbehave.
    pub async fn fault(&self, fault: Value) {
        self.cloud("POST", "/_sim/faults", &fault.to_string()).await;
    }

    /// Makes the simulator behave again.
    pub async fn no_faults(&self) {
        self.cloud("DELETE", "/_sim/faults", "").await;
    }

    /// Control of the simulator.
    pub async fn cloud(&self, method: &str, path: &str, body: &str) -> Value {
        let answer = Caller::with_token(&self.simulator.url(), "none").send(method, path, &[], body).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// Tasks at the cloud that stay in a state.
    pub async fn tasks(&self, kind: &str, status: Value, count: usize) -> Vec<String> {
        let body = serde_json::json!({"kind": kind, "version": "2018-03-30", "status": status, "count": count});
        let made = self.cloud("POST", "/_sim/tasks", &body.to_string()).await;
        made["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// One task of 2021-12-06 at the cloud that stays in a state; `more` is merged into the order.
    pub async fn task_of_2021(&self, kind: &str, status: &str, more: Value) -> String {
        let mut order = serde_json::json!({"kind": kind, "version": "2021-12-06", "status": status});
        order.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let made = self.cloud("POST", "/_sim/tasks", &order.to_string()).await;
        made["ids"][0].as_str().unwrap().to_owned()
    }

    /// Ends everything; the database goes too.
    pub async fn end(mut self) {
        self.stop_gateway().await;
        self.database.drop_it().await;
        self.simulator.shutdown().await;
    }
}

/// Whether the long figures are wanted: `make soak`.
pub fn is_soak() -> bool {
    std::env::var_os("DTS_TEST_SOAK").is_some()
}
