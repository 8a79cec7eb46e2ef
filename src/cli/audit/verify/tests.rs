#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::{Surroundings, main};
use crate::proof::{Checkpoint, CompactRange, SigningKey, canonical, leaf};

const ORIGIN: &str = "gateway.example.com/audit";

/// Writes an export of three entries, its checkpoint and its key.
fn write(folder: &Path) -> SigningKey {
    let key = SigningKey::generate(ORIGIN).unwrap();
    let mut range = CompactRange::default();
    let mut lines = vec![
        json!({ "export": { "version": 1, "made_at": "2026-11-21T10:00:00Z", "origin": ORIGIN } }),
        json!({ "log": { "name": "0/changes", "start": 0, "size": 3, "range": [] } }),
    ];
    for index in 0..3 {
        let mut entry =
            json!({ "phase": "ended", "recorded_at": "2026-11-21T09:00:00.000000Z", "record": { "id": index } });
        let hash = leaf(&canonical(&entry).unwrap());
        range.append(hash);
        entry["index"] = json!(index);
        entry["hash"] = json!(hash);
        lines.push(json!({ "entry": entry }));
    }
    lines.push(json!({ "end": { "entries": 3 } }));
    let export: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let checkpoint = Checkpoint { origin: format!("{ORIGIN}/0/changes"), size: 3, root: range.root(), time: None };
    let note = checkpoint.sign(&[&key]).unwrap();
    std::fs::write(folder.join("export"), &export).unwrap();
    std::fs::write(folder.join("edited"), export.replacen("ended", "intent", 1)).unwrap();
    std::fs::write(folder.join("0-changes.checkpoints"), format!("{note}\nhalf a no")).unwrap();
    std::fs::write(folder.join("key"), format!("{}\n", key.verifying_key())).unwrap();
    key
}

#[test]
fn the_exit_code_says_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let key = write(folder.path());
    let run = |export: &str, key: &str, checkpoint: &str| {
        let file = |name: &str| folder.path().join(name).display().to_string();
        let key = if key.contains('+') { key.to_owned() } else { file(key) };
        let mut line = vec!["dts-gateway".to_owned(), "audit".to_owned(), "verify".to_owned(), file(export)];
        line.extend(["--key".to_owned(), key, "--checkpoint".to_owned(), file(checkpoint)]);
        main(line.into_iter().map(Into::into), Surroundings::new(Vec::new()))
    };
    let vkey = key.verifying_key().to_string();
    assert_eq!(run("export", &vkey, "0-changes.checkpoints"), ExitCode::SUCCESS);
    assert_eq!(run("export", "key", "."), ExitCode::SUCCESS, "a file with the key, a folder with checkpoints");
    assert_eq!(run("edited", &vkey, "0-changes.checkpoints"), ExitCode::FAILURE);
    let other = SigningKey::generate(ORIGIN).unwrap().verifying_key().to_string();
    assert_eq!(run("export", &other, "0-changes.checkpoints"), ExitCode::FAILURE);
    for (export, key, checkpoint) in [
        ("not-there", vkey.as_str(), "0-changes.checkpoints"),
        ("key", vkey.as_str(), "0-changes.checkpoints"),
        ("export", "not-there", "0-changes.checkpoints"),
        ("export", "not+a+key", "0-changes.checkpoints"),
        ("export", vkey.as_str(), "not-there"),
        ("export", vkey.as_str(), "key"),
    ] {
        assert_eq!(run(export, key, checkpoint), ExitCode::from(2), "{export} {key} {checkpoint}");
    }
}
