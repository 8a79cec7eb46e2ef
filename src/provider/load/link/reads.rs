//! Builds how states are read: which action is asked, and where answers tell what.

use std::collections::BTreeMap;

use super::super::super::action::Action;
use super::super::super::error::{At, Report};
use super::super::super::path::Path;
use super::super::super::shape::{Shape, Type};
use super::super::super::state::{JobIdPath, Newest, OfferedPaths, StateRead, StateSource, Typed};
use super::super::Rows;
use super::super::reads::{NewestRow, SourceRow};
use super::super::states::TaskRow;
use super::actions::resolve;
use super::shapes::Structures;
use super::sources::Sources;
use crate::parameters::Value;

/// The Line Islands' clock.
const MOST_HOURS_AHEAD: u32 = 14;

pub(super) struct Reads<'r> {
    actions: &'r BTreeMap<String, Action>,
    answers: BTreeMap<&'r str, Shape>,
    sources: &'r Sources<'r>,
    report: &'r Report,
}

impl<'r> Reads<'r> {
    pub(super) fn new(
        rows: &'r Rows,
        actions: &'r BTreeMap<String, Action>,
        sources: &'r Sources<'r>,
        report: &'r Report,
    ) -> Reads<'r> {
        // Structures have been reported on already; here they are only looked at.
        let unheard = Report::default();
        let structures = Structures::new(&rows.actions.structures, &unheard);
        let answers = rows.actions.actions.iter().map(|row| (row.name.value.as_str(), structures.shape(&row.answer)));
        Reads { actions, answers: answers.collect(), sources, report }
    }

    pub(super) fn learn(&self, learn: &SourceRow, task: &TaskRow) -> Option<StateSource> {
        self.check_tells_all(learn, task);
        self.source(learn, task)
    }

    /// What is learnt by the way replaces what was asked for, so it must tell as much.
    fn check_tells_all(&self, learn: &SourceRow, row: &TaskRow) {
        let Some(read) = &row.read else { return };
        for (fact, _) in
            read.facts.iter().filter(|(fact, _)| !learn.facts.iter().any(|(told, _)| told.value == fact.value))
        {
            self.report.add(&learn.place, format!("it does not tell `{}`, which `read` tells", fact.value));
        }
        if read.offered.is_some() && learn.offered.is_none() {
            self.report.add(&learn.place, "it does not tell what is `offered`, which `read` tells");
        }
    }

    pub(super) fn read(&self, row: &SourceRow, task: &TaskRow) -> Option<StateRead> {
        let source = self.source(row, task);
        let asks = row.asks.as_ref()?;
        let action = self.actions.get(&row.action.as_ref()?.value)?;
        let own = asks.parameter.as_ref().map(|parameter| self.asks_for(parameter, &task.name, action));
        let parent = match (&asks.parent, &task.parent) {
            (Some(parameter), Some(parent)) => Some(self.asks_for(parameter, &parent.task, action)),
            (Some(parameter), None) => {
                self.report.add(&parameter.place, format!("a {} belongs to no other task", task.name.value));
                None
            }
            (None, _) => None,
        };
        if own.is_none() && parent.is_none() {
            self.report.add(&row.place, "it must say with which `parameter` (or of which `parent`) it asks");
        }
        if let Some(job) = asks.job_parameter.as_ref().filter(|_| task.prefix.is_none()) {
            self.report.add(&job.place, format!("a {} has one id: no `canonical`", task.name.value));
        }
        for (name, _) in asks.with.iter().filter(|(name, _)| action.parameters.field(&name.value).is_none()) {
            self.report.add(&name.place, format!("`{}` is not in the parameters of {}", name.value, action.name));
        }
        Some(StateRead {
            parameter: own.flatten(),
            job_parameter: asks.job_parameter.as_ref().and_then(|job| self.asks_for(job, &task.name, action)),
            parent: parent.flatten(),
            with: values(&asks.with),
            source: source?,
        })
    }

    pub(super) fn newest(&self, row: &NewestRow) -> Option<Newest> {
        self.sources.names(&row.sources);
        let named = row.action.as_ref()?;
        let Some(action) = self.actions.get(&named.value) else {
            self.report.add(&named.place, format!("actions.toml has no action `{}`", named.value));
            return None;
        };
        if action.kind.is_change() {
            self.report.add(&named.place, format!("`{}` is no read", action.name));
        }
        let parameter = row.named.as_ref()?;
        let of_what = format!("the parameters of {}", action.name);
        let (asks, _, _) = resolve(parameter, &action.parameters, &of_what, self.report)?;
        let fixed = || row.with.iter().chain(&row.named_with);
        for (name, _) in fixed().filter(|(name, _)| action.parameters.field(&name.value).is_none()) {
            self.report.add(&name.place, format!("`{}` is not in the parameters of {}", name.value, action.name));
        }
        let typed = row.typed.as_ref().and_then(|typed| {
            let (parameter, _, _) = resolve(&typed.parameter, &action.parameters, &of_what, self.report)?;
            Some(Typed { parameter, words: typed.words.iter().map(|word| word.value.clone()).collect() })
        });
        let answer = self.answers.get(action.name.as_str())?;
        let id = self.told(row.id.as_ref()?, action, answer)?;
        let path = |name: &At<String>| match Path::parse(&name.value) {
            Ok(path) => Some(path),
            Err(error) => {
                self.report.add(&name.place, error.to_string());
                None
            }
        };
        let hours = row.hours_ahead.as_ref();
        if let Some(hours) = hours.filter(|hours| hours.value > MOST_HOURS_AHEAD) {
            self.report.add(&hours.place, format!("no clock is more than {MOST_HOURS_AHEAD} hours ahead of UTC"));
        }
        Some(Newest {
            action: action.name.clone(),
            named: asks,
            named_with: values(&row.named_with),
            with: values(&row.with),
            typed,
            most: row.most.as_ref()?.value,
            names: row.names.iter().filter_map(path).collect(),
            name: self.of_the_same(row.name.as_ref()?, &id, action, answer)?,
            created: self.of_the_same(row.created.as_ref()?, &id, action, answer)?,
            hours_ahead: hours.and_then(|hours| i8::try_from(hours.value).ok()).unwrap_or_default(),
            id,
        })
    }

    /// A parameter of a look-up that takes one id of this kind.
    fn asks_for(&self, parameter: &At<String>, kind: &At<String>, action: &Action) -> Option<Path> {
        let id = action.ids.iter().find(|id| id.path.to_string() == parameter.value && id.task == kind.value);
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
        id.map(|id| id.path.clone())
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
            (Some(_), None) => {
                self.report.add(&row.place, "the task has billing states; say where the answer has it: `billing`");
            }
            (None, Some(billing)) => self.report.add(&billing.place, "the task has no billing states"),
            _ => {}
        }
        let answer = self.answers.get(action.name.as_str())?;
        let id = self.told(row.id.as_ref()?, action, answer)?;
        let of_the_same = |path: &At<String>| self.of_the_same(path, &id, action, answer);
        let listed = |path: &At<String>| self.listed(path, &id, action, answer);
        let facts = row.facts.iter().filter_map(|(fact, path)| Some((fact.value.clone(), of_the_same(path)?)));
        let alone = row.job_alone.as_ref().and_then(|row| {
            let values = row.values.iter().map(|value| value.value.clone()).collect();
            Some((of_the_same(&row.member)?, values))
        });
        if let Some(alone) = row.job_alone.as_ref().filter(|_| row.job_id.is_none()) {
            self.report.add(&alone.member.place, "`job_alone` goes with `job_id`");
        }
        let job_id = row.job_id.as_ref().and_then(|path| self.job_id(path, task, of_the_same(path)?, alone));
        Some(StateSource {
            action: action.name.clone(),
            job_id,
            state: of_the_same(row.state.as_ref()?)?,
            billing: row.billing.as_ref().and_then(of_the_same),
            facts: facts.collect(),
            offered: row.offered.as_ref().and_then(|offered| {
                let (allowed, all) = (offered.allowed.as_ref()?, offered.all.as_ref()?);
                Some(OfferedPaths { allowed: listed(allowed)?, all: listed(all)? })
            }),
            id: id.clone(),
        })
    }

    fn job_id(
        &self,
        named: &At<String>,
        task: &TaskRow,
        path: Path,
        alone: Option<(Path, Vec<String>)>,
    ) -> Option<JobIdPath> {
        let Some(prefix) = &task.prefix else {
            self.report.add(&named.place, format!("a {} has one id: no `canonical`", task.name.value));
            return None;
        };
        Some(JobIdPath { path, prefix: prefix.value.clone(), alone })
    }

    fn told(&self, path: &At<String>, action: &Action, answer: &Shape) -> Option<Path> {
        let of_what = format!("the `answer` of {}", action.name);
        let (parsed, value, _) = resolve(path, answer, &of_what, self.report)?;
        if !matches!(value, Type::String | Type::Integer) {
            self.report.add(&path.place, format!("`{parsed}` is of type {value}; it must be a String or an Integer"));
        }
        Some(parsed)
    }

    /// A path to something of the same task as the id: otherwise it could be another's.
    fn of_the_same(&self, path: &At<String>, id: &Path, action: &Action, answer: &Shape) -> Option<Path> {
        let other = self.told(path, action, answer)?;
        if other.split_at_last_list().0 != id.split_at_last_list().0 {
            self.report.add(&path.place, format!("`{other}` and `{id}` are not in the same element"));
        }
        Some(other)
    }

    /// A path to a list in the element that holds the id.
    fn listed(&self, path: &At<String>, id: &Path, action: &Action, answer: &Shape) -> Option<Path> {
        let list = self.told(path, action, answer)?;
        let in_element = list.segments().starts_with(id.split_at_last_list().0);
        if !in_element || !list.split_at_last_list().1.is_empty() {
            self.report.add(&path.place, format!("`{list}` is no list in the element of `{id}`"));
        }
        Some(list)
    }
}

fn values(rows: &[(At<String>, Value)]) -> Vec<(String, Value)> {
    rows.iter().map(|(name, value)| (name.value.clone(), value.clone())).collect()
}
