//! Known answers of the official SDKs, the same ones altered, replays, and the forms of answers.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by panicking

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::{Nonces, check_region, read, speaks, verify, write};
use crate::clock::Moment;
use crate::dialect::{ApiError, Incoming, Reading, Reply};
use crate::table::{Action, Family, Tables};

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::built_in().unwrap());

const VECTORS: &str = include_str!("../../../tests/aliyun-vectors.json");

fn incoming(method: &str, target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Incoming {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    Incoming {
        method: Method::from_bytes(method.as_bytes()).unwrap(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: map,
        body: body.into(),
    }
}

/// A known answer: the request, its credential, its time in seconds.
struct Vector {
    name: String,
    incoming: Incoming,
    credential: (String, String),
    seconds: u64,
    expected: Option<String>,
}

fn vectors() -> Vec<Vector> {
    let all: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let one = |vector: &Value| {
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        let pair = |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned());
        let owned: Vec<(String, String)> = vector["headers"].as_array().unwrap().iter().map(pair).collect();
        let headers: Vec<(&str, &str)> = owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Vector {
            name: text("name"),
            incoming: incoming(&text("method"), &text("target"), &headers, text("body")),
            credential: (text("secretId"), text("secretKey")),
            seconds: vector["now"].as_u64().unwrap(),
            expected: vector["expectedCode"].as_str().map(str::to_owned),
        }
    };
    all.iter().map(one).collect()
}

fn verdict_at(vector: &Vector, nonces: &Nonces, seconds: u64) -> Result<(), ApiError> {
    let tables = &*TABLES;
    let reading = read(&vector.incoming, tables);
    if let Some(problem) = reading.problem {
        return Err(problem);
    }
    let now = Moment::from_micros(seconds * 1_000_000);
    verify(&vector.incoming, &reading, tables, std::slice::from_ref(&vector.credential), nonces, now)
}

fn verdict(vector: &Vector) -> Result<(), ApiError> {
    verdict_at(vector, &Nonces::default(), vector.seconds)
}

/// Genuine ones, without a token.
fn plain(scheme: &str) -> Vec<Vector> {
    let genuine = |vector: &Vector| vector.name.contains(scheme) && verdict(vector).is_ok();
    vectors().into_iter().filter(genuine).collect()
}

#[test]
fn requests_of_the_official_sdks_are_judged_as_expected() {
    let vectors = vectors();
    let mut wrong = Vec::new();
    for vector in &vectors {
        assert!(speaks(&vector.incoming), "{}", vector.name);
        let got = verdict(vector);
        let as_expected = match (&got, &vector.expected) {
            // A token beside a permanent key is refused after the signature was found genuine.
            (Err(error), None) => error.code == "InvalidSecurityToken.Malformed",
            (Err(error), Some(code)) => error.code == *code,
            (Ok(()), expected) => expected.is_none(),
        };
        if !as_expected {
            wrong.push(format!("{}: {got:?}, not {:?}", vector.name, vector.expected));
        }
    }
    assert_eq!(vectors.len(), 105);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
}

#[test]
fn fifteen_minutes_and_no_second_more() {
    for scheme in ["-v1", "-v3"] {
        let vector = &plain(scheme)[0];
        for (seconds, in_time) in [
            (vector.seconds - 901, false),
            (vector.seconds - 900, true),
            (vector.seconds + 900, true),
            (vector.seconds + 901, false),
        ] {
            let code = verdict_at(vector, &Nonces::default(), seconds).err().map(|error| error.code);
            assert_eq!(code, (!in_time).then(|| "IllegalTimestamp".to_owned()), "{scheme}");
        }
    }
}

#[test]
fn a_nonce_counts_once_and_only_with_a_genuine_signature() {
    for scheme in ["-v1", "-v3"] {
        let nonces = Nonces::default();
        let mut vector = plain(scheme).swap_remove(0);
        let key = std::mem::replace(&mut vector.credential.1, "another".to_owned());
        assert_eq!(verdict_at(&vector, &nonces, vector.seconds).unwrap_err().code, "SignatureDoesNotMatch");
        vector.credential.1 = key;
        assert_eq!(verdict_at(&vector, &nonces, vector.seconds), Ok(()), "{scheme}: a forgery burnt the nonce");
        for later in [0, 1, 900] {
            let again = verdict_at(&vector, &nonces, vector.seconds + later);
            assert_eq!(again.unwrap_err().code, "SignatureNonceUsed", "{scheme}, {later} s later");
        }
    }
}

#[test]
fn nonces_are_forgotten_when_their_time_is_over() {
    let nonces = Nonces::default();
    let at = Moment::from_micros(5_000_000_000);
    assert!(nonces.take("id", "n", 5_000, at));
    assert!(nonces.take("other", "n", 5_000, at), "each key has its own");
    assert!(!nonces.take("id", "n", 5_900, Moment::from_micros(5_900_999_999)));
    assert!(nonces.take("id", "n", 6_000, Moment::from_micros(5_901_000_000)));
}

#[test]
fn what_version_3_must_sign_cannot_be_left_out() {
    let required =
        ["host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"];
    for name in required {
        let mut vector = plain("-v3").swap_remove(0);
        let text = vector.incoming.headers["authorization"].to_str().unwrap().to_owned();
        let (before, rest) = text.split_once("SignedHeaders=").unwrap();
        let (listed, after) = rest.split_once(',').unwrap();
        let kept: Vec<&str> = listed.split(';').filter(|other| *other != name).collect();
        let altered = format!("{before}SignedHeaders={},{after}", kept.join(";"));
        vector.incoming.headers.insert("authorization", altered.parse().unwrap());
        assert_eq!(verdict(&vector).unwrap_err().code, "IncompleteSignature", "{name}");
    }
    let mut vector = plain("-v3").swap_remove(0);
    vector.incoming.headers.insert("x-acs-security-token", HeaderValue::from_static("smuggled"));
    assert_eq!(verdict(&vector).unwrap_err().code, "IncompleteSignature");
    let mut vector = plain("-v3").swap_remove(0);
    vector.incoming.headers.append("x-acs-action", HeaderValue::from_static("DeleteDtsJob"));
    assert_eq!(verdict(&vector).unwrap_err().code, "IncompleteSignature", "a header twice");
}

#[test]
fn parts_that_are_missing_unknown_or_twice_are_refused_by_name() {
    let code = |change: &dyn Fn(&mut Vector)| {
        let mut vector = plain("-v1").into_iter().find(|vector| vector.incoming.query.contains("Signature=")).unwrap();
        change(&mut vector);
        verdict(&vector).unwrap_err().code
    };
    let replaced = |from: &'static str, to: &'static str| {
        move |vector: &mut Vector| vector.incoming.query = vector.incoming.query.replacen(from, to, 1)
    };
    assert_eq!(code(&replaced("SignatureMethod=HMAC-SHA1", "SignatureMethod=HMAC-SHA256")), "IncompleteSignature");
    assert_eq!(code(&replaced("SignatureVersion=1.0", "SignatureVersion=2.0")), "IncompleteSignature");
    assert_eq!(code(&replaced("SignatureNonce=", "Nonce=")), "IncompleteSignature");
    assert_eq!(code(&replaced("AccessKeyId=", "AccessKeyId=x")), "InvalidAccessKeyId.NotFound");
    assert_eq!(code(&replaced("Action=", "Action=a&Action=")), "InvalidParameter");
    assert_eq!(code(&|vector| vector.incoming.method = Method::PUT), "UnsupportedHTTPMethod");
    assert_eq!(code(&|vector| vector.incoming.path = "/elsewhere".to_owned()), "InvalidAction.NotFound");
}

#[test]
fn the_form_wins_and_common_parameters_are_no_parameters() {
    let tables = &*TABLES;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("x-acs-action", "DeleteDtsJob")];
    let target =
        "/?Action=DescribeDtsJobs&Version=2020-01-01&RegionId=cn-beijing&Region=cn-shanghai&AccessKeyId=id&Signature=s";
    let reading = read(&incoming("POST", target, &form, "RegionId=cn-hangzhou&JobType=SYNC&SecurityToken=t"), tables);
    assert_eq!(reading.action.as_deref(), Some("DescribeDtsJobs"), "not the header, which nobody signed");
    assert_eq!(reading.region.as_deref(), Some("cn-shanghai"), "Region, not RegionId");
    let expected = json!({"JobType": "SYNC", "Region": "cn-shanghai", "RegionId": "cn-hangzhou"});
    assert_eq!(Value::Object(reading.parameters), expected);
    let headers = [
        ("authorization", "ACS3-HMAC-SHA256 Credential=id"),
        ("x-acs-action", "StartDtsJob"),
        ("x-acs-version", "2020-01-01"),
    ];
    let reading = read(&incoming("POST", "/?Action=DeleteDtsJob&RegionId=cn-beijing", &headers, ""), tables);
    assert_eq!((reading.action.as_deref(), reading.region.as_deref()), (Some("StartDtsJob"), Some("cn-beijing")));
    let provider = tables.version("2020-01-01").unwrap();
    assert_eq!(check_region(&reading, provider), Ok("cn-beijing"));
    let nowhere = Reading { region: Some("nowhere".to_owned()), ..Reading::default() };
    assert_eq!(check_region(&nowhere, provider).unwrap_err().code, "InvalidRegionId");
    assert_eq!(check_region(&Reading::default(), provider), Ok("cn-hangzhou"));
}

