#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use super::*;

/// The documentation's current page: the SecretKey is masked there, the derived keys are published.
#[test]
fn the_documented_chain_with_a_signed_action() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/tencent.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let chain = |name: &str| file["chain"][name].as_str().unwrap();

    let date_key = hex::decode(chain("secretDateHex")).unwrap();
    let service_key = derived(&date_key, chain("service"));
    assert_eq!(hex::encode(*service_key), chain("secretServiceHex"));
    let signing_key = derived(&*service_key, TERMINATOR);
    assert_eq!(hex::encode(*signing_key), chain("secretSigningHex"));

    let key = DaySigningKey { date: "2019-02-25".into(), service: chain("service").into(), mac: keyed(&*signing_key) };
    let request = Outgoing {
        method: &Method::POST,
        host: "cvm.tencentcloudapi.com",
        content_type: "application/json; charset=utf-8",
        action: Some("DescribeInstances"),
        raw_query: "",
        body: chain("payload").as_bytes(),
    };
    let authorization = sign("AKID", &key, request, 1_551_113_065).unwrap();
    assert_eq!(
        authorization,
        format!(
            "TC3-HMAC-SHA256 Credential=AKID/2019-02-25/cvm/tc3_request, \
             SignedHeaders=content-type;host;x-tc-action, Signature={}",
            chain("signature")
        )
    );
}

#[test]
fn a_key_signs_for_its_own_utc_day_only() {
    let midnight = 1_795_305_600; // 2026-11-22T00:00:00Z
    let key = DaySigningKey::derive(&SecretKey::from("k".to_owned()), midnight, "dts").unwrap();
    assert_eq!(key.date, "2026-11-22");
    assert!(key.covers(midnight + 86_399) && !key.covers(midnight - 1) && !key.covers(midnight + 86_400));
    let request = Outgoing {
        method: &Method::POST,
        host: "h",
        content_type: "application/json",
        action: Some("A"),
        raw_query: "",
        body: b"",
    };
    assert!(sign("id", &key, request, midnight - 1).is_err());
    assert!(DaySigningKey::derive(&SecretKey::from("k".to_owned()), -1, "dts").is_err());
    assert!(DaySigningKey::derive(&SecretKey::from("k".to_owned()), i64::MAX, "dts").is_err());
}

#[test]
fn a_service_may_contain_slashes_and_ports() {
    let mut headers = HeaderMap::new();
    headers.insert("x-tc-timestamp", "1795241258".parse().unwrap());
    let fields = format!(
        "Credential=AKID/2026-11-21/localhost:8080/tencent/tc3_request, SignedHeaders=content-type;host, Signature={}",
        "0".repeat(64)
    );
    let read = Authorization::read(&fields, &headers).unwrap();
    assert_eq!((read.key_id(), read.service.as_str()), ("AKID", "localhost:8080/tencent"));
}

#[test]
fn damaged_fields_are_refused() {
    let mut headers = HeaderMap::new();
    headers.insert("x-tc-timestamp", "1795241258".parse().unwrap());
    let good = format!(
        "Credential=AKID/2026-11-21/dts/tc3_request, SignedHeaders=content-type;host, Signature={}",
        "a".repeat(64)
    );
    assert!(Authorization::read(&good, &headers).is_ok());
    for (from, to) in [
        ("AKID/", "/"),
        ("2026-11-21", "2026-11-20"),
        ("/dts/", "//"),
        ("tc3_request", "tc3_requests"),
        ("content-type;host", "Content-Type;host"),
        ("content-type;host", "content-type;host;host"),
        ("content-type;host", "content-type;host;"),
        ("content-type;host", "host"),
        ("Signature=a", "Signature=A"),
        ("Signature=a", "Signature="),
        ("Signature=a", "Signature=aa"),
        ("Signature=", "Signature=0,Signature="),
        ("Credential=", "Other=1, Credential="),
        ("Credential=", "credential="),
    ] {
        let damaged = good.replacen(from, to, 1);
        assert_ne!(damaged, good);
        assert!(Authorization::read(&damaged, &headers).is_err(), "{damaged}");
    }
    for timestamp in ["", " ", "01795241258", "+1795241258", "-1", "1795241258.0", "1e9", "99999999999999999999"] {
        headers.insert("x-tc-timestamp", timestamp.parse().unwrap());
        assert!(Authorization::read(&good, &headers).is_err(), "{timestamp}");
    }
}
