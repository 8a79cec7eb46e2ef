//! What the simulated cloud does wrong when it is told to: `POST /_sim/faults`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One order to misbehave.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Only for this action; for all, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<String>,
    /// What goes wrong.
    pub(crate) kind: FaultKind,
    /// How long a `delay` takes, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
    /// The error code of an `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The HTTP status of an `error`, where a family has one; 200 is how the service itself tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// How many calls it spoils; all, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u64>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FaultKind {
    /// The action is done and the answer comes late.
    Delay,
    /// Refused as too fast; nothing is done.
    Throttle,
    /// The connection is reset without an answer; nothing is done.
    Reset,
    /// The action is done and half of the answer comes before the connection ends.
    Half,
    /// The action is done and no answer comes.
    Stall,
    /// Refused with a code; nothing is done.
    Error,
}

/// The orders that are in force, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<VecDeque<Fault>>);

impl Fault {
    /// What is wrong with the order itself.
    pub(crate) fn mistake(&self) -> Option<&'static str> {
        match self.kind {
            FaultKind::Delay if self.ms.is_none() => Some("a delay needs `ms`"),
            _ if self.status.is_some_and(|status| !(200..600).contains(&status)) => Some("`status` must be 200 to 599"),
            _ if self.times == Some(0) => Some("`times` must be at least 1"),
            _ => None,
        }
    }

    /// How long a `delay` takes.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.ms.unwrap_or(0))
    }
}

impl Faults {
    /// Puts an order in force.
    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    /// What is in force, with the times that are left.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Ends all.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The oldest order that is about this action; it has one time less afterwards.
    pub(crate) fn take(&self, action: &str) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let about = |fault: &Fault| fault.action.as_deref().is_none_or(|only| only == action);
        let place = faults.iter().position(about)?;
        let fault = faults.get_mut(place)?;
        let taken = fault.clone();
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                faults.remove(place);
            }
        }
        Some(taken)
    }
}
