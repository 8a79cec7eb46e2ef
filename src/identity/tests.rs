#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use http::{HeaderMap, HeaderValue, Method};
use secrecy::ExposeSecret;

use super::testing::{MemoryStore, NOW, SetClock, Signer, at, claims, no_network, sealing, settings};
use super::*;
use crate::sign::{SecretKey, acs3, hmac_v1, rpc_v1, tc3};

const TEAM: &str = "team = \"t\"\n[[caller]]\nname = \"billing\"\naccounts = [\"main\"]\n[[caller]]\nname = \"strict\"\n\
                    accounts = [\"main\"]\nrequire_signed_headers = [\"x-tc-action\"]\n";
const BODY: &str = r#"{"JobId":"dts-1"}"#;

struct Room {
    identity: Identity,
    issuer: Signer,
    store: Arc<MemoryStore>,
    _teams: tempfile::TempDir,
}

impl Room {
    async fn new() -> Room {
        let (store, issuer) = (Arc::new(MemoryStore::default()), Signer::new(JwsAlgorithm::Hs256));
        let clock = SetClock::at(NOW).clock();
        let keyring = Keyring::load(store.clone(), sealing(&["2026"]), clock, KeyringLimits::default()).await.unwrap();
        let keys = IssuerKeys::Static(vec![issuer.verifying(None)]);
        let tokens = Tokens::new(vec![settings(&[JwsAlgorithm::Hs256], keys)], &no_network()).unwrap();
        let teams = tempfile::tempdir().unwrap();
        std::fs::write(teams.path().join("t.toml"), TEAM).unwrap();
        let roster = Arc::new(Roster::open(teams.path(), Vocabulary::default()).unwrap());
        let identity =
            Identity { keyring, tokens, roster, signatures: SignatureRules::default(), nonces: Nonces::default() };
        Room { identity, issuer, store, _teams: teams }
    }

    async fn pair(&self, caller: &str) -> (String, SecretKey) {
        let keys = sealing(&["2026"]);
        let issuer = KeyIssuer::new(&*self.store, &keys, &SystemRandom);
        let pair = issuer.create(caller, at(NOW), None).await.unwrap();
        (pair.key_id, SecretKey::from(pair.secret_key.expose_secret().to_owned()))
    }

    async fn ask(&self, wire: &Wire) -> Result<(Arc<Caller>, Proof), Refusal> {
        self.identity.authenticate(wire, at(NOW)).await
    }
}

