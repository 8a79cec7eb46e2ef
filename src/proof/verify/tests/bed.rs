//! Makes exports of made-up records, as the store's committer and exporter would, and lets tests spoil them.

use std::io::Cursor;

use serde_json::{Value, json};

use crate::proof::verify::*;
use crate::proof::*;

pub(super) const ORIGIN: &str = "gateway.example.com/audit";
pub(super) const LOG: &str = "0/changes";

/// An export, taken apart.
#[derive(Clone)]
pub(super) struct Export {
    pub(super) start: u64,
    pub(super) range: Vec<Hash>,
    /// The `entry` objects.
    pub(super) rows: Vec<Value>,
    pub(super) tiles: Vec<Vec<Hash>>,
    pub(super) checkpoints: Vec<String>,
}

pub(super) fn key() -> SigningKey {
    SigningKey::generate(ORIGIN).unwrap()
}

fn record(number: u64) -> Value {
    json!({
        "id": format!("01900000-0000-7000-8000-{number:012}"), "time": "2026-11-21T09:59:59.123456Z",
        "account": "prod", "team": "payments", "task_ids": ["dts-1", "dts-2"], "outcome": "ok", "caller_gone": false,
        "reason": null, "waited_ms": number, "detail": { "kind": "change", "states": [{ "task": "dts-1", "age_ms": 5 }] }
    })
}

pub(super) fn row(number: u64) -> Value {
    let time =
        jiff::Timestamp::from_microsecond(1_795_000_000_000_000 + i64::try_from(number).unwrap() * 1000).unwrap();
    let mut row =
        json!({ "index": number, "phase": "ended", "recorded_at": time_text(time), "record": record(number) });
    rehash(&mut row);
    row
}

/// Makes the hash beside an entry fit its content.
pub(super) fn rehash(row: &mut Value) {
    let content = json!({ "phase": row["phase"], "recorded_at": row["recorded_at"], "record": row["record"] });
    row["hash"] = json!(leaf(&canonical(&content).unwrap()));
}

pub(super) fn hash(row: &Value) -> Hash {
    row["hash"].as_str().unwrap().parse().unwrap()
}

/// A checkpoint of the log when it had so many of these rows.
pub(super) fn checkpoint(rows: &[Value], size: usize, keys: &[&SigningKey]) -> String {
    let mut range = CompactRange::default();
    rows[..size].iter().for_each(|row| range.append(hash(row)));
    let time = Some(rows[size - 1]["recorded_at"].as_str().unwrap().parse().unwrap());
    let origin = format!("{ORIGIN}/{LOG}");
    Checkpoint { origin, size: size as u64, root: range.root(), time }.sign(keys).unwrap()
}

pub(super) fn brought(note: &str) -> Brought {
    Brought { from: "0-changes.checkpoints".to_owned(), note: note.to_owned() }
}

impl Export {
    /// A log of so many entries, with the database's own checkpoints at these sizes.
    pub(super) fn new(count: u64, sizes: &[usize], key: &SigningKey) -> Export {
        let rows: Vec<Value> = (0..count).map(row).collect();
        let checkpoints = sizes.iter().map(|size| checkpoint(&rows, *size, &[key])).collect();
        let mut export = Export { start: 0, range: Vec::new(), rows, tiles: Vec::new(), checkpoints };
        export.retile();
        export
    }

    /// Makes the tiles fit the hashes beside the entries.
    pub(super) fn retile(&mut self) {
        let hashes: Vec<Hash> = self.rows.iter().map(hash).collect();
        self.tiles = hashes.chunks_exact(256).map(<[Hash]>::to_vec).collect();
    }

    /// Numbers the entries anew, after one was taken out or put in.
    pub(super) fn renumber(&mut self) {
        for (index, row) in self.rows.iter_mut().enumerate() {
            row["index"] = json!(self.start + index as u64);
        }
    }

    pub(super) fn text(&self) -> String {
        let mut lines =
            vec![json!({ "export": { "version": 1, "made_at": "2026-11-21T10:00:00Z", "origin": ORIGIN } })];
        let size = self.rows.last().map_or(self.start, |row| row["index"].as_u64().unwrap_or_default() + 1);
        lines.push(json!({ "log": { "name": LOG, "start": self.start, "size": size, "range": self.range } }));
        let mut tiles = (self.start / 256..).zip(self.tiles.iter().skip(usize::try_from(self.start / 256).unwrap()));
        let mut next = tiles.next();
        for row in &self.rows {
            while let Some((number, hashes)) =
                next.filter(|(number, _)| row["index"].as_u64().unwrap_or_default() >= number * 256)
            {
                let hashes = Hash::concat_base64(hashes);
                lines.push(json!({ "tile": { "level": 0, "number": number, "hashes": hashes } }));
                next = tiles.next();
            }
            lines.push(json!({ "entry": row }));
        }
        lines.extend(self.checkpoints.iter().map(|note| json!({ "checkpoint": note })));
        lines.push(json!({ "end": { "entries": self.rows.len() } }));
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    pub(super) fn verify(&self, key: &SigningKey, checkpoints: &[String]) -> Report {
        verify_text(&self.text(), &[key.verifying_key().clone()], checkpoints)
    }
}

pub(super) fn verify_text(text: &str, keys: &[VerifyingKey], checkpoints: &[String]) -> Report {
    let brought: Vec<Brought> = checkpoints.iter().map(|note| brought(note)).collect();
    verify(Cursor::new(text.as_bytes()), keys, &brought, &mut |_| {}).unwrap()
}

/// What was found, a sentence each.
pub(super) fn sentences(report: &Report) -> Vec<String> {
    report.findings.first.iter().map(Finding::sentence).collect()
}
