//! Reads `actions.toml`: structures and actions.

use super::super::action::Kind;
use super::super::error::{At, Report, SourceFile};
use super::reader::{Item, Table, read_file};

/// `actions.toml` as written.
pub(super) struct ActionRows {
    pub(super) structures: Vec<(At<String>, Vec<FieldRow>)>,
    pub(super) actions: Vec<ActionRow>,
}

/// A member and the text of its type.
pub(super) struct FieldRow {
    pub(super) name: At<String>,
    pub(super) words: At<String>,
}

/// An action.
pub(super) struct ActionRow {
    pub(super) name: At<String>,
    pub(super) task: Option<At<String>>,
    pub(super) kind: Option<At<Kind>>,
    pub(super) ids: Vec<IdRow>,
    pub(super) creates: Option<At<String>>,
    pub(super) lists: bool,
    pub(super) parameters: Vec<FieldRow>,
    pub(super) answer: Vec<FieldRow>,
    pub(super) bucket: Option<At<String>>,
    pub(super) dangerous: Vec<DangerRow>,
    pub(super) refusals: Vec<(At<String>, At<String>)>,
    pub(super) sources: Vec<At<String>>,
}

/// A parameter that names tasks.
pub(super) struct IdRow {
    pub(super) path: At<String>,
    pub(super) task: At<String>,
    /// Stated here because the parameter itself is optional in the definitions.
    pub(super) required: bool,
}

/// Parameter values that need a grant of their own.
pub(super) struct DangerRow {
    pub(super) name: Option<At<String>>,
    pub(super) parameter: Option<At<String>>,
    pub(super) equals: Vec<At<String>>,
    pub(super) reason: Option<At<String>>,
    pub(super) sources: Vec<At<String>>,
}

pub(super) fn read(file: &SourceFile, report: &Report) -> ActionRows {
    read_file(file, report, |top| {
        let structures = top.optional_table("structure").map(|table| table.entries("structure")).unwrap_or_default();
        let actions = top.table("action").map(|table| table.entries("action")).unwrap_or_default();
        let rows = ActionRows {
            structures: structures.into_iter().map(|(name, item)| (name, fields(item.table()))).collect(),
            actions: actions.into_iter().filter_map(|(name, item)| Some(action(name, item.table()?))).collect(),
        };
        top.finish();
        rows
    })
}

fn action(name: At<String>, table: Table<'_>) -> ActionRow {
    let ids = table.optional_table("ids").map(|ids| ids.entries("task id")).unwrap_or_default();
    let row = ActionRow {
        name,
        task: table.text("task"),
        kind: table.word("kind", Kind::NAMES),
        ids: ids.into_iter().filter_map(|(path, item)| id(path, &item)).collect(),
        creates: table.optional_text("creates"),
        lists: table.flag("lists"),
        parameters: fields(table.optional_table("parameters")),
        answer: fields(table.optional_table("answer")),
        bucket: table.optional_text("bucket"),
        dangerous: table.tables("dangerous").into_iter().map(danger).collect(),
        refusals: refusals(&table),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

/// `reason = "Code"` of an action or of a kind of task.
pub(super) fn refusals(table: &Table<'_>) -> Vec<(At<String>, At<String>)> {
    let entries = table.optional_table("refusals").map(|table| table.entries("refusal")).unwrap_or_default();
    entries.into_iter().filter_map(|(reason, item)| Some((reason, item.text()?))).collect()
}

fn fields(table: Option<Table<'_>>) -> Vec<FieldRow> {
    let entries = table.map(|table| table.entries("member")).unwrap_or_default();
    entries.into_iter().filter_map(|(name, item)| Some(FieldRow { name, words: item.text()? })).collect()
}

/// `JobId = "migration"`, or `JobId = { task = "migration", required = true }`.
fn id(path: At<String>, item: &Item<'_>) -> Option<IdRow> {
    if item.is_text() {
        return Some(IdRow { path, task: item.text()?, required: false });
    }
    let table = item.table()?;
    let (task, required) = (table.text("task"), table.flag("required"));
    table.finish();
    Some(IdRow { path, task: task?, required })
}

fn danger(table: Table<'_>) -> DangerRow {
    let row = DangerRow {
        name: table.text("name"),
        parameter: table.text("parameter"),
        equals: table.texts("equals"),
        reason: table.text("reason"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}
