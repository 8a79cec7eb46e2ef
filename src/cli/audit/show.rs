//! Answers as tables, or as the JSON that they came in.

use serde_json::Value;

use super::super::out::plain;
use super::super::{Surroundings, table};

/// A page of records.
pub(super) fn records(page: &Value, json: bool, here: &Surroundings) {
    if json {
        return here.out.json(page);
    }
    let rows: Vec<Vec<String>> = items(&page["records"]).iter().map(record).collect();
    let head = ["TIME", "CALLS", "CALLER", "ACTION", "TASKS", "OUTCOME", "WHY", "WAITED", "REQUEST ID"];
    table::lines(&head, &rows).iter().for_each(|line| here.out.line(line));
    if let Some(cursor) = page["next_cursor"].as_str() {
        here.out.complain(&format!("note: there are more, go on with --cursor {}", plain(cursor)));
    }
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

fn record(record: &Value) -> Vec<String> {
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
