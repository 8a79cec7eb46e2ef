//! What makes a call dangerous: one condition a row, on a parameter or on a task that the call names.

use super::super::super::action::Trigger;
use super::super::super::error::{At, Report};
use super::super::super::shape::{Shape, Type};
use super::super::super::state::Conditions;
use super::super::actions::{ActionRow, DangerRow};
use super::super::states::{ConditionRows, TaskRow};
use super::actions::resolve;

pub(super) fn trigger(
    row: &DangerRow,
    action: &ActionRow,
    parameters: &Shape,
    tasks: &[TaskRow],
    report: &Report,
) -> Option<Trigger> {
    let conditions = [row.parameter.is_some(), row.unless_states.is_some(), row.billing.is_some(), row.when.is_some()];
    if conditions.iter().filter(|is_there| **is_there).count() != 1 {
        report.add(&row.place, "a danger has one condition: `parameter`, `unless_states`, `billing` or `when`");
        return None;
    }
    if let Some(equals) = row.equals.iter().flatten().next().filter(|_| row.parameter.is_none()) {
        report.add(&equals.place, "`equals` goes with `parameter`");
    }
    if let Some(parameter) = &row.parameter {
        return of_parameter(parameter, row, action, parameters, report);
    }
    let task = task(row, action, tasks, report)?;
    let known_state = |name: &str| task.states.iter().any(|state| state.name.value == name);
    let known_billing =
        |name: &str| task.billing.iter().flat_map(|billing| &billing.states).any(|state| state.value == name);
    let name = task.name.value.clone();
    if let Some(states) = &row.unless_states {
        let states = known(states, known_state, &format!("state of a {name} task"), report);
        return Some(Trigger::UnlessState { task: name, states });
    }
    if let Some(states) = &row.billing {
        let states = known(states, known_billing, &format!("billing state of a {name} task"), report);
        return Some(Trigger::Billing { task: name, states });
    }
    Some(Trigger::Fact { task: name, when: conditions_of(row.when.as_ref()?, task, report) })
}

/// Conditions on the facts of a kind of task, each of which must be told by the answer that tells its state.
pub(super) fn conditions_of(rows: &ConditionRows, task: &TaskRow, report: &Report) -> Conditions {
    for (fact, _) in rows {
        let told = |read: &super::super::reads::SourceRow| read.facts.iter().any(|(name, _)| name.value == fact.value);
        if !task.read.iter().any(told) {
            report.add(&fact.place, format!("`{}` is no fact of a {} task", fact.value, task.name.value));
        }
    }
    let texts = |values: &[At<String>]| values.iter().map(|value| value.value.clone()).collect();
    Conditions(rows.iter().map(|(fact, values)| (fact.value.clone(), texts(values))).collect())
}

fn of_parameter(
    parameter: &At<String>,
    row: &DangerRow,
    action: &ActionRow,
    parameters: &Shape,
    report: &Report,
) -> Option<Trigger> {
    let of_what = format!("the parameters of {}", action.name.value);
    let (path, value, _) = resolve(parameter, parameters, &of_what, report)?;
    if matches!(value, Type::Structure(_) | Type::List(_)) {
        let message = format!("`{path}` has parts; a dangerous value is one text, number or switch");
        report.add(&parameter.place, message);
        return None;
    }
    for text in row.equals.iter().flatten().filter(|text| !value.takes(&text.value)) {
        report.add(&text.place, format!("`{}` is no {value}, so `{path}` can't be equal to it", text.value));
    }
    // In one spelling each, so that no table has to think of the others.
    let texts = |values: &Vec<At<String>>| {
        let mut texts: Vec<String> = values.iter().map(|text| value.canonical(&text.value).into_owned()).collect();
        texts.dedup();
        texts
    };
    Some(Trigger::Parameter { path, value: value.clone(), equals: row.equals.as_ref().map(texts) })
}

/// The kind of task that the condition is about: one that the call names as its subject.
fn task<'r>(row: &DangerRow, action: &ActionRow, tasks: &'r [TaskRow], report: &Report) -> Option<&'r TaskRow> {
    let task = row.task.as_ref().or(action.task.as_ref())?;
    if !action.ids.iter().any(|id| id.task.value == task.value && !id.template) {
        report.add(&task.place, format!("`{}` names no {} that it is about", action.name.value, task.value));
        return None;
    }
    tasks.iter().find(|row| row.name.value == task.value)
}

fn known(names: &[At<String>], is_known: impl Fn(&str) -> bool, what: &str, report: &Report) -> Vec<String> {
    for name in names.iter().filter(|name| !is_known(&name.value)) {
        report.add(&name.place, format!("`{}` is no {what}", name.value));
    }
    names.iter().map(|name| name.value.clone()).collect()
}
