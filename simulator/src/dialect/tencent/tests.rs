//! Known answers of the official SDKs, the same ones altered, and what the reading makes of odd requests.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by panicking

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::{access_region, envelope, is_cloud_host, read, verify};
use crate::clock::Moment;
use crate::dialect::{ApiError, Incoming};

const VECTORS: &str = include_str!("../../../tests/vectors.json");

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

fn verdict(incoming: &Incoming, credential: (&str, &str), seconds: u64) -> Result<(), ApiError> {
    let reading = read(incoming);
    if let Some(problem) = reading.problem {
        return Err(problem);
    }
    let credentials = [(credential.0.to_owned(), credential.1.to_owned())];
    verify(incoming, &reading, &credentials, Moment::from_micros(seconds * 1_000_000))
}

#[test]
fn requests_of_the_official_sdks_are_judged_as_expected() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let mut wrong = Vec::new();
    for vector in &vectors {
        let text = |name: &str| vector[name].as_str().unwrap_or("");
        let headers: Vec<(&str, &str)> = vector["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect();
        let body = match vector["bodyBase64"].as_str() {
            Some(encoded) => STANDARD.decode(encoded).unwrap(),
            None => text("body").as_bytes().to_vec(),
        };
        let incoming = incoming(text("method"), text("target"), &headers, body);
        let now = vector["now"].as_u64().unwrap();
        let got = verdict(&incoming, (text("secretId"), text("secretKey")), now);
        let as_expected = match (&got, vector["valid"].as_bool().unwrap()) {
            // A token beside a permanent key is refused after the signature was found genuine.
            (Ok(()), valid) => valid,
            (Err(error), true) => error.code == "AuthFailure.TokenFailure",
            (Err(error), false) => text("expectedCode").split('|').any(|code| matches(code, &error.code)),
        };
        if !as_expected {
            wrong.push(format!("{}: {got:?}, not {}", text("name"), text("expectedCode")));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
}

fn matches(pattern: &str, code: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == code, |start| code.starts_with(start))
}

#[test]
fn a_request_without_anything_is_told_what_is_missing() {
    let error = verdict(&incoming("GET", "/", &[], ""), ("id", "key"), 0).unwrap_err();
    assert_eq!(error.code, "MissingParameter");
    assert!(error.message.contains("`Action`"), "{}", error.message);
}

#[test]
fn other_methods_paths_and_media_types_are_refused() {
    let code = |incoming: &Incoming| verdict(incoming, ("id", "key"), 0).unwrap_err().code;
    assert_eq!(code(&incoming("PUT", "/", &[], "")), "UnsupportedProtocol");
    assert_eq!(code(&incoming("GET", "/elsewhere?Action=a", &[], "")), "InvalidRequest");
    let plain = read(&incoming("POST", "/", &[("content-type", "text/plain")], "Action=a"));
    assert_eq!(plain.parameters_problem.unwrap().code, "InvalidRequest");
    let long = format!("/?Action=a&x={}", "y".repeat(33 * 1024));
    assert_eq!(code(&incoming("GET", &long, &[], "")), "RequestSizeLimitExceeded");
}

#[test]
fn flattened_parameters_nest() {
    let target = "/?Action=A&Tags.1.TagKey=b&Tags.0.TagKey=a&MigrateOption.RunMode=1&List.10=z&List.2=y&Nonce=1";
    let reading = read(&incoming("GET", target, &[], ""));
    let expected = json!({
        "Tags": [{"TagKey": "a"}, {"TagKey": "b"}], "MigrateOption": {"RunMode": "1"}, "List": ["y", "z"],
    });
    assert_eq!(Value::Object(reading.parameters), expected);
}

#[test]
fn contradicting_names_and_hostile_depth_are_harmless() {
    let reading = read(&incoming("GET", "/?Action=A&X=1&X.Y=2", &[], ""));
    assert_eq!(reading.parameters_problem.unwrap().code, "InvalidParameter");
    let deep = format!("/?Action=A&{}=1", "a.".repeat(5000));
    assert_eq!(read(&incoming("GET", &deep, &[], "")).parameters.len(), 1);
}

#[test]
fn a_host_says_its_region_only_if_it_is_the_clouds() {
    assert_eq!(access_region("dts.ap-shanghai-fsi.tencentcloudapi.com:443").as_deref(), Some("ap-shanghai-fsi"));
    assert_eq!(access_region("dts.tencentcloudapi.com"), None);
    assert_eq!(access_region("dts.intl.tencentcloudapi.com"), None);
    assert!(is_cloud_host("http://DTS.tencentcloudapi.com"));
    assert!(!is_cloud_host("127.0.0.1:8088"));
}

#[test]
fn an_answer_has_either_an_error_or_none() {
    let refused = envelope(&Err(ApiError::new("Code", "text")), "id");
    let refused: Value = serde_json::from_slice(&refused).unwrap();
    assert_eq!(refused, json!({"Response": {"Error": {"Code": "Code", "Message": "text"}, "RequestId": "id"}}));
    let done: Value = serde_json::from_slice(&envelope(&Ok(serde_json::Map::new()), "id")).unwrap();
    assert_eq!(done, json!({"Response": {"RequestId": "id"}}));
}
