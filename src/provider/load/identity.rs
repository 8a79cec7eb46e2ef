//! Reads `provider.toml`: who the provider is, where it is reached, how it speaks.

use super::super::error::{At, Place, Report, SourceFile};
use super::super::version::{CommonUse, Family, Source};
use super::reader::{Table, read_file};

/// `provider.toml` as written.
pub(super) struct IdentityRows {
    pub(super) start: Place,
    pub(super) family: Option<At<Family>>,
    pub(super) version: Option<At<String>>,
    pub(super) service: Option<At<String>>,
    pub(super) request: RequestRow,
    pub(super) sources: Vec<(At<String>, Source)>,
    pub(super) codes: CodeRows,
    pub(super) sites: Vec<SiteRow>,
    pub(super) regions: Vec<RegionRow>,
}

/// How parameters are written.
#[derive(Default)]
pub(super) struct RequestRow {
    pub(super) region: Option<At<String>>,
    pub(super) first_index: usize,
    pub(super) common: Vec<(At<String>, At<CommonUse>)>,
}

/// What the cloud's error codes mean.
#[derive(Default)]
pub(super) struct CodeRows {
    pub(super) throttled: Vec<At<String>>,
    pub(super) task_not_found: Vec<At<String>>,
    pub(super) state_refused: Vec<At<String>>,
    pub(super) sources: Vec<At<String>>,
}

/// A way into the cloud.
pub(super) struct SiteRow {
    pub(super) name: At<String>,
    pub(super) default: Option<At<String>>,
    pub(super) regional: Option<At<String>>,
    pub(super) sources: Vec<At<String>>,
}

/// A region that a call may name.
pub(super) struct RegionRow {
    pub(super) name: At<String>,
    pub(super) regional: Vec<At<String>>,
    pub(super) only: Option<At<String>>,
    pub(super) sources: Vec<At<String>>,
}

pub(super) fn read(file: &SourceFile, report: &Report) -> IdentityRows {
    read_file(file, report, |top| {
        let rows = IdentityRows {
            start: file.start(),
            family: top.word("family", Family::NAMES),
            version: top.text("version"),
            service: top.text("service"),
            request: top.table("request").map(request).unwrap_or_default(),
            sources: named(&top, "sources", "source", source),
            codes: top.table("codes").map(codes).unwrap_or_default(),
            sites: named(&top, "site", "site", site).into_iter().map(|(_, row)| row).collect(),
            regions: named(&top, "region", "region", region).into_iter().map(|(_, row)| row).collect(),
        };
        top.finish();
        rows
    })
}

fn request(table: Table<'_>) -> RequestRow {
    let region = table.text("region");
    let first_index = table.get("first_index").and_then(|item| item.count()).map_or(0, |first| first.value);
    let entries = table.table("common").map(|common| common.entries("common parameter")).unwrap_or_default();
    let common = entries.into_iter().filter_map(|(name, item)| Some((name, item.word(CommonUse::NAMES)?))).collect();
    table.finish();
    RequestRow { region, first_index: usize::try_from(first_index).unwrap_or(usize::MAX), common }
}

/// Reads a table of named rows that must be there.
fn named<T>(
    top: &Table<'_>,
    key: &'static str,
    what: &str,
    read: fn(At<String>, Table<'_>) -> T,
) -> Vec<(At<String>, T)> {
    let entries = top.table(key).map(|table| table.entries(what)).unwrap_or_default();
    let rows = entries.into_iter().filter_map(|(name, item)| Some((name.clone(), read(name, item.table()?))));
    rows.collect()
}

fn source(_name: At<String>, table: Table<'_>) -> Source {
    let title = table.text("title").map(|title| title.value).unwrap_or_default();
    let address = table.optional_text("address").map(|address| address.value);
    table.finish();
    Source { title, address }
}

fn codes(table: Table<'_>) -> CodeRows {
    let rows = CodeRows {
        throttled: table.texts("throttled"),
        task_not_found: table.texts("task_not_found"),
        state_refused: table.texts("state_refused"),
        sources: table.texts("sources"),
    };
    table.finish();
    rows
}

fn site(name: At<String>, table: Table<'_>) -> SiteRow {
    let row = SiteRow {
        name,
        default: table.optional_text("default"),
        regional: table.optional_text("regional"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

fn region(name: At<String>, table: Table<'_>) -> RegionRow {
    let row = RegionRow {
        name,
        regional: table.optional_texts("regional"),
        only: table.optional_text("only"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}
