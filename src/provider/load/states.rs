//! Reads `states.toml`: kinds of task, their states, and the rules.

use super::super::error::{At, Place, Report, SourceFile};
use super::super::state::{Confidence, Mode};
use super::actions::refusals;
use super::reader::{Item, Table, read_file};

/// `states.toml` as written.
pub(super) struct StateRows {
    pub(super) tasks: Vec<TaskRow>,
    pub(super) rules: Vec<RuleRow>,
}

/// A kind of task.
pub(super) struct TaskRow {
    pub(super) name: At<String>,
    pub(super) read: Option<SourceRow>,
    pub(super) learn: Vec<SourceRow>,
    pub(super) states: Vec<StateRow>,
    pub(super) billing: Option<BillingRow>,
    pub(super) refusals: Vec<(At<String>, At<String>)>,
}

/// Where an answer tells a state; with the request's parameter if it is how the gateway asks.
pub(super) struct SourceRow {
    pub(super) place: Place,
    pub(super) action: Option<At<String>>,
    pub(super) parameter: Option<At<String>>,
    pub(super) id: Option<At<String>>,
    pub(super) state: Option<At<String>>,
    pub(super) billing: Option<At<String>>,
    pub(super) sources: Vec<At<String>>,
}

/// A state.
pub(super) struct StateRow {
    pub(super) name: At<String>,
    pub(super) code: Option<At<String>>,
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

/// When a changing action is allowed.
pub(super) struct RuleRow {
    pub(super) action: At<String>,
    pub(super) allowed: Option<AllowedRow>,
    pub(super) billing: Option<At<AllowedRow>>,
    pub(super) mode: Option<At<Mode>>,
    pub(super) confidence: Option<At<Confidence>>,
    pub(super) reason: Option<At<String>>,
    pub(super) sources: Vec<At<String>>,
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
        read: table.table("read").map(|read| {
            let parameter = read.text("parameter");
            SourceRow { parameter, ..source(read) }
        }),
        learn: table.tables("learn").into_iter().map(source).collect(),
        states: states.into_iter().filter_map(|(name, item)| Some(state(name, item.table()?))).collect(),
        billing: table.optional_table("billing").map(|table| billing(table, report)),
        refusals: refusals(&table),
    };
    table.finish();
    row
}

fn source(table: Table<'_>) -> SourceRow {
    let row = SourceRow {
        place: table.place(),
        action: table.text("action"),
        parameter: None,
        id: table.text("id"),
        state: table.text("state"),
        billing: table.optional_text("billing"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

fn state(name: At<String>, table: Table<'_>) -> StateRow {
    let row = StateRow {
        name,
        code: table.get("code").and_then(|item| item.wire()),
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

fn rule(action: At<String>, table: Table<'_>, report: &Report) -> RuleRow {
    let row = RuleRow {
        action,
        allowed: allowed(&table, "allowed", report).map(|row| row.value),
        billing: table.get("billing").and_then(|item| allowed_item(&item, report)),
        mode: table.optional_word("mode", Mode::NAMES),
        confidence: table.word("confidence", Confidence::NAMES),
        reason: table.optional_text("reason"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

fn allowed(table: &Table<'_>, key: &'static str, report: &Report) -> Option<At<AllowedRow>> {
    match table.get(key) {
        Some(item) => allowed_item(&item, report),
        None => {
            report.add(&table.place(), format!("there is no `{key}`: a list of states, or \"any\""));
            None
        }
    }
}

fn allowed_item(item: &Item<'_>, report: &Report) -> Option<At<AllowedRow>> {
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