fn wire(headers: &[(&'static str, String)], body: &str) -> Wire {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_str(value).unwrap());
    }
    Wire {
        method: Method::POST,
        path: "/".to_owned(),
        raw_query: String::new(),
        headers: map,
        body: body.to_owned().into(),
        peer: None,
    }
}

fn tc3(pair: &(String, SecretKey), signed_at: i64, action: Option<&str>, more: &[(&'static str, String)]) -> Wire {
    let key = tc3::DaySigningKey::derive(&pair.1, signed_at, "dts").unwrap();
    let outgoing = tc3::Outgoing {
        method: &Method::POST,
        host: "gateway",
        content_type: "application/json",
        action,
        raw_query: "",
        body: BODY.as_bytes(),
    };
    let authorization = tc3::sign(&pair.0, &key, outgoing, signed_at).unwrap();
    let mut headers = vec![
        ("host", "gateway".to_owned()),
        ("content-type", "application/json".to_owned()),
        ("x-tc-timestamp", signed_at.to_string()),
        ("x-tc-action", "StopMigrateJob".to_owned()),
        ("authorization", authorization),
    ];
    headers.extend_from_slice(more);
    wire(&headers, BODY)
}

fn v1(pair: &(String, SecretKey), token: Option<&str>) -> Wire {
    let mut params = vec![
        ("Action", "StopMigrateJob".to_owned()),
        ("Nonce", "7".to_owned()),
        ("SecretId", pair.0.clone()),
        ("Timestamp", NOW.to_string()),
    ];
    params.extend(token.map(|token| ("Token", token.to_owned())));
    let signature = hmac_v1::sign(&Method::POST, "gateway", "/", &params, &pair.1, hmac_v1::Algorithm::HmacSha1);
    params.push(("Signature", signature));
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let form = "application/x-www-form-urlencoded".to_owned();
    wire(&[("host", "gateway".to_owned()), ("content-type", form)], &body)
}

fn bearer(token: &str) -> Wire {
    wire(&[("host", "gateway".to_owned()), ("authorization", format!("Bearer {token}"))], BODY)
}

/// A scheme with a nonce.
fn rpc(pair: &(String, SecretKey), nonce: &str, action: &str) -> Wire {
    let timestamp = rpc_v1::timestamp(NOW).unwrap();
    let mut params = vec![
        ("Action", action.to_owned()),
        ("AccessKeyId", pair.0.clone()),
        ("SignatureMethod", "HMAC-SHA1".to_owned()),
        ("SignatureNonce", nonce.to_owned()),
        ("SignatureVersion", "1.0".to_owned()),
        ("Timestamp", timestamp),
    ];
    let signature = rpc_v1::sign(&Method::POST, &params, &pair.1);
    params.push(("Signature", signature));
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let form = "application/x-www-form-urlencoded".to_owned();
    wire(&[("host", "gateway".to_owned()), ("content-type", form)], &body)
}

#[tokio::test]
async fn a_nonce_is_burnt_once_its_signature_was_verified() {
    let room = Room::new().await;
    let (pair, other) = (room.pair("billing").await, room.pair("billing").await);
    let forged = rpc(&(pair.0.clone(), other.1.clone()), "n-1", "DescribeDtsJobs");
    assert!(matches!(room.ask(&forged).await, Err(Refusal::SignatureMismatch { .. })));
    assert!(room.ask(&rpc(&pair, "n-1", "DescribeDtsJobs")).await.is_ok(), "a forgery burns nothing");
    assert_eq!(room.ask(&rpc(&pair, "n-1", "DescribeDtsJobs")).await.unwrap_err(), Refusal::NonceReused);
    assert_eq!(room.ask(&rpc(&pair, "n-1", "StopDtsJob")).await.unwrap_err(), Refusal::NonceReused);
    assert!(room.ask(&rpc(&other, "n-1", "DescribeDtsJobs")).await.is_ok(), "another key's");
    assert!(room.ask(&rpc(&pair, "n-2", "DescribeDtsJobs")).await.is_ok());
}

#[tokio::test]
async fn both_schemes_and_a_token_name_the_same_caller() {
    let room = Room::new().await;
    let pair = room.pair("billing").await;
    let token = room.issuer.token(&claims("billing"));
    for (wire, key_id) in [
        (tc3(&pair, NOW, None, &[]), pair.0.clone()),
        (v1(&pair, None), pair.0.clone()),
        (bearer(&token), "jwt:example".to_owned()),
    ] {
        let (caller, proof) = room.ask(&wire).await.unwrap();
        assert_eq!((caller.name.as_str(), proof.key_id()), ("billing", key_id));
    }
}

#[tokio::test]
async fn the_same_bytes_have_the_same_fingerprint_and_others_another() {
    let room = Room::new().await;
    let pair = room.pair("billing").await;
    let mut prints = Vec::new();
    for wire in [tc3(&pair, NOW, None, &[]), tc3(&pair, NOW, None, &[]), tc3(&pair, NOW + 1, None, &[])] {
        let Proof::Signature { fingerprint, .. } = room.ask(&wire).await.unwrap().1 else { panic!() };
        prints.push(fingerprint);
    }
    assert!(prints[0] == prints[1] && prints[0] != prints[2]);
}

#[tokio::test]
async fn each_fault_has_its_reason() {
    let room = Room::new().await;
    let pair = room.pair("billing").await;
    let stranger = ("AKIDnobody".to_owned(), pair.1.clone());
    let thief = (pair.0.clone(), SecretKey::from("guessed".to_owned()));
    let refusal = async |wire: &Wire| room.ask(wire).await.unwrap_err();
    assert_eq!(refusal(&wire(&[("host", "gateway".to_owned())], BODY)).await, Refusal::CredentialsMissing);
    assert_eq!(refusal(&tc3(&stranger, NOW, None, &[])).await, Refusal::KeyUnknown);
    assert!(matches!(refusal(&tc3(&thief, NOW, None, &[])).await, Refusal::SignatureMismatch { .. }));
    assert!(matches!(refusal(&v1(&thief, None)).await, Refusal::SignatureMismatch { .. }));
    let late = Refusal::SignatureExpired { signed: NOW - 301, now: NOW };
    assert_eq!(refusal(&tc3(&pair, NOW - 301, None, &[])).await, late);
    assert!(room.ask(&tc3(&pair, NOW - 300, None, &[])).await.is_ok());
    assert!(room.ask(&tc3(&pair, NOW + 300, None, &[])).await.is_ok());
    assert!(matches!(refusal(&tc3(&pair, NOW + 301, None, &[])).await, Refusal::SignatureExpired { .. }));
    let twice = tc3(&pair, NOW, None, &[("authorization", "Bearer x".to_owned())]);
    assert!(matches!(refusal(&twice).await, Refusal::SignatureMismatch { .. }));
    let two_actions = tc3(&pair, NOW, None, &[("x-tc-action", "StartMigrateJob".to_owned())]);
    assert_eq!(refusal(&two_actions).await, Refusal::ParameterConflict { name: "\"x-tc-action\"".to_owned() });
    assert!(matches!(refusal(&bearer("x")).await, Refusal::TokenInvalid { .. }));
    let mut altered = tc3(&pair, NOW, None, &[]);
    altered.body = BODY.replace('1', "2").into();
    assert!(matches!(refusal(&altered).await, Refusal::SignatureMismatch { .. }));
}

#[tokio::test]
async fn a_revoked_key_is_refused_after_the_next_refresh() {
    let room = Room::new().await;
    let pair = room.pair("billing").await;
    assert!(room.ask(&tc3(&pair, NOW, None, &[])).await.is_ok());
    let keys = sealing(&["2026"]);
    KeyIssuer::new(&*room.store, &keys, &SystemRandom).revoke(&pair.0, at(NOW)).await.unwrap();
    room.identity.keyring.refresh().await.unwrap();
    assert_eq!(room.ask(&tc3(&pair, NOW, None, &[])).await.unwrap_err(), Refusal::KeyRevoked);
}

#[tokio::test]
async fn a_token_beside_a_signature_is_empty_or_the_same_callers() {
    let room = Room::new().await;
    let pair = room.pair("billing").await;
    let (own, others) = (room.issuer.token(&claims("billing")), room.issuer.token(&claims("strict")));
    for (token, is_accepted) in [("", true), (own.as_str(), true), (others.as_str(), false), ("anything", false)] {
        let both = [tc3(&pair, NOW, None, &[("x-tc-token", token.to_owned())]), v1(&pair, Some(token))];
        for wire in both {
            match room.ask(&wire).await {
                Ok((caller, Proof::Signature { .. })) => assert!(is_accepted && caller.name == "billing"),
                Err(Refusal::TokenInvalid { .. }) => assert!(!is_accepted, "{token}"),
                other => panic!("{other:?}"),
            }
        }
    }
    // A genuine token does not make up for a signature that is not.
    let thief = (pair.0.clone(), SecretKey::from("guessed".to_owned()));
    assert!(matches!(room.ask(&v1(&thief, Some(&own))).await, Err(Refusal::SignatureMismatch { .. })));
}

#[tokio::test]
async fn a_strict_caller_signs_its_action() {
    let room = Room::new().await;
    let pair = room.pair("strict").await;
    let bare = room.ask(&tc3(&pair, NOW, None, &[])).await.unwrap_err();
    assert_eq!(bare, Refusal::SignatureMismatch { why: "it does not cover the header x-tc-action".to_owned() });
    assert!(room.ask(&tc3(&pair, NOW, Some("StopMigrateJob"), &[])).await.is_ok());
    assert!(room.ask(&v1(&pair, None)).await.is_ok());
}

#[tokio::test]
async fn who_is_in_no_file_may_not_call() {
    let room = Room::new().await;
    let pair = room.pair("ghost").await;
    assert!(matches!(room.ask(&tc3(&pair, NOW, None, &[])).await, Err(Refusal::NotGranted { .. })));
    let token = room.issuer.token(&claims("ghost"));
    assert!(matches!(room.ask(&bearer(&token)).await, Err(Refusal::NotGranted { .. })));
}

/// Both of the schemes that have a nonce, with a token beside the signature if there is one.
fn with_nonces(pair: &(String, SecretKey), signed_at: i64, token: &str) -> [Wire; 2] {
    let (date, hash) = (rpc_v1::timestamp(signed_at).unwrap(), acs3::body_hash(b""));
    let [nonce, other] = ["headers", "parameters"].map(|place| format!("{place}-{signed_at}"));
    let mut headers = vec![
        ("host", "gateway"),
        ("x-acs-action", "DescribeDtsJobs"),
        ("x-acs-content-sha256", &hash),
        ("x-acs-date", &date),
        ("x-acs-signature-nonce", &nonce),
        ("x-acs-version", "2020-01-01"),
        ("x-acs-security-token", token),
    ];
    let outgoing = acs3::Outgoing { method: &Method::POST, path: "/", query: &[], headers: &headers, body: b"" };
    let authorization = acs3::sign(&pair.0, &pair.1, outgoing).unwrap();
    headers.push(("authorization", &authorization));
    let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    let mut params = vec![
        ("Action", "DescribeDtsJobs"),
        ("AccessKeyId", &pair.0),
        ("SecurityToken", token),
        ("SignatureNonce", &other),
        ("Timestamp", &date),
    ];
    let signature = rpc_v1::sign(&Method::POST, &params, &pair.1);
    params.push(("Signature", &signature));
    let form = [("host", "gateway".to_owned()), ("content-type", "application/x-www-form-urlencoded".to_owned())];
    [wire(&headers, ""), wire(&form, &crate::sign::encode::form(&params))]
}

#[tokio::test]
async fn signatures_with_a_nonce_prove_a_caller_within_fifteen_minutes() {
    let room = Room::new().await;
    let pair = room.pair("billing").await;
    for signed_at in [NOW - 900, NOW, NOW + 900] {
        for request in with_nonces(&pair, signed_at, "") {
            let (caller, proof) = room.ask(&request).await.unwrap();
            assert_eq!((caller.name.as_str(), proof.key_id()), ("billing", pair.0.clone()));
        }
    }
    for request in with_nonces(&pair, NOW - 901, "") {
        let expected = Refusal::SignatureExpired { signed: NOW - 901, now: NOW };
        assert_eq!(room.ask(&request).await.unwrap_err(), expected);
    }
    for request in with_nonces(&(pair.0.clone(), SecretKey::from("other".to_owned())), NOW, "") {
        assert!(matches!(room.ask(&request).await, Err(Refusal::SignatureMismatch { .. })));
    }
    for request in with_nonces(&("AKIDunknown".to_owned(), pair.1.clone()), NOW, "") {
        assert_eq!(room.ask(&request).await.unwrap_err(), Refusal::KeyUnknown);
    }
    for request in with_nonces(&pair, NOW, "no.jwt.atall") {
        assert!(matches!(room.ask(&request).await, Err(Refusal::TokenInvalid { malformed: true, .. })));
    }
    let strangers = room.issuer.token(&claims("strict"));
    for request in with_nonces(&pair, NOW - 1, &strangers) {
        assert!(matches!(room.ask(&request).await, Err(Refusal::TokenInvalid { malformed: false, .. })));
    }
    // What this rule is about is always under these signatures.
    let strict = room.pair("strict").await;
    for request in with_nonces(&strict, NOW, "") {
        assert!(room.ask(&request).await.is_ok());
    }
}
