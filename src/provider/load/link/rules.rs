//! Gives every action that changes a named task its rule. A changing action without one, and a rule that nothing can
//! need, are mistakes.

use std::collections::BTreeMap;

use super::super::super::action::{Action, Kind};
use super::super::super::error::Report;
use super::super::super::ids::Role;
use super::super::super::state::{Allowed, Also, Conditions, Effect, Mode, StateRule, TaskKind};
use super::super::Rows;
use super::super::rules::RuleRow;
use super::super::states::{ConditionRows, TaskRow};
use super::dangers::conditions_of;
use super::sources::Sources;
use super::tasks::{allowed, known_states};

pub(super) fn link(
    rows: &Rows,
    actions: &mut BTreeMap<String, Action>,
    kinds: &BTreeMap<String, TaskKind>,
    sources: &Sources<'_>,
    report: &Report,
) {
    for row in &rows.states.rules {
        let names = sources.names(&row.sources);
        let Some(action) = actions.get_mut(&row.action.value) else {
            // An action that could not be built has been reported on.
            if !rows.actions.actions.iter().any(|action| action.name.value == row.action.value) {
                report.add(&row.action.place, format!("actions.toml has no action `{}`", row.action.value));
            }
            continue;
        };
        if !needs_rule(action) {
            report.add(&row.action.place, format!("`{}` changes no task that it names", action.name));
        }
        // A kind that could not be built has been reported on.
        let Some(kind) = kinds.get(&action.task) else { continue };
        let Some(task) = rows.states.tasks.iter().find(|task| task.name.value == action.task) else { continue };
        let rule = rule(row, task, kind, names, report);
        check_final(row, action, kind, rule.as_ref(), report);
        action.rule = rule;
    }
    for row in &rows.actions.actions {
        let has_row = rows.states.rules.iter().any(|rule| rule.action.value == row.name.value);
        let Some(action) = actions.get(&row.name.value) else { continue };
        if needs_rule(action) && !has_row {
            report
                .add(&row.name.place, format!("`{}` changes a task, and states.toml has no rule for it", action.name));
        }
        if needs_rule(action) && !action.ids.iter().any(|id| id.task == action.task) {
            let message = format!("`{}` is judged by the state of its {}, and names none", action.name, action.task);
            report.add(&row.name.place, message);
        }
    }
}

fn needs_rule(action: &Action) -> bool {
    action.kind.is_change() && action.ids.iter().any(|id| id.role == Role::Subject)
}

fn rule(row: &RuleRow, task: &TaskRow, kind: &TaskKind, sources: Vec<String>, report: &Report) -> Option<StateRule> {
    let is_state = |name: &str| kind.state_named(name).is_some();
    let what = format!("state of a {} task", kind.name);
    let states = row.allowed.as_ref().map(|states| allowed(states, is_state, &what, report));
    let billing = match (&row.billing, &kind.billing) {
        (Some(states), Some(billing)) => {
            let is_known = |name: &str| billing.states.iter().any(|known| known == name);
            Some(allowed(&states.value, is_known, &format!("billing {what}"), report))
        }
        (Some(states), None) => {
            report.add(&states.place, format!("a {} task has no billing state", kind.name));
            None
        }
        (None, billing) => billing.as_ref().map(|billing| billing.unless_stated.clone()),
    };
    let when = |rows: &Option<ConditionRows>| {
        rows.as_ref().map_or_else(Conditions::default, |rows| conditions_of(rows, task, report))
    };
    let also = row
        .also
        .iter()
        .map(|also| Also { states: known_states(&also.states, is_state, &what, report), when: when(&also.when) });
    let effect = Effect {
        leads_to: known_states(&row.leads_to, is_state, &what, report),
        ends_in: known_states(&row.ends_in, is_state, &what, report),
        removes: row.removes,
    };
    if let Some(twice) = row.ends_in.iter().find(|state| effect.leads_to.contains(&state.value)) {
        report.add(&twice.place, format!("`{}` stands in `leads_to` already", twice.value));
    }
    if effect.leads_to.is_empty() && !effect.removes && !effect.ends_in.is_empty() {
        report.add(&row.action.place, "`ends_in` says nothing without `leads_to` or `removes`");
    }
    Some(StateRule {
        effect: Some(effect).filter(|effect| *effect != Effect::default()),
        allowed: states?,
        also: also.collect(),
        when: when(&row.when),
        billing,
        mode: row.mode.as_ref().map_or(Mode::Enforce, |mode| mode.value),
        confidence: row.confidence.as_ref()?.value,
        reason: row.reason.as_ref().map(|reason| reason.value.clone()),
        sources,
    })
}

/// A final state that a rule leads out of is not final.
fn check_final(row: &RuleRow, action: &Action, kind: &TaskKind, rule: Option<&StateRule>, report: &Report) {
    let Some(Allowed::Only(states)) = rule.map(StateRule::states) else { return };
    let ends = |name: &String| kind.state_named(name).is_some_and(|state| state.is_final);
    if action.kind != Kind::Destructive
        && let Some(state) = states.iter().find(|name| ends(name))
    {
        report.add(&row.action.place, format!("`{}` is allowed in {state}, so {state} is not final", action.name));
    }
}
