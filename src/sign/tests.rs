#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

mod alibaba;
mod laws;
mod reading;
mod verifying;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::hmac_v1::{self, Algorithm};
use super::tc3::{self, DaySigningKey, Outgoing};
use super::*;

const NOW: i64 = 1_795_241_258;
const HOST: &str = "dts.example:8443";
const KEY_ID: &str = "AKIDexample";
const FORM: &str = "application/x-www-form-urlencoded";

fn secret() -> SecretKey {
    SecretKey::from("planted-secret-key".to_owned())
}

fn wire(method: Method, headers: &[(&str, &str)], query: &str, body: impl Into<bytes::Bytes>) -> Wire {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    Wire { method, path: "/".into(), raw_query: query.into(), headers: map, body: body.into(), peer: None }
}

/// A TC3 request as our own signer makes it.
fn tc3_wire(host: &str, action: Option<&str>, body: &str) -> Wire {
    let key = DaySigningKey::derive(&secret(), NOW, "dts").unwrap();
    let request = Outgoing {
        method: &Method::POST,
        host,
        content_type: "application/json",
        action,
        raw_query: "",
        body: body.as_bytes(),
    };
    let authorization = tc3::sign(KEY_ID, &key, request, NOW).unwrap();
    let headers = [
        ("host", host),
        ("content-type", "application/json"),
        ("authorization", &authorization),
        ("x-tc-timestamp", &NOW.to_string()),
        ("x-tc-action", action.unwrap_or("DescribeMigrateJobs")),
    ];
    wire(Method::POST, &headers, "", body.to_owned())
}

/// v1 parameters with their signature.
fn v1_params(method: &Method, host: &str, extra: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut params: Vec<(String, String)> = [
        ("Action", "DescribeMigrateJobs"),
        ("SecretId", KEY_ID),
        ("SignatureMethod", "HmacSHA256"),
        ("Timestamp", &NOW.to_string()),
    ]
    .iter()
    .chain(extra)
    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
    .collect();
    let signature = hmac_v1::sign(method, host, "/", &params, &secret(), Algorithm::HmacSha256);
    params.push(("Signature".into(), signature));
    params
}

fn v1_get(params: &[(String, String)]) -> Wire {
    wire(Method::GET, &[("host", HOST)], &encode::form(params), "")
}

fn v1_post(query: &str, params: &[(String, String)]) -> Wire {
    wire(Method::POST, &[("host", HOST), ("content-type", FORM)], query, encode::form(params))
}

fn check(wire: &Wire) -> Result<(), SignError> {
    check_at(wire, NOW, &[])
}

fn check_at(wire: &Wire, now: i64, cloud_hosts: &[&str]) -> Result<(), SignError> {
    verify(&read_presented(wire)?, wire, &secret(), now, 300, cloud_hosts)
}
