//! Statements over all logs: what they find that checkpoints alone don't.

use std::collections::BTreeMap;

use super::bed::*;
use crate::proof::verify::Report;
use crate::proof::*;

const TIME: &str = "2026-11-21T10:00:00.000000Z";

/// A statement over so many of the export's entries, and a second log if it is given.
fn statement(origin: &str, export: &Export, size: usize, other: Option<(u64, Hash)>, key: &SigningKey) -> String {
    let mut range = CompactRange::default();
    export.rows[..size].iter().for_each(|row| range.append(hash(row)));
    let own = (LOG.to_owned(), (size as u64, range.root()));
    let logs: BTreeMap<_, _> = [own].into_iter().chain(other.map(|other| ("0/reads".to_owned(), other))).collect();
    Statement { origin: origin.to_owned(), time: TIME.parse().unwrap(), logs }.sign(&[key]).unwrap()
}

fn kinds(report: &Report) -> Vec<&str> {
    report.findings.counts.keys().copied().collect()
}

#[test]
fn a_statement_proves_what_a_checkpoint_does() {
    let key = key();
    let mut export = Export::new(300, &[290], &key);
    let held = [statement(ORIGIN, &export, 280, None, &key), checkpoint(&export.rows, 100, &[&key])];
    let report = export.verify(&key, &held);
    assert_eq!((sentences(&report), report.logs[0].proven, report.checkpoints), (vec![], 280, 2));
    assert_eq!(report.logs[0].proven_at.as_deref(), Some(TIME));
    export.rows[270]["record"]["outcome"] = serde_json::json!("refused");
    rehash(&mut export.rows[270]);
    export.retile();
    assert_eq!(kinds(&export.verify(&key, &held)), ["rewritten"]);
}

#[test]
fn a_log_that_was_left_out_is_named() {
    let key = key();
    let export = Export::new(300, &[290], &key);
    let held = [statement(ORIGIN, &export, 280, Some((41, leaf(b""))), &key)];
    let report = export.verify(&key, &held);
    assert_eq!(sentences(&report), ["0/reads is not in the export, but 41 entries of it were signed"]);
    // So it is by the export's own statement, if that was left in it.
    let text =
        export.text().replacen("{\"end\"", &format!("{}\n{{\"end\"", serde_json::json!({ "statement": held[0] })), 1);
    let report = verify_text(&text, &[key.verifying_key().clone()], &[]);
    assert_eq!((kinds(&report), report.own_checkpoints), (vec!["log-missing"], 2));
}

#[test]
fn a_tail_that_was_cut_off_is_found() {
    let key = key();
    let whole = Export::new(300, &[], &key);
    let mut export = whole.clone();
    export.rows.truncate(250);
    export.tiles.clear();
    export.checkpoints.push(checkpoint(&export.rows, 250, &[&key]));
    assert!(export.verify(&key, &[]).is_proven());
    let report = export.verify(&key, &[statement(ORIGIN, &whole, 290, None, &key)]);
    assert_eq!(kinds(&report), ["cut"], "{:#?}", sentences(&report));
    assert!(sentences(&report)[0].contains("40 are missing"), "{:#?}", sentences(&report));
}

#[test]
fn one_by_another_key_or_of_another_deployment_says_nothing_and_that_is_said() {
    let (key, other) = (key(), SigningKey::generate("somebody-else").unwrap());
    let export = Export::new(300, &[290], &key);
    let report = export.verify(&key, &[statement(ORIGIN, &export, 280, Some((41, leaf(b""))), &other)]);
    assert_eq!((kinds(&report), report.checkpoints, report.logs[0].proven), (vec!["wrong-statement"], 0, 0));
    assert!(sentences(&report)[0].contains("statement over all logs"), "{:#?}", sentences(&report));
    let report = export.verify(&key, &[statement("elsewhere", &export, 280, Some((41, leaf(b""))), &key)]);
    assert_eq!((kinds(&report), report.checkpoints), (vec!["other-origin"], 0));
    assert!(sentences(&report)[0].ends_with("elsewhere/all-logs"), "{:#?}", sentences(&report));
}

#[test]
fn only_what_was_written_is_read() {
    let key = key();
    let note = statement(ORIGIN, &Export::new(3, &[], &key), 2, Some((41, leaf(b""))), &key);
    let text = Statement::claimed(&note).unwrap().to_text();
    assert_eq!(Statement::open(&note, &[key.verifying_key().clone()]).unwrap().to_text(), text);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[1]), ("gateway.example.com/audit/all-logs", &*format!("time {TIME}")));
    assert!(lines[2].starts_with("0/changes 2 ") && lines[3].starts_with("0/reads 41 "), "{text}");
    assert_eq!(Checkpoint::from_text(&text), None);
    for wrong in [
        text.replace(" 2 ", " 02 "),
        text.replace(" 2 ", " +2 "),
        text.replace("time ", "time  "),
        text.replace("all-logs", "0/changes"),
        format!("{text}{}\n", lines[2]),
        format!("{text}\n"),
        [lines[0], lines[1], lines[3], lines[2], ""].join("\n"),
        format!("{} x\n", text.trim_end()),
        text.trim_end().to_owned(),
    ] {
        assert_eq!(Statement::from_text(&wrong), None, "{wrong}");
    }
}