#[test]
fn a_request_says_by_its_marks_that_it_is_for_this_family() {
    let mine =
        |target: &str, headers: &[(&str, &str)], body: &'static str| speaks(&incoming("POST", target, headers, body));
    assert!(mine("/", &[("x-acs-anything", "")], ""));
    assert!(mine("/", &[("authorization", "ACS3-HMAC-SHA256 Credential=")], ""));
    assert!(mine("/?AccessKeyId=", &[], ""));
    assert!(mine("/", &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")], "a=b&SignatureNonce=1"));
    assert!(!mine("/", &[("content-type", "application/json")], "AccessKeyId=1"));
    assert!(!mine("/?SecretId=x&Nonce=1", &[("authorization", "TC3-HMAC-SHA256 Credential=")], "{}"));
}

fn written(wants_xml: bool, answer: &Result<Map<String, Value>, ApiError>, action: Option<&Action>) -> (Reply, String) {
    let reading =
        Reading { family: Family::Aliyun, action: Some("DescribeDtsJobs".to_owned()), wants_xml, ..Reading::default() };
    let reply = write(&incoming("GET", "/", &[("host", "dts.example")], ""), &reading, action, answer, "R-1");
    let text = String::from_utf8(reply.bytes.clone()).unwrap();
    (reply, text)
}

#[test]
fn an_answer_is_json_or_xml() {
    let Value::Object(members) = json!({"DtsJobList": [{"A": 1}, {"A": "<&\u{1}"}], "Empty": [], "Success": true})
    else {
        panic!()
    };
    let (reply, text) = written(false, &Ok(members.clone()), None);
    assert_eq!((reply.status.as_u16(), reply.content_type), (200, "application/json;charset=utf-8"));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["RequestId"], "R-1");
    let (reply, text) = written(true, &Ok(members), None);
    assert_eq!((reply.status.as_u16(), reply.content_type), (200, "text/xml;charset=utf-8"));
    for part in [
        "<DescribeDtsJobsResponse>",
        "<DtsJobList><A>1</A></DtsJobList><DtsJobList><A>&lt;&amp;\u{fffd}</A></DtsJobList>",
        "<RequestId>R-1</RequestId>",
        "</DescribeDtsJobsResponse>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("Empty"), "{text}");
}

#[test]
fn the_fronts_errors_have_a_status_and_the_services_have_not() {
    let throttled = Err(ApiError::new("Throttling.User", "text"));
    let (reply, text) = written(false, &throttled, None);
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (reply.status.as_u16(), &body["Code"], &body["Message"]),
        (400, &json!("Throttling.User"), &json!("text"))
    );
    assert_eq!((&body["RequestId"], &body["HostId"]), (&json!("R-1"), &json!("dts.example")));
    assert!(body["Recommend"].as_str().unwrap().starts_with("https://"));
    let (reply, text) = written(true, &throttled, None);
    assert_eq!((reply.status.as_u16(), reply.content_type), (400, "text/xml;charset=utf-8"));
    assert!(text.contains("<Error><Code>Throttling.User</Code>"), "{text}");

    let tables = &*TABLES;
    let actions = &tables.version("2020-01-01").unwrap().actions;
    let gone = ApiError::new("InvalidJobId", "text");
    for (name, expected) in [
        ("StopDtsJob", json!({"Success": false, "HttpStatusCode": 400})),
        ("ConfigureDtsJob", json!({"Success": "false", "HttpStatusCode": "400"})),
        ("StartMigrationJob", json!({"Success": "false"})),
    ] {
        let (reply, text) = written(false, &Err(gone.clone()), Some(&actions[name]));
        let mut body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(reply.status.as_u16(), 200);
        assert_eq!((&body["ErrCode"], &body["ErrMessage"]), (&json!("InvalidJobId"), &json!("text")));
        let body = body.as_object_mut().unwrap();
        body.retain(|member, _| !["ErrCode", "ErrMessage", "RequestId"].contains(&member.as_str()));
        assert_eq!(json!(body), expected, "{name}");
    }
    let (reply, text) = written(false, &Err(ApiError { status: Some(503), ..gone }), None);
    assert_eq!(reply.status.as_u16(), 503);
    assert!(text.contains("\"Code\":\"InvalidJobId\""), "{text}");
}
