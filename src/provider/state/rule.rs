//! When a changing action is allowed.

use std::collections::BTreeMap;

use super::{Observation, State, TaskKind};

/// The states in which a changing action is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRule {
    /// The task's states, by name.
    pub allowed: Allowed,
    /// Further states, each under a condition.
    pub also: Vec<Also>,
    /// What must hold of the task in every state.
    pub when: Conditions,
    /// The billing states; none if the kind has no billing state.
    pub billing: Option<Allowed>,
    /// What a task's state tells of whether the change was carried out; none: nothing.
    pub effect: Option<Effect>,
    /// What is done about a violation unless the configuration says otherwise.
    pub mode: Mode,
    /// How sure the sources are.
    pub confidence: Confidence,
    /// Why this rule, where sources disagree or are silent.
    pub reason: Option<String>,
    /// Short names of the sources.
    pub sources: Vec<String>,
}

/// What becomes of a task by a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effect {
    /// States, by name, in which a task is after the change, and into which it does not come otherwise from a state that
    /// the rule allows and that is not one of them.
    pub leads_to: Vec<String>,
    /// Further states in which it may be after the change, and which say nothing: it may come there by itself, or stay.
    pub ends_in: Vec<String>,
    /// The task is gone after it.
    pub removes: bool,
}

/// A set of states. A state that the tables do not know is in none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Every state that the tables know.
    Any,
    /// These.
    Only(Vec<String>),
}

/// States that are allowed under a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Also {
    /// The states, by name.
    pub states: Vec<String>,
    /// The condition.
    pub when: Conditions,
}

/// Facts of a task, each of which must have one of some values. A fact that is not known fulfils nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions(pub BTreeMap<String, Vec<String>>);

/// Why a change is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// The tables do not know the state.
    UnknownState,
    /// Not in this state.
    State,
    /// Not in this billing state, or it is not known.
    Billing,
    /// The state is right, but something else of the task is not as it must be.
    Condition(Conditions),
    /// The cloud does not offer it now.
    Withheld,
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

impl StateRule {
    /// What stands against an action on a task of `kind` that was seen like this; nothing: it is allowed.
    pub fn objection(&self, kind: &TaskKind, action: &str, seen: &Observation) -> Option<Objection> {
        let Some(state) = kind.state(&seen.state) else { return Some(Objection::UnknownState) };
        self.state_objection(state, seen)
            .or_else(|| (!self.allows_billing(seen.billing.as_deref())).then_some(Objection::Billing))
            .or_else(|| (!self.when.hold(seen)).then(|| Objection::Condition(self.when.clone())))
            .or_else(|| kind.is_withheld(action, seen).then_some(Objection::Withheld))
    }

    /// Every state in which it may be allowed, those under a condition too.
    pub fn states(&self) -> Allowed {
        let Allowed::Only(states) = &self.allowed else { return Allowed::Any };
        let also = self.also.iter().flat_map(|also| &also.states);
        Allowed::Only(states.iter().chain(also).cloned().collect())
    }

    fn state_objection(&self, state: &State, seen: &Observation) -> Option<Objection> {
        if self.allowed.contains(&state.name) {
            return None;
        }
        let also: Vec<&Also> = self.also.iter().filter(|also| also.states.contains(&state.name)).collect();
        if also.iter().any(|also| also.when.hold(seen)) {
            return None;
        }
        Some(also.first().map_or(Objection::State, |also| Objection::Condition(also.when.clone())))
    }

    fn allows_billing(&self, billing: Option<&str>) -> bool {
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

impl Conditions {
    /// Whether all of them hold.
    pub fn hold(&self, seen: &Observation) -> bool {
        self.0.iter().all(|(fact, values)| seen.facts.get(fact).is_some_and(|value| values.contains(value)))
    }

    /// Whether one of them holds.
    pub fn any_holds(&self, seen: &Observation) -> bool {
        self.0.iter().any(|(fact, values)| seen.facts.get(fact).is_some_and(|value| values.contains(value)))
    }
}

/// `source_engine redis or mongodb, pay_mode PrePay`.
impl std::fmt::Display for Conditions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (fact, values)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{fact} {}", values.join(" or "))?;
        }
        Ok(())
    }
}

impl Mode {
    pub(in crate::provider) const NAMES: &'static [(&'static str, Mode)] =
        &[("enforce", Mode::Enforce), ("observe", Mode::Observe), ("off", Mode::Off)];
}

impl Confidence {
    pub(in crate::provider) const NAMES: &'static [(&'static str, Confidence)] =
        &[("high", Confidence::High), ("medium", Confidence::Medium), ("low", Confidence::Low)];
}
