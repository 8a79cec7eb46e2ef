//! Alibaba's SDKs: `tests/clients/aliyun.py`.

use serde_json::Value;

use super::{ALIYUN, is_among, is_of_the_gateway, limited, outline, steps};
use crate::world::{Database, Options, World};

/// Steps that a cloud cannot refuse: it knows neither our grants nor our callers' limits.
const OF_THE_GATEWAY: [&str; 13] = [
    "configure-for-reader",
    "configure-for-reader:checked",
    "reader-reads",
    "no-grant",
    "configure-for-others",
    "configure-for-others:checked",
    "configure-own",
    "configure-own:checked",
    "no-grant-for-one",
    "own-untouched",
    "start-own",
    "own-running",
    "too-fast",
];

/// Reads that the gateway leaves to the cloud.
const OF_THE_CLOUD: [&str; 2] = ["unknown-job", "detail-gone"];

/// What the cloud's service says inside an answer with status 200, for which no SDK raises, the gateway says before it is
/// sent, as an error: the code is the same.
const EARLIER: [&str; 3] = ["stop-unknown-job", "start-migration-running", "stop-migration-suspended"];

/// In which states this is allowed is inferred: it is observed and sent, unless the configuration says otherwise.
const INFERRED: &str = "start-running";
const ENFORCE_IT: &str = "[state.modes]\n\"2020-01-01/StartDtsJob\" = \"enforce\"\n";

/// A signature, and the method that it is sent by.
type Way = (&'static str, &'static str);

const BOTH_SIGNATURES: [Way; 2] = [("ACS3-HMAC-SHA256", "POST"), ("HMAC-SHA1", "POST")];
const BOTH_METHODS: [Way; 2] = [("HMAC-SHA1", "POST"), ("HMAC-SHA1", "GET")];

#[tokio::test]
async fn the_typed_python_sdk_sees_the_second_cloud_on_sqlite() {
    compare("tea", &BOTH_SIGNATURES, Database::Sqlite).await;
}

#[tokio::test]
async fn the_python_core_sdk_sees_the_second_cloud_on_postgres() {
    compare("core", &BOTH_METHODS, Database::Postgres).await;
}

#[tokio::test]
async fn the_node_core_sdk_sees_the_second_cloud_on_sqlite() {
    compare("pop-core", &BOTH_METHODS, Database::Sqlite).await;
}

#[tokio::test]
async fn the_typed_python_sdk_is_told_what_was_inferred_on_postgres() {
    enforced("tea", &BOTH_SIGNATURES, Database::Postgres).await;
}

#[tokio::test]
async fn the_core_sdks_are_told_what_was_inferred_on_sqlite() {
    enforced("core", &BOTH_METHODS[..1], Database::Sqlite).await;
    enforced("pop-core", &BOTH_METHODS[..1], Database::Sqlite).await;
}

/// Runs the scenario on both sides and expects the same from both, but for whom a refusal comes from.
async fn compare(client: &str, ways: &[Way], database: Database) {
    let world = World::start_with(database, limited()).await;
    let mut pairs = Vec::new();
    // What a team made is its own: `payer` is of another team than `all`.
    for (flag, name) in [("reader", "reader"), ("own", "payer"), ("limited", "limited")] {
        pairs.push((flag, world.key_pair(name).await));
    }
    for way in ways {
        let (through, direct) = both(&world, client, *way, &pairs).await;
        judge(&through, &direct, &|step| is_among(&EARLIER, step));
    }
    world.end().await;
}

/// The same where the gateway has the last word on what is inferred.
async fn enforced(client: &str, ways: &[Way], database: Database) {
    let world = World::start_with(database, Options { config: ENFORCE_IT.to_owned(), ..limited() }).await;
    for way in ways {
        let (through, direct) = both(&world, client, *way, &[]).await;
        judge(&through, &direct, &|step| is_among(&EARLIER, step) || is_among(&[INFERRED], step));
    }
    world.end().await;
}

/// The steps through the gateway, and past it.
async fn both(
    world: &World,
    client: &str,
    (sign, method): Way,
    pairs: &[(&str, (String, String))],
) -> (Vec<Value>, Vec<Value>) {
    let told = ["--client", client, "--sign", sign, "--method", method];
    let through = steps(ALIYUN, &told, &world.public, &world.key_pair("all").await, pairs).await;
    let pair = (world.simulator.secret_id().to_owned(), world.simulator.secret_key().to_owned());
    let direct = steps(ALIYUN, &told, &world.simulator.url(), &pair, &[]).await;
    (through, direct)
}

fn judge(through: &[Value], direct: &[Value], is_earlier: &impl Fn(&Value) -> bool) {
    let common: Vec<_> = through.iter().filter(|step| !is_among(&OF_THE_GATEWAY, step)).collect();
    assert_eq!(common.len(), direct.len(), "{through:?}\n{direct:?}");
    for (step, same) in common.into_iter().zip(direct) {
        let ([name, ok, code, kind], [same_name, same_ok, same_code, same_kind]) = (outline(step), outline(same));
        assert_eq!((name, ok, code), (same_name, same_ok, same_code), "{step}\n{same}");
        assert_eq!(kind != same_kind, is_earlier(step), "an error where the cloud has none, or none:\n{step}\n{same}");
    }
    for step in through.iter().filter(|step| step["ok"] == false) {
        let is_of_the_cloud = is_among(&OF_THE_CLOUD, step) || is_among(&[INFERRED], step) && !is_earlier(step);
        assert_eq!(is_of_the_gateway(step), !is_of_the_cloud, "refused by the wrong one of the two: {step}");
    }
}
