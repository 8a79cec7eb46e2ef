//! Answers as tables, or as the JSON that they came in.

use serde_json::Value;

use super::super::out::plain;
use super::super::{Surroundings, table};

/// A page of records.
pub(super) fn records(page: &Value, json: bool, here: &Surroundings) {
    if json {
        return here.out.json(page);
    }
    let rows: Vec<Vec<String>> = items(&page["records"]).iter().map(row).collect();
    let head = ["TIME", "CALLS", "CALLER", "ACTION", "TASKS", "OUTCOME", "WHY", "WAITED", "REQUEST ID"];
    table::lines(&head, &rows).iter().for_each(|line| here.out.line(line));
    if let Some(cursor) = page["next_cursor"].as_str() {
        here.out.complain(&format!("note: there are more, go on with --cursor {}", plain(cursor)));
    }
}

/// One record.
pub(super) fn record(written: &Value, json: bool, here: &Surroundings) {
    if json {
        return here.out.json(written);
    }
    lines_of(written).iter().for_each(|line| here.out.line(line));
}

/// A record's phases, each with its proof, then what it says, as it ended or as it was intended.
fn lines_of(written: &Value) -> Vec<String> {
    let phase = |name: &str| {
        let phase = &written[name];
        let said = if name == "settled" { text(phase, "settled") } else { text(&phase["record"], "outcome") };
        let proof = &phase["proof"];
        let place = proof["index"].as_u64().map(|index| format!("{} entry {index}", text(proof, "log")));
        let state = proof["state"].as_str().unwrap_or("none").to_owned();
        let row = vec![name.to_owned(), said, text(proof, "recorded_at"), state, place.unwrap_or_default()];
        phase.is_object().then_some(row)
    };
    let rows: Vec<Vec<String>> = ["intent", "ended", "settled"].into_iter().filter_map(phase).collect();
    let mut lines = table::lines(&["PHASE", "SAYS", "RECORDED", "PROOF", "PLACE"], &rows);
    lines.push(String::new());
    let last = ["ended", "intent"].into_iter().map(|name| &written[name]["record"]).find(|record| record.is_object());
    let record = last.unwrap_or(&Value::Null);
    lines.extend(fields(record).chain(fields(&record["detail"])));
    lines
}

/// Everything that says something, a line each.
fn fields(object: &Value) -> impl Iterator<Item = String> {
    object.as_object().into_iter().flatten().filter_map(|(name, value)| {
        let shown = match value {
            Value::Null | Value::Bool(false) => return None,
            Value::Object(_) if name == "detail" => return None,
            Value::String(text) => text.clone(),
            Value::Array(all) if all.is_empty() => String::new(),
            other => other.to_string(),
        };
        (!shown.is_empty()).then(|| format!("{}: {}", plain(name), plain(&shown)))
    })
}

/// The numbers of a summary that are not 0.
pub(super) fn summary(summary: &Value, json: bool, here: &Surroundings) {
    if json {
        return here.out.json(summary);
    }
    let by = summary["by"].as_str().unwrap_or_default().to_uppercase();
    let mut rows = Vec::new();
    for bucket in items(&summary["buckets"]) {
        for (word, count) in bucket["counts"].as_object().into_iter().flatten() {
            rows.push(vec![text(bucket, "start"), word.clone(), count.to_string()]);
        }
    }
    rows.push(vec!["total".to_owned(), String::new(), summary["total"].to_string()]);
    table::lines(&["START", &by, "CALLS"], &rows).iter().for_each(|line| here.out.line(line));
}

fn row(record: &Value) -> Vec<String> {
    let tasks = items(&record["task_ids"]).iter().filter_map(Value::as_str).collect::<Vec<_>>();
    let why = ["reason", "upstream_code", "settled"].map(|name| text(record, name));
    let waited = record["waited_ms"].as_i64().filter(|waited| *waited > 0);
    vec![
        text(record, "time"),
        record["calls"].as_u64().unwrap_or(1).to_string(),
        text(record, "caller"),
        text(record, "action"),
        tasks.join(","),
        text(record, "outcome"),
        why.into_iter().find(|why| !why.is_empty()).unwrap_or_default(),
        waited.map(|waited| format!("{waited} ms")).unwrap_or_default(),
        text(record, "request_id"),
    ]
}

fn text(record: &Value, name: &str) -> String {
    record[name].as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_its_phases_and_what_it_says() {
        let record = |outcome: &str| {
            json!({
                "id": "01a1", "caller": "ann\u{1b}[2J", "outcome": outcome, "reason": null, "caller_gone": false,
                "region": "", "task_ids": ["dts-1"], "waited_ms": 3, "detail": { "kind": "change", "observed": [] }
            })
        };
        let proof = json!({
            "state": "proven", "log": "0/changes", "index": 7, "recorded_at": "2026-11-21T10:00:00.000000Z"
        });
        let written = json!({
            "id": "01a1",
            "intent": { "record": record("open"), "proof": proof },
            "ended": { "record": record("unknown") },
            "settled": { "settled": "done", "proof": { "state": "pending", "log": "0/changes", "index": 9 } },
        });
        assert_eq!(
            lines_of(&written),
            [
                "PHASE    SAYS     RECORDED                     PROOF    PLACE",
                "intent   open     2026-11-21T10:00:00.000000Z  proven   0/changes entry 7",
                "ended    unknown                               none",
                "settled  done                                  pending  0/changes entry 9",
                "",
                "caller: ann\u{fffd}[2J",
                "id: 01a1",
                "outcome: unknown",
                "task_ids: [\"dts-1\"]",
                "waited_ms: 3",
                "kind: change",
            ]
        );
        let read = json!({ "id": "01a2", "ended": { "record": record("ok") } });
        assert!(lines_of(&read).iter().any(|line| line == "outcome: ok"));
    }
}
