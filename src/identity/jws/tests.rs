#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use super::*;
use crate::identity::testing::{Signer, encode};

fn hs256() -> (Signer, Vec<VerifyingKey>) {
    let signer = Signer::new(JwsAlgorithm::Hs256);
    let keys = vec![signer.verifying(Some("k1"))];
    (signer, keys)
}

#[test]
fn each_algorithm_verifies_its_own_and_no_other() {
    let signers = JwsAlgorithm::ALL.map(Signer::new);
    for signer in &signers {
        let token = signer.sign(&format!(r#"{{"alg":"{}"}}"#, signer.algorithm.name()), "{}");
        for other in &signers {
            let verified = verify_jws(&token, &[other.verifying(None)]);
            assert_eq!(verified.is_ok(), other.algorithm == signer.algorithm);
        }
        let all: Vec<_> = signers.iter().map(|one| one.verifying(None)).collect();
        assert_eq!(verify_jws(&token, &all).as_deref(), Ok(b"{}".as_slice()));
    }
}

#[test]
fn no_spelling_of_none_is_accepted() {
    let (_, keys) = hs256();
    for none in
        ["none", "None", "NONE", "nOnE", "", " none", "none ", "null", "hs256", "HS256 ", "HS384", "PS256", "ES256K"]
    {
        for signature in ["", "AAAA"] {
            let token = format!("{}.{}.{signature}", encode(&format!(r#"{{"alg":"{none}"}}"#)), encode("{}"));
            assert!(verify_jws(&token, &keys).is_err(), "{none:?}");
        }
    }
    for alg in ["null", "1", "true", r#"["HS256"]"#, r#"{"HS256":1}"#] {
        let token = format!("{}.{}.AAAA", encode(&format!(r#"{{"alg":{alg}}}"#)), encode("{}"));
        assert!(verify_jws(&token, &keys).is_err(), "{alg}");
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    for algorithm in [JwsAlgorithm::Rs256, JwsAlgorithm::Es256, JwsAlgorithm::EdDsa] {
        let signer = Signer::new(algorithm);
        let message = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), encode("{}"));
        let pem = jsonwebtoken::EncodingKey::from_secret(signer.public_pem().as_bytes());
        let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &pem, jsonwebtoken::Algorithm::HS256).unwrap();
        assert!(verify_jws(&format!("{message}.{mac}"), &[signer.verifying(None)]).is_err());
    }
}

#[test]
fn empty_and_zero_signatures_are_refused() {
    for signer in JwsAlgorithm::ALL.map(Signer::new) {
        let message = format!("{}.{}", encode(&format!(r#"{{"alg":"{}"}}"#, signer.algorithm.name())), encode("{}"));
        for length in [0, 1, 32, 64, 256] {
            let zeros = URL_SAFE_NO_PAD.encode(vec![0_u8; length]);
            assert!(verify_jws(&format!("{message}.{zeros}"), &[signer.verifying(None)]).is_err());
        }
    }
}

#[test]
fn header_members_that_bring_keys_are_refused_although_signed() {
    let (signer, keys) = hs256();
    for name in REFUSED_MEMBERS {
        for value in [r#""x""#, "true", "null", "[]", "{}"] {
            let token = signer.sign(&format!(r#"{{"alg":"HS256","{name}":{value}}}"#), "{}");
            assert!(verify_jws(&token, &keys).is_err(), "{name} {value}");
        }
    }
    // Escapes do not hide a name.
    assert!(verify_jws(&signer.sign(r#"{"alg":"HS256","\u006aku":"x"}"#, "{}"), &keys).is_err());
    assert!(verify_jws(&signer.sign(r#"{"alg":"HS256","other":"x"}"#, "{}"), &keys).is_ok());
}

#[test]
fn a_member_occurs_once() {
    let (signer, keys) = hs256();
    for header in [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","kid":"k1","kid":"k1"}"#,
    ] {
        assert!(verify_jws(&signer.sign(header, "{}"), &keys).is_err(), "{header}");
    }
}

#[test]
fn a_kid_is_compared_and_nothing_else() {
    let (signer, keys) = hs256();
    let with = |kid: &str| verify_jws(&signer.sign(&format!(r#"{{"alg":"HS256","kid":{kid}}}"#), "{}"), &keys).is_ok();
    assert!(with(r#""k1""#));
    for other in [r#""k2""#, r#""""#, r#""../../dev/null""#, r#""' or 1=1 --""#, r#""https://x/k1""#, "1", "null", "{}"]
    {
        assert!(!with(other), "{other}");
    }
    assert!(verify_jws(&signer.sign(r#"{"alg":"HS256"}"#, "{}"), &keys).is_ok());
}

#[test]
fn there_is_one_way_of_writing_a_token() {
    let (signer, keys) = hs256();
    let good = signer.sign(r#"{"alg":"HS256"}"#, "{}");
    assert!(verify_jws(&good, &keys).is_ok());
    let (message, signature) = good.rsplit_once('.').unwrap();
    for bad in [
        format!("{good}="),
        format!("{good}."),
        format!("{good}.x"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{message}.{}", signature.replace('-', "+").replace('_', "/") + "+"),
        message.to_owned(),
        format!("{message}."),
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!(r#"{{"payload":"e30","signatures":[{{"protected":"x","signature":"{signature}"}}]}}"#),
    ] {
        assert!(verify_jws(&bad, &keys).is_err(), "{bad}");
    }
}

#[test]
fn one_changed_bit_is_noticed() {
    for signer in JwsAlgorithm::ALL.map(Signer::new) {
        let keys = [signer.verifying(None)];
        let token = signer.sign(&format!(r#"{{"alg":"{}"}}"#, signer.algorithm.name()), r#"{"a":1}"#);
        for at in (0..token.len()).step_by(7) {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(altered) = String::from_utf8(bytes) else { continue };
            assert!(verify_jws(&altered, &keys).is_err(), "{} at {at}", signer.algorithm.name());
        }
    }
}

#[test]
fn long_tokens_cost_nothing() {
    let (signer, keys) = hs256();
    let token = signer.sign(r#"{"alg":"HS256"}"#, &"x".repeat(500_000));
    assert_eq!(verify_jws(&token, &keys), Err(JwsFault("it is longer than 16 KiB")));
}
