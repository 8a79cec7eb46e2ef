//! `[state]`: how fresh a task's state must be, and how strictly it is judged.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;
use crate::provider::{Mode, Providers};

/// Ours: no source says how soon an accepted change shows. As long as the gateway waits for an answer
/// (`upstream.read_timeout`), after which a cloud that is still at work is not heard either.
const SETTLE_AFTER: Duration = Duration::from_secs(30);

/// The state policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct State {
    /// How old the knowledge of a task's state may be when a change is judged by it.
    pub max_age: Duration,
    /// Whether the cloud is asked what came of a change of unknown outcome.
    pub settle: bool,
    /// How long after its end a change shows at the cloud at the latest: what does not show then was not carried out.
    pub settle_after: Duration,
    /// Whether a task that belongs to another (a compare task) must belong to the one that is named with it.
    pub check_parents: bool,
    /// Modes that differ from the tables', by version and action, such as `2018-03-30/StopMigrateJob`.
    pub modes: BTreeMap<String, Mode>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    #[serde(with = "duration")]
    max_age: Duration,
    settle: bool,
    #[serde(with = "duration")]
    settle_after: Duration,
    check_parents: bool,
    modes: BTreeMap<String, RawMode>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum RawMode {
    Enforce,
    Observe,
    Off,
}

impl Default for Raw {
    fn default() -> Raw {
        Raw {
            max_age: Duration::from_secs(5),
            settle: true,
            settle_after: SETTLE_AFTER,
            check_parents: true,
            modes: BTreeMap::new(),
        }
    }
}

impl Raw {
    pub(super) fn check(self, providers: Option<&Providers>, checker: &mut Checker) -> Option<State> {
        checker.duration("state.max_age", self.max_age, Duration::from_millis(100), Duration::from_secs(300));
        let longest = Duration::from_secs(3600);
        checker.duration("state.settle_after", self.settle_after, Duration::from_secs(1), longest);
        for name in self.modes.keys() {
            let path = format!("state.modes.{name}");
            let help = "write it like \"2018-03-30/StopMigrateJob\": action names repeat between versions";
            match (name.split_once('/'), providers) {
                (None, _) => checker.wrong_help(&path, "this is not a version and an action", help),
                (Some((version, action)), Some(providers)) => {
                    let row = providers.version(version).and_then(|version| version.action(action));
                    if row.is_none_or(|row| row.rule.is_none()) {
                        checker.wrong_help(&path, "this action is in no table, or no state forbids it", help);
                    }
                }
                (Some(_), None) => {}
            }
        }
        let modes = self.modes.into_iter().map(|(name, mode)| (name, mode.into())).collect();
        let Raw { max_age, settle, settle_after, check_parents, .. } = self;
        Some(State { max_age, settle, settle_after, check_parents, modes })
    }
}

impl From<RawMode> for Mode {
    fn from(mode: RawMode) -> Mode {
        match mode {
            RawMode::Enforce => Mode::Enforce,
            RawMode::Observe => Mode::Observe,
            RawMode::Off => Mode::Off,
        }
    }
}
