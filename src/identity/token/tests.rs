#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::call::Pattern;
use crate::identity::testing::{NOW, SECRET, Signer, at, claims, no_network, settings};
use crate::identity::{Claims, IssuerKeys, JwsAlgorithm, VerifyingKey, mint};

fn trusting(signer: &Signer) -> Tokens {
    let keys = IssuerKeys::Static(vec![signer.verifying(None)]);
    Tokens::new(vec![settings(&[signer.algorithm], keys)], &no_network()).unwrap()
}

fn hs256() -> (Signer, Tokens) {
    let signer = Signer::new(JwsAlgorithm::Hs256);
    let tokens = trusting(&signer);
    (signer, tokens)
}

async fn why(tokens: &Tokens, token: &str) -> String {
    match tokens.verify(token, at(NOW)).await {
        Ok(_) => "accepted".to_owned(),
        Err(Refusal::TokenInvalid { why, .. }) => why,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_algorithm_names_its_caller_and_roles() {
    for signer in JwsAlgorithm::ALL.map(Signer::new) {
        let tokens = trusting(&signer);
        let mut claims = claims("billing");
        claims["roles"] = json!(["auditor", "operator"]);
        let verified = tokens.verify(&signer.token(&claims), at(NOW)).await.unwrap();
        assert_eq!((verified.issuer.as_str(), verified.caller.as_str()), ("example", "billing"));
        assert_eq!(verified.roles, ["auditor", "operator"]);
        assert_eq!(verified.expires_at, at(NOW + 630));
    }
}

#[tokio::test]
async fn claims_of_the_wrong_type_or_value_are_refused() {
    let (signer, tokens) = hs256();
    let cases: [(&str, Value, &str); 31] = [
        ("iss", json!("https://other.example"), "its issuer is not trusted here"),
        ("iss", json!("https://issuer.example/"), "its issuer is not trusted here"),
        ("iss", json!(["https://issuer.example"]), "its iss is not text"),
        ("iss", Value::Null, "it has no iss"),
        ("aud", json!("other"), "its aud does not name this gateway"),
        ("aud", json!([]), "its aud does not name this gateway"),
        ("aud", json!(["other", 1]), "its aud is not text or a list of texts"),
        ("aud", json!({"dts-gateway": 1}), "its aud is not text or a list of texts"),
        ("aud", Value::Null, "it has no aud"),
        ("exp", json!("1895251600"), "its exp is not a number of seconds"),
        ("exp", json!([1_895_251_600]), "its exp is not a number of seconds"),
        ("exp", json!(true), "its exp is not a number of seconds"),
        ("exp", Value::Null, "it has no exp"),
        ("exp", json!(NOW - 30), "it has expired"),
        ("exp", json!(-1), "it has expired"),
        ("nbf", json!(NOW + 31), "it is not valid yet"),
        ("nbf", json!("0"), "its nbf is not a number of seconds"),
        ("nbf", json!({}), "its nbf is not a number of seconds"),
        ("iat", json!(NOW + 31), "it was issued in the future"),
        ("iat", json!("0"), "its iat is not a number of seconds"),
        ("sub", json!(""), "it does not name a caller"),
        ("sub", json!(7), "its sub is not text"),
        ("sub", json!(["billing"]), "its sub is not text"),
        ("sub", json!("two words"), "it does not name a caller"),
        ("sub", json!("line\nbreak"), "it does not name a caller"),
        ("sub", json!("x".repeat(257)), "it does not name a caller"),
        ("sub", Value::Null, "it does not name a caller"),
        ("roles", json!({"operator": true}), "its roles are not texts"),
        ("roles", json!(["operator", 1]), "its roles are not texts"),
        ("roles", json!(1), "its roles are not texts"),
        ("roles", json!(true), "its roles are not texts"),
    ];
    for (claim, value, expected) in cases {
        let mut claims = claims("billing");
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(claim)
        } else {
            claims.as_object_mut().unwrap().insert(claim.to_owned(), value.clone())
        };
        assert_eq!(why(&tokens, &signer.token(&claims)).await, expected, "{claim} {value}");
    }
    // A null is not an absent claim.
    let null = signer.token(&json!({"iss": "https://issuer.example", "aud": "dts-gateway", "sub": "b", "exp": null}));
    assert_eq!(why(&tokens, &null).await, "its exp is not a number of seconds");
}

#[tokio::test]
async fn the_edges_of_time_are_inside() {
    let (signer, tokens) = hs256();
    for (claim, value) in [
        ("exp", json!(NOW - 29)),
        ("nbf", json!(NOW + 30)),
        ("iat", json!(NOW + 30)),
        ("exp", json!(1.9e9)),
        ("nbf", json!(0)),
    ] {
        let mut claims = claims("billing");
        claims[claim] = value;
        assert_eq!(why(&tokens, &signer.token(&claims)).await, "accepted", "{claim}");
    }
    for exp in ["1e400", "-1e400", "9e99", "1e999999999"] {
        let claims = format!(r#"{{"iss":"https://issuer.example","aud":"dts-gateway","sub":"b","exp":{exp}}}"#);
        assert_eq!(
            why(&tokens, &signer.sign(r#"{"alg":"HS256"}"#, &claims)).await,
            "its exp is not a number of seconds"
        );
    }
}

#[tokio::test]
async fn claims_that_occur_twice_are_refused() {
    let (signer, tokens) = hs256();
    let twice = format!(
        r#"{{"iss":"https://issuer.example","aud":"dts-gateway","sub":"billing","sub":"root","exp":{}}}"#,
        NOW + 60
    );
    let token = signer.sign(r#"{"alg":"HS256"}"#, &twice);
    assert_eq!(why(&tokens, &token).await, "its claims are not an object with unique members");
    for payload in ["[]", "null", "1", "", "{}{}", "\u{feff}{}"] {
        let token = signer.sign(r#"{"alg":"HS256"}"#, payload);
        assert_eq!(why(&tokens, &token).await, "its claims are not an object with unique members", "{payload:?}");
    }
}

#[tokio::test]
async fn only_tokens_that_say_who_somebody_is() {
    let (signer, tokens) = hs256();
    for (media_type, is_accepted) in [
        ("JWT", true),
        ("at+jwt", true),
        ("application/at+jwt", true),
        ("logout+jwt", false),
        ("secevent+jwt", false),
        ("", false),
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"{media_type}"}}"#);
        let outcome = why(&tokens, &signer.sign(&header, &claims("billing").to_string())).await;
        assert_eq!(outcome == "accepted", is_accepted, "{media_type}: {outcome}");
    }
}

#[tokio::test]
async fn an_issuer_speaks_with_its_own_keys_and_algorithms_only() {
    let (one, two) = (Signer::new(JwsAlgorithm::Es256), Signer::new(JwsAlgorithm::EdDsa));
    let first = settings(&[JwsAlgorithm::Es256], IssuerKeys::Static(vec![one.verifying(None)]));
    let mut second = settings(&[JwsAlgorithm::EdDsa], IssuerKeys::Static(vec![two.verifying(None)]));
    (second.name, second.issuer) = ("second".to_owned(), "https://second.example".to_owned());
    second.callers = vec![Pattern::new("second-*")];
    let tokens = Tokens::new(vec![first, second], &no_network()).unwrap();
    assert_eq!(why(&tokens, &one.token(&claims("billing"))).await, "accepted");
    assert_eq!(why(&tokens, &two.token(&claims("billing"))).await, "its alg is not accepted from its issuer");
    let mut claims = claims("billing");
    claims["iss"] = json!("https://second.example");
    assert_eq!(why(&tokens, &one.token(&claims)).await, "its alg is not accepted from its issuer");
    assert_eq!(why(&tokens, &two.token(&claims)).await, "its issuer may not speak for this caller");
    claims["sub"] = json!("second-service");
    assert_eq!(why(&tokens, &two.token(&claims)).await, "accepted");
}

#[tokio::test]
async fn another_claim_can_name_the_caller_and_roles_can_be_switched_off() {
    let signer = Signer::new(JwsAlgorithm::Hs256);
    let mut other = settings(&[JwsAlgorithm::Hs256], IssuerKeys::Static(vec![signer.verifying(None)]));
    (other.caller_claim, other.roles_claim) = ("client_id".to_owned(), None);
    let tokens = Tokens::new(vec![other], &no_network()).unwrap();
    let mut claims = claims("somebody");
    assert_eq!(why(&tokens, &signer.token(&claims)).await, "it does not name a caller");
    claims["client_id"] = json!("billing");
    claims["roles"] = json!(["operator"]);
    let verified = tokens.verify(&signer.token(&claims), at(NOW)).await.unwrap();
    assert_eq!((verified.caller.as_str(), verified.roles.len()), ("billing", 0));
}

#[tokio::test]
async fn what_is_remembered_still_expires() {
    let (signer, tokens) = hs256();
    let token = signer.token(&claims("billing"));
    assert!(tokens.verify(&token, at(NOW)).await.is_ok());
    assert_eq!(tokens.lock().len(), 1);
    assert!(tokens.verify(&token, at(NOW + 629)).await.is_ok());
    assert!(tokens.verify(&token, at(NOW + 630)).await.is_err());
    assert!(tokens.lock().is_empty());
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let (signer, tokens) = hs256();
    for number in 0..10 {
        assert!(tokens.verify(&signer.token(&claims(&format!("c{number}"))), at(NOW)).await.is_ok());
    }
    let token = tokens.lock().values().next().unwrap().token.clone();
    for number in 0..REMEMBERED as u64 * 2 {
        let digest: [u8; 32] = Sha256::digest(number.to_be_bytes()).into();
        tokens.remember(digest, Remembered { issuer: 0, generation: 0, token: token.clone() }, at(NOW));
        assert!(tokens.lock().len() <= REMEMBERED);
    }
}

#[tokio::test]
async fn a_minted_token_is_accepted() {
    let (_, tokens) = hs256();
    let wanted = Claims {
        issuer: "https://issuer.example".to_owned(),
        audience: "dts-gateway".to_owned(),
        caller: ("sub".to_owned(), "billing".to_owned()),
        roles: ("roles".to_owned(), vec!["auditor".to_owned()]),
        lifetime: Duration::from_secs(60),
    };
    let token = mint(SECRET, &wanted, at(NOW)).unwrap();
    let verified = tokens.verify(token.expose_secret(), at(NOW)).await.unwrap();
    assert_eq!((verified.caller.as_str(), verified.roles.as_slice()), ("billing", ["auditor".to_owned()].as_slice()));
    assert_eq!(
        why(&tokens, &format!("{}x", token.expose_secret())).await,
        "no key of its issuer verifies its signature"
    );
    assert!(mint(b"your-256-bit-secret", &wanted, at(NOW)).is_err());
}

#[test]
fn settings_with_mistakes_are_refused_all_at_once() {
    let secret = || VerifyingKey::from_secret(SECRET, Some("k".to_owned())).unwrap();
    let public = Signer::new(JwsAlgorithm::EdDsa).verifying(Some("k"));
    let hs = [JwsAlgorithm::Hs256];
    let jwks = |url: &str| IssuerKeys::Jwks { url: url.to_owned(), every: Duration::from_secs(600) };
    let refused = |change: &dyn Fn(&mut IssuerSettings)| {
        let mut one = settings(&hs, IssuerKeys::Static(vec![secret()]));
        change(&mut one);
        Tokens::new(vec![one], &no_network()).err().map(|faults| faults[0].why.clone())
    };
    assert_eq!(refused(&|_| {}), None);
    assert!(refused(&|one| one.audiences.clear()).unwrap().contains("audience"));
    assert!(refused(&|one| one.algorithms.clear()).unwrap().contains("algorithm"));
    assert!(refused(&|one| one.callers.clear()).unwrap().contains("callers"));
    assert!(refused(&|one| one.issuer.clear()).unwrap().contains("empty"));
    assert!(refused(&|one| one.leeway = Duration::from_secs(61)).unwrap().contains("leeway"));
    assert!(refused(&|one| one.keys = IssuerKeys::Static(vec![])).unwrap().contains("no key"));
    assert!(refused(&|one| one.keys = IssuerKeys::Static(vec![secret(), secret()])).unwrap().contains("same id"));
    let mixed = |one: &mut IssuerSettings| {
        one.algorithms = vec![JwsAlgorithm::Hs256, JwsAlgorithm::EdDsa];
        one.keys = IssuerKeys::Static(vec![secret(), public.clone()]);
    };
    assert!(refused(&mixed).unwrap().contains("mixed"));
    assert!(refused(&|one| one.keys = jwks("https://x/jwks")).unwrap().contains("HS256"));
    for (url, is_taken) in [
        ("https://x/jwks", true),
        ("http://127.0.0.1:80/jwks", true),
        ("http://localhost/jwks", true),
        ("http://x/jwks", false),
        ("http://localhost.evil.example/jwks", false),
        ("http://127.0.0.1@evil.example/", false),
        ("file:///etc/passwd", false),
    ] {
        let taken = refused(&|one| {
            one.algorithms = vec![JwsAlgorithm::Es256];
            one.keys = jwks(url);
        });
        assert_eq!(taken.is_none(), is_taken, "{url}");
    }
    let twins = || settings(&hs, IssuerKeys::Static(vec![secret()]));
    let mut third = twins();
    third.audiences.clear();
    assert_eq!(Tokens::new(vec![twins(), twins(), third], &no_network()).err().map(|faults| faults.len()), Some(3));
}

#[tokio::test]
async fn a_refusal_repeats_nothing_of_the_token() {
    let (signer, tokens) = hs256();
    let mut claims = claims("planted-caller");
    claims["aud"] = json!("planted-audience");
    let token = signer.token(&claims);
    for text in [token.clone(), format!("planted.{token}"), token.replace('.', "")] {
        let refusal = tokens.verify(&text, at(NOW)).await.unwrap_err();
        assert!(!format!("{refusal:?}{}", refusal.message()).contains("planted"));
    }
    assert!(!format!("{tokens:?}").contains("K7vQ"));
}
