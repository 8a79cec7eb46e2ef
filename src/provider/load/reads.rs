//! Reads how `states.toml` says that states are asked for, and where answers tell them.

use super::super::error::{At, Place};
use super::reader::{Item, Table};
use crate::parameters::Value;

/// Where an answer tells a state; with the request's parameter if it is how the gateway asks.
pub(super) struct SourceRow {
    pub(super) place: Place,
    pub(super) action: Option<At<String>>,
    pub(super) asks: Option<AskRow>,
    pub(super) id: Option<At<String>>,
    pub(super) job_id: Option<At<String>>,
    /// Where the answer tells of a job alone.
    pub(super) job_alone: Option<JobAloneRow>,
    pub(super) state: Option<At<String>>,
    pub(super) billing: Option<At<String>>,
    pub(super) facts: Vec<(At<String>, At<String>)>,
    pub(super) offered: Option<OfferedRow>,
    pub(super) sources: Vec<At<String>>,
}

/// How the gateway asks.
pub(super) struct AskRow {
    pub(super) parameter: Option<At<String>>,
    pub(super) job_parameter: Option<At<String>>,
    pub(super) parent: Option<At<String>>,
    /// Parameters with the same value every time.
    pub(super) with: Vec<(At<String>, Value)>,
}

/// A member of an answer, and the values with which it tells of a job and not of its instance.
pub(super) struct JobAloneRow {
    pub(super) member: At<String>,
    pub(super) values: Vec<At<String>>,
}

/// Where an answer lists the operations that the cloud would accept, and all that there are.
pub(super) struct OfferedRow {
    pub(super) allowed: Option<At<String>>,
    pub(super) all: Option<At<String>>,
}

/// A list of tasks, the newest first.
pub(super) struct NewestRow {
    pub(super) action: Option<At<String>>,
    pub(super) named: Option<At<String>>,
    pub(super) named_with: Vec<(At<String>, Value)>,
    pub(super) with: Vec<(At<String>, Value)>,
    pub(super) typed: Option<TypedRow>,
    pub(super) most: Option<At<u32>>,
    pub(super) names: Vec<At<String>>,
    pub(super) id: Option<At<String>>,
    pub(super) name: Option<At<String>>,
    pub(super) created: Option<At<String>>,
    pub(super) hours_ahead: Option<At<u32>>,
    pub(super) sources: Vec<At<String>>,
}

/// A parameter that chooses between lists, and its words.
pub(super) struct TypedRow {
    pub(super) parameter: At<String>,
    pub(super) words: Vec<At<String>>,
}

/// How the gateway asks, and where the answer tells it.
pub(super) fn read(table: Table<'_>) -> SourceRow {
    let asks = AskRow {
        parameter: table.optional_text("parameter"),
        job_parameter: table.optional_text("job_parameter"),
        parent: table.optional_text("parent"),
        with: with(&table, "with"),
    };
    SourceRow { asks: Some(asks), ..source(table) }
}

/// Where what was made is looked for.
pub(super) fn newest(table: Table<'_>) -> NewestRow {
    let row = NewestRow {
        action: table.text("action"),
        named: table.text("named"),
        named_with: with(&table, "named_with"),
        with: with(&table, "with"),
        typed: table.optional_table("typed").and_then(typed),
        most: table.count("most"),
        names: table.texts("names"),
        id: table.text("id"),
        name: table.text("name"),
        created: table.text("created"),
        hours_ahead: table.get("hours_ahead").and_then(|item| item.count()),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

/// `typed = { parameter = "JobType", words = ["SYNC"] }`.
fn typed(table: Table<'_>) -> Option<TypedRow> {
    let (parameter, words) = (table.text("parameter"), table.texts("words"));
    table.finish();
    Some(TypedRow { parameter: parameter?, words })
}

/// Where an answer tells it.
pub(super) fn source(table: Table<'_>) -> SourceRow {
    let row = SourceRow {
        place: table.place(),
        action: table.text("action"),
        asks: None,
        id: table.text("id"),
        job_id: table.optional_text("job_id"),
        job_alone: table.optional_table("job_alone").and_then(job_alone),
        state: table.text("state"),
        billing: table.optional_text("billing"),
        facts: table.named_texts("facts", "fact"),
        offered: table.optional_table("offered").map(offered),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

/// `job_alone = { member = "DtsJobDirection", values = ["Reverse"] }`.
fn job_alone(table: Table<'_>) -> Option<JobAloneRow> {
    let (member, values) = (table.text("member"), table.texts("values"));
    table.finish();
    Some(JobAloneRow { member: member?, values })
}

fn offered(table: Table<'_>) -> OfferedRow {
    let row = OfferedRow { allowed: table.text("allowed"), all: table.text("all") };
    table.finish();
    row
}

/// `with = { Limit = 100 }`: numbers stay numbers.
fn with(table: &Table<'_>, key: &'static str) -> Vec<(At<String>, Value)> {
    let entries = table.optional_table(key).map(|table| table.entries("parameter")).unwrap_or_default();
    let value = |item: Item<'_>| {
        let wire = item.wire()?.value;
        Some(if item.is_text() { Value::String(wire) } else { Value::Number(wire) })
    };
    entries.into_iter().filter_map(|(name, item)| Some((name, value(item)?))).collect()
}
