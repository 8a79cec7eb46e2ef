//! What the verification of an export costs: `cargo bench --bench verify -- 5000000` makes an export of so many entries
//! (1,000,000 unless told; about 1.1 KB each) in the temporary folder, verifies it, and prints time and peak memory.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measurement without its ground is worth stopping

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use dts_gateway::proof::verify::{Brought, verify};
use dts_gateway::proof::{Checkpoint, CompactRange, Hash, SigningKey, Tree, canonical, leaf, time_text};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

const ORIGIN: &str = "gateway.example.com/audit";

/// 2026-11-18 in microseconds.
const BEGAN: i64 = 1_795_000_000_000_000;

fn main() {
    let asked = std::env::args().filter_map(|argument| argument.parse().ok()).next();
    let count: u64 = asked.unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export.ndjson");
    let key = SigningKey::generate(ORIGIN).unwrap();
    let newest = write(&export, count, &key);
    let size = export.metadata().unwrap().len();
    println!("{count} entries, {} bytes each; {} MB before", size / count.max(1), peak_megabytes());

    let began = Instant::now();
    let brought = [Brought { from: "newest".to_owned(), note: newest }];
    let keys = [key.verifying_key().clone()];
    let report = verify(File::open(&export).unwrap(), &keys, &brought, &mut |_| {}).unwrap();
    let took = began.elapsed();
    assert!(report.is_proven(), "{:?}", report.findings);
    println!(
        "verified in {:.1} s, {:.0} entries a second, peak memory {} MB",
        took.as_secs_f64(),
        count as f64 / took.as_secs_f64(),
        peak_megabytes()
    );
}

/// Writes the export with a checkpoint every 10,000 entries; returns the newest.
fn write(path: &Path, count: u64, key: &SigningKey) -> String {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let header = json!({ "export": { "version": 1, "made_at": "2026-11-21T10:00:00Z", "origin": ORIGIN } });
    let log = json!({ "log": { "name": "0/changes", "start": 0, "size": count, "range": [] } });
    writeln!(out, "{header}\n{log}").unwrap();
    let (mut tree, mut range, mut notes, mut group) =
        (Tree::default(), CompactRange::default(), Vec::new(), Vec::new());
    for index in 0..count {
        let (hash, line) = entry(index);
        range.append(hash);
        writeln!(group, "{line}").unwrap();
        for tile in tree.append(hash).iter().filter(|tile| tile.level == 0) {
            let hashes = Hash::concat_base64(&tile.hashes);
            writeln!(out, "{}", json!({ "tile": { "level": 0, "number": tile.number, "hashes": hashes } })).unwrap();
        }
        if index % 256 == 255 || index + 1 == count {
            out.write_all(&group).unwrap();
            group.clear();
        }
        if index % 10_000 == 9_999 || index + 1 == count {
            let origin = format!("{ORIGIN}/0/changes");
            let checkpoint = Checkpoint { origin, size: index + 1, root: range.root(), time: Some(time(index)) };
            notes.push(checkpoint.sign(&[key]).unwrap());
        }
    }
    for note in &notes {
        writeln!(out, "{}", json!({ "checkpoint": note })).unwrap();
    }
    writeln!(out, "{}", json!({ "end": { "entries": count } })).unwrap();
    out.flush().unwrap();
    notes.pop().unwrap()
}

fn time(index: u64) -> Timestamp {
    Timestamp::from_microsecond(BEGAN + i64::try_from(index).unwrap() * 500).unwrap()
}

/// As large as a call's record with a few parameters.
fn entry(index: u64) -> (Hash, String) {
    let id = format!("01900000-0000-7000-8000-{index:012}");
    let record = json!({
        "id": id, "time": "2026-11-21T09:59:59.123456Z", "account": "prod", "team": "payments", "caller": "payments-sync",
        "key_id": "AKIDxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "address": "10.0.0.8", "family": "tencent",
        "version": "2018-03-30", "action": "ModifyMigrateJob", "region": "ap-guangzhou", "task_ids": ["dts-0000abcd"],
        "outcome": "ok", "caller_gone": false, "request_id": id, "upstream_request_id": id, "waited_ms": index % 5000,
        "detail": {
            "kind": "change",
            "parameters": "{\"JobId\":\"dts-0000abcd\",\"JobName\":\"orders to the new region\",\"RunMode\":1,\"Password\":\"\"}",
            "parameters_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "message": "", "grant": "payments/2", "states": [{ "task": "dts-0000abcd", "state": "ready", "age_ms": 12 }],
            "observed": [], "limit": "", "table": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
            "upstream_status": 200, "upstream_ms": 83, "total_ms": 97, "origin": "upstream",
            "user_agent": "tencentcloud-sdk-python/3.0"
        }
    });
    let mut entry = json!({ "phase": "ended", "recorded_at": time_text(time(index)), "record": record });
    let hash = leaf(&canonical(&entry).unwrap());
    entry["index"] = json!(index);
    entry["hash"] = json!(hash);
    (hash, json!({ "entry": entry }).to_string())
}

/// The most memory that the process ever had resident.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or_default() / 1024
}
