//! Everything that somebody could do to a log, and what is said of it.

use serde_json::{Value, json};

use super::bed::*;
use crate::proof::*;

/// 700 entries: two full tiles and a bit; the auditor holds a checkpoint of 650.
fn bed() -> (Export, SigningKey, Vec<String>) {
    let key = key();
    let export = Export::new(700, &[100, 400, 690], &key);
    let held = vec![checkpoint(&export.rows, 650, &[&key])];
    assert_eq!(sentences(&export.verify(&key, &held)), Vec::<String>::new());
    (export, key, held)
}

/// Every way of changing one scalar, or one member's name, of a value.
fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!(0)],
        Value::Bool(bool) => vec![json!(!bool)],
        Value::Number(number) => vec![json!(number.as_u64().unwrap() + 1), json!(number.to_string())],
        Value::String(text) => vec![json!(format!("{text}x")), json!(format!("{}5", &text[..text.len() - 1]))],
        Value::Array(elements) => {
            let mut all = vec![json!([])];
            for (at, element) in elements.iter().enumerate() {
                all.extend(changes(element).into_iter().map(|changed| {
                    let mut elements = elements.clone();
                    elements[at] = changed;
                    Value::Array(elements)
                }));
            }
            all
        }
        Value::Object(members) => {
            let mut all = Vec::new();
            for (name, member) in members {
                let mut without = members.clone();
                without.remove(name);
                let mut renamed = without.clone();
                renamed.insert(format!("{name}_"), member.clone());
                all.extend([Value::Object(without), Value::Object(renamed)]);
                all.extend(changes(member).into_iter().map(|changed| {
                    let mut members = members.clone();
                    members.insert(name.clone(), changed);
                    Value::Object(members)
                }));
            }
            let mut more = members.clone();
            more.insert("more".to_owned(), json!(1));
            all.push(Value::Object(more));
            all
        }
    }
}

#[test]
fn no_change_of_any_member_goes_unnoticed() {
    let key = key();
    let export = Export::new(300, &[280], &key);
    // One in a full tile, one behind the tiles.
    for at in [100, 270] {
        let all = changes(&export.rows[at]);
        assert!(all.len() > 60, "{}", all.len());
        for changed in all.into_iter().filter(|changed| *changed != export.rows[at]) {
            let mut spoilt = export.clone();
            spoilt.rows[at] = changed.clone();
            let report = spoilt.verify(&key, &[]);
            assert!(!report.is_proven(), "{at}: {changed}");
        }
    }
}

#[test]
fn an_edited_record_is_named() {
    for (at, tile) in [(10, true), (640, false)] {
        let (mut export, key, held) = bed();
        export.rows[at]["record"]["account"] = json!("other");
        let found = sentences(&export.verify(&key, &held));
        let id = export.rows[at]["record"]["id"].as_str().unwrap().to_owned();
        let expected = format!(
            "0/changes entry {at} (record {id}) was edited: its content is not what its hash, and its tile if it has \
             one, were made of"
        );
        assert_eq!(found, [expected]);
        // With the hash beside it.
        rehash(&mut export.rows[at]);
        let found = sentences(&export.verify(&key, &held));
        assert_eq!(found.len(), 1, "{found:?}");
        match tile {
            true => {
                assert!(found[0].contains(&format!("entry {at} (record {id}) was edited: its tile has")), "{found:?}")
            }
            false => {
                assert!(found[0].contains("entries 400 to 649 do not fit the checkpoint of size 650"), "{found:?}")
            }
        }
    }
}

#[test]
fn a_removed_record_is_named() {
    for renumber in [false, true] {
        for at in [0, 10, 200, 254, 300] {
            let (mut export, key, held) = bed();
            export.rows.remove(at);
            if renumber {
                export.renumber();
            }
            let found = sentences(&export.verify(&key, &held));
            assert_eq!(found, [format!("0/changes entry {at} was removed")], "renumbered: {renumber}");
        }
    }
    // Behind the tiles, a gap in the numbers says it; without the gap the checkpoint does.
    let (mut export, key, held) = bed();
    export.rows.remove(600);
    assert_eq!(sentences(&export.verify(&key, &held)), ["0/changes entry 600 was removed"]);
    export.renumber();
    let found = sentences(&export.verify(&key, &held));
    assert!(found.iter().any(|found| found.contains("entries 400 to 649 do not fit")), "{found:?}");
}

#[test]
fn many_removed_records_are_one_finding() {
    let key = key();
    let export = Export::new(3000, &[2900], &key);
    let mut spoilt = export.clone();
    spoilt.rows.drain(300..1400);
    spoilt.renumber();
    let found = sentences(&spoilt.verify(&key, &[]));
    assert_eq!(found, ["0/changes entries 300 to 1399 were removed, 1100 of them"]);
    assert_eq!(spoilt.verify(&key, &[]).findings.total, 1100);
}

