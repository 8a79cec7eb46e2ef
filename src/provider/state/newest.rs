//! How a kind of task is listed, the newest first: where a creation whose answer never came is looked for.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{self, TimeZone};

use super::super::path::{self, Path, Tree};
use super::read::{text, within};
use crate::parameters::Value;

/// A list of tasks, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The action that lists.
    pub action: String,
    /// Its parameter that takes a part of the name.
    pub named: Path,
    /// Parameters with the same value every time: the order and the length of the page.
    pub with: Vec<(String, Value)>,
    /// How many tasks there are on a page at most.
    pub most: u32,
    /// Where creating calls name the task; the first that a call has counts.
    pub names: Vec<Path>,
    /// The task's id, inside the answer's envelope.
    pub id: Path,
    /// Its name.
    pub name: Path,
    /// When it was made.
    pub created: Path,
    /// How many hours the clock of a time without a zone is ahead of UTC.
    pub hours_ahead: i8,
}

/// A task in such a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its name; empty if it has none.
    pub name: String,
    /// When it was made; none if that can't be read.
    pub created: Option<Timestamp>,
}

impl Newest {
    /// The name that a creating call gives; none if it gives none.
    pub fn name_in(&self, parameters: &Value) -> Option<String> {
        let mut given = self.names.iter().flat_map(|path| path.select(parameters)).filter_map(Tree::text);
        given.find(|name| !name.is_empty()).map(str::to_owned)
    }

    /// The parameters that ask for the newest tasks, of this name if there is one.
    pub fn request(&self, name: Option<&str>) -> Value {
        let named = name.map(|name| self.named.build(Value::String(name.to_owned())));
        let members = named.into_iter().flat_map(|built| match built {
            Value::Object(members) => members,
            _ => Vec::new(),
        });
        Value::Object(self.with.iter().cloned().chain(members).collect())
    }

    /// The tasks of an answer, in its order. `response` is what the envelope holds; what has no id is left out.
    pub fn tasks<T: Tree>(&self, response: &T) -> Vec<Listed> {
        let (element, id) = self.id.split_at_last_list();
        let listed = |task: &T| {
            Some(Listed {
                id: text(id, task).filter(|id| !id.is_empty())?,
                name: text(within(element, &self.name), task).unwrap_or_default(),
                created: text(within(element, &self.created), task).and_then(|time| self.time(&time)),
            })
        };
        path::select(element, response).into_iter().filter_map(listed).collect()
    }

    /// A time with its zone, or one by the cloud's own clock.
    fn time(&self, text: &str) -> Option<Timestamp> {
        if let Ok(time) = text.parse() {
            return Some(time);
        }
        let local: DateTime = text.parse().ok()?;
        local.to_zoned(TimeZone::fixed(tz::offset(self.hours_ahead))).ok().map(|time| time.timestamp())
    }
}
