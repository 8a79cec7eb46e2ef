#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use super::*;
use crate::identity::random::SystemRandom;
use crate::identity::testing::{at, sealing};

fn row(keys: &SealingKeys, key_id: &str, secret: &str) -> KeyRow {
    let sealed = keys.seal(&SystemRandom, key_id, "billing", secret.as_bytes()).unwrap();
    KeyRow {
        key_id: key_id.to_owned(),
        caller: "billing".to_owned(),
        sealed_secret: sealed.bytes,
        sealed_with: sealed.with,
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    }
}

fn opened(keys: &SealingKeys, row: &KeyRow) -> Result<String, SealError> {
    keys.open_bytes(row).map(|plain| String::from_utf8(plain.to_vec()).unwrap())
}

#[test]
fn what_was_sealed_opens_and_shows_nothing() {
    let keys = sealing(&["2026"]);
    let row = row(&keys, "AKID1", "a secret that is planted");
    assert_eq!(opened(&keys, &row).as_deref(), Ok("a secret that is planted"));
    assert!(!String::from_utf8_lossy(&row.sealed_secret).contains("planted"));
    assert_eq!(format!("{keys:?}"), r#"["2026"]"#);
}

#[test]
fn equal_secrets_are_sealed_differently() {
    let keys = sealing(&["2026"]);
    assert_ne!(row(&keys, "AKID1", "same").sealed_secret, row(&keys, "AKID1", "same").sealed_secret);
}

#[test]
fn a_secret_moved_to_another_row_does_not_open() {
    let keys = sealing(&["2026"]);
    let mut moved = row(&keys, "AKID1", "secret");
    moved.key_id = "AKID2".to_owned();
    assert_eq!(opened(&keys, &moved), Err(SealError::DoesNotOpen("AKID2".to_owned())));
}

#[test]
fn a_row_whose_caller_was_changed_in_the_database_does_not_open() {
    let keys = sealing(&["2026"]);
    let mut changed = row(&keys, "AKID1", "secret");
    changed.caller = "payments".to_owned();
    assert_eq!(opened(&keys, &changed), Err(SealError::DoesNotOpen("AKID1".to_owned())));
}

#[test]
fn every_altered_or_missing_byte_is_noticed() {
    let keys = sealing(&["2026"]);
    let good = row(&keys, "AKID1", "secret");
    for at in 0..good.sealed_secret.len() {
        let mut altered = good.clone();
        altered.sealed_secret[at] ^= 1;
        assert!(opened(&keys, &altered).is_err(), "byte {at}");
        altered.sealed_secret = good.sealed_secret[..at].to_vec();
        assert!(opened(&keys, &altered).is_err(), "cut to {at}");
    }
}

#[test]
fn the_first_key_seals_and_the_others_still_open() {
    let (old, both) = (sealing(&["2025"]), sealing(&["2026", "2025"]));
    let sealed_before = row(&old, "AKID1", "secret");
    assert_eq!(opened(&both, &sealed_before).as_deref(), Ok("secret"));
    assert_eq!(row(&both, "AKID2", "secret").sealed_with, "2026");
    assert!(matches!(opened(&sealing(&["2026"]), &sealed_before), Err(SealError::UnknownKey { .. })));
}

#[test]
fn resealing_moves_a_row_to_the_first_key_once() {
    let (old, both, new) = (sealing(&["2025"]), sealing(&["2026", "2025"]), sealing(&["2026"]));
    let mut moving = row(&old, "AKID1", "secret");
    let sealed = both.reseal(&SystemRandom, &moving).unwrap().unwrap();
    (moving.sealed_secret, moving.sealed_with) = (sealed.bytes, sealed.with);
    assert_eq!(opened(&new, &moving).as_deref(), Ok("secret"));
    assert_eq!(both.reseal(&SystemRandom, &moving), Ok(None));
}

#[test]
fn another_key_under_the_same_name_does_not_open() {
    let keys = sealing(&["2026"]);
    let other = SealingKeys::new(vec![("2026".to_owned(), Zeroizing::new((0..32).collect()))]).unwrap();
    assert!(matches!(opened(&other, &row(&keys, "AKID1", "secret")), Err(SealError::DoesNotOpen(_))));
}

#[test]
fn poor_rings_are_refused() {
    let ring = |keys: &[(&str, Vec<u8>)]| {
        let keys = keys.iter().map(|(name, bytes)| (name.to_string(), Zeroizing::new(bytes.clone())));
        SealingKeys::new(keys.collect()).err()
    };
    let good: Vec<u8> = (0..32).collect();
    assert_eq!(ring(&[]), Some(SealError::NoKey));
    assert_eq!(ring(&[("a", vec![7; 32])]), Some(SealError::NotRandom("a".to_owned())));
    assert_eq!(ring(&[("a", vec![1, 2, 3])]), Some(SealError::WrongLength { name: "a".to_owned(), length: 3 }));
    assert_eq!(ring(&[("", good.clone())]), Some(SealError::BadName(String::new())));
    assert_eq!(ring(&[("a", good.clone()), ("a", good)]), Some(SealError::BadName("a".to_owned())));
}