#[test]
fn an_inserted_record_is_named() {
    let (mut export, key, held) = bed();
    let mut new = row(9_999);
    new["recorded_at"] = export.rows[10]["recorded_at"].clone();
    rehash(&mut new);
    export.rows.insert(10, new);
    export.renumber();
    let found = sentences(&export.verify(&key, &held));
    let expected = "0/changes entry 10 (record 01900000-0000-7000-8000-000000009999) was inserted: no tile knows it";
    assert_eq!(found, [expected]);
}

#[test]
fn moved_records_are_named() {
    // Swapped, with the hashes beside them or without, their numbers left or changed.
    for with_hash in [true, false] {
        let (mut export, key, held) = bed();
        export.rows.swap(20, 30);
        export.renumber();
        if !with_hash {
            let (one, other) = (export.rows[20]["hash"].clone(), export.rows[30]["hash"].clone());
            (export.rows[20]["hash"], export.rows[30]["hash"]) = (other, one);
        }
        let report = export.verify(&key, &held);
        let found = sentences(&report);
        assert!(found.iter().any(|found| found.contains("000000000030 was moved from 30 to 20")), "{found:?}");
        assert!(found.iter().any(|found| found.contains("000000000020 was moved from 20 to 30")), "{found:?}");
        assert_eq!(report.findings.counts.get("moved"), Some(&2), "{found:?}");
        assert_eq!(report.findings.counts.get("edited"), None, "{found:?}");
    }
    // One, further than is looked ahead.
    let key = key();
    let mut export = Export::new(3000, &[2900], &key);
    let moved = export.rows.remove(100);
    export.rows.insert(2500, moved);
    export.renumber();
    let report = export.verify(&key, &[]);
    let found = sentences(&report);
    assert!(found.iter().any(|found| found.contains("000000000100 was moved from 100 to 2500")), "{found:?}");
}

#[test]
fn a_tail_that_was_cut_off() {
    for missing in [1, 1000] {
        let key = key();
        let mut export = Export::new(2000, &[500], &key);
        let held = vec![checkpoint(&export.rows, 1990, &[&key])];
        let left = 1990 - missing;
        export.rows.truncate(left);
        // The owner takes the tiles with them, or forgets to.
        for tiles in [left / 256, left / 256 + 1] {
            export.tiles.truncate(tiles);
            let report = export.verify(&key, &held);
            let found = sentences(&report);
            let expected = format!("ends at {left}, but 1990 entries were signed by the checkpoint of ");
            assert!(found[0].contains(&expected), "{found:?}");
            assert!(found[0].contains(&format!("{missing} are missing")), "{found:?}");
            assert_eq!((found.len(), report.logs[0].fits), (1, 500), "{found:?}");
        }
    }
}

#[test]
fn a_chain_that_was_rebuilt_with_another_key() {
    let (mut export, key, held) = bed();
    let thief = SigningKey::generate(ORIGIN).unwrap();
    for row in &mut export.rows {
        row["record"]["caller"] = json!("nobody");
        rehash(row);
    }
    export.retile();
    export.checkpoints = [100, 400, 690].iter().map(|size| checkpoint(&export.rows, *size, &[&thief])).collect();
    let report = export.verify(&key, &held);
    let found = sentences(&report);
    assert!(found[0].contains("none of the given keys has signed it"), "{found:?}");
    assert!(found[1].contains("entries 0 to 649 do not fit the checkpoint of size 650"), "{found:?}");
    assert_eq!((found.len(), report.logs[0].proven), (2, 0));
    // Without any checkpoint of one's own nothing that a given key has signed is left.
    let found = sentences(&export.verify(&key, &[]));
    assert!(found[1].contains("700 entries and no checkpoint by a given key"), "{found:?}");
}

#[test]
fn records_hashes_and_tiles_rewritten_together() {
    let (mut export, key, held) = bed();
    export.rows[450]["record"]["outcome"] = json!("refused");
    rehash(&mut export.rows[450]);
    export.retile();
    let report = export.verify(&key, &held);
    let found = sentences(&report);
    assert!(found[0].contains("entries 400 to 649 do not fit the checkpoint of size 650 of"), "{found:?}");
    assert!(found[0].contains("what came before fits the checkpoint of"), "{found:?}");
    assert_eq!((found.len(), report.logs[0].fits), (1, 400));
}

#[test]
fn hashes_and_tiles_that_were_changed_alone() {
    let (mut export, key, held) = bed();
    export.rows[10]["hash"] = json!(leaf(b"other"));
    let found = sentences(&export.verify(&key, &held));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("entry 10 ") && found[0].contains("its hash or its tile was changed"), "{found:?}");
    let (mut export, ..) = bed();
    export.tiles[0][10] = leaf(b"other");
    let found = sentences(&export.verify(&key, &[]));
    assert!(!found.is_empty());
    let (mut export, key, held) = bed();
    export.tiles[0][10] = leaf(b"other");
    let found = sentences(&export.verify(&key, &held));
    assert!(found[0].contains("entry 10 ") && found[0].contains("its hash or its tile was changed"), "{found:?}");
}
