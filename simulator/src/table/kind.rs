//! A kind of task: the statuses it can have and the moves it makes by itself.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One kind of task, for example `migration`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kind {
    /// What its ids begin with.
    pub(crate) id_prefix: String,
    /// How many characters follow.
    #[serde(default = "eight")]
    pub(crate) id_letters: usize,
    /// Whether the version names tasks by the instance that they run on.
    #[serde(default)]
    pub(crate) named_by_instance: bool,
    /// The status of a new task, as it is written on the wire.
    pub(crate) first_status: Value,
    /// The billing state of a new task.
    pub(crate) first_billing: String,
    /// A task whose name holds this never passes its check.
    #[serde(default)]
    pub(crate) check_fails_name: Option<String>,
    /// A task whose source is at this address never passes its check.
    #[serde(default)]
    pub(crate) check_fails_address: Option<String>,
    /// A task whose name holds this runs into an error, once.
    #[serde(default)]
    pub(crate) run_fails_name: Option<String>,
    /// A task whose name holds this fails when it is resumed.
    #[serde(default)]
    pub(crate) resume_fails_name: Option<String>,
    /// The member of its data that is its name.
    #[serde(default = "job_name")]
    pub(crate) name_member: String,
    /// The member of its data that only configuring it gives.
    #[serde(default)]
    pub(crate) configured_by: Option<String>,
    /// A task in a billing state that begins like this is not paid: isolating it deletes it.
    #[serde(default)]
    pub(crate) unbilled_prefix: Option<String>,
    /// The billing states in which only those actions work that name them.
    #[serde(default)]
    pub(crate) frozen_billing: Vec<String>,
    /// The kinds of tasks that it can belong to; it stands alone, if nothing is said.
    #[serde(default)]
    pub(crate) child_of: Vec<Parenthood>,
    /// What its views say that can be done with it.
    #[serde(default)]
    pub(crate) offers: Vec<Offer>,
    /// The documented statuses.
    pub(crate) statuses: Vec<Status>,
    /// What happens to the status by itself.
    pub(crate) moves: Vec<Move>,
    /// What happens to the billing state by itself.
    pub(crate) billing_moves: Vec<Move>,
    /// What a task holds that a test puts here without saying more.
    pub(crate) sample: Map<String, Value>,
}

/// A kind of task that has others belonging to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parenthood {
    pub(crate) kind: String,
    /// The status of one that is made only to have something belong to it.
    pub(crate) status: Value,
}

/// A word with which a view says what can be done with a task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offer {
    pub(crate) word: String,
    /// The action that it stands for; none for what can always be done.
    #[serde(default)]
    pub(crate) action: Option<String>,
}

/// One documented status.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    /// As it is written on the wire.
    pub(crate) wire: Value,
    /// Its name in the documentation.
    pub(crate) name: String,
    /// What entering it says about the task's times.
    #[serde(default)]
    pub(crate) marks: Option<Mark>,
}

/// What entering a status says about the task's times.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mark {
    /// A check begins.
    Check,
    /// The work begins.
    Start,
    /// The work is taken up again after an error.
    Resume,
    /// The work is over.
    End,
}

/// A move that a task makes by itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    /// The status that it leaves.
    pub(crate) from: Value,
    /// The status that it enters; none if the task is `gone`.
    #[serde(default)]
    pub(crate) to: Option<Value>,
    /// Whether the task disappears.
    #[serde(default)]
    pub(crate) gone: bool,
    /// How long it stays before.
    pub(crate) after: After,
    /// Which tasks make this move; all, if nothing is said.
    #[serde(default)]
    pub(crate) when: Option<Condition>,
}

/// How long a task stays in a status.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum After {
    /// One step, the time that everything short takes.
    Step,
    /// The time that the work itself takes.
    Run,
    /// One step, or until the time that a timed task was given.
    ExpectedTime,
}

/// A property of a task that moves and actions depend on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Condition {
    /// Its check will not pass.
    CheckFails,
    /// Its work runs into an error.
    RunFails,
    /// It fails when it is resumed.
    ResumeFails,
    /// It was told what to do.
    Configured,
    /// It goes on with changes after the full copy (MigrateType 3, or a text that is neither `full` nor `structure`).
    Incremental,
    /// Its source is a Redis.
    Redis,
    /// It is paid by the hour (PayType 1).
    HourlyBilled,
    /// It is paid in advance (PayMode).
    Prepaid,
    /// It is paid afterwards (PayMode).
    Postpaid,
    /// What it does was changed while it runs.
    Modified,
    /// That change passed its check.
    ModifyChecked,
    /// It starts by itself when its check has passed.
    AutoStart,
    /// It is done with the full copy (DataSynchronization is false).
    WithoutChanges,
}

impl Kind {
    /// The documented status that is written like this.
    pub(crate) fn status(&self, wire: &Value) -> Option<&Status> {
        self.statuses.iter().find(|status| status.wire == *wire)
    }

    /// A status as a message shows it: `7 (Running)`.
    pub(crate) fn describe(&self, wire: &Value) -> String {
        match (self.status(wire), wire) {
            (_, Value::String(text)) => text.clone(),
            (Some(status), _) => format!("{wire} ({})", status.name),
            (None, _) => wire.to_string(),
        }
    }
}

fn eight() -> usize {
    8
}

fn job_name() -> String {
    "JobName".to_owned()
}
