#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use secrecy::ExposeSecret;

use super::*;
use crate::identity::random::SystemRandom;
use crate::identity::testing::{MemoryStore, NOW, at, sealing};

/// A source that gives what it has.
struct Dry;

impl Random for Dry {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
        Err(RandomUnavailable)
    }
}

#[tokio::test]
async fn a_new_pair_is_plain_text_of_the_right_length_and_its_secret_is_not_stored() {
    let (store, keys) = (MemoryStore::default(), sealing(&["2026"]));
    let issuer = KeyIssuer::new(&store, &keys, &SystemRandom);
    let pair = issuer.create("billing", at(NOW), None).await.unwrap();
    assert!(pair.key_id.starts_with("AKID") && pair.key_id.len() == 36);
    let secret = pair.secret_key.expose_secret();
    assert!(secret.len() == 40 && secret.chars().all(|c| c.is_ascii_alphanumeric()));
    assert!(!format!("{pair:?}").contains(secret));
    let row = store.rows.lock().unwrap()[&pair.key_id].clone();
    assert!(!row.sealed_secret.windows(secret.len()).any(|part| part == secret.as_bytes()));
    let other = issuer.create("billing", at(NOW), None).await.unwrap();
    assert_ne!(other.key_id, pair.key_id);
}

#[tokio::test]
async fn a_list_tells_what_is_accepted() {
    let (store, keys) = (MemoryStore::default(), sealing(&["2026"]));
    let issuer = KeyIssuer::new(&store, &keys, &SystemRandom);
    let lasting = issuer.create("a", at(NOW), None).await.unwrap();
    let ending = issuer.create("b", at(NOW), Some(at(NOW + 60))).await.unwrap();
    let ended = issuer.create("c", at(NOW), None).await.unwrap();
    issuer.revoke(&ended.key_id, at(NOW + 1)).await.unwrap();
    let list = issuer.list(at(NOW + 60)).await.unwrap();
    let status = |id: &str| list.iter().find(|one| one.secret_id == id).unwrap().status;
    assert_eq!(status(&lasting.key_id), KeyStatus::Active);
    assert_eq!(status(&ending.key_id), KeyStatus::Expired);
    assert_eq!(status(&ended.key_id), KeyStatus::Revoked);
    assert!(matches!(issuer.revoke("AKIDnone", at(NOW)).await, Err(IssueError::NoSuchKey(_))));
}

#[tokio::test]
async fn rotation_makes_a_new_pair_and_lets_the_old_one_live_for_the_overlap() {
    let (store, keys) = (MemoryStore::default(), sealing(&["2026"]));
    let issuer = KeyIssuer::new(&store, &keys, &SystemRandom);
    let old = issuer.create("billing", at(NOW), None).await.unwrap();
    let new = issuer.rotate(&old.key_id, SignedDuration::from_secs(3600), at(NOW)).await.unwrap();
    assert_eq!(new.caller, "billing");
    let expires = |id: &str| store.rows.lock().unwrap()[id].expires_at;
    assert_eq!(expires(&old.key_id), Some(at(NOW + 3600)));
    assert_eq!(expires(&new.key_id), None);
    // A rotation never lengthens a life.
    issuer.rotate(&old.key_id, SignedDuration::from_secs(9_000), at(NOW)).await.unwrap();
    assert_eq!(expires(&old.key_id), Some(at(NOW + 3600)));
    let late = issuer.rotate(&old.key_id, SignedDuration::from_secs(60), at(NOW + 3600)).await;
    assert!(matches!(late, Err(IssueError::Ended(_))));
}

#[tokio::test]
async fn a_known_pair_is_taken_in_once() {
    let (store, keys) = (MemoryStore::default(), sealing(&["2026"]));
    let issuer = KeyIssuer::new(&store, &keys, &SystemRandom);
    assert!(issuer.adopt("AKIDx", "secret", "root", at(NOW)).await.unwrap());
    assert!(!issuer.adopt("AKIDx", "another", "other", at(NOW)).await.unwrap());
    assert_eq!(store.rows.lock().unwrap()["AKIDx"].caller, "root");
}

#[tokio::test]
async fn nothing_is_issued_without_randomness_or_into_the_past() {
    let (store, keys) = (MemoryStore::default(), sealing(&["2026"]));
    let dry = KeyIssuer::new(&store, &keys, &Dry).create("billing", at(NOW), None).await;
    assert!(matches!(dry, Err(IssueError::Random(_))));
    let issuer = KeyIssuer::new(&store, &keys, &SystemRandom);
    let past = issuer.create("billing", at(NOW), Some(at(NOW))).await;
    assert!(matches!(past, Err(IssueError::ExpiresTooEarly(_))));
    assert!(store.rows.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_retired_sealing_key_is_not_needed_once_every_key_was_sealed_anew() {
    let store = MemoryStore::default();
    let old = sealing(&["2025"]);
    let pair = KeyIssuer::new(&store, &old, &SystemRandom).create("billing", at(NOW), None).await.unwrap();
    let both = sealing(&["2026", "2025"]);
    let issuer = KeyIssuer::new(&store, &both, &SystemRandom);
    assert_eq!(issuer.reseal_all().await.unwrap(), 1);
    assert_eq!(issuer.reseal_all().await.unwrap(), 0, "nothing is left to do");
    let row = store.rows.lock().unwrap()[&pair.key_id].clone();
    assert_eq!(row.sealed_with, "2026");
    assert!(sealing(&["2026"]).open(&row).is_ok());
    assert!(old.open(&row).is_err());
}
