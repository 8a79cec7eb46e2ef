#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use super::*;
use crate::identity::testing::{SECRET, Signer};

fn why<T>(taken: Result<T, KeyFault>) -> &'static str {
    taken.err().map_or("taken", |fault| fault.0)
}

#[test]
fn weak_secrets_are_refused() {
    let secret = |text: &str| why(VerifyingKey::from_secret(text.as_bytes(), None));
    assert_eq!(secret("your-256-bit-secret"), "it is shorter than 32 bytes");
    assert_eq!(secret("a-string-secret-at-least-256-bits-long"), "it is a publicly known secret");
    assert_eq!(secret("secretsecretsecretsecretsecretsecret"), "it is a publicly known secret");
    assert_eq!(secret("changeme-changeme-changeme-changeme-2026"), "it is a publicly known secret");
    assert_eq!(secret(&"ab".repeat(20)), "it is not random, fewer than 8 of its bytes differ");
    assert!(VerifyingKey::from_secret(SECRET, None).is_ok());
    assert_eq!(why(VerifyingKey::from_secret(&SECRET[..31], None)), "it is shorter than 32 bytes");
}

#[test]
fn a_pem_file_must_be_the_public_key_of_its_algorithm() {
    let signers = [JwsAlgorithm::Rs256, JwsAlgorithm::Es256, JwsAlgorithm::EdDsa].map(Signer::new);
    for signer in &signers {
        for algorithm in JwsAlgorithm::ALL {
            let taken = VerifyingKey::from_pem(&signer.public_pem(), algorithm, None);
            assert_eq!(
                taken.is_ok(),
                algorithm == signer.algorithm,
                "{} as {}",
                signer.algorithm.name(),
                algorithm.name()
            );
        }
        let private = VerifyingKey::from_pem(&signer.private_pem(), signer.algorithm, None);
        assert_eq!(why(private), "it is not a PEM file that begins with BEGIN PUBLIC KEY");
    }
    assert!(
        VerifyingKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", JwsAlgorithm::Es256, None)
            .is_err()
    );
}

#[test]
fn a_p384_key_is_not_one_for_es256() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let taken = VerifyingKey::from_pem(&pair.public_key_pem(), JwsAlgorithm::Es256, None);
    assert!(taken.is_err());
}

#[test]
fn a_jwk_brings_its_id_and_its_purpose() {
    for signer in [JwsAlgorithm::Rs256, JwsAlgorithm::Es256, JwsAlgorithm::EdDsa].map(Signer::new) {
        let jwk = signer.jwk("k1");
        let key = VerifyingKey::from_jwk(&jwk.to_string()).unwrap();
        assert_eq!((key.key_id(), key.algorithm()), (Some("k1"), signer.algorithm));
        for (member, value) in [
            ("use", serde_json::json!("enc")),
            ("key_ops", serde_json::json!(["encrypt"])),
            ("alg", serde_json::json!("HS256")),
            ("alg", serde_json::json!("RSA-OAEP")),
        ] {
            let mut altered = jwk.clone();
            altered[member] = value;
            assert!(VerifyingKey::from_jwk(&altered.to_string()).is_err(), "{member} of {}", signer.algorithm.name());
        }
    }
    let symmetric = Signer::new(JwsAlgorithm::Hs256).jwk("k1");
    assert_eq!(why(VerifyingKey::from_jwk(&symmetric.to_string())), "it is symmetric");
    assert!(VerifyingKey::from_jwk(r#"{"kty":"LWE","n":"AAAA"}"#).is_err());
    assert!(VerifyingKey::from_jwk("[]").is_err());
}

#[test]
fn weak_rsa_keys_are_refused() {
    let strong = Signer::new(JwsAlgorithm::Rs256).jwk("k1");
    let with = |member: &str, bytes: &[u8]| {
        let mut altered = strong.clone();
        altered[member] = URL_SAFE_NO_PAD.encode(bytes).into();
        why(VerifyingKey::from_jwk(&altered.to_string()))
    };
    assert_eq!(with("n", &[0xff; 255]), "its RSA modulus is shorter than 2048 bits");
    assert_eq!(with("n", &[[0].as_slice(), &[0x7f; 256]].concat()), "its RSA modulus is shorter than 2048 bits");
    assert_eq!(with("e", &[1]), "its RSA exponent is even or 1");
    assert_eq!(with("e", &[1, 0, 0]), "its RSA exponent is even or 1");
    // A power of 65537 has the fingerprint by construction: 65537^k modulo every prime.
    let mut power = vec![0_u8; 0];
    power.extend([1_u8]);
    for _ in 0..130 {
        power = times_65537(&power);
    }
    assert_eq!(with("n", &power), "its RSA modulus has the weakness ROCA (CVE-2017-15361)");
}

/// A big-endian number times 65537: itself, and itself moved by two bytes.
fn times_65537(number: &[u8]) -> Vec<u8> {
    let moved = [number, &[0, 0]].concat();
    let mut sum = vec![0_u8; moved.len() + 1];
    let mut carry = 0_u16;
    for at in 0..moved.len() {
        let own = number.len().checked_sub(at + 1).map_or(0, |from_end| number[from_end]);
        let total = u16::from(moved[moved.len() - 1 - at]) + u16::from(own) + carry;
        let place = sum.len() - 1 - at;
        sum[place] = total.to_be_bytes()[1];
        carry = total >> 8;
    }
    sum[0] = carry.to_be_bytes()[1];
    if sum[0] == 0 { sum[1..].to_vec() } else { sum }
}

#[test]
fn a_key_does_not_print() {
    let key = VerifyingKey::from_secret(SECRET, Some("k1".to_owned())).unwrap();
    assert!(!format!("{key:?}").contains("K7vQ"));
}
