//! Which team owns which task. Remembered once learned: ownership moves only by creation and by an administrative act.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::call::{Grant, Refusal, TaskScope};
use crate::provider::TaskRef;
use crate::store::Store;

/// Owners kept in memory, at most; beyond that the store is asked again.
const REMEMBERED: usize = 100_000;

/// Account alias and task id.
type TaskKey = (String, String);

/// The owners of tasks.
pub struct Owners {
    store: Arc<dyn Store>,
    known: Mutex<HashMap<TaskKey, String>>,
}

impl Owners {
    /// Owners as `store` knows them.
    pub fn new(store: Arc<dyn Store>) -> Owners {
        Owners { store, known: Mutex::new(HashMap::new()) }
    }

    /// Those of `tasks` that `team` owns. Asks nobody when no grant speaks of own tasks.
    pub async fn owned(
        &self,
        account: &str,
        team: &str,
        grants: &[Grant],
        tasks: &[TaskRef],
    ) -> Result<Vec<TaskRef>, Refusal> {
        let asks = |grant: &Grant| matches!(grant.tasks, TaskScope::Limited { own: true, .. });
        if tasks.is_empty() || !grants.iter().any(asks) {
            return Ok(Vec::new());
        }
        let unknown: Vec<String> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let is_unknown = |task: &&TaskRef| !known.contains_key(&(account.to_owned(), task.id.clone()));
            tasks.iter().filter(is_unknown).map(|task| task.id.clone()).collect()
        };
        if !unknown.is_empty() {
            let rows = self.store.tasks(account, &unknown).await.map_err(|_| Refusal::AuditUnavailable)?;
            for (task, row) in unknown.iter().zip(rows) {
                if let Some(owner) = row.team {
                    self.learn(account, task, &owner);
                }
            }
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_own = |task: &&TaskRef| known.get(&(account.to_owned(), task.id.clone())).is_some_and(|own| own == team);
        Ok(tasks.iter().filter(is_own).cloned().collect())
    }

    /// Some of a team's tasks.
    pub async fn some(&self, account: &str, team: &str, limit: u32) -> Result<Vec<String>, Refusal> {
        self.store.tasks_of(account, team, limit).await.map_err(|_| Refusal::AuditUnavailable)
    }

    /// A task belongs to a team from now on.
    pub fn learn(&self, account: &str, task: &str, team: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert((account.to_owned(), task.to_owned()), team.to_owned());
    }
}
