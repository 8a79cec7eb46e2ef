//! What a state allows: pure.

use super::StateOptions;
use crate::call::{Authorized, Refusal, TaskState};
use crate::provider::{Action, Allowed, Mode, Objection, Observation, State, TaskKind, TaskRef, Version};

/// What stands before the billing state.
const BILLING: &str = ", billing ";

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

/// What is judged: a task that a change is about, and what was seen of it.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) version: &'a Version,
    pub(super) action: &'a Action,
    pub(super) task: &'a TaskRef,
    pub(super) seen: &'a Observation,
    /// The dangers that the caller's grants accept.
    pub(super) accepted_dangers: &'a [String],
}

/// Judges one task of a change.
pub(super) fn decide(call: &Authorized, task: &TaskRef, seen: &Observation, options: &StateOptions) -> Verdict {
    let (version, action) = (&*call.version, &*call.action);
    Case { version, action, task, seen, accepted_dangers: &call.accepted_dangers }.decide(options)
}

/// How strictly an action's rule judges a task, as records have it; empty where none speaks of that kind of task.
pub(super) fn mode_name(call: &Authorized, task: &TaskRef, options: &StateOptions) -> &'static str {
    if call.action.rule.is_none() || task.kind != call.action.task {
        return "";
    }
    match mode(&call.version, &call.action, options) {
        Mode::Enforce => "enforce",
        Mode::Observe => "observe",
        Mode::Off => "off",
    }
}

/// The configured mode, else the rule's own.
fn mode(version: &Version, action: &Action, options: &StateOptions) -> Mode {
    let configured = options.modes.get(&format!("{}/{}", version.version, action.name)).copied();
    configured.unwrap_or_else(|| action.rule.as_ref().map_or(Mode::Enforce, |rule| rule.mode))
}

impl Case<'_> {
    pub(super) fn decide(&self, options: &StateOptions) -> Verdict {
        let Some(kind) = self.version.task_kind(&self.task.kind) else { return Verdict::Allowed };
        match self.refusal(kind) {
            Some(refusal) => match mode(self.version, self.action, options) {
                Mode::Enforce => Verdict::Refused(refusal),
                Mode::Observe => self.danger(kind).map_or(Verdict::Observed(refusal), Verdict::Refused),
                Mode::Off => self.danger(kind).map_or(Verdict::Allowed, Verdict::Refused),
            },
            None => self.danger(kind).map_or(Verdict::Allowed, Verdict::Refused),
        }
    }

    /// The action's rule speaks of its own kind of task. Another kind that it names has no rule but its billing's.
    fn refusal(&self, kind: &TaskKind) -> Option<Refusal> {
        let rule = self.action.rule.as_ref().filter(|_| kind.name == self.action.task);
        let objection = match rule {
            Some(rule) => rule.objection(kind, &self.action.name, self.seen),
            None => kind.objection(self.seen),
        }?;
        let action = self.action.name.clone();
        let states = rule.map_or(Allowed::Any, |rule| rule.states());
        let billing = rule.and_then(|rule| rule.billing.as_ref());
        let billing = billing.or(kind.billing.as_ref().map(|billing| &billing.unless_stated));
        let needed = match objection {
            Objection::UnknownState => {
                let task = self.describe(kind, String::new());
                return Some(Refusal::StateUnknown { task, action });
            }
            Objection::State => format!("It is allowed in {}", list(&states, kind)),
            Objection::Billing => format!("It is allowed in the billing state {}", billing_list(billing, kind)),
            Objection::Condition(conditions) => format!("In this state it is allowed only with {conditions}"),
            Objection::Withheld => "The tables would allow it, but the cloud does not offer it now".to_owned(),
        };
        Some(Refusal::StateForbids { task: self.describe(kind, needed), action })
    }

    fn danger(&self, kind: &TaskKind) -> Option<Refusal> {
        let is_accepted = |name: &String| self.accepted_dangers.contains(name);
        let mut dangers = self.action.dangerous.iter().filter(|danger| danger.trigger.is_pulled_by(kind, self.seen));
        let danger = dangers.find(|danger| !is_accepted(&danger.name))?;
        let parameter =
            format!("{} while task {} is {}", self.action.name, self.task.id, state_name(Some(kind), self.seen));
        Some(Refusal::DangerousParameter { danger: danger.name.clone(), parameter })
    }

    fn describe(&self, kind: &TaskKind, needed: String) -> TaskState {
        let legal = self.version.legal_actions(&kind.name, self.seen);
        TaskState {
            id: self.task.id.clone(),
            state: state_name(Some(kind), self.seen),
            needed,
            legal: legal.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The state's name with its value on the wire, and the billing state where there is one: `Running (7)`.
pub fn state_name(kind: Option<&TaskKind>, seen: &Observation) -> String {
    let state = match kind.and_then(|kind| kind.state(&seen.state)) {
        Some(state) => written(state),
        None => printable(&seen.state),
    };
    match &seen.billing {
        Some(billing) => format!("{state}{BILLING}{}", printable(billing)),
        None => state,
    }
}

/// The name of the state in such a text, if the tables know it.
pub fn state_in<'k>(kind: &'k TaskKind, text: &str) -> Option<&'k str> {
    let state = text.split_once(BILLING).map_or(text, |(state, _)| state);
    kind.states.values().find(|known| written(known) == state).map(|known| known.name.as_str())
}

fn written(state: &State) -> String {
    if state.name == state.wire { state.name.clone() } else { format!("{} ({})", state.name, state.wire) }
}

/// The cloud's text, short and without control characters, for a message.
fn printable(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(64).collect()
}

fn list(allowed: &Allowed, kind: &TaskKind) -> String {
    match allowed {
        Allowed::Any => kind.states.values().map(|state| &*state.name).collect::<Vec<_>>().join(", "),
        Allowed::Only(states) if states.is_empty() => "no state".to_owned(),
        Allowed::Only(states) => states.join(", "),
    }
}

fn billing_list(allowed: Option<&Allowed>, kind: &TaskKind) -> String {
    match (allowed, &kind.billing) {
        (Some(Allowed::Only(states)), _) => states.join(", "),
        (_, Some(billing)) => billing.states.join(", "),
        (_, None) => String::new(),
    }
}
