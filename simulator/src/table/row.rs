//! A row of a table: an action with its rate, its parameters, the states that allow it and what it does.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::effect::Effect;
use super::kind::Condition;
use super::types::Member;

/// One action of an API version.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    /// As requests spell it.
    pub(crate) name: String,
    /// What it does, out of the list that the program knows.
    pub(crate) effect: Effect,
    /// The kind of task that it is about; empty if it is about several, or about none.
    #[serde(default)]
    pub(crate) task: String,
    /// The parameter that names the task.
    #[serde(default)]
    pub(crate) task_id: Option<String>,
    /// The parameters that can name its tasks, where there are several; the first that is there counts.
    #[serde(default)]
    pub(crate) ids: Vec<IdParameter>,
    /// What it asks of tasks and does to them, by their kind; any task, if there is no rule.
    #[serde(default)]
    pub(crate) rules: BTreeMap<String, Rule>,
    /// The parameter that says the region, where it is not `RegionId`.
    #[serde(default)]
    pub(crate) region: Option<String>,
    /// The task that the task must belong to.
    #[serde(default)]
    pub(crate) parent: Option<Parent>,
    /// How often one account may call it.
    pub(crate) rate: Rate,
    /// How often all accounts together may call it in a region.
    #[serde(default)]
    pub(crate) region_rate: Option<Rate>,
    /// The task statuses in which it is allowed; all, if nothing is said.
    #[serde(default)]
    pub(crate) allowed: Option<Vec<Value>>,
    /// The billing states in which it is allowed; all, if nothing is said.
    #[serde(default)]
    pub(crate) allowed_billing: Option<Vec<String>>,
    /// The billing states in which it is not allowed.
    #[serde(default)]
    pub(crate) denied_billing: Vec<String>,
    /// Further task statuses for some tasks.
    #[serde(default)]
    pub(crate) also: Vec<Also>,
    /// The tasks for which it exists at all.
    #[serde(default)]
    pub(crate) only: Option<Only>,
    /// The status that the task enters.
    #[serde(default)]
    pub(crate) moves_to: Option<Value>,
    /// The billing state that the task enters.
    #[serde(default)]
    pub(crate) billing_moves_to: Option<String>,
    /// The error code when a state forbids it.
    #[serde(default)]
    pub(crate) state_code: Option<String>,
    /// The error code when the task is not there.
    #[serde(default)]
    pub(crate) not_found_code: Option<String>,
    /// The most tasks that one call may make.
    #[serde(default)]
    pub(crate) most: Option<u32>,
    /// A task that a new one may be made like.
    #[serde(default)]
    pub(crate) template: Option<Template>,
    /// Parameters that the task keeps under another name.
    #[serde(default)]
    pub(crate) keeps: BTreeMap<String, String>,
    /// How far the change of a running task has come afterwards.
    #[serde(default)]
    pub(crate) stage: Option<String>,
    /// The action whose parameters the task forgets.
    #[serde(default)]
    pub(crate) undoes: Option<String>,
    /// What it takes.
    pub(crate) parameters: Vec<Member>,
    /// What it answers, beside the request id.
    #[serde(default)]
    pub(crate) answer: Vec<Member>,
}

/// The task that another belongs to, as an action names it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parent {
    /// The parameter that names it.
    pub(crate) parameter: String,
    /// Its kind.
    pub(crate) task: String,
}

/// Statuses that allow an action for tasks with a property.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Also {
    pub(crate) allowed: Vec<Value>,
    pub(crate) when: Condition,
}

/// How a task is made like another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    /// The parameter that names the other.
    pub(crate) parameter: String,
    /// The action whose parameters are copied.
    pub(crate) action: String,
    /// The status of a task that was told by it what to do.
    pub(crate) status: Value,
}

/// A parameter that names tasks; several, separated by commas, if its name says so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdParameter {
    pub(crate) name: String,
    /// Whose id it is.
    pub(crate) names: Named,
    /// The only kind of task that it can name.
    #[serde(default)]
    pub(crate) kind: Option<String>,
}

/// Whose id a parameter holds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Named {
    /// The task's own.
    Job,
    /// That of the instance that the task runs on.
    Instance,
}

/// What an action asks of one kind of task, and what becomes of the task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The statuses in which it is allowed; all, if nothing is said.
    #[serde(default)]
    pub(crate) allowed: Option<Vec<Value>>,
    /// The status that the task enters.
    #[serde(default)]
    pub(crate) moves_to: Option<Value>,
    /// The status that it enters instead out of certain statuses.
    #[serde(default)]
    pub(crate) via: BTreeMap<String, String>,
}

/// How often an action may be called in one window.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    /// Calls in any window.
    pub(crate) calls: u32,
    /// The length of the window, where it is not the version's own.
    #[serde(default)]
    pub(crate) window_ms: Option<u64>,
    /// Where the number is from.
    pub(crate) source: String,
}

/// A property that a task needs for an action, and the code if it lacks it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Only {
    pub(crate) when: Condition,
    pub(crate) code: String,
}
