//! Builds the kinds of task: their states, and where answers tell them.

use std::collections::BTreeMap;

use super::super::super::action::Action;
use super::super::super::error::{At, Place, Report};
use super::super::super::path::Path;
use super::super::super::shape::{Shape, Type};
use super::super::super::state::{Allowed, Billing, State, StateRead, StateSource, TaskKind};
use super::super::Rows;
use super::super::states::{AllowedRow, BillingRow, SourceRow, TaskRow};
use super::actions::resolve;
use super::refusals;
use super::shapes::Structures;
use super::sources::Sources;

pub(super) fn link(
    rows: &Rows,
    actions: &BTreeMap<String, Action>,
    sources: &Sources<'_>,
    report: &Report,
) -> BTreeMap<String, TaskKind> {
    // Structures have been reported on already; here they are only looked at.
    let unheard = Report::default();
    let structures = Structures::new(&rows.actions.structures, &unheard);
    let answers = rows.actions.actions.iter().map(|row| (row.name.value.as_str(), structures.shape(&row.answer)));
    let linker = Linker { actions, answers: answers.collect(), sources, report };
    rows.states.tasks.iter().filter_map(|row| Some((row.name.value.clone(), linker.task(row)?))).collect()
}

/// A set of states, each of which must be known.
pub(super) fn allowed(row: &AllowedRow, is_known: impl Fn(&str) -> bool, what: &str, report: &Report) -> Allowed {
    let AllowedRow::Only(states) = row else { return Allowed::Any };
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
    Allowed::Only(found)
}

struct Linker<'r> {
    actions: &'r BTreeMap<String, Action>,
    answers: BTreeMap<&'r str, Shape>,
    sources: &'r Sources<'r>,
    report: &'r Report,
}

impl Linker<'_> {
    fn task(&self, row: &TaskRow) -> Option<TaskKind> {
        let name = &row.name.value;
        if !self.actions.values().any(|action| action.task == *name) {
            self.report.add(&row.name.place, format!("no action is about the task `{name}`"));
        }
        let billing = row.billing.as_ref().map(|billing| self.billing(billing));
        let learn = row.learn.iter().filter_map(|learn| self.source(learn, row)).collect();
        let states = self.states(row);
        Some(TaskKind {
            name: name.clone(),
            states,
            billing,
            read: self.read(row.read.as_ref()?, row)?,
            learn,
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

    fn read(&self, row: &SourceRow, task: &TaskRow) -> Option<StateRead> {
        let source = self.source(row, task);
        let (named, parameter) = (row.action.as_ref()?, row.parameter.as_ref()?);
        let action = self.actions.get(&named.value)?;
        let id = action.ids.iter().find(|id| id.path.to_string() == parameter.value && id.task == task.name.value);
        match id {
            None => {
                let message = format!("`{}` is not among the `ids` of {} for this task", parameter.value, action.name);
                self.report.add(&parameter.place, message);
            }
            Some(id) if id.names_many() => {
                self.report.add(&parameter.place, format!("`{}` takes several ids; a look-up asks for one", id.path));
            }
            Some(_) => {}
        }
        Some(StateRead { parameter: id?.path.clone(), source: source? })
    }

    fn source(&self, row: &SourceRow, task: &TaskRow) -> Option<StateSource> {
        self.sources.names(&row.sources);
        let named = row.action.as_ref()?;
        let Some(action) = self.actions.get(&named.value) else {
            self.report.add(&named.place, format!("actions.toml has no action `{}`", named.value));
            return None;
        };
        if action.kind.is_change() {
            self.report.add(&named.place, format!("`{}` is no read", action.name));
        }
        match (&task.billing, &row.billing) {
            (Some(_), None) if row.parameter.is_some() => {
                self.report.add(&row.place, "the task has billing states; say where the answer has it: `billing`");
            }
            (None, Some(billing)) => self.report.add(&billing.place, "the task has no billing states"),
            _ => {}
        }
        let answer = self.answers.get(action.name.as_str())?;
        let path = |path: &At<String>| self.told(path, &action.name, answer);
        let (id, state) = (path(row.id.as_ref()?), path(row.state.as_ref()?));
        let billing = row.billing.as_ref().map(|billing| (path(billing), &billing.place));
        let source = StateSource { action: action.name.clone(), id: id?, state: state?, billing: None };
        self.check_same_element(&source.id, &source.state, &row.state.as_ref()?.place);
        match billing {
            None => Some(source),
            Some((billing, place)) => {
                let billing = billing?;
                self.check_same_element(&source.id, &billing, place);
                Some(StateSource { billing: Some(billing), ..source })
            }
        }
    }

    fn told(&self, path: &At<String>, action: &str, answer: &Shape) -> Option<Path> {
        let (parsed, value, _) = resolve(path, answer, &format!("the `answer` of {action}"), self.report)?;
        if !matches!(value, Type::String | Type::Integer) {
            self.report.add(&path.place, format!("`{parsed}` is of type {value}; it must be a String or an Integer"));
        }
        Some(parsed)
    }

    /// Id and state are told of one element of one list; otherwise they could be those of two tasks.
    fn check_same_element(&self, id: &Path, other: &Path, place: &Place) {
        if id.split_at_last_list().0 != other.split_at_last_list().0 {
            self.report.add(place, format!("`{other}` and `{id}` are not in the same element"));
        }
    }
}
