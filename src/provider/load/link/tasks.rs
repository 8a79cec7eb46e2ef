//! Builds the kinds of task: their states, and where answers tell them.

use std::collections::BTreeMap;

use super::super::super::action::Action;
use super::super::super::error::{At, Report};
use super::super::super::state::{Allowed, Billing, Parent, State, TaskKind};
use super::super::Rows;
use super::super::states::{AllowedRow, BillingRow, ParentRow, TaskRow};
use super::reads::Reads;
use super::refusals;
use super::sources::Sources;

pub(super) fn link(
    rows: &Rows,
    actions: &BTreeMap<String, Action>,
    sources: &Sources<'_>,
    report: &Report,
) -> BTreeMap<String, TaskKind> {
    let reads = Reads::new(rows, actions, sources, report);
    let linker = Linker { kinds: &rows.states.tasks, actions, reads, sources, report };
    rows.states.tasks.iter().filter_map(|row| Some((row.name.value.clone(), linker.task(row)?))).collect()
}

/// A set of states, each of which must be known.
pub(super) fn allowed(row: &AllowedRow, is_known: impl Fn(&str) -> bool, what: &str, report: &Report) -> Allowed {
    match row {
        AllowedRow::Any => Allowed::Any,
        AllowedRow::Only(states) => Allowed::Only(known_states(states, is_known, what, report)),
    }
}

/// States, each known and named once.
pub(super) fn known_states(
    states: &[At<String>],
    is_known: impl Fn(&str) -> bool,
    what: &str,
    report: &Report,
) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for state in states {
        if !is_known(&state.value) {
            report.add(&state.place, format!("`{}` is no {what}", state.value));
        }
        if found.contains(&state.value) {
            report.add(&state.place, format!("`{}` stands twice", state.value));
        }
        found.push(state.value.clone());
    }
    found
}

struct Linker<'r> {
    kinds: &'r [TaskRow],
    actions: &'r BTreeMap<String, Action>,
    reads: Reads<'r>,
    sources: &'r Sources<'r>,
    report: &'r Report,
}

impl Linker<'_> {
    fn task(&self, row: &TaskRow) -> Option<TaskKind> {
        let name = &row.name.value;
        let is_about = |action: &Action| action.task == *name || action.ids.iter().any(|id| id.task == *name);
        if !self.actions.values().any(is_about) {
            self.report.add(&row.name.place, format!("no action is about the task `{name}`"));
        }
        let billing = row.billing.as_ref().map(|billing| self.billing(billing));
        let learn = row.learn.iter().filter_map(|learn| self.reads.learn(learn, row)).collect();
        let states = self.states(row);
        Some(TaskKind {
            name: name.clone(),
            parent: row.parent.as_ref().map(|parent| self.parent(parent)),
            prefix: row.prefix.as_ref().map(|prefix| prefix.value.clone()),
            aliases: self.aliases(row, &states),
            states,
            billing,
            read: self.reads.read(row.read.as_ref()?, row)?,
            learn,
            newest: row.newest.as_ref().and_then(|newest| self.reads.newest(newest)),
            offers: self.offers(row),
            refusals: refusals(&row.refusals, self.report),
        })
    }

    fn states(&self, row: &TaskRow) -> BTreeMap<String, State> {
        let mut states: BTreeMap<String, State> = BTreeMap::new();
        for state in &row.states {
            let wire = state.code.as_ref().unwrap_or(&state.name);
            let read = State {
                name: state.name.value.clone(),
                wire: wire.value.clone(),
                moves: state.moves,
                is_final: state.is_final,
                sources: self.sources.names(&state.sources),
            };
            if read.moves && read.is_final {
                self.report.add(&state.name.place, format!("`{}` cannot both move by itself and be final", read.name));
            }
            if let Some(other) = states.insert(wire.value.clone(), read) {
                self.report.add(&wire.place, format!("`{}` is the code of {} already", wire.value, other.name));
            }
        }
        states
    }

    fn aliases(&self, row: &TaskRow, states: &BTreeMap<String, State>) -> BTreeMap<String, String> {
        let mut aliases = BTreeMap::new();
        for state in &row.states {
            let wire = state.code.as_ref().unwrap_or(&state.name);
            for alias in &state.aliases {
                let before = aliases.insert(alias.value.clone(), wire.value.clone());
                if before.is_some() || states.contains_key(&alias.value) {
                    self.report.add(&alias.place, format!("`{}` stands for another state already", alias.value));
                }
            }
        }
        aliases
    }

    fn billing(&self, row: &BillingRow) -> Billing {
        let states: Vec<String> = row.states.iter().map(|state| state.value.clone()).collect();
        let is_known = |state: &str| states.iter().any(|known| known == state);
        let unless_stated = row
            .unless_stated
            .as_ref()
            .map_or(Allowed::Any, |row| allowed(row, is_known, "billing state of this task", self.report));
        let reason = row.reason.as_ref().map(|reason| reason.value.clone());
        Billing { unless_stated, states, reason, sources: self.sources.names(&row.sources) }
    }

    fn parent(&self, row: &ParentRow) -> Parent {
        let (task, id_begins) = (&row.task, &row.id_begins);
        if !self.kinds.iter().any(|kind| kind.name.value == task.value && kind.parent.is_none()) {
            self.report.add(&task.place, format!("states.toml has no task `{}` that is its own master", task.value));
        }
        if !id_begins.value.contains("{parent}") {
            self.report
                .add(&id_begins.place, "`id_begins` must hold `{parent}`, the id of the task that it belongs to");
        }
        Parent { task: task.value.clone(), id_begins: id_begins.value.clone() }
    }

    fn offers(&self, row: &TaskRow) -> BTreeMap<String, String> {
        for (_, action) in row.offers.iter().filter(|(_, action)| !self.actions.contains_key(&action.value)) {
            self.report.add(&action.place, format!("actions.toml has no action `{}`", action.value));
        }
        if let Some((word, _)) = row.offers.first().filter(|_| row.read.iter().all(|read| read.offered.is_none())) {
            self.report.add(&word.place, "the `read` of this task does not say where the words are: `offered`");
        }
        row.offers.iter().map(|(word, action)| (word.value.clone(), action.value.clone())).collect()
    }
}
