//! Where answers tell the states of tasks, and how the gateway asks.

use std::collections::BTreeMap;

use super::super::ids::{TaskRef, canonical};
use super::super::path::{self, Path, Segment, Tree};
use crate::parameters::Value;

/// How the gateway asks for a task's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRead {
    /// The request's parameter that takes the task's id; none if the answer holds all tasks of one parent.
    pub parameter: Option<Path>,
    /// The one that takes it if it was written without its prefix.
    pub job_parameter: Option<Path>,
    /// The request's parameter that takes the id of the task's parent.
    pub parent: Option<Path>,
    /// Parameters with the same value every time.
    pub with: Vec<(String, Value)>,
    /// Where the answer tells it.
    pub source: StateSource,
}

/// Where an answer tells the states of tasks. Paths start inside the answer's envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSource {
    /// The action whose answer it is.
    pub action: String,
    /// The task's canonical id.
    pub id: Path,
    /// Its id without the prefix; where that makes another canonical id, the answer tells of both.
    pub job_id: Option<JobIdPath>,
    /// The task's state.
    pub state: Path,
    /// Its billing state.
    pub billing: Option<Path>,
    /// Further facts of the task that conditions speak of, by the tables' name.
    pub facts: BTreeMap<String, Path>,
    /// The operations that the cloud would accept.
    pub offered: Option<OfferedPaths>,
}

/// Where an answer names a task without the prefix of its canonical id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobIdPath {
    /// The path.
    pub path: Path,
    /// What is put before it.
    pub prefix: String,
    /// Where the answer says that it tells of this job alone and not of the instance: a member and its values.
    pub alone: Option<(Path, Vec<String>)>,
}

/// Where an answer lists operations, in the cloud's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedPaths {
    /// Those that it would accept now.
    pub allowed: Path,
    /// All that there are for this task.
    pub all: Path,
}

/// What an answer said of one task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// The task's canonical id.
    pub id: String,
    /// Its state on the wire; look it up with `TaskKind::state`.
    pub state: String,
    /// Its billing state on the wire, if the answer told it.
    pub billing: Option<String>,
    /// Facts by the tables' name; one that the answer did not tell is not there.
    pub facts: BTreeMap<String, String>,
    /// What the cloud would accept, if the answer told it.
    pub offered: Option<Offered>,
}

/// Operations in the cloud's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offered {
    /// Those that it would accept now.
    pub allowed: Vec<String>,
    /// All that there are for this task.
    pub all: Vec<String>,
}

impl StateRead {
    /// The parameters that ask for one task.
    pub fn request(&self, task: &TaskRef) -> Value {
        let text = |text: &str| Value::String(text.to_owned());
        let parent = self.parent.iter().zip(&task.parent).map(|(path, parent)| path.build(text(parent)));
        let own = match &self.job_parameter {
            Some(path) if task.written != task.id => Some(path.build(text(&task.written))),
            _ => self.parameter.as_ref().map(|path| path.build(text(&task.id))),
        };
        let members = parent.chain(own).flat_map(|built| match built {
            Value::Object(members) => members,
            _ => Vec::new(),
        });
        Value::Object(self.with.iter().cloned().chain(members).collect())
    }
}

impl StateSource {
    /// What an answer says of tasks, in its order. `response` is what the envelope holds; a task whose id or state is
    /// not there is left out.
    pub fn observe<T: Tree>(&self, response: &T) -> Vec<Observation> {
        let (element, id) = self.id.split_at_last_list();
        let job_id = self.job_id.as_ref().map(|job| (within(element, &job.path), job.prefix.as_str()));
        let alone = self.job_id.as_ref().and_then(|job| job.alone.as_ref());
        let state = within(element, &self.state);
        let billing = self.billing.as_ref().map(|path| within(element, path));
        let offered = self.offered.as_ref();
        let offered = offered.map(|offered| (within(element, &offered.allowed), within(element, &offered.all)));
        let ids = |task: &T| {
            let named = |way: &[Segment]| text(way, task).filter(|id| !id.is_empty());
            let of_job = job_id.and_then(|(way, prefix)| Some(canonical(Some(prefix), &named(way)?)));
            let is_one_of = |(path, values): &(Path, Vec<String>)| {
                named(within(element, path)).is_some_and(|value| values.contains(&value))
            };
            let is_alone = alone.is_some_and(is_one_of);
            let own = named(id).filter(|_| !is_alone || of_job.is_none());
            let mut ids: Vec<String> = own.into_iter().chain(of_job).collect();
            ids.dedup();
            ids
        };
        let tell = |id: String, task: &T| {
            let fact = |(name, path): (&String, &Path)| Some((name.clone(), text(within(element, path), task)?));
            let offered = offered.map(|(allowed, all)| (words(allowed, task), words(all, task)));
            Some(Observation {
                id,
                state: text(state, task)?,
                billing: billing.and_then(|way| text(way, task)),
                facts: self.facts.iter().filter_map(fact).collect(),
                offered: offered.map(|(allowed, all)| Offered { allowed, all }),
            })
        };
        let tasks = path::select(element, response).into_iter();
        tasks.flat_map(|task| ids(task).into_iter().filter_map(|id| tell(id, task)).collect::<Vec<_>>()).collect()
    }
}

/// The way on from the element of one task.
pub(super) fn within<'p>(element: &[Segment], path: &'p Path) -> &'p [Segment] {
    path.segments().get(element.len()..).unwrap_or_default()
}

pub(super) fn text<T: Tree>(way: &[Segment], task: &T) -> Option<String> {
    path::select(way, task).first().and_then(|value| value.text()).map(str::to_owned)
}

/// The cloud's words; some of its documents write a gloss in brackets behind them.
fn words<T: Tree>(way: &[Segment], task: &T) -> Vec<String> {
    let found = path::select(way, task).into_iter().filter_map(Tree::text);
    found.map(|word| word.split(['(', '（']).next().unwrap_or_default().trim().to_owned()).collect()
}
