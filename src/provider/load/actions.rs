//! Reads `actions.toml`: structures and actions.

use super::super::action::Kind;
use super::super::error::{At, Place, Report, SourceFile};
use super::reader::{Item, Table, read_file};
use super::states::{ConditionRows, conditions};

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
    pub(super) creates: Option<CreatesRow>,
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
    /// The parameter that names the task to which these belong.
    pub(super) of: Option<At<String>>,
    /// Only copied from.
    pub(super) template: bool,
}

/// Where the answer names the tasks that were made.
pub(super) struct CreatesRow {
    pub(super) path: At<String>,
    /// Their kind, if it is not the action's own.
    pub(super) task: Option<At<String>>,
}

/// Something that needs a grant of its own.
pub(super) struct DangerRow {
    pub(super) place: Place,
    pub(super) name: Option<At<String>>,
    pub(super) parameter: Option<At<String>>,
    pub(super) equals: Option<Vec<At<String>>>,
    pub(super) task: Option<At<String>>,
    pub(super) unless_states: Option<Vec<At<String>>>,
    pub(super) billing: Option<Vec<At<String>>>,
    pub(super) when: Option<ConditionRows>,
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
        creates: table.get("creates").and_then(|item| creates(&item)),
        lists: table.flag("lists"),
        parameters: fields(table.optional_table("parameters")),
        answer: fields(table.optional_table("answer")),
        bucket: table.optional_text("bucket"),
        dangerous: table.tables("dangerous").into_iter().map(danger).collect(),
        refusals: table.named_texts("refusals", "refusal"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

fn fields(table: Option<Table<'_>>) -> Vec<FieldRow> {
    let entries = table.map(|table| table.entries("member")).unwrap_or_default();
    entries.into_iter().filter_map(|(name, item)| Some(FieldRow { name, words: item.text()? })).collect()
}

/// `JobId = "migration"`, or a table that says more.
fn id(path: At<String>, item: &Item<'_>) -> Option<IdRow> {
    if item.is_text() {
        return Some(IdRow { path, task: item.text()?, required: false, of: None, template: false });
    }
    let table = item.table()?;
    let (task, of) = (table.text("task"), table.optional_text("of"));
    let (required, template) = (table.flag("required"), table.flag("template"));
    table.finish();
    Some(IdRow { path, task: task?, required, of, template })
}

/// `"JobIds[]"`, or `{ path = "CompareTaskId", task = "compare" }`.
fn creates(item: &Item<'_>) -> Option<CreatesRow> {
    if item.is_text() {
        return Some(CreatesRow { path: item.text()?, task: None });
    }
    let table = item.table()?;
    let (path, task) = (table.text("path"), table.text("task"));
    table.finish();
    Some(CreatesRow { path: path?, task })
}

fn danger(table: Table<'_>) -> DangerRow {
    let row = DangerRow {
        place: table.place(),
        name: table.text("name"),
        parameter: table.optional_text("parameter"),
        equals: table.texts_if_there("equals"),
        task: table.optional_text("task"),
        unless_states: table.texts_if_there("unless_states"),
        billing: table.texts_if_there("billing"),
        when: conditions(&table, "when"),
        reason: table.text("reason"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}
