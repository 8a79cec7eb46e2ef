//! Records as CSV (RFC 4180, with a head), for spreadsheets: what a caller has sent is never a formula there.

use serde_json::Value;

/// The columns: fields of a record, and those of its detail behind a point.
const COLUMNS: [&str; 40] = [
    "id",
    "time",
    "account",
    "team",
    "caller",
    "key_id",
    "address",
    "family",
    "version",
    "action",
    "region",
    "task_ids",
    "outcome",
    "reason",
    "caller_gone",
    "settled",
    "request_id",
    "upstream_request_id",
    "upstream_code",
    "waited_ms",
    "calls",
    "detail.kind",
    "detail.parameters",
    "detail.parameters_digest",
    "detail.message",
    "detail.grant",
    "detail.states",
    "detail.observed",
    "detail.limit",
    "detail.table",
    "detail.upstream_status",
    "detail.upstream_ms",
    "detail.total_ms",
    "detail.origin",
    "detail.user_agent",
    "detail.until",
    "detail.addresses",
    "detail.journaled",
    "detail.shared_from",
    "detail.throttled",
];

/// What makes a spreadsheet take a cell for a formula, or a control character that it would skip before one
/// (OWASP, "CSV Injection"); the wide forms are taken for the narrow ones in some languages.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The head.
pub fn csv_head() -> Vec<u8> {
    written(std::iter::once(COLUMNS.map(str::to_owned).to_vec()))
}

/// Records, as the admin listener shows them in JSON.
pub fn csv_rows<'a>(records: impl IntoIterator<Item = &'a Value>) -> Vec<u8> {
    written(records.into_iter().map(|record| COLUMNS.iter().map(|column| cell(record, column)).collect()))
}

fn written(rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut lines = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        // Only a sink that fails or a row of another length is an error; there is neither.
        let _ = lines.write_record(row);
    }
    lines.into_inner().unwrap_or_default()
}

fn cell(record: &Value, column: &str) -> String {
    let value = match column.strip_prefix("detail.") {
        Some(column) => &record["detail"][column],
        None => &record[column],
    };
    let text = match value {
        // A sheet adds up its columns.
        Value::Null if column == "calls" => "1".to_owned(),
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(ids) if column == "task_ids" => ids.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Value::Array(none) if none.is_empty() => String::new(),
        other => other.to_string(),
    };
    if text.starts_with(FORMULA) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::call::{AddressSeen, Calls, Detail, Record, Settled, StateSeen};

    fn read(bytes: &[u8]) -> Vec<Vec<String>> {
        let mut lines = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
        lines.records().map(|line| line.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn every_field_has_its_column() {
        let record = Record {
            reason: Some("r".to_owned()),
            settled: Some(Settled::Done),
            upstream_request_id: Some("u".to_owned()),
            upstream_code: Some("c".to_owned()),
            calls: Calls::from(2),
            detail: Detail {
                upstream_status: Some(1),
                upstream_ms: Some(2),
                until: Some(jiff::Timestamp::UNIX_EPOCH),
                addresses: vec![AddressSeen::default()],
                journaled: true,
                shared_from: "s".to_owned(),
                throttled: true,
                ..Detail::default()
            },
            ..Record::default()
        };
        let record = serde_json::to_value(record).unwrap();
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let detail = names(&record["detail"]).into_iter().map(|name| format!("detail.{name}"));
        let fields: BTreeSet<String> =
            names(&record).into_iter().filter(|name| name != "detail").chain(detail).collect();
        assert_eq!(fields, COLUMNS.iter().map(|column| (*column).to_owned()).collect());
    }

    #[test]
    fn what_is_no_formula_comes_back_as_it_was() {
        let strings = include_str!("../../tests/corpora/json/strings.json");
        let strings: Vec<String> = serde_json::from_str(strings).unwrap();
        let more = ["a,b", "\"quoted\"", "two\r\nlines", "", " "].map(str::to_owned);
        for text in strings.into_iter().chain(more) {
            let states = vec![StateSeen { task: text.clone(), state: "s".to_owned(), age_ms: -1, mode: String::new() }];
            let record = json!({"caller": text, "detail": {"states": states, "message": text}});
            let row = read(&csv_rows([&record])).remove(0);
            let expected = if text.starts_with(FORMULA) { format!("'{text}") } else { text.clone() };
            assert_eq!((&row[4], &row[24]), (&expected, &expected));
            assert_eq!(serde_json::from_str::<Vec<StateSeen>>(&row[26]).unwrap()[0].task, text);
        }
    }

    #[test]
    fn a_formula_is_a_text() {
        for formula in
            ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "=HYPERLINK(\"http://x\",\"y\")"]
        {
            let record = json!({"action": formula, "task_ids": [formula], "waited_ms": 3});
            let row = read(&csv_rows([&record])).remove(0);
            assert_eq!((&row[9], &row[11]), (&format!("'{formula}"), &format!("'{formula}")));
            assert_eq!((row[19].as_str(), row[20].as_str()), ("3", "1"), "what says nothing is one call");
        }
    }

    #[test]
    fn lines_end_as_the_standard_says() {
        assert!(csv_head().ends_with(b"detail.throttled\r\n"));
        assert_eq!(read(&csv_head())[0], COLUMNS);
    }
}
