//! What is known of tasks' states, in memory, and the rule for what may be believed.
//!
//! A state counts only together with the task's change counter (kept in the store, read before the state was): the
//! intent of a change is accepted only if the counter has not moved since. What an answer that passes by tells is
//! taken over only for a task whose counter is known, and only if no change was under way since it was asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::call::SeenTask;
use crate::provider::Observation;

/// Tasks remembered at most; the longest untouched go first.
const REMEMBERED: usize = 100_000;

/// The store moves a task's counter when a change is intended and again when it has ended: a state that was read in
/// between may be from before its effect.
const STEPS_OF_A_CHANGE: i64 = 2;

/// Account alias and task id.
type TaskKey = (String, String);

/// The states of tasks.
#[derive(Default)]
pub struct States(Mutex<HashMap<TaskKey, Entry>>);

/// A state that may be judged by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known {
    /// What the answer said of the task.
    pub observed: Observation,
    /// When it was asked for.
    pub asked_at: Instant,
    /// The change counter that goes with it.
    pub changes: i64,
}

/// While it lives, changes of some tasks are under way, and what is heard of those tasks is not believed.
pub struct Changing<'a> {
    states: &'a States,
    tasks: Vec<(TaskKey, i64)>,
}

struct Entry {
    known: Option<Known>,
    changes: Option<i64>,
    changing: u32,
    changed_at: Option<Instant>,
    touched: Instant,
    asking: Arc<tokio::sync::Mutex<()>>,
}

impl States {
    /// What is known of a task, if it is no older than `max_age`.
    pub fn known(&self, account: &str, task: &str, max_age: Duration) -> Option<Known> {
        let mut entries = self.lock();
        let entry = entry(&mut entries, account, task);
        entry.known.clone().filter(|known| known.asked_at.elapsed() <= max_age)
    }

    /// Takes over what was asked for at `asked_at`, with the counter that was read before.
    pub fn learn(&self, account: &str, observation: Observation, asked_at: Instant, changes: i64) -> Known {
        let mut entries = self.lock();
        let entry = entry(&mut entries, account, &observation.id);
        let known = Known { observed: observation, asked_at, changes };
        if entry.may_believe(asked_at) {
            entry.changes = Some(changes);
            entry.known = Some(known.clone());
        }
        known
    }

    /// Takes over what the answer to a caller's read says, where it may be believed.
    pub fn overheard(&self, account: &str, observation: Observation, asked_at: Instant) {
        let mut entries = self.lock();
        let entry = entry(&mut entries, account, &observation.id);
        if let (Some(changes), true) = (entry.changes, entry.may_believe(asked_at)) {
            entry.known = Some(Known { observed: observation, asked_at, changes });
        }
    }

    /// Takes over that the answer to a caller's read about a task does not have it: what was known of it is not believed.
    pub fn missed(&self, account: &str, task: &str) {
        if let Some(entry) = self.lock().get_mut(&(account.to_owned(), task.to_owned())) {
            entry.known = None;
        }
    }

    /// Forgets a task: what was known of it proved wrong.
    pub fn forget(&self, account: &str, task: &str) {
        self.lock().remove(&(account.to_owned(), task.to_owned()));
    }

    /// A change of these tasks is under way until the guard is dropped.
    pub fn change(&self, account: &str, tasks: &[SeenTask]) -> Changing<'_> {
        let mut entries = self.lock();
        for task in tasks {
            let entry = entry(&mut entries, account, &task.id);
            entry.changing += 1;
            entry.known = None;
            entry.changes = None;
        }
        let after = |task: &SeenTask| ((account.to_owned(), task.id.clone()), task.changes + STEPS_OF_A_CHANGE);
        Changing { states: self, tasks: tasks.iter().map(after).collect() }
    }

    /// The lock under which one asks for a task's state while others wait for what it learns.
    pub fn asking(&self, account: &str, task: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&entry(&mut self.lock(), account, task).asking)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TaskKey, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn new() -> Entry {
        let asking = Arc::default();
        Entry { known: None, changes: None, changing: 0, changed_at: None, touched: Instant::now(), asking }
    }

    fn may_believe(&self, asked_at: Instant) -> bool {
        let newer = self.known.as_ref().is_none_or(|known| known.asked_at <= asked_at);
        newer && self.changing == 0 && self.changed_at.is_none_or(|changed_at| changed_at <= asked_at)
    }
}

fn entry<'a>(entries: &'a mut HashMap<TaskKey, Entry>, account: &str, task: &str) -> &'a mut Entry {
    if entries.len() >= REMEMBERED {
        evict(entries);
    }
    let entry = entries.entry((account.to_owned(), task.to_owned())).or_insert_with(Entry::new);
    entry.touched = Instant::now();
    entry
}

/// Drops the older half, but no task with a change under way.
fn evict(entries: &mut HashMap<TaskKey, Entry>) {
    let mut ages: Vec<Instant> = entries.values().map(|entry| entry.touched).collect();
    let middle = ages.len() / 2;
    let (_, median, _) = ages.select_nth_unstable(middle);
    let median = *median;
    entries.retain(|_, entry| entry.touched > median || entry.changing > 0);
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let mut entries = self.states.lock();
        for ((account, task), changes) in &self.tasks {
            let entry = entry(&mut entries, account, task);
            entry.changing = entry.changing.saturating_sub(1);
            entry.changes = Some(*changes);
            entry.changed_at = Some(Instant::now());
        }
    }
}
