//! A row of a table: an action with its rate, its parameters, the states that allow it and what it does.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::kind::Condition;

/// One action of an API version.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    /// As requests spell it.
    pub(crate) name: String,
    /// What it does, out of the list that the program knows.
    pub(crate) effect: Effect,
    /// The kind of task that it is about.
    pub(crate) task: String,
    /// The parameter that names the task.
    #[serde(default)]
    pub(crate) task_id: Option<String>,
    /// How often it may be called.
    pub(crate) rate: Rate,
    /// The task statuses in which it is allowed; all, if nothing is said.
    #[serde(default)]
    pub(crate) allowed: Option<Vec<Value>>,
    /// The billing states in which it is allowed; all, if nothing is said.
    #[serde(default)]
    pub(crate) allowed_billing: Option<Vec<String>>,
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
    /// What it takes.
    pub(crate) parameters: Vec<Member>,
}

/// How often an action may be called in one window.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    /// Calls in any window.
    pub(crate) calls: u32,
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

/// What an action does; the rest of it is in its row.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Effect {
    CreateMigration,
    EditMigration,
    ListMigrations,
    ShowCheck,
    /// Enters `moves_to` or `billing_moves_to`, and nothing else.
    Move,
    Remove,
    CreateSubscription,
    Activate,
    Reset,
    ReplaceObjects,
    SetConsumeTime,
    SetAddress,
    SetName,
    SetRenewal,
    ShowSubscription,
    ListSubscriptions,
    ShowAsync,
}

/// A parameter, or a member of a structure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Type,
    #[serde(default)]
    pub(crate) required: bool,
    /// Answers show it empty.
    #[serde(default)]
    pub(crate) secret: bool,
}

/// The type of a parameter.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(from = "String")]
pub(crate) enum Type {
    Text,
    Integer,
    /// An integer that is not negative.
    Unsigned,
    Array(Box<Type>),
    Structure(String),
}

/// A structure as the file writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Structure {
    pub(crate) name: String,
    pub(crate) members: Vec<Member>,
}

/// The structures of an API version.
#[derive(Debug, Default)]
pub(crate) struct Types(BTreeMap<String, Vec<Member>>);

impl From<String> for Type {
    fn from(text: String) -> Self {
        match text.as_str() {
            "String" => Self::Text,
            "Integer" => Self::Integer,
            "Unsigned" => Self::Unsigned,
            other => match other.strip_prefix("Array of ") {
                Some(element) => Self::Array(Box::new(Self::from(element.to_owned()))),
                None => Self::Structure(text),
            },
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => out.write_str("String"),
            Self::Integer => out.write_str("Integer"),
            Self::Unsigned => out.write_str("Integer that is not negative"),
            Self::Array(element) => write!(out, "Array of {element}"),
            Self::Structure(name) => out.write_str(name),
        }
    }
}

impl Types {
    /// Takes a structure in; false if its name was there.
    pub(super) fn add(&mut self, structure: Structure) -> bool {
        self.0.insert(structure.name, structure.members).is_none()
    }

    /// The members of a structure; none for a name that the table lacks (the load refuses such a table).
    pub(crate) fn members(&self, name: &str) -> &[Member] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Vec<Member>)> {
        self.0.iter()
    }
}
