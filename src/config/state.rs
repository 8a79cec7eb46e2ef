//! `[state]`: how fresh a task's state must be, and how strictly it is judged.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;

/// The state policy.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct State {
    /// How old the knowledge of a task's state may be when a change is judged by it.
    #[serde(with = "duration")]
    pub max_age: Duration,
    /// For actions that are not in `actions`.
    pub mode: Mode,
    /// By version and action, such as `2018-03-30/StopMigrateJob`.
    pub actions: BTreeMap<String, Mode>,
}

/// What becomes of a change that its task's state forbids.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is refused.
    #[default]
    Enforce,
    /// It passes, and the record says that it would have been refused.
    Observe,
    /// It passes unjudged.
    Off,
}

impl Default for State {
    fn default() -> State {
        State { max_age: Duration::from_secs(5), mode: Mode::Enforce, actions: BTreeMap::new() }
    }
}

impl State {
    /// The mode of one action.
    pub fn mode_of(&self, version: &str, action: &str) -> Mode {
        self.actions.get(&format!("{version}/{action}")).copied().unwrap_or(self.mode)
    }

    pub(super) fn check(self, checker: &mut Checker) -> Option<State> {
        let most = Duration::from_secs(300);
        checker.duration("state.max_age", self.max_age, Duration::from_millis(100), most);
        for name in self.actions.keys() {
            let whole = name.split_once('/').is_some_and(|(version, action)| {
                version.len() == "2018-03-30".len() && !action.is_empty() && !action.contains('/')
            });
            if !whole {
                let help = "write it like \"2018-03-30/StopMigrateJob\": action names repeat between versions";
                checker.wrong_help(&format!("state.actions.{name}"), "this is not a version and an action", help);
            }
        }
        Some(self)
    }
}
