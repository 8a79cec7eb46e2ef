//! The second cloud behind the same URL: calls with a token and calls that its own key pair signs.

mod acs3;
mod settling;

use dts_gateway::sign::{SecretKey, rpc_v1};
use http::{Method, Request};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::caller::{Answer, Caller, NO_CACHE, whole};
use crate::world::{Options, World, on_both};

const VERSION: &str = "2020-01-01";
const FORM: &str = "application/x-www-form-urlencoded";
pub const REGION: (&str, &str) = ("RegionId", "cn-hangzhou");

fn form(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// A call with a token: the cloud's own form without its signature.
pub async fn act(caller: &Caller, action: &str, parameters: &[(&str, &str)]) -> Answer {
    act_in(VERSION, caller, action, parameters).await
}

/// The same, never with an answer that others are told too.
pub async fn act_alone(caller: &Caller, action: &str, parameters: &[(&str, &str)]) -> Answer {
    let headers = [("x-acs-action", action), ("x-acs-version", VERSION), ("content-type", FORM), NO_CACHE];
    caller.send("POST", "/", &headers, &form(parameters)).await
}

/// The same in another version.
async fn act_in(version: &str, caller: &Caller, action: &str, parameters: &[(&str, &str)]) -> Answer {
    let headers = [("x-acs-action", action), ("x-acs-version", version), ("content-type", FORM)];
    caller.send("POST", "/", &headers, &form(parameters)).await
}

/// Makes a new task, with what its definition requires.
pub async fn configure(caller: &Caller, name: &str) -> Answer {
    let parameters = [
        ("DtsJobName", name),
        ("JobType", "MIGRATION"),
        ("DataInitialization", "true"),
        ("DataSynchronization", "true"),
        ("StructureInitialization", "true"),
        ("DelayRuleTime", "60"),
        ("SourceEndpointInstanceType", "RDS"),
        ("SourceEndpointRole", "r"),
        ("DestinationEndpointInstanceType", "RDS"),
        ("DestinationEndpointRole", "r"),
        ("DbList", "{\"db\": {}}"),
        REGION,
    ];
    act(caller, "ConfigureDtsJob", &parameters).await
}

/// A call that a key pair signs among its parameters.
pub async fn signed(at: &str, pair: &(String, String), nonce: &str, more: &[(&str, &str)]) -> Answer {
    signed_otherwise(at, pair, &[("SignatureNonce", Some(nonce))], more).await
}

/// The same with other parameters of the protocol than usual, or without them.
async fn signed_otherwise(
    at: &str,
    pair: &(String, String),
    other: &[(&str, Option<&str>)],
    more: &[(&str, &str)],
) -> Answer {
    let timestamp = rpc_v1::timestamp(Timestamp::now().as_second()).unwrap();
    let mut parameters = vec![
        ("Version", VERSION),
        ("Format", "JSON"),
        ("AccessKeyId", pair.0.as_str()),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", "a nonce"),
        ("Timestamp", timestamp.as_str()),
    ];
    parameters.retain(|(name, _)| !other.iter().any(|(other, _)| other == name));
    parameters.extend(other.iter().filter_map(|(name, value)| value.map(|value| (*name, value))));
    parameters.extend_from_slice(more);
    let signature = rpc_v1::sign(&Method::GET, &parameters, &SecretKey::from(pair.1.clone()));
    parameters.push(("Signature", &signature));
    let request = Request::get(format!("{}/?{}", at, form(&parameters))).body(whole("")).unwrap();
    Caller::stranger(at).exchange(request).await
}

async fn job(world: &World, status: &str) -> String {
    let order = json!({"kind": "migration", "version": VERSION, "status": status});
    let made = world.cloud("POST", "/_sim/tasks", &order.to_string()).await;
    made["ids"][0].as_str().unwrap().to_owned()
}

fn good(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.header("x-dts-gateway-origin")), (200, "upstream"), "{}", answer.text());
    answer.json()
}

fn refused(answer: &Answer, status: u16, code: &str, reason: &str) -> String {
    let body = answer.json();
    assert_eq!((answer.status, body["Code"].as_str()), (status, Some(code)), "{body}");
    assert_eq!(answer.header("x-dts-gateway-reason"), reason, "{body}");
    assert_eq!(body["RequestId"], answer.header("x-request-id"));
    let message = body["Message"].as_str().unwrap().to_owned();
    assert!(message.starts_with(&format!("[dts-gateway {reason}]: ")), "{message}");
    message
}

