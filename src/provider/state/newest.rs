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
    /// Parameters that go with the name, and only with it.
    pub named_with: Vec<(String, Value)>,
    /// Parameters with the same value every time: the order and the length of the page.
    pub with: Vec<(String, Value)>,
    /// The parameter that chooses one of several lists, if there are several.
    pub typed: Option<Typed>,
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

/// A parameter that chooses between lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// The parameter.
    pub parameter: Path,
    /// Its words, one for each list.
    pub words: Vec<String>,
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

    /// The list's own spelling of a word that chooses it; none if there is no such list.
    pub fn list_called(&self, word: &str) -> Option<&str> {
        let words = &self.typed.as_ref()?.words;
        words.iter().find(|known| known.eq_ignore_ascii_case(word)).map(String::as_str)
    }

    /// The parameters that ask for the newest tasks, of this name if there is one, in the list of that word if there are
    /// several.
    pub fn request(&self, name: Option<&str>, list: Option<&str>) -> Value {
        let mut members = self.with.clone();
        let mut set = |path: &Path, value: &str| {
            if let Value::Object(built) = path.build(Value::String(value.to_owned())) {
                members.extend(built);
            }
        };
        if let (Some(typed), Some(list)) = (&self.typed, list) {
            set(&typed.parameter, list);
        }
        if let Some(name) = name {
            set(&self.named, name);
            members.extend(self.named_with.iter().cloned());
        }
        Value::Object(members)
    }

    /// The tasks of an answer, in its order. `response` is what the envelope holds; what has no id is left out, and so is
    /// what a task is told of a second time, such as its other direction.
    pub fn tasks<T: Tree>(&self, response: &T) -> Vec<Listed> {
        let (element, id) = self.id.split_at_last_list();
        let listed = |task: &T| {
            Some(Listed {
                id: text(id, task).filter(|id| !id.is_empty())?,
                name: text(within(element, &self.name), task).unwrap_or_default(),
                created: text(within(element, &self.created), task).and_then(|time| self.time(&time)),
            })
        };
        let mut tasks: Vec<Listed> = Vec::new();
        for task in path::select(element, response).into_iter().filter_map(listed) {
            if !tasks.iter().any(|known| known.id == task.id) {
                tasks.push(task);
            }
        }
        tasks
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
