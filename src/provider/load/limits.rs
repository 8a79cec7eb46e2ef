//! Reads `limits.toml`: how often the cloud lets an action be called.

use super::super::error::{At, Place, Report, SourceFile};
use super::super::limit::Dimension;
use super::reader::{Table, read_file};

/// One limit and the buckets that it holds for.
pub(super) struct LimitRow {
    pub(super) place: Place,
    pub(super) calls: Option<At<u32>>,
    pub(super) window_ms: Option<At<u32>>,
    pub(super) scope: Vec<Dimension>,
    pub(super) assumed: bool,
    pub(super) reason: Option<At<String>>,
    pub(super) sources: Vec<At<String>>,
    pub(super) buckets: Vec<At<String>>,
}

pub(super) fn read(file: &SourceFile, report: &Report) -> Vec<LimitRow> {
    read_file(file, report, |top| {
        let rows = top.tables("limit").into_iter().map(|table| limit(table, report)).collect();
        top.finish();
        rows
    })
}

fn limit(table: Table<'_>, report: &Report) -> LimitRow {
    let row = LimitRow {
        place: table.place(),
        calls: table.count("calls"),
        window_ms: table.count("window_ms"),
        scope: dimensions(&table.texts("scope"), report),
        assumed: table.flag("assumed"),
        reason: table.optional_text("reason"),
        sources: table.texts("sources"),
        buckets: table.texts("buckets"),
    };
    table.finish();
    row
}

fn dimensions(scope: &[At<String>], report: &Report) -> Vec<Dimension> {
    let mut found = Vec::new();
    for word in scope {
        match Dimension::NAMES.iter().find(|(name, _)| *name == word.value) {
            Some((_, dimension)) if found.contains(dimension) => {
                report.add(&word.place, format!("`{}` stands twice in this scope", word.value));
            }
            Some((_, dimension)) => found.push(*dimension),
            None => {
                let known = Dimension::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                report.add(&word.place, format!("`{}` is nothing to count by; known are: {known}", word.value));
            }
        }
    }
    found.sort_unstable();
    found
}
