//! The tasks that exist and the asynchronous requests that run, by id and in order of creation.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::Call;
use super::task::{Pace, Task};
use super::verdict::judge;
use crate::chance;
use crate::clock::Moment;
use crate::dialect::ApiError;
use crate::table::{Kind, Provider, Tables};

/// What an instance's id has before the characters of its task's (Alibaba's page on DescribeDtsJobs).
pub(super) const INSTANCE_PREFIX: &str = "dts";

/// Everything that the cloud remembers.
#[derive(Debug, Default)]
pub(crate) struct World {
    tasks: HashMap<String, Task>,
    order: BTreeMap<u64, String>,
    /// The tasks that belong to a task, oldest first.
    children: HashMap<String, Vec<String>>,
    /// Tasks that are here only to have others belong to them: who names one makes it anew.
    implied: HashSet<String>,
    next_number: u64,
    requests: HashMap<String, Option<Moment>>,
}

/// What a task begins with.
#[derive(Debug)]
pub(crate) struct Birth<'a> {
    pub(crate) version: &'a str,
    pub(crate) kind_name: &'a str,
    pub(crate) kind: &'a Kind,
    pub(crate) id: Option<String>,
    pub(crate) status: Value,
    pub(crate) billing: String,
    pub(crate) moves: bool,
    /// The task that it belongs to; it need not be there.
    pub(crate) parent: Option<String>,
    pub(crate) data: Map<String, Value>,
}

impl World {
    /// Makes a task and answers its id; none if the wanted id is taken.
    pub(crate) fn make(&mut self, birth: Birth<'_>, now: Moment) -> Option<String> {
        let id = match birth.id {
            Some(id) if self.is_taken(&id) => return None,
            Some(id) => id,
            None => match &birth.parent {
                Some(parent) => self.fresh_id(&format!("{parent}-cmp-"), 8),
                None => self.fresh_id(&birth.kind.id_prefix, birth.kind.id_letters),
            },
        };
        if self.implied.remove(&id)
            && let Some(before) = self.tasks.remove(&id)
        {
            self.order.remove(&before.number);
        }
        let number = self.next_number;
        self.next_number += 1;
        let mut task = Task {
            id: id.clone(),
            number,
            version: birth.version.to_owned(),
            kind: birth.kind_name.to_owned(),
            status: Value::Null,
            status_since: now,
            billing: birth.billing,
            billing_since: now,
            moves: birth.moves,
            parent: birth.parent,
            data: birth.data,
            created: now,
            checked: None,
            resumed: false,
            staged: now,
            started: None,
            ended: None,
        };
        task.enter(birth.kind, birth.status, now);
        if let Some(parent) = &task.parent {
            self.children.entry(parent.clone()).or_default().push(id.clone());
        }
        self.order.insert(number, id.clone());
        self.tasks.insert(id.clone(), task);
        Some(id)
    }

    /// Whether no task can be made with this id.
    pub(super) fn is_taken(&self, id: &str) -> bool {
        self.tasks.contains_key(id) && !self.implied.contains(id)
    }

    /// Says that a task is here only to have others belong to it.
    pub(super) fn imply(&mut self, id: String) {
        self.implied.insert(id);
    }

