//! What the command says, for three cases.

use serde_json::json;

use super::bed::*;
use crate::proof::*;

/// RFC 8410 section 10.3's private key: the same text on every run.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

fn bed() -> (Export, SigningKey, Vec<String>) {
    let key = SigningKey::from_pem(ORIGIN, PEM).unwrap();
    let export = Export::new(300, &[100, 290], &key);
    let held = vec![checkpoint(&export.rows, 280, &[&key])];
    (export, key, held)
}

#[test]
fn nothing_is_wrong() {
    let (export, key, held) = bed();
    insta::assert_snapshot!(export.verify(&key, &held).lines().join("\n"));
}

#[test]
fn nothing_is_wrong_but_no_checkpoint_was_given() {
    let (export, key, _) = bed();
    insta::assert_snapshot!(export.verify(&key, &[]).lines().join("\n"));
}

#[test]
fn edited_removed_and_cut_off() {
    let (mut export, key, held) = bed();
    export.rows.truncate(270);
    export.rows[20]["record"]["outcome"] = json!("refused");
    export.rows.drain(30..33);
    insta::assert_snapshot!(export.verify(&key, &held).lines().join("\n"));
}

#[test]
fn a_checkpoint_from_after_the_export_is_told_from_a_cut() {
    let (mut export, key, _) = bed();
    let keys = [key.verifying_key().clone()];
    let held = vec![checkpoint(&export.rows, 290, &[&key])];
    let younger = export.rows[280]["recorded_at"].as_str().unwrap().to_owned();
    export.rows.truncate(270);
    export.checkpoints.truncate(1);
    let advice = |text: &str| {
        let report = verify_text(text, &keys, &held);
        assert!(!report.is_proven(), "when an export was made nobody has signed");
        report.lines().into_iter().any(|line| line.contains("export the log again"))
    };
    assert!(!advice(&export.text()));
    assert!(advice(&export.text().replace("2026-11-21T10:00:00Z", &younger)));
}
