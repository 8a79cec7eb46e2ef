//! Alibaba's two schemes: what each covers, and what is refused by name.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const DATE: &str = "2026-11-21T06:07:38Z";
const NONCE: &str = "38945d51047b84949109e28fe87de4bb";

fn pairs(params: &[(&str, &str)]) -> Vec<(String, String)> {
    params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// v1 parameters with their signature.
fn rpc_params(method: &Method, extra: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut params = pairs(&[
        ("Action", "DescribeDtsJobs"),
        ("AccessKeyId", KEY_ID),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", NONCE),
        ("Timestamp", DATE),
    ]);
    params.retain(|(name, _)| extra.iter().all(|(other, _)| other != name));
    params.extend(pairs(extra));
    let signature = rpc_v1::sign(method, &params, &secret());
    params.push(("Signature".into(), signature));
    params
}

fn rpc_get(params: &[(String, String)]) -> Wire {
    wire(Method::GET, &[("host", HOST)], &encode::form(params), "")
}

fn rpc_post(query: &str, form: &[(String, String)]) -> Wire {
    wire(Method::POST, &[("host", HOST), ("content-type", FORM)], query, encode::form(form))
}

/// An ACS3 request as our own signer makes it, with these headers beside those that must be there.
fn acs3_wire(method: Method, query: &[(&str, &str)], body: &[u8], more: &[(&str, &str)], key: &SecretKey) -> Wire {
    let hash = acs3::body_hash(body);
    let mut headers = vec![
        ("host", HOST),
        ("x-acs-action", "DescribeDtsJobs"),
        ("x-acs-version", "2020-01-01"),
        ("x-acs-date", DATE),
        ("x-acs-signature-nonce", NONCE),
        ("x-acs-content-sha256", &hash),
    ];
    headers.extend(more);
    let outgoing = acs3::Outgoing { method: &method, path: "/", query, headers: &headers, body };
    let authorization = acs3::sign(KEY_ID, key, outgoing).unwrap();
    headers.push(("authorization", &authorization));
    wire(method, &headers, &encode::form(query), body.to_vec())
}

fn post() -> Wire {
    acs3_wire(Method::POST, &[("Region", "cn-hangzhou")], b"A=1", &[("content-type", FORM)], &secret())
}

fn holds(wire: &Wire) -> bool {
    check(wire).is_ok()
}

#[test]
fn the_times_of_this_file_are_one() {
    assert_eq!(rpc_v1::timestamp(NOW).unwrap(), DATE);
    for request in [post(), rpc_get(&rpc_params(&Method::GET, &[]))] {
        let presented = read_presented(&request).unwrap();
        assert_eq!((presented.timestamp(), presented.nonce()), (Some(NOW), Some(NONCE)));
        assert_eq!((presented.key_id(), presented.skew_seconds(300)), (Some(KEY_ID), 900));
        let at = |now| verify(&presented, &request, &secret(), now, presented.skew_seconds(300), &[]);
        assert_eq!((at(NOW - 900), at(NOW + 900)), (Ok(()), Ok(())));
        assert_eq!(at(NOW + 901), Err(SignError::Expired { signed: NOW, now: NOW + 901 }));
    }
    let tc3 = read_presented(&tc3_wire(HOST, None, "{}")).unwrap();
    assert_eq!((tc3.nonce(), tc3.skew_seconds(300)), (None, 300));
}

#[test]
fn times_are_written_in_one_way() {
    for text in ["2026-11-21T06:07:38+00:00", "2026-11-21 06:07:38Z", "2026-11-21T06:07:38.0Z", "1795241258", ""] {
        let read = read_presented(&rpc_get(&rpc_params(&Method::GET, &[("Timestamp", text)])));
        assert!(matches!(read, Err(SignError::Malformed(_))), "{text}");
        let mut request = post();
        request.headers.insert("x-acs-date", text.parse().unwrap());
        assert!(matches!(read_presented(&request), Err(SignError::Malformed(_))), "{text}");
    }
}

#[test]
fn v1_covers_query_and_form_together_and_the_form_wins() {
    let params = rpc_params(&Method::POST, &[("RegionId", "cn-shanghai"), ("Empty", "")]);
    assert!(holds(&rpc_post("", &params)));
    assert!(holds(&rpc_post(&encode::form(&params), &[])));
    let (query, form) = params.split_at(3);
    assert!(holds(&rpc_post(&encode::form(query), form)));
    let request = rpc_post(&format!("RegionId=cn-hangzhou&{}", encode::form(query)), form);
    assert!(holds(&request), "only the form's RegionId is signed");
    let merged = rpc_v1::merged(&request).unwrap();
    assert_eq!(merged.iter().filter(|(name, _)| name == "RegionId").count(), 1);
    assert!(merged.contains(&("RegionId".into(), "cn-shanghai".into())));
    // What is added or taken away is noticed wherever it stands.
    assert!(!holds(&rpc_post("Injected=1", &params)));
    assert!(!holds(&rpc_post("", &params[1..])));
    for twice in ["RegionId=a&RegionId=a", "Region%49d=a&RegionId=b"] {
        let request = rpc_post(twice, &params);
        assert_eq!(read_presented(&request).unwrap_err(), SignError::Repeated("RegionId".into()));
    }
}

#[test]
fn v1_covers_no_header_and_no_host_but_the_method() {
    let mut request = rpc_post("", &rpc_params(&Method::POST, &[]));
    request.headers.insert("host", HeaderValue::from_static("elsewhere"));
    request.headers.insert("x-acs-action", HeaderValue::from_static("StopDtsJob"));
    assert!(holds(&request));
    request.method = Method::PUT;
    assert!(!holds(&request));
    let mut json = rpc_get(&rpc_params(&Method::POST, &[]));
    (json.method, json.body) = (Method::POST, "{}".into());
    json.headers.insert("content-type", HeaderValue::from_static("application/json"));
    assert!(matches!(read_presented(&json), Err(SignError::Malformed(_))), "nothing covers this body");
}

#[test]
fn what_is_not_served_is_refused_by_name() {
    for (name, value) in [
        ("SignatureMethod", "HMAC-SHA256"),
        ("SignatureMethod", "SHA256withRSA"),
        ("SignatureType", "PRIVATEKEY"),
        ("SignatureType", "BEARERTOKEN"),
        ("SignatureVersion", "2.0"),
    ] {
        let read = read_presented(&rpc_get(&rpc_params(&Method::GET, &[(name, value)])));
        let Err(SignError::UnknownMethod { named, .. }) = read else { panic!("{read:?}") };
        assert_eq!(named, format!("{name}={value}"));
    }
    assert!(holds(&rpc_get(&rpc_params(&Method::GET, &[("SignatureType", "")]))), "the old SDK sends it empty");
    for scheme in ["ACS3-HMAC-SM3", "ACS3-RSA-SHA256", "TC3-HMAC-SHA256", "acs3-hmac-sha256"] {
        let mut request = post();
        let authorization = request.headers["authorization"].to_str().unwrap();
        let authorization = authorization.replace("ACS3-HMAC-SHA256", scheme);
        request.headers.insert("authorization", authorization.parse().unwrap());
        let read = read_presented(&request);
        let Err(SignError::UnknownMethod { named, instead }) = read else { panic!("{read:?}") };
        assert_eq!(named, scheme);
        assert!(!instead.contains(scheme) && instead.contains("x-acs-"), "{named} is not served {instead}");
    }
    let mut request = post();
    request.headers.insert("x-acs-content-sha256", HeaderValue::from_static("UNSIGNED-PAYLOAD"));
    assert_eq!(read_presented(&request).unwrap_err(), SignError::UnsignedPayload);
}

#[test]
fn parts_that_are_missing_are_named() {
    for name in ["AccessKeyId", "Timestamp", "SignatureNonce", "Signature"] {
        let params: Vec<_> = rpc_params(&Method::GET, &[]).into_iter().filter(|(known, _)| known != name).collect();
        let error = read_presented(&rpc_get(&params)).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let long = "n".repeat(257);
    assert!(read_presented(&rpc_get(&rpc_params(&Method::GET, &[("SignatureNonce", &long)]))).is_err());
    assert!(holds(&rpc_get(&rpc_params(&Method::GET, &[("SignatureNonce", &long[1..])]))));
    let marked = wire(Method::POST, &[("host", HOST), ("x-acs-action", "DescribeDtsJobs")], "Region=x", "");
    assert_eq!(read_presented(&marked).unwrap_err(), SignError::Missing);
    let bearer = [("host", HOST), ("x-acs-action", "DescribeDtsJobs"), ("authorization", "Bearer a.b.c")];
    assert!(matches!(read_presented(&wire(Method::POST, &bearer, "", "")), Ok(Presented::Bearer(_))));
}

#[test]
fn acs3_must_cover_what_decides() {
    let names = |request: &Wire| read_presented(request).unwrap().signed_headers().join(";");
    assert_eq!(
        names(&post()),
        "content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
    );
    for name in acs3::REQUIRED_HEADERS {
        let mut request = post();
        let authorization = request.headers["authorization"].to_str().unwrap().replace(&format!("{name};"), "");
        let authorization = authorization.replace(&format!(";{name},"), ",");
        request.headers.insert("authorization", authorization.parse().unwrap());
        assert!(matches!(read_presented(&request), Err(SignError::Malformed(_))), "{name}");
    }
    // A token that was not there when the request was signed.
    let mut request = post();
    request.headers.insert("x-acs-security-token", HeaderValue::from_static("t"));
    assert!(matches!(read_presented(&request), Err(SignError::Malformed(_))));
    let request = acs3_wire(Method::GET, &[], b"", &[("x-acs-security-token", "t")], &secret());
    assert_eq!(read_presented(&request).unwrap().token(), Some("t"));
    assert!(holds(&request));
    let mut other_key = post();
    other_key.headers.insert("x-acs-accesskey-id", HeaderValue::from_static("LTAIother"));
    assert!(matches!(read_presented(&other_key), Err(SignError::Malformed(_))));
    let mut twice = post();
    twice.headers.append("x-acs-action", HeaderValue::from_static("DescribeDtsJobs"));
    assert_eq!(read_presented(&twice).unwrap_err(), SignError::Repeated("x-acs-action".into()));
}

#[test]
fn acs3_hosts_and_paths_are_tried_as_clients_sign_them() {
    let mut request = post();
    request.path = "//".into();
    assert!(holds(&request), "Node requests // and signs /");
    request.headers.insert("host", HeaderValue::from_static("gw.internal"));
    assert!(!holds(&request));
    assert_eq!(check_at(&request, NOW, &[HOST]), Ok(()), "a cloud's host that is listed");
}

#[test]
fn a_bare_name_in_the_query_is_accepted_where_it_is_clear() {
    // As SDKs sign it: the name as it is.
    let signed_bare = |name: &str| {
        let mut request = acs3_wire(Method::POST, &[], b"", &[], &secret());
        let (headers, names) = {
            let presented = read_presented(&request).unwrap();
            let mut lines = String::new();
            for name in presented.signed_headers() {
                lines.push_str(&format!("{name}:{}\n", request.headers[name].to_str().unwrap()));
            }
            (lines, presented.signed_headers().join(";"))
        };
        let canonical = format!("POST\n/\n{name}=1\n{headers}\n{names}\n{}", acs3::body_hash(b""));
        let text = format!("ACS3-HMAC-SHA256\n{}", acs3::body_hash(canonical.as_bytes()));
        use hmac::Mac;
        let mac = super::super::secret::keyed::<hmac::Hmac<sha2::Sha256>>(secret().bytes()).chain_update(text);
        let signature = hex::encode(mac.finalize().into_bytes());
        let value = format!("ACS3-HMAC-SHA256 Credential={KEY_ID},SignedHeaders={names},Signature={signature}");
        request.headers.insert("authorization", value.parse().unwrap());
        request.raw_query = encode::form(&[(name, "1")]);
        request
    };
    assert!(holds(&signed_bare("Tag.1.Key")) && holds(&signed_bare("a b")));
    // One parameter `A=1&B`, or two: the same text.
    assert!(!holds(&signed_bare("A=1&B")));
}

#[test]
fn nothing_of_alibabas_is_read_as_tencents() {
    for request in [
        wire(Method::GET, &[], "AccessKeyId=a", ""),
        wire(Method::GET, &[], "x=1&%53ignatureNonce=a", ""),
        rpc_post("", &pairs(&[("SignatureNonce", "a")])),
        wire(Method::POST, &[("x-acs-anything", "")], "", "{}"),
        wire(Method::POST, &[("authorization", "ACS3-HMAC-SHA256 x")], "", ""),
    ] {
        assert!(has_alibaba_marks(&request));
    }
    for request in [tc3_wire(HOST, None, "{}"), v1_get(&v1_params(&Method::GET, HOST, &[("Nonce", "1")]))] {
        assert!(!has_alibaba_marks(&request));
    }
    let json = wire(Method::POST, &[("content-type", "application/json")], "", "AccessKeyId=a");
    assert!(!has_alibaba_marks(&json), "no form");
}

proptest! {
    #[test]
    fn an_rpc_signature_verifies_and_one_flipped_bit_changes_nothing_or_refuses(
        params in btree_map("[A-Z][A-Za-z0-9.]{0,12}", any::<String>(), 0..12),
        split in any::<Index>(),
        at in any::<Index>(),
        bit in 0..8_u8,
    ) {
        let mut params = params;
        for reserved in ["Signature", "SignatureType", "SecurityToken"] {
            params.remove(reserved);
        }
        let extra: Vec<(&str, &str)> = params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reserved = ["Action", "AccessKeyId", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"];
        let extra: Vec<_> = extra.into_iter().filter(|(name, _)| !reserved.contains(name)).collect();
        let signed = rpc_params(&Method::POST, &extra);
        let (query, form) = signed.split_at(split.index(signed.len()));
        let whole = rpc_post(&encode::form(query), form);
        prop_assert_eq!(check(&whole), Ok(()));

        let mut damaged = whole.clone();
        let mut bytes = [whole.raw_query.as_bytes(), &whole.body].concat();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let (query, body) = bytes.split_at(whole.raw_query.len());
        let Ok(query) = String::from_utf8(query.to_vec()) else { return Ok(()) };
        (damaged.raw_query, damaged.body) = (query, body.to_vec().into());
        if holds(&damaged) {
            let sorted = |wire: &Wire| {
                let Presented::Rpc(read) = read_presented(wire).unwrap() else { unreachable!() };
                let mut params = read.params().to_vec();
                params.sort();
                params
            };
            prop_assert_eq!(sorted(&damaged), sorted(&whole));
        }
    }

    #[test]
    fn an_acs3_signature_verifies_and_one_flipped_bit_refuses(
        query in btree_map("[A-Z][A-Za-z0-9.]{0,12}", any::<String>(), 0..6),
        body in vec(any::<u8>(), 1..80),
        key in vec(any::<u8>(), 0..80),
        place in 0..6_usize,
        at in any::<Index>(),
        bit in 0..7_u8,
    ) {
        let key = SecretKey::from(key);
        let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let whole = acs3_wire(Method::POST, &query, &body, &[("content-type", FORM)], &key);
        let verified = |wire: &Wire| {
            // Another Credential is another key, which is another secret.
            let presented = read_presented(wire).ok().filter(|presented| presented.key_id() == Some(KEY_ID));
            presented.is_some_and(|presented| verify(&presented, wire, &key, NOW, 900, &[]).is_ok())
        };
        prop_assert!(verified(&whole));

        let mut damaged = whole.clone();
        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            bytes
        };
        match ["", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "authorization"][place] {
            "" => damaged.body = flip(&body).into(),
            name => match HeaderValue::from_bytes(&flip(whole.headers[name].as_bytes())) {
                Ok(value) => {
                    damaged.headers.insert(name, value);
                }
                Err(_) => return Ok(()),
            },
        }
        // Blanks around a value are not part of it.
        let is_same = damaged.body == whole.body
            && whole.headers.iter().all(|(name, value)| damaged.headers[name].as_bytes().trim_ascii() == value.as_bytes().trim_ascii());
        prop_assert!(is_same || !verified(&damaged));
    }

    #[test]
    fn reading_alibabas_never_panics(
        authorization in proptest::option::of("(ACS3-HMAC-SHA256 )?(Credential=[a/]{0,6},? ?|SignedHeaders=[a;]{0,5},? ?|Signature=[a0,]{0,9}|[ -~]{0,20}){0,4}"),
        date in "[0-9TZ:-]{0,20}",
        query in "(AccessKeyId=a&|SignatureNonce=b&|Signature=[A-Za-z%=]{0,9}&|Timestamp=[0-9TZ:-]{0,20}&|[ -~]{0,9}){0,6}",
        body in vec(any::<u8>(), 0..60),
    ) {
        let mut request = wire(Method::POST, &[("content-type", FORM), ("x-acs-date", &date)], &query, body);
        if let Some(value) = authorization {
            request.headers.insert("authorization", value.parse().unwrap());
        }
        if let Ok(presented) = read_presented(&request) {
            let _ = verify(&presented, &request, &secret(), NOW, 900, &[]);
        }
    }
}
