//! Other people's JWS cases and a few of our own against the gateway's verifier.
//!
//! `DTS_CORPORA_DIR` names a folder that holds `wycheproof/testvectors_v1`; without it only our own cases run, which are
//! in the same format. Every case holds its verdict, except those that one of the rules of [`stricter`] names: they are
//! counted and printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)] // a test panics to fail

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dts_gateway::identity::{VerifyingKey, verify_jws};
use serde_json::Value;

const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpora/jws");

#[test]
fn our_own_cases_hold_their_verdicts() {
    let counts = run(Path::new(OURS));
    assert!(counts.values().sum::<usize>() >= 10, "{counts:?}");
    assert!(counts.keys().all(|kind| kind.starts_with("held")), "{counts:?}");
}

#[test]
fn wycheproofs_cases_hold_their_verdicts() {
    #[expect(clippy::disallowed_methods, reason = "where other people's files are is told to the test from outside")]
    let corpora = std::env::var_os("DTS_CORPORA_DIR");
    let Some(corpora) = corpora else {
        println!("DTS_CORPORA_DIR is not set: Wycheproof's cases were not run, ours were");
        return;
    };
    let counts = run(&Path::new(&corpora).join("wycheproof/testvectors_v1"));
    for (kind, count) in &counts {
        println!("{count:5} {kind}");
    }
    let held: usize = counts.iter().filter(|(kind, _)| kind.starts_with("held")).map(|(_, count)| count).sum();
    assert!(held > 400, "only {held} cases were found");
}

/// Runs every case of every JWS file of a folder.
fn run(folder: &Path) -> BTreeMap<String, usize> {
    let (mut counts, mut broken) = (BTreeMap::new(), Vec::new());
    for file in jws_files(folder) {
        let corpus: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for group in corpus["testGroups"].as_array().unwrap() {
            for case in group["tests"].as_array().unwrap().iter().filter(|case| case.get("jws").is_some()) {
                let kind = judge(group, case);
                if kind.starts_with("BROKEN") {
                    broken.push(format!("{} {}: {kind}", file.display(), case["tcId"]));
                }
                *counts.entry(kind).or_default() += 1;
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    counts
}

fn jws_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.file_name().unwrap().to_string_lossy().starts_with("json_web_"));
    files.sort();
    files
}

fn judge(group: &Value, case: &Value) -> String {
    let is_valid = case["result"] == "valid";
    // A serialization that is not text is none that a header could carry.
    let is_accepted = case["jws"].as_str().is_some_and(|jws| accepts(group, jws));
    match (is_valid, is_accepted) {
        (true, true) => "held, accepted".to_owned(),
        (false, false) => "held, refused".to_owned(),
        (true, false) => match stricter(group, case) {
            Some(rule) => format!("stricter than the corpus: {rule}"),
            None => "BROKEN, a valid case was refused".to_owned(),
        },
        (false, true) => "BROKEN, an invalid case was accepted".to_owned(),
    }
}

/// Why a valid case is refused on purpose.
fn stricter(group: &Value, case: &Value) -> Option<&'static str> {
    let jws = case["jws"].as_str()?;
    let header = URL_SAFE_NO_PAD.decode(jws.split('.').next()?).ok();
    let header: Option<Value> = header.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let is_alphabet = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !jws.chars().all(is_alphabet) {
        return Some("characters that are not base64url are not skipped");
    }
    let served = ["HS256", "RS256", "ES256", "EdDSA"];
    if header.is_some_and(|header| !served.iter().any(|name| header["alg"] == *name)) {
        return Some("the algorithm is not one of HS256, RS256, ES256, EdDSA");
    }
    let is_weak = |key: &Value| {
        let secret = key["k"].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        secret.is_some_and(|secret| secret.len() >= 32 && secret.iter().all(|byte| *byte == secret[0]))
    };
    keys_of(group).iter().any(is_weak).then_some("an HMAC secret whose bytes are all equal is not taken")
}

/// Verifies as the gateway would with the group's keys configured: a set that it refuses verifies nothing.
fn accepts(group: &Value, jws: &str) -> bool {
    let keys: Option<Vec<VerifyingKey>> = keys_of(group).iter().map(verifying).collect();
    let Some(keys) = keys else { return false };
    let is_secret = |key: &VerifyingKey| key.algorithm() == dts_gateway::identity::JwsAlgorithm::Hs256;
    let is_mixed = keys.iter().any(is_secret) && !keys.iter().all(is_secret);
    let ids: Vec<_> = keys.iter().map(|key| (key.key_id(), key.algorithm())).collect();
    let has_twins = ids.iter().enumerate().any(|(at, id)| ids[..at].contains(id));
    !is_mixed && !has_twins && verify_jws(jws, &keys).is_ok()
}

/// The group's public keys, or its secrets.
fn keys_of(group: &Value) -> Vec<Value> {
    let keys = if group["public"].is_object() { &group["public"] } else { &group["private"] };
    keys["keys"].as_array().cloned().unwrap_or_else(|| vec![keys.clone()])
}

/// Secrets are configured as bytes, public keys come as JWK.
fn verifying(jwk: &Value) -> Option<VerifyingKey> {
    if jwk["kty"] != "oct" {
        return VerifyingKey::from_jwk(&jwk.to_string()).ok();
    }
    if jwk["alg"] != "HS256" {
        return None;
    }
    let secret = URL_SAFE_NO_PAD.decode(jwk["k"].as_str()?).ok()?;
    VerifyingKey::from_secret(&secret, jwk["kid"].as_str().map(str::to_owned)).ok()
}
