//! No secret that ever came near the gateway is found in what it writes, says or shows: planted values are looked for
//! in the log, the raw database, the audit API, the metrics and every answer.

mod calls;
mod places;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::settings::{DIGEST_KEY, SEALING_KEY, TOKEN_SECRET};
use crate::world::{Database, Options, World, on_both};
use places::Log;

/// Values that must be found nowhere, by where they were planted.
#[derive(Default)]
pub struct Planted(BTreeMap<String, String>);

impl Planted {
    /// Notes a value, and gives it back.
    pub fn plant(&mut self, place: &str, value: &str) -> String {
        assert!(value.len() >= 8, "{place}: too short to be looked for");
        self.0.insert(place.to_owned(), value.to_owned());
        value.to_owned()
    }

    /// A value that nobody else has.
    pub fn fresh(&mut self, place: &str) -> String {
        let value = format!("planted{}", uuid::Uuid::new_v4().simple());
        self.plant(place, &value)
    }

    /// Asserts that none of the values is in `text`, nor in base64 or hexadecimal.
    pub fn absent_from(&self, what: &str, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        for (place, value) in &self.0 {
            let encoded = STANDARD.encode(value);
            for shape in [value, encoded.trim_end_matches('='), &hex::encode(value)] {
                let Some(at) = text.find(shape) else { continue };
                let start = text.floor_char_boundary(at.saturating_sub(300));
                let end = text.ceil_char_boundary((at + 100).min(text.len()));
                panic!("{what} holds what was planted as {place}: … {} …", &text[start..end]);
            }
        }
    }
}

/// What the gateway itself was given to keep, and what it signs upstream with.
async fn of_the_gateway(world: &World, planted: &mut Planted) {
    planted.plant("the real credential", world.simulator.secret_key());
    planted.plant("the issuer's secret", TOKEN_SECRET);
    planted.plant("the sealing key", SEALING_KEY);
    planted.plant("the digest key", DIGEST_KEY);
    if let Some(password) = world.database.password() {
        planted.plant("the database's password", &password);
    }
    for (index, request) in world.requests().await.iter().enumerate() {
        let header = request["headers"]["authorization"].as_str().unwrap_or_default();
        if let Some((_, signature)) = header.split_once("Signature=") {
            planted.plant(&format!("upstream signature {index}"), signature);
        }
        if let Some(signature) = request["params"]["Signature"].as_str() {
            planted.plant(&format!("upstream signature {index}"), signature);
        }
    }
}

async fn nothing_leaks(database: Database) {
    let log = Log::default();
    let options = Options { log: Some(log.dispatch()), ..calls::options() };
    let world = World::start_with(database, options).await;
    let mut planted = Planted::default();
    let answers = calls::all(&world, &mut planted).await;
    of_the_gateway(&world, &mut planted).await;
    let records = world.records("family=tencent", answers.len()).await;
    let log_so_far = log.text();
    assert!(log_so_far.contains("hyper"), "the log was caught");

    for (call, answer) in &answers {
        planted.absent_from(&format!("the answer to {call}"), answer.as_bytes());
    }
    planted.absent_from("the audit API", json!(records).to_string().as_bytes());
    let metrics = world.with_token("all").at(&world.admin).get("/metrics").await;
    planted.absent_from("the metrics", &metrics.body);
    let tables = places::rows(&world).await;
    for (table, rows) in &tables {
        planted.absent_from(&format!("the table {table}"), rows.as_bytes());
    }
    for table in ["audit_records", "audit_intents"] {
        assert!(tables.iter().any(|(name, rows)| name == table && rows.contains("[redacted]")), "{table} was read");
    }
    let folder = world.folder.path().to_owned();
    for (file, bytes) in places::database_files(&folder) {
        planted.absent_from(&file, &bytes);
    }
    planted.absent_from("the log", log.text().as_bytes());
    world.end().await;
}

/// Equal parameters can be recognised without being read: equal digests, other ones for another password.
async fn digests(world: &World) {
    let all = world.with_token("all");
    let digest = async |password: &str| -> Value {
        let mut creation = crate::smoke::creation();
        creation["SrcInfo"]["Password"] = json!(password);
        let answer = all.act("CreateMigrateJob", creation).await;
        let record = world.record_of(&answer).await;
        assert!(!record.to_string().contains(password));
        record["detail"]["parameters_digest"].clone()
    };
    let (one, same, other) = (digest("first-password").await, digest("first-password").await, digest("other").await);
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert_eq!(one.as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn no_planted_value_is_found_anywhere_on_sqlite() {
    nothing_leaks(Database::Sqlite).await;
}

#[tokio::test]
async fn no_planted_value_is_found_anywhere_on_postgres() {
    nothing_leaks(Database::Postgres).await;
}

#[tokio::test]
async fn equal_parameters_have_equal_digests() {
    on_both(Options::default(), async |world| digests(world).await).await;
}
