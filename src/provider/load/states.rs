//! Reads `states.toml`: kinds of task, their states, and the rules.

use super::super::error::{At, Report, SourceFile};
use super::reader::{Item, Table, read_file};
use super::reads::{self, NewestRow, SourceRow};
use super::rules::{RuleRow, rule};

/// `states.toml` as written.
pub(super) struct StateRows {
    pub(super) tasks: Vec<TaskRow>,
    pub(super) rules: Vec<RuleRow>,
}

/// A kind of task.
pub(super) struct TaskRow {
    pub(super) name: At<String>,
    pub(super) parent: Option<ParentRow>,
    /// What canonical ids begin with.
    pub(super) prefix: Option<At<String>>,
    pub(super) read: Option<SourceRow>,
    pub(super) learn: Vec<SourceRow>,
    pub(super) newest: Option<NewestRow>,
    pub(super) states: Vec<StateRow>,
    pub(super) billing: Option<BillingRow>,
    /// The cloud's word for an operation, and the action that it stands for.
    pub(super) offers: Vec<(At<String>, At<String>)>,
    pub(super) refusals: Vec<(At<String>, At<String>)>,
}

/// The kind of task that others belong to.
pub(super) struct ParentRow {
    pub(super) task: At<String>,
    pub(super) id_begins: At<String>,
}

/// Facts and the values that they may have.
pub(super) type ConditionRows = Vec<(At<String>, Vec<At<String>>)>;

/// A state.
pub(super) struct StateRow {
    pub(super) name: At<String>,
    pub(super) code: Option<At<String>>,
    pub(super) aliases: Vec<At<String>>,
    pub(super) moves: bool,
    pub(super) is_final: bool,
    pub(super) sources: Vec<At<String>>,
}

/// The billing states of a kind of task.
pub(super) struct BillingRow {
    pub(super) states: Vec<At<String>>,
    pub(super) unless_stated: Option<AllowedRow>,
    pub(super) reason: Option<At<String>>,
    pub(super) sources: Vec<At<String>>,
}

/// `"any"`, or a list of states.
pub(super) enum AllowedRow {
    Any,
    Only(Vec<At<String>>),
}

pub(super) fn read(file: &SourceFile, report: &Report) -> StateRows {
    read_file(file, report, |top| {
        let tasks = top.table("task").map(|table| table.entries("task")).unwrap_or_default();
        let rules = top.optional_table("rule").map(|table| table.entries("rule")).unwrap_or_default();
        let rows = StateRows {
            tasks: tasks.into_iter().filter_map(|(name, item)| Some(task(name, item.table()?, report))).collect(),
            rules: rules.into_iter().filter_map(|(name, item)| Some(rule(name, item.table()?, report))).collect(),
        };
        top.finish();
        rows
    })
}

fn task(name: At<String>, table: Table<'_>, report: &Report) -> TaskRow {
    let states = table.table("state").map(|table| table.entries("state")).unwrap_or_default();
    let row = TaskRow {
        name,
        parent: table.optional_table("parent").and_then(parent),
        prefix: table.optional_table("canonical").and_then(canonical),
        read: table.table("read").map(reads::read),
        learn: table.tables("learn").into_iter().map(reads::source).collect(),
        newest: table.optional_table("newest").map(reads::newest),
        states: states.into_iter().filter_map(|(name, item)| Some(state(name, item.table()?))).collect(),
        billing: table.optional_table("billing").map(|table| billing(table, report)),
        offers: table.named_texts("offers", "word"),
        refusals: table.named_texts("refusals", "refusal"),
    };
    table.finish();
    row
}

/// `canonical = { prefix = "dts" }`.
fn canonical(table: Table<'_>) -> Option<At<String>> {
    let prefix = table.text("prefix");
    table.finish();
    prefix
}

fn parent(table: Table<'_>) -> Option<ParentRow> {
    let (task, id_begins) = (table.text("task"), table.text("id_begins"));
    table.finish();
    Some(ParentRow { task: task?, id_begins: id_begins? })
}

/// `when = { source_engine = ["redis"] }`.
pub(super) fn conditions(table: &Table<'_>, key: &'static str) -> Option<ConditionRows> {
    let entries = table.optional_table(key)?.entries("fact");
    Some(entries.into_iter().map(|(fact, item)| (fact, item.texts())).collect())
}

fn state(name: At<String>, table: Table<'_>) -> StateRow {
    let row = StateRow {
        name,
        code: table.get("code").and_then(|item| item.wire()),
        aliases: table.texts_if_there("aliases").unwrap_or_default(),
        moves: table.flag("moves"),
        is_final: table.flag("final"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

fn billing(table: Table<'_>, report: &Report) -> BillingRow {
    let row = BillingRow {
        states: table.texts("states"),
        unless_stated: allowed(&table, "unless_stated", report).map(|row| row.value),
        reason: table.optional_text("reason"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

pub(super) fn allowed(table: &Table<'_>, key: &'static str, report: &Report) -> Option<At<AllowedRow>> {
    match table.get(key) {
        Some(item) => allowed_item(&item, report),
        None => {
            report.add(&table.place(), format!("there is no `{key}`: a list of states, or \"any\""));
            None
        }
    }
}

pub(super) fn allowed_item(item: &Item<'_>, report: &Report) -> Option<At<AllowedRow>> {
    if !item.is_text() {
        return Some(At { value: AllowedRow::Only(item.texts()), place: item.place() });
    }
    let text = item.text()?;
    if text.value == "any" {
        return Some(text.map(|_| AllowedRow::Any));
    }
    report.add(&text.place, "must be a list of states, or \"any\"");
    None
}
