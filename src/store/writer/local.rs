//! What this process knows of changes by itself, for when the database can't be asked: which are open, how often a task
//! was changed, and which stops and pauses must not be sent again. Only one instance writes to a database, so what it
//! has seen is all there is.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use crate::call::Closed;
use crate::store::plan::{self, Memory, TaskKey, task_key};
use crate::store::{Intent, Remembered, ReplayKey, TaskRow, Verdict};

/// Change counters kept at most. A task whose counter is forgotten is busy once, and then its state is read again.
const COUNTERS: usize = 100_000;

/// Keys are looked through for expired ones when there are so many, and whenever they have doubled.
const KEYS: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Local {
    open: HashMap<Uuid, Open>,
    leases: HashMap<TaskKey, Uuid>,
    changes: HashMap<TaskKey, i64>,
    kept: HashMap<[u8; 32], Remembered>,
    look_through_at: usize,
}

/// A change under way.
#[derive(Debug)]
struct Open {
    tasks: Vec<TaskKey>,
    keys: Vec<[u8; 32]>,
}

impl Local {
    /// Whether a change may begin, as the database would judge it (`plan`); if so, it has begun.
    pub(super) fn admit(&mut self, intent: &Intent) -> Verdict {
        let mut kept = intent.replay.iter().filter_map(|(key, _)| self.kept.get(&key.key));
        if let Some(first) = kept.find(|kept| kept.open || kept.expires_at > intent.record.time) {
            return Verdict::Replayed(first.clone());
        }
        let account = &intent.record.account;
        let tasks: BTreeMap<TaskKey, i64> =
            intent.tasks.iter().map(|seen| (task_key(account, &seen.id), seen.changes)).collect();
        if let Some((_, task)) = tasks.keys().find(|key| self.leases.contains_key(*key)) {
            return Verdict::Busy { task: task.clone() };
        }
        if let Some(((_, task), _)) = tasks.iter().find(|(key, seen)| self.counter(key) != **seen) {
            return Verdict::Stale { task: task.clone() };
        }
        self.begun(intent);
        Verdict::Done
    }

    /// A change has begun.
    pub(super) fn begun(&mut self, intent: &Intent) {
        let (id, account) = (intent.record.id, &intent.record.account);
        let mut open = Open { tasks: Vec::new(), keys: Vec::new() };
        for seen in &intent.tasks {
            let key = task_key(account, &seen.id);
            self.leases.insert(key.clone(), id);
            self.count(&key, seen.changes + 1);
            open.tasks.push(key);
        }
        // Nothing else can arrive again while the database is away.
        for (key, expires_at) in intent.replay.iter().filter(|_| intent.emergency) {
            let kept = Remembered { id, key: key.clone(), answer: None, open: true, expires_at: *expires_at };
            self.remember(kept, intent.record.time);
            open.keys.push(key.key);
        }
        self.open.insert(id, open);
    }

    /// A change has ended.
    pub(super) fn ended(&mut self, closed: &Closed) {
        let Some(open) = self.open.remove(&closed.record.id) else { return };
        for key in open.tasks {
            self.leases.remove(&key);
            let before = self.counter(&key);
            self.count(&key, before + 1);
        }
        for key in open.keys {
            match (plan::memory(closed), self.kept.get_mut(&key)) {
                (Memory::Keep(answer), Some(kept)) => (kept.open, kept.answer) = (false, answer),
                _ => drop(self.kept.remove(&key)),
            }
        }
    }

    /// What the database says of tasks; what this process knows better stays.
    pub(super) fn learn(&mut self, account: &str, tasks: &[String], rows: &[TaskRow]) {
        for (task, row) in tasks.iter().zip(rows) {
            let key = task_key(account, task);
            let newest = self.counter(&key).max(row.changes);
            self.count(&key, newest);
        }
    }

    /// What was remembered by an earlier run.
    pub(super) fn recall(&mut self, all: Vec<Remembered>, now: Timestamp) {
        for kept in all {
            self.remember(kept, now);
        }
    }

    /// The counters of tasks; who owns them is not known here.
    pub(super) fn tasks(&self, account: &str, tasks: &[String]) -> Vec<TaskRow> {
        let row = |task: &String| {
            let key = task_key(account, task);
            TaskRow { team: None, changes: self.counter(&key), open_change: self.leases.get(&key).copied() }
        };
        tasks.iter().map(row).collect()
    }

    /// What is remembered of a stop or pause.
    pub(super) fn remembered(&self, key: &ReplayKey, now: Timestamp) -> Option<Remembered> {
        self.kept.get(&key.key).filter(|kept| kept.open || kept.expires_at > now).cloned()
    }

    fn remember(&mut self, kept: Remembered, now: Timestamp) {
        if self.kept.len() >= self.look_through_at.max(KEYS) {
            self.kept.retain(|_, kept| kept.open || kept.expires_at > now);
            self.look_through_at = self.kept.len() * 2;
        }
        self.kept.insert(kept.key.key, kept);
    }

    fn counter(&self, key: &TaskKey) -> i64 {
        self.changes.get(key).copied().unwrap_or(0)
    }

    fn count(&mut self, key: &TaskKey, changes: i64) {
        if self.changes.len() >= COUNTERS {
            self.changes.clear();
        }
        self.changes.insert(key.clone(), changes);
    }
}
