//! What we sign verifies, and nothing else does.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// What went wrong on the way.
#[derive(Debug, Clone)]
enum Damage {
    Body(Index, u8),
    Query(Index, u8),
    Signature(Index, u8),
    Timestamp(bool),
    Host,
    ContentType,
    Action,
    Method,
    Service,
    Key,
}

/// A TC3 request before it is signed.
#[derive(Debug, Clone)]
struct Draft {
    method: Method,
    host: String,
    action: String,
    query: String,
    body: Vec<u8>,
    key: Vec<u8>,
    timestamp: i64,
}

fn draft() -> impl Strategy<Value = Draft> {
    let method = prop_oneof![Just(Method::GET), Just(Method::POST)];
    let host = "[a-z0-9][a-z0-9.-]{0,20}(:[0-9]{1,5})?";
    let (action, query) = ("[A-Z][A-Za-z]{0,20}", "[A-Za-z0-9=&%._~+-]{1,60}");
    (method, host, action, query, vec(any::<u8>(), 1..200), vec(any::<u8>(), 0..100), 1_000_000_000..4_000_000_000_i64)
        .prop_map(|(method, host, action, query, body, key, timestamp)| {
            let is_get = method == Method::GET;
            let body = if is_get { Vec::new() } else { body };
            let query = if is_get { query } else { String::new() };
            Draft { method, host, action, query, body, key, timestamp }
        })
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::Body(at, bit)),
        (any::<Index>(), 0..7_u8).prop_map(|(at, bit)| Damage::Query(at, bit)),
        (any::<Index>(), 0..7_u8).prop_map(|(at, bit)| Damage::Signature(at, bit)),
        any::<bool>().prop_map(Damage::Timestamp),
        Just(Damage::Host),
        Just(Damage::ContentType),
        Just(Damage::Action),
        Just(Damage::Method),
        Just(Damage::Service),
        Just(Damage::Key),
    ]
}

fn signed(draft: &Draft) -> Wire {
    let key = DaySigningKey::derive(&SecretKey::from(draft.key.clone()), draft.timestamp, "dts").unwrap();
    let request = Outgoing {
        method: &draft.method,
        host: &draft.host,
        content_type: "application/json",
        action: Some(&draft.action),
        raw_query: &draft.query,
        body: &draft.body,
    };
    let authorization = tc3::sign(KEY_ID, &key, request, draft.timestamp).unwrap();
    let headers = [
        ("host", draft.host.as_str()),
        ("content-type", "application/json"),
        ("x-tc-action", &draft.action),
        ("x-tc-timestamp", &draft.timestamp.to_string()),
        ("authorization", &authorization),
    ];
    wire(draft.method.clone(), &headers, &draft.query, draft.body.clone())
}

fn holds(wire: &Wire, key: &[u8], now: i64) -> bool {
    let secret = SecretKey::from(key.to_vec());
    read_presented(wire).and_then(|presented| verify(&presented, wire, &secret, now, 300, &[])).is_ok()
}

fn with_bit_flipped(text: &str, at: Index, bit: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len());
    bytes[at] ^= 1 << bit;
    String::from_utf8(bytes).unwrap()
}

/// Changes a header; false where the result could not be sent as one.
fn changed(wire: &mut Wire, name: &'static str, change: impl FnOnce(&str) -> String) -> bool {
    let value = change(wire.headers[name].to_str().unwrap());
    match HeaderValue::from_str(&value) {
        Ok(value) => wire.headers.insert(name, value).is_some(),
        Err(_) => false,
    }
}

