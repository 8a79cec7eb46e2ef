//! The states of a task, where they are read, and in which of them a changing action is allowed. Asks nobody and
//! remembers nothing: the step that judges brings what it knows.

use std::collections::BTreeMap;

use super::path::{self, Path, Tree};
use crate::parameters::Value;

/// A kind of task and everything known of its states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskKind {
    /// Its name in the tables, for example `migration`.
    pub name: String,
    /// The known states by their value on the wire.
    pub states: BTreeMap<String, State>,
    /// The billing state's field, for kinds that have one.
    pub billing: Option<Billing>,
    /// How the gateway asks for a task's state.
    pub read: StateRead,
    /// Further actions whose answers tell states.
    pub learn: Vec<StateSource>,
    pub(super) refusals: BTreeMap<String, String>,
}

/// A state that the tables know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its name.
    pub name: String,
    /// Its value on the wire; a number as its digits.
    pub wire: String,
    /// It ends by itself before long.
    pub moves: bool,
    /// Nothing but a destructive action leaves it.
    pub is_final: bool,
    /// Short names of the sources.
    pub sources: Vec<String>,
}

/// The billing state: a second field beside the task's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billing {
    /// The known values.
    pub states: Vec<String>,
    /// What a rule needs that says nothing of billing.
    pub unless_stated: Allowed,
    /// Why.
    pub reason: Option<String>,
    /// Short names of the sources.
    pub sources: Vec<String>,
}

/// How the gateway asks for a task's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRead {
    /// The request's parameter that takes the task's id.
    pub parameter: Path,
    /// Which action it is and where its answer says it.
    pub source: StateSource,
}

/// Where an answer tells the states of tasks. Paths start inside the answer's envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSource {
    /// The action whose answer it is.
    pub action: String,
    /// The task's id.
    pub id: Path,
    /// The task's state.
    pub state: Path,
    /// Its billing state.
    pub billing: Option<Path>,
}

/// What an answer said of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The task's id.
    pub id: String,
    /// Its state on the wire; look it up with `TaskKind::state`.
    pub state: String,
    /// Its billing state on the wire, if the answer told it.
    pub billing: Option<String>,
}

/// The states in which a changing action is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRule {
    /// The task's states, by name.
    pub allowed: Allowed,
    /// The billing states; none if the kind has no billing state.
    pub billing: Option<Allowed>,
    /// What is done about a violation unless the configuration says otherwise.
    pub mode: Mode,
    /// How sure the sources are.
    pub confidence: Confidence,
    /// Why this rule, where sources disagree or are silent.
    pub reason: Option<String>,
    /// Short names of the sources.
    pub sources: Vec<String>,
}

/// A set of states. A state that the tables do not know is in none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Every state that the tables know.
    Any,
    /// These.
    Only(Vec<String>),
}

/// What is done about a violated rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Refused.
    Enforce,
    /// Recorded and let through.
    Observe,
    /// Not judged.
    Off,
}

/// How sure the sources of a rule are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// Printed for this very action.
    High,
    /// Printed, but indirect, partial or contradicted.
    Medium,
    /// Inferred.
    Low,
}

impl TaskKind {
    /// The state with this value on the wire; none: the tables do not know it, and every change is refused.
    pub fn state(&self, wire: &str) -> Option<&State> {
        self.states.get(wire)
    }

    /// The state of this name.
    pub fn state_named(&self, name: &str) -> Option<&State> {
        self.states.values().find(|state| state.name == name)
    }
}

impl StateRule {
    /// Whether a change is allowed in this state. A kind with a billing state needs it known.
    pub fn allows(&self, state: &State, billing: Option<&str>) -> bool {
        self.allowed.contains(&state.name) && self.allows_billing(billing)
    }

    /// Whether the billing state alone allows it.
    pub fn allows_billing(&self, billing: Option<&str>) -> bool {
        match (&self.billing, billing) {
            (None, _) => true,
            (Some(allowed), Some(billing)) => allowed.contains(billing),
            (Some(_), None) => false,
        }
    }
}

impl Allowed {
    /// Whether a known state is in the set.
    pub fn contains(&self, state: &str) -> bool {
        match self {
            Allowed::Any => true,
            Allowed::Only(states) => states.iter().any(|allowed| allowed == state),
        }
    }
}

impl StateRead {
    /// The parameters that ask for one task.
    pub fn request(&self, id: &str) -> Value {
        self.parameter.build(Value::String(id.to_owned()))
    }
}

impl StateSource {
    /// What an answer says of tasks, in its order. `response` is what the envelope holds; a task whose id or state is
    /// not there is left out.
    pub fn observe<T: Tree>(&self, response: &T) -> Vec<Observation> {
        let (element, id) = self.id.split_at_last_list();
        let (_, state) = self.state.split_at_last_list();
        let billing = self.billing.as_ref().map(|path| path.split_at_last_list().1);
        let text = |way: &[path::Segment], task: &T| {
            path::select(way, task).first().and_then(|value| value.text()).map(str::to_owned)
        };
        path::select(element, response)
            .into_iter()
            .filter_map(|task| {
                let id = text(id, task).filter(|id| !id.is_empty())?;
                Some(Observation { id, state: text(state, task)?, billing: billing.and_then(|way| text(way, task)) })
            })
            .collect()
    }
}

impl Mode {
    pub(super) const NAMES: &'static [(&'static str, Mode)] =
        &[("enforce", Mode::Enforce), ("observe", Mode::Observe), ("off", Mode::Off)];
}

impl Confidence {
    pub(super) const NAMES: &'static [(&'static str, Confidence)] =
        &[("high", Confidence::High), ("medium", Confidence::Medium), ("low", Confidence::Low)];
}
