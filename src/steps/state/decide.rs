//! What a state allows: pure.

use super::{Known, StateOptions};
use crate::call::{Refusal, TaskState};
use crate::provider::{Action, Allowed, Mode, TaskKind, TaskRef, Version};

/// What follows from a state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// The change may go on.
    Allowed,
    /// It would be refused, but the rule only observes.
    Observed(Refusal),
    /// It is refused.
    Refused(Refusal),
}

/// Judges one task of a change.
pub(super) fn decide(
    version: &Version,
    action: &Action,
    task: &TaskRef,
    known: &Known,
    options: &StateOptions,
) -> Verdict {
    let (Some(rule), Some(kind)) = (&action.rule, version.task_kind(&task.kind)) else { return Verdict::Allowed };
    let mode = options.modes.get(&format!("{}/{}", version.version, action.name)).copied().unwrap_or(rule.mode);
    if mode == Mode::Off {
        return Verdict::Allowed;
    }
    let billing = known.billing.as_deref();
    let refusal = match kind.state(&known.state) {
        Some(state) if rule.allows(state, billing) => return Verdict::Allowed,
        None => Refusal::StateUnknown { task: describe(version, kind, task, known, &[]), action: action.name.clone() },
        Some(_) => {
            let allowed = names(kind, &rule.allowed);
            Refusal::StateForbids { task: describe(version, kind, task, known, &allowed), action: action.name.clone() }
        }
    };
    if mode == Mode::Observe { Verdict::Observed(refusal) } else { Verdict::Refused(refusal) }
}

/// The state's name with its value on the wire, and the billing state where there is one: `Running (7)`.
pub(super) fn state_name(kind: Option<&TaskKind>, known: &Known) -> String {
    let state = match kind.and_then(|kind| kind.state(&known.state)) {
        Some(state) if state.name == state.wire => state.name.clone(),
        Some(state) => format!("{} ({})", state.name, state.wire),
        None => known.state.chars().filter(char::is_ascii_graphic).take(64).collect(),
    };
    match &known.billing {
        Some(billing) => {
            format!("{state}, billing {}", billing.chars().filter(char::is_ascii_graphic).take(64).collect::<String>())
        }
        None => state,
    }
}

fn describe(version: &Version, kind: &TaskKind, task: &TaskRef, known: &Known, allowed: &[String]) -> TaskState {
    let legal = kind.state(&known.state).map(|state| {
        let legal = version.legal_actions(&kind.name, &state.name, known.billing.as_deref());
        legal.into_iter().map(str::to_owned).collect()
    });
    TaskState {
        id: task.id.clone(),
        state: state_name(Some(kind), known),
        allowed: allowed.to_vec(),
        legal: legal.unwrap_or_default(),
    }
}

fn names(kind: &TaskKind, allowed: &Allowed) -> Vec<String> {
    match allowed {
        Allowed::Any => kind.states.values().map(|state| state.name.clone()).collect(),
        Allowed::Only(states) => states.clone(),
    }
}
