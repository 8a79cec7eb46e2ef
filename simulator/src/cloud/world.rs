//! The tasks that exist and the asynchronous requests that run, by id and in order of creation.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::Call;
use super::task::{Pace, Task};
use crate::chance;
use crate::clock::Moment;
use crate::dialect::ApiError;
use crate::table::{Kind, Tables};

/// Everything that the cloud remembers.
#[derive(Debug, Default)]
pub(crate) struct World {
    tasks: HashMap<String, Task>,
    order: BTreeMap<u64, String>,
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
    pub(crate) data: Map<String, Value>,
}

impl World {
    /// Makes a task and answers its id; none if the wanted id is taken.
    pub(crate) fn make(&mut self, birth: Birth<'_>, now: Moment) -> Option<String> {
        let id = match birth.id {
            Some(id) if self.tasks.contains_key(&id) => return None,
            Some(id) => id,
            None => self.fresh_id(&birth.kind.id_prefix),
        };
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
            data: birth.data,
            created: now,
            started: None,
            ended: None,
        };
        task.enter(birth.kind, birth.status, now);
        self.order.insert(number, id.clone());
        self.tasks.insert(id.clone(), task);
        Some(id)
    }

    /// A task as it is now, whatever its kind.
    pub(crate) fn look(&mut self, id: &str, tables: &Tables, pace: Pace, now: Moment) -> Option<&mut Task> {
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
        let task = self.tasks.get_mut(id).ok_or_else(not_found)?;
        if task.kind != call.action.task || task.version != call.provider.version {
            return Err(not_found());
        }
        if !task.settle(kind, pace, now) {
            self.remove(id);
            return Err(not_found());
        }
        let task = self.tasks.get_mut(id).ok_or_else(not_found)?;
        judge(call, kind, task)?;
        Ok(task)
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

    /// Takes a task away.
    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(task) = self.tasks.remove(id) {
            self.order.remove(&task.number);
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

    fn fresh_id(&self, prefix: &str) -> String {
        loop {
            let id = format!("{prefix}{}", chance::letters(8));
            if !self.tasks.contains_key(&id) {
                return id;
            }
        }
    }
}

fn judge(call: &Call<'_>, kind: &Kind, task: &Task) -> Result<(), ApiError> {
    let action = call.action;
    let code = action.state_code.as_deref().unwrap_or("OperationDenied");
    let status_allows = action.allowed.as_ref().is_none_or(|allowed| allowed.contains(&task.status));
    if !status_allows {
        let status = kind.describe(&task.status);
        let message = format!("The task {} is in the status {status}, which does not allow {}.", task.id, action.name);
        return Err(ApiError::new(code, message));
    }
    if !action.allowed_billing.as_ref().is_none_or(|allowed| allowed.contains(&task.billing)) {
        let billing = &task.billing;
        let message = format!("The task {} is {billing}, which does not allow {}.", task.id, action.name);
        return Err(ApiError::new(code, message));
    }
    match &action.only {
        Some(only) if !task.is(only.when, kind) => {
            let message = format!("The task {} is not of a sort that allows {}.", task.id, action.name);
            Err(ApiError::new(only.code.as_str(), message))
        }
        _ => Ok(()),
    }
}