proptest! {
    #[test]
    fn a_tc3_signature_verifies(draft in draft()) {
        prop_assert!(holds(&signed(&draft), &draft.key, draft.timestamp));
    }

    #[test]
    fn a_damaged_tc3_request_does_not_verify(draft in draft(), damage in damage()) {
        let mut wire = signed(&draft);
        let mut key = draft.key.clone();
        let is_damaged = match damage {
            Damage::Body(at, bit) if draft.method == Method::POST => {
                let mut body = draft.body.clone();
                let at = at.index(body.len());
                body[at] ^= 1 << bit;
                wire.body = body.into();
                true
            }
            Damage::Query(at, bit) if draft.method == Method::GET => {
                wire.raw_query = with_bit_flipped(&draft.query, at, bit);
                true
            }
            Damage::Body(..) | Damage::Query(..) => false,
            Damage::Signature(at, bit) => changed(&mut wire, "authorization", |value| {
                let (fields, signature) = value.rsplit_once('=').unwrap();
                format!("{fields}={}", with_bit_flipped(signature, at, bit))
            }),
            Damage::Timestamp(later) => changed(&mut wire, "x-tc-timestamp", |value| {
                (value.parse::<i64>().unwrap() + if later { 1 } else { -1 }).to_string()
            }),
            Damage::Host => changed(&mut wire, "host", |value| format!("x{value}")),
            Damage::ContentType => changed(&mut wire, "content-type", |value| format!("{value}; charset=gbk")),
            Damage::Action => changed(&mut wire, "x-tc-action", |value| format!("{value}s")),
            Damage::Method => {
                wire.method = if draft.method == Method::GET { Method::POST } else { Method::GET };
                true
            }
            Damage::Service => changed(&mut wire, "authorization", |value| value.replace("/dts/", "/cvm/")),
            Damage::Key => {
                key.insert(0, b'x');
                true
            }
        };
        prop_assert!(!is_damaged || !holds(&wire, &key, draft.timestamp));
    }

    #[test]
    fn a_v1_signature_verifies_and_one_flipped_bit_changes_nothing_or_refuses(
        params in btree_map("[A-Z][A-Za-z0-9.]{0,12}", any::<String>(), 0..12),
        is_get in any::<bool>(),
        is_sha256 in any::<bool>(),
        at in any::<Index>(),
        bit in 0..8_u8,
    ) {
        let method = if is_get { Method::GET } else { Method::POST };
        let mut params = params;
        params.insert("SecretId".into(), KEY_ID.into());
        params.insert("Timestamp".into(), NOW.to_string());
        params.remove("Signature");
        let algorithm = if is_sha256 { Algorithm::HmacSha256 } else { Algorithm::HmacSha1 };
        params.insert("SignatureMethod".into(), algorithm.name().into());
        let mut pairs: Vec<(String, String)> = params.into_iter().collect();
        let key = secret();
        let signature = hmac_v1::sign(&method, HOST, "/", &pairs, &key, algorithm);
        pairs.insert(0, ("Signature".into(), signature));
        let form = encode::form(&pairs);

        let sent = |form: Vec<u8>| {
            let headers = [("host", HOST), ("content-type", FORM)];
            match is_get {
                true => String::from_utf8(form).ok().map(|query| wire(Method::GET, &headers, &query, "")),
                false => Some(wire(Method::POST, &headers, "", form)),
            }
        };
        let whole = sent(form.clone().into_bytes()).unwrap();
        prop_assert_eq!(check(&whole), Ok(()));

        let mut bytes = form.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Some(damaged) = sent(bytes).filter(|damaged| check(damaged).is_ok()) {
            let Presented::V1(damaged) = read_presented(&damaged).unwrap() else { unreachable!() };
            let Presented::V1(whole) = read_presented(&whole).unwrap() else { unreachable!() };
            prop_assert_eq!(damaged.params(), whole.params());
        }
    }

    #[test]
    fn what_is_written_as_a_form_is_read_back(pairs in vec(("[^\\x00]{1,8}", any::<String>()), 0..20)) {
        prop_assert_eq!(encode::read_form(encode::form(&pairs).as_bytes()), Ok(pairs));
    }

    #[test]
    fn reading_never_panics(
        method in prop_oneof![Just(Method::GET), Just(Method::POST)],
        authorization in proptest::option::of("(TC3-HMAC-SHA256 )?(Credential=[a/]{0,6},? ?|SignedHeaders=[a;]{0,5},? ?|Signature=[a0,]{0,9}|[ -~]{0,20}){0,4}"),
        timestamp in "[0-9]{0,20}",
        query in "(SecretId=a&|Signature=[A-Za-z%=]{0,9}&|Timestamp=[0-9]{0,20}&|[ -~]{0,9}){0,5}",
        body in vec(any::<u8>(), 0..60),
    ) {
        let mut request = wire(method, &[("content-type", FORM), ("x-tc-timestamp", &timestamp)], &query, body);
        if let Some(value) = authorization {
            request.headers.insert("authorization", value.parse().unwrap());
        }
        if let Ok(presented) = read_presented(&request) {
            let _ = verify(&presented, &request, &secret(), NOW, 300, &[]);
        }
    }
}
