//! What there is to walk: an action on a task in a state, each with a task of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use dts_gateway::provider::{Action, Observation, Providers, Role, TaskKind, TaskRef, Version};
use serde_json::{Value, json};

use super::sample;
use crate::world::World;

/// The version that is walked.
pub const VERSION: &str = "2021-12-06";

/// The kinds of task that are walked, the simulator's word for each, a status and a billing state in which much is
/// allowed, and the field of a child's parent.
const KINDS: [(&str, &str, &str, &str); 5] = [
    ("migration", "migration", "running", "normal"),
    ("sync", "sync", "Running", "Normal"),
    ("subscription", "subscription", "running", "normal"),
    ("compare", "compare", "created", ""),
    ("sync-compare", "compare", "created", ""),
];

/// An action in a state.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Cell {
    pub kind: String,
    /// As it is on the wire.
    pub state: String,
    /// A billing state other than the usual one.
    pub billing: Option<String>,
    pub action: String,
}

/// Everything to walk.
pub struct Cells {
    version: Arc<Version>,
    cells: BTreeMap<Cell, TaskRef>,
    /// What a look-up tells of the simulator's sample task, by kind.
    facts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Cells {
    /// A task for every cell.
    pub async fn make(world: &World) -> Cells {
        let version = Arc::clone(Providers::embedded().unwrap().version(VERSION).unwrap());
        let mut cells = Cells { version, cells: BTreeMap::new(), facts: BTreeMap::new() };
        for (kind, word, status, billing) in KINDS {
            let row = Arc::clone(cells.version.task_kind(kind).unwrap());
            for state in row.states.keys() {
                cells.add(world, &row, word, state, None).await;
            }
            let others = row.billing.iter().flat_map(|known| &known.states).filter(|state| *state != billing);
            for other in others {
                cells.add(world, &row, word, status, Some(other)).await;
            }
            let facts = cells.look(world, &row).await;
            cells.facts.insert(kind.to_owned(), facts);
        }
        cells
    }

    /// Every cell and its task.
    pub fn all(&self) -> impl Iterator<Item = (&Cell, &TaskRef)> {
        self.cells.iter()
    }

    /// The actions that name no task that they are about.
    pub fn without_a_task(&self) -> Vec<&str> {
        let names_none = |action: &&Arc<Action>| !action.ids.iter().any(|id| id.role == Role::Subject);
        self.version.actions().filter(names_none).map(|action| &*action.name).collect()
    }

    /// The least that such an action needs.
    pub fn bare_parameters(&self, action: &str) -> Value {
        sample::parameters(self.version.action(action).unwrap(), &[])
    }

    /// What the row says; a read is always forwarded.
    pub fn is_allowed(&self, cell: &Cell) -> bool {
        let action = self.version.action(&cell.action).unwrap();
        let kind = self.version.task_kind(&cell.kind).unwrap();
        let usual = KINDS.iter().find(|(name, ..)| *name == cell.kind).map(|(.., billing)| (*billing).to_owned());
        let seen = Observation {
            state: cell.state.clone(),
            billing: cell.billing.clone().or(usual),
            facts: self.facts[&cell.kind].clone(),
            ..Observation::default()
        };
        !action.kind.is_change() || action.rule.as_ref().unwrap().objection(kind, &action.name, &seen).is_none()
    }

    /// Whether the gateway asks for states with the cell's action, so that the cloud's book holds more of them.
    pub fn is_lookup(&self, cell: &Cell) -> bool {
        self.version.action(&cell.action).unwrap().is_lookup
    }

    /// The parameters of a call.
    pub fn parameters(&self, cell: &Cell, task: &TaskRef) -> Value {
        let action = self.version.action(&cell.action).unwrap();
        let parent = parent_of(self.version.task_kind(&cell.kind).unwrap(), task);
        let group = group_of(task);
        let tasks: Vec<&TaskRef> = [Some(task), parent.as_ref(), Some(&group)].into_iter().flatten().collect();
        sample::parameters(action, &tasks)
    }

    fn actions(&self, kind: &TaskKind) -> Vec<Arc<Action>> {
        let is_about = |action: &&Arc<Action>| action.task == kind.name && names(action, &kind.name);
        self.version.actions().filter(is_about).cloned().collect()
    }

    async fn add(&mut self, world: &World, kind: &TaskKind, word: &str, state: &str, billing: Option<&String>) {
        for action in self.actions(kind) {
            let mut order = json!({"kind": word, "version": VERSION, "status": state});
            if let Some(billing) = billing {
                order["billing"] = json!(billing);
            }
            if kind.name == "subscription" {
                with_a_group(&mut order, self.cells.len());
            }
            let task = make_task(world, kind, order).await;
            let (kind, state) = (kind.name.clone(), state.to_owned());
            let cell = Cell { kind, state, billing: billing.cloned(), action: action.name.clone() };
            self.cells.insert(cell, task);
        }
    }

    /// The facts of a sample task, as the gateway's own look-up would find them.
    async fn look(&self, world: &World, kind: &TaskKind) -> BTreeMap<String, String> {
        let (cell, task) = self.cells.iter().find(|(cell, _)| cell.kind == kind.name).unwrap();
        let source = &kind.read.source;
        let lookup = Cell { action: source.action.clone(), ..cell.clone() };
        let body = self.parameters(&lookup, task).to_string();
        let answer = world.with_token("all").of_2021().act_with(&source.action, &[], &body).await;
        source.observe(&answer.response()).into_iter().find(|seen| seen.id == task.id).unwrap().facts
    }
}

fn names(action: &Action, kind: &str) -> bool {
    action.ids.iter().any(|id| id.task == kind && id.role == Role::Subject)
}

/// A task, and for one that belongs to another that one, at work.
async fn make_task(world: &World, kind: &TaskKind, mut order: Value) -> TaskRef {
    let ids = |made: Value| made["ids"][0].as_str().unwrap().to_owned();
    let parent = match &kind.parent {
        None => None,
        Some(parent) => {
            let status = if parent.task == "sync" { "Running" } else { "running" };
            let order = json!({"kind": parent.task, "version": VERSION, "status": status});
            Some(ids(world.cloud("POST", "/_sim/tasks", &order.to_string()).await))
        }
    };
    if let Some(parent) = &parent {
        order["data"] = json!({"JobId": parent});
    }
    let id = ids(world.cloud("POST", "/_sim/tasks", &order.to_string()).await);
    TaskRef { kind: kind.name.clone(), written: id.clone(), id, parent, role: Role::Subject }
}

fn parent_of(kind: &TaskKind, task: &TaskRef) -> Option<TaskRef> {
    let (parent, id) = (kind.parent.as_ref()?, task.parent.clone()?);
    Some(TaskRef { kind: parent.task.clone(), written: id.clone(), id, parent: None, role: Role::Subject })
}

/// A subscription with a consumer group that nobody uses.
fn with_a_group(order: &mut Value, number: usize) {
    let id = format!("subs-walk{number:04}");
    let group = json!({"ConsumerGroupName": group_name(&id), "ConsumerGroupState": "Empty"});
    order["data"] = json!({"ConsumerGroups": [group]});
    order["id"] = json!(id);
}

fn group_name(subscription: &str) -> String {
    format!("consumer-grp-{subscription}-walkers")
}

fn group_of(task: &TaskRef) -> TaskRef {
    let id = group_name(&task.id);
    TaskRef {
        kind: "consumer-group".to_owned(),
        written: id.clone(),
        id,
        parent: Some(task.id.clone()),
        role: Role::Subject,
    }
}