async fn with_a_token(world: &World) {
    let all = world.with_token("all");
    let id = job(world, "Migrating").await;
    let listed = good(&act(&all, "DescribeDtsJobs", &[("Region", "cn-hangzhou"), REGION]).await);
    let jobs = listed["DtsJobList"].as_array().unwrap();
    assert!(jobs.iter().any(|job| job["DtsJobId"] == json!(id)), "{listed}");
    let suspended = act(&all, "SuspendDtsJob", &[("DtsJobId", &id), REGION]).await;
    good(&suspended);
    let record = world.record_of(&suspended).await;
    let instance = format!("dts{id}");
    assert_eq!((&record["family"], &record["task_ids"]), (&json!("aliyun"), &json!([instance])), "{record}");
    assert_eq!((&record["outcome"], &record["region"]), (&json!("ok"), &json!("cn-hangzhou")));

    refused(
        &act(&world.with_token("reader"), "StopDtsJob", &[("DtsJobId", &id), REGION]).await,
        403,
        "Forbidden.RAM",
        "not-granted",
    );
    refused(&act(&all, "StopDtsJob", &[REGION]).await, 400, "MissingParameter", "parameter-missing");
    refused(&act(&all, "NoSuchAction", &[REGION]).await, 404, "InvalidAction.NotFound", "action-unknown");
    // A parameter that names an account may name the one that the call is made on.
    let of = |owner: &'static str| [("OwnerId", owner), ("Region", "cn-hangzhou"), REGION];
    let other = act(&all, "DescribeDtsJobs", &of("1234567890")).await;
    assert!(refused(&other, 403, "Forbidden.RAM", "not-granted").contains("OwnerId names another account"));
    good(&act(&all, "DescribeDtsJobs", &of("elsewhere")).await);
    let many = ["a"; 11].join(",");
    let many = act(&all, "DeleteDtsJobs", &[("DtsJobIds", &many), REGION]).await;
    assert!(refused(&many, 400, "InvalidParameter", "too-large").contains("the 10 allowed"));
}

async fn with_a_key_pair(world: &World) {
    let pair = world.key_pair("all").await;
    let id = job(world, "Migrating").await;
    let detail = [("Action", "DescribeDtsJobDetail"), ("DtsJobId", id.as_str()), REGION];
    let told = good(&signed(&world.public, &pair, "n-1", &detail).await);
    assert_eq!(told["Status"], "Migrating", "{told}");
    refused(&signed(&world.public, &pair, "n-1", &detail).await, 400, "SignatureNonceUsed", "nonce-reused");
    good(&signed(&world.public, &pair, "n-2", &detail).await);
    let forged = (pair.0.clone(), format!("{}x", pair.1));
    refused(&signed(&world.public, &forged, "n-3", &detail).await, 400, "SignatureDoesNotMatch", "signature-mismatch");
    let unknown = ("LTAInobody".to_owned(), pair.1.clone());
    let nobody = signed(&world.public, &unknown, "n-4", &detail).await;
    let message = refused(&nobody, 404, "InvalidAccessKeyId.NotFound", "key-unknown");
    assert!(message.contains("this AccessKeyId was not issued") && !message.contains("SecretId"), "{message}");
    assert_eq!(world.record_of(&nobody).await["detail"]["message"], json!(message), "as it was told");
    let malformed = [detail.as_slice(), &[("SecurityToken", "CAISnosuchtoken")]].concat();
    let malformed = signed(&world.public, &pair, "n-6", &malformed).await;
    refused(&malformed, 403, "InvalidSecurityToken.Malformed", "token-invalid");
    let others = world.token("reader", &[]);
    let foreign = [detail.as_slice(), &[("SecurityToken", others.expose_secret())]].concat();
    refused(&signed(&world.public, &pair, "n-7", &foreign).await, 403, "InvalidSecurityToken.Expired", "token-invalid");
    let stop = [("Action", "StopDtsJob"), ("DtsJobId", id.as_str()), REGION];
    good(&signed(&world.public, &pair, "n-5", &stop).await);
    assert_eq!(world.sent("StopDtsJob").await, 1);
}

#[tokio::test]
async fn a_token_calls_the_second_cloud() {
    on_both(Options::default(), async |world| with_a_token(world).await).await;
}

#[tokio::test]
async fn a_key_pair_signs_as_the_second_cloud_wants() {
    on_both(Options::default(), async |world| with_a_key_pair(world).await).await;
}
