//! Reads the rules of `states.toml`.

use super::super::error::{At, Report};
use super::super::state::{Confidence, Mode};
use super::reader::Table;
use super::states::{AllowedRow, ConditionRows, allowed, allowed_item, conditions};

/// When a changing action is allowed.
pub(super) struct RuleRow {
    pub(super) action: At<String>,
    pub(super) allowed: Option<AllowedRow>,
    pub(super) also: Vec<AlsoRow>,
    pub(super) when: Option<ConditionRows>,
    pub(super) billing: Option<At<AllowedRow>>,
    pub(super) leads_to: Vec<At<String>>,
    pub(super) ends_in: Vec<At<String>>,
    pub(super) removes: bool,
    pub(super) mode: Option<At<Mode>>,
    pub(super) confidence: Option<At<Confidence>>,
    pub(super) reason: Option<At<String>>,
    pub(super) sources: Vec<At<String>>,
}

/// Further states under a condition.
pub(super) struct AlsoRow {
    pub(super) states: Vec<At<String>>,
    pub(super) when: Option<ConditionRows>,
}

pub(super) fn rule(action: At<String>, table: Table<'_>, report: &Report) -> RuleRow {
    let row = RuleRow {
        action,
        allowed: allowed(&table, "allowed", report).map(|row| row.value),
        also: table.tables("also").into_iter().map(also).collect(),
        when: conditions(&table, "when"),
        billing: table.get("billing").and_then(|item| allowed_item(&item, report)),
        leads_to: table.texts_if_there("leads_to").unwrap_or_default(),
        ends_in: table.texts_if_there("ends_in").unwrap_or_default(),
        removes: table.flag("removes"),
        mode: table.optional_word("mode", Mode::NAMES),
        confidence: table.word("confidence", Confidence::NAMES),
        reason: table.optional_text("reason"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

fn also(table: Table<'_>) -> AlsoRow {
    let row = AlsoRow { states: table.texts("states"), when: conditions(&table, "when") };
    if row.when.is_none() {
        table.missing("when");
    }
    table.finish();
    row
}