    /// A task as it was when somebody last looked.
    pub(super) fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.get(id)
    }

    /// The tasks that belong to a task, oldest first, as they are now.
    pub(super) fn children(&mut self, parent: &str, call: &Call<'_>) -> Vec<&Task> {
        let ids = self.children.get(parent).cloned().unwrap_or_default();
        for id in &ids {
            let Some(task) = self.tasks.get_mut(id) else { continue };
            let kind = call.provider.kinds.get(&task.kind);
            if kind.is_some_and(|kind| !task.settle(kind, call.pace, call.now)) {
                self.remove(id);
            }
        }
        ids.iter().filter_map(|id| self.tasks.get(id)).collect()
    }

    /// A task that a version sees, as it is now.
    pub(super) fn seen(&mut self, id: &str, provider: &Provider, pace: Pace, now: Moment) -> Option<&mut Task> {
        let task = self.tasks.get_mut(id).filter(|task| provider.sees_tasks_of(&task.version))?;
        if !task.settle(provider.kinds.get(&task.kind)?, pace, now) {
            self.remove(id);
            return None;
        }
        self.tasks.get_mut(id)
    }

    /// A task as it is now, whatever its kind, by its id or that of its instance.
    pub(crate) fn look(&mut self, id: &str, tables: &Tables, pace: Pace, now: Moment) -> Option<&mut Task> {
        let id = if self.tasks.contains_key(id) { id } else { id.strip_prefix(INSTANCE_PREFIX)? };
        let task = self.tasks.get_mut(id)?;
        let kind = tables.version(&task.version).and_then(|provider| provider.kinds.get(&task.kind))?;
        if !task.settle(kind, pace, now) {
            self.remove(id);
            return None;
        }
        self.tasks.get_mut(id)
    }

    /// The task that a call names, if it is there and its state allows the call.
    pub(super) fn judged(&mut self, call: &Call<'_>) -> Result<&mut Task, ApiError> {
        let id = call.action.task_id.as_deref().map_or("", |name| call.text(name));
        let not_found = || {
            let code = call.action.not_found_code.as_deref().unwrap_or("ResourceNotFound");
            ApiError::new(code, format!("The task {id} does not exist."))
        };
        let (kind, pace, now) = (call.kind, call.pace, call.now);
        if !self.belongs(id, call) {
            return Err(not_found());
        }
        let task = self.tasks.get_mut(id).ok_or_else(not_found)?;
        if task.kind != call.action.task || task.version != call.provider.version {
            return Err(not_found());
        }
        if !task.settle(kind, pace, now) {
            self.remove(id);
            return Err(not_found());
        }
        let task = self.tasks.get_mut(id).ok_or_else(not_found)?;
        judge(call.action, kind, task)?;
        Ok(task)
    }

    /// Whether a task belongs to the one that the call says it belongs to, if it says so.
    fn belongs(&self, id: &str, call: &Call<'_>) -> bool {
        let Some(parent) = &call.action.parent else { return true };
        let parent_id = call.text(&parent.parameter);
        let named = self.tasks.get(parent_id);
        named.is_some_and(|named| named.kind == parent.task && named.version == call.provider.version)
            && self.tasks.get(id).is_some_and(|task| task.parent.as_deref() == Some(parent_id))
    }

    /// The tasks of a kind in order of creation, as they are now.
    pub(super) fn of_kind(&mut self, call: &Call<'_>) -> Vec<&Task> {
        let mut gone = Vec::new();
        for task in self.tasks.values_mut().filter(|task| call.is_about(task)) {
            if !task.settle(call.kind, call.pace, call.now) {
                gone.push(task.id.clone());
            }
        }
        for id in gone {
            self.remove(&id);
        }
        let tasks = &self.tasks;
        self.order.values().filter_map(|id| tasks.get(id)).filter(|task| call.is_about(task)).collect()
    }

    /// Every id, in order of creation.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.order.values().cloned().collect()
    }

    /// Takes a task away, and what belongs to it.
    pub(crate) fn remove(&mut self, id: &str) {
        let Some(task) = self.tasks.remove(id) else { return };
        self.order.remove(&task.number);
        self.implied.remove(id);
        if let Some(siblings) = task.parent.as_ref().and_then(|parent| self.children.get_mut(parent)) {
            siblings.retain(|sibling| sibling != id);
        }
        for child in self.children.remove(id).unwrap_or_default() {
            self.remove(&child);
        }
    }

    /// Whether a task moves by itself.
    pub(super) fn moves(&self, id: &str) -> bool {
        self.tasks.get(id).is_some_and(|task| task.moves)
    }

    /// Begins an asynchronous request that is done at `due`, or never.
    pub(super) fn begin_request(&mut self, due: Option<Moment>) -> String {
        let id = chance::request_id();
        self.requests.insert(id.clone(), due);
        id
    }

    /// When an asynchronous request is done.
    pub(super) fn request(&self, id: &str) -> Option<Option<Moment>> {
        self.requests.get(id).copied()
    }

    fn fresh_id(&self, prefix: &str, letters: usize) -> String {
        loop {
            let id = format!("{prefix}{}", chance::letters(letters));
            if !self.tasks.contains_key(&id) {
                return id;
            }
        }
    }
}
