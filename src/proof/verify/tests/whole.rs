//! Exports that are as they should be, and files that are not whole.

use std::io::Cursor;

use super::bed::*;
use crate::proof::verify::*;
use crate::proof::*;

#[test]
fn it_says_where_proof_ends() {
    let key = key();
    for count in [1, 255, 256, 257, 512, 700] {
        let size = usize::try_from(count).unwrap();
        let export = Export::new(count, &[size], &key);
        let report = export.verify(&key, &[checkpoint(&export.rows, size.div_ceil(2), &[&key])]);
        assert_eq!(sentences(&report), Vec::<String>::new(), "{count}");
        let log = &report.logs[0];
        assert_eq!((log.proven, log.fits, log.entries), (count.div_ceil(2), count, count));
        assert!(log.proven_at.is_some());
        let report = export.verify(&key, &[]);
        assert_eq!((report.is_proven(), report.logs[0].proven, report.logs[0].fits), (true, 0, count));
    }
}

#[test]
fn a_log_whose_beginning_was_dropped() {
    let key = key();
    let whole = Export::new(1000, &[200, 600, 990], &key);
    for start in [1, 255, 256, 300, 512, 600, 999] {
        let mut export = whole.clone();
        export.rows.drain(..start);
        export.start = start as u64;
        let mut range = CompactRange::default();
        whole.rows[..start].iter().for_each(|row| range.append(hash(row)));
        export.range = range.hashes().to_vec();
        let report = export.verify(&key, &[checkpoint(&whole.rows, 995, &[&key])]);
        if start > 995 {
            // Who drops everything that was signed proves nothing of the rest.
            assert!(sentences(&report)[0].contains("no checkpoint by a given key that covers any"), "from {start}");
        }
        if start < 995 {
            assert_eq!(sentences(&report), Vec::<String>::new(), "from {start}");
            assert_eq!(report.logs[0].proven, 995);
            // What stands for the beginning is proven too.
            export.range[0] = leaf(b"other");
            let found = sentences(&export.verify(&key, &[checkpoint(&whole.rows, 995, &[&key])]));
            assert!(found[0].contains("do not fit the checkpoint"), "from {start}: {found:?}");
        }
    }
}

#[test]
fn keys_that_replace_one_another() {
    let (old, new) = (key(), key());
    let mut export = Export::new(600, &[200], &old);
    export.checkpoints.push(checkpoint(&export.rows, 300, &[&old, &new]));
    export.checkpoints.push(checkpoint(&export.rows, 590, &[&new]));
    let keys = [old.verifying_key().clone(), new.verifying_key().clone()];
    let report = verify_text(&export.text(), &keys, &[]);
    assert_eq!((sentences(&report), report.logs[0].fits, report.own_checkpoints), (vec![], 590, 3));
    let found = sentences(&verify_text(&export.text(), &keys[1..], &[]));
    assert!(found.len() == 1 && found[0].contains("none of the given keys"), "{found:?}");
}

#[test]
fn a_file_that_was_cut_off() {
    let key = key();
    let text = Export::new(300, &[280], &key).text();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for left in [1, 2, 3, 100, lines.len() - 1] {
        let report = verify_text(&lines[..left].concat(), &[key.verifying_key().clone()], &[]);
        assert!(report.findings.counts.contains_key("truncated"), "{left}");
    }
    let half = &text[..text.len() / 2];
    assert!(!verify_text(half, &[key.verifying_key().clone()], &[]).is_proven());
    let nothing = verify(Cursor::new(b""), &[], &[], &mut |_| {});
    assert!(matches!(nothing, Err(Unreadable::NoExport)));
}

#[test]
fn lines_that_are_none() {
    let key = key();
    let text = Export::new(300, &[280], &key).text();
    let spoilt = |from: &str, to: &str| {
        let spoilt = text.replacen(from, to, 1);
        assert_ne!(spoilt, text, "{from}");
        verify_text(&spoilt, &[key.verifying_key().clone()], &[])
    };
    let findings = [
        spoilt(r#""account":"prod","#, r#""account":"prod","account":"prod","#),
        spoilt(r#""waited_ms":0"#, r#""waited_ms":0.00000000000000000000001"#),
        spoilt(r#""waited_ms":0"#, r#""waited_ms":{"$serde_json::private::Number":"0"}"#),
        spoilt("{\"end\"", "nonsense\n{\"end\""),
        spoilt("{\"end\"", "{ \"checkpoint\":\"x\"}\n{\"end\""),
        spoilt("{\"end\"", "{\"log\":{\"name\":\"0/changes\",\"start\":0,\"size\":0,\"range\":[]}}\n{\"end\""),
        spoilt("{\"end\":{\"entries\":300}}", "{\"end\":{\"entries\":299}}"),
        spoilt("{\"tile\"", "{\"tile\":{\"level\":0,\"number\":9,\"hashes\":\"\"}}\n{\"tile\""),
        spoilt("\"origin\":\"gateway.", "\"origin\":\"other."),
    ];
    for report in findings {
        assert!(!report.is_proven());
    }
    // Longer than any line: passed over, never held.
    let long = spoilt("{\"end\"", &format!("{}\n{{\"end\"", "x".repeat(17 << 20)));
    assert_eq!(long.findings.counts.get("malformed"), Some(&1));
}

#[test]
fn checkpoints_of_something_else() {
    let key = key();
    let export = Export::new(300, &[280], &key);
    let of = |origin: &str| {
        let checkpoint = Checkpoint { origin: origin.to_owned(), size: 5, root: leaf(b""), time: None };
        sentences(&export.verify(&key, &[checkpoint.sign(&[&key]).unwrap()]))
    };
    assert_eq!(
        of("elsewhere/0/changes"),
        ["a checkpoint in 0-changes.checkpoints is of another log: elsewhere/0/changes"]
    );
    assert_eq!(
        of("gateway.example.com/audit/0/reads"),
        ["0/reads is not in the export, but 5 entries of it were signed"]
    );
    assert_eq!(
        of("gateway.example.com/audit/0/changes"),
        ["0/changes the checkpoint of size 5 is of another history, though later ones fit"]
    );
}

#[test]
fn findings_are_bounded() {
    let key = key();
    let mut export = Export::new(2000, &[1990], &key);
    for row in export.rows.iter_mut().step_by(2) {
        row["record"]["account"] = serde_json::json!("other");
    }
    let report = export.verify(&key, &[]);
    assert_eq!((report.findings.first.len(), report.findings.total), (100, 1000));
    assert_eq!(report.findings.counts.get("edited"), Some(&1000));
}
