//! Builds the actions: shapes, task ids, what they create, what is dangerous. Limits and rules come later.

use std::collections::BTreeMap;

use super::super::super::action::{Action, Dangerous, TaskIdPath};
use super::super::super::error::{At, Report};
use super::super::super::limit::Bucket;
use super::super::super::path::{Path, is_name};
use super::super::super::sensitive::PathSet;
use super::super::super::shape::{Shape, Type};
use super::super::Rows;
use super::super::actions::{ActionRow, DangerRow, IdRow};
use super::refusals;
use super::shapes::Structures;
use super::sources::Sources;

pub(super) fn link(rows: &Rows, sources: &Sources<'_>, report: &Report) -> BTreeMap<String, Action> {
    let structures = Structures::new(&rows.actions.structures, report);
    let linker = Linker { rows, structures: &structures, sources, report };
    let actions = rows.actions.actions.iter().filter_map(|row| Some((row.name.value.clone(), linker.action(row)?)));
    let actions = actions.collect();
    structures.report_unused();
    actions
}

/// The type at a path's end, or a report that the path leads nowhere.
pub(super) fn resolve<'s>(
    path: &At<String>,
    shape: &'s Shape,
    of_what: &str,
    report: &Report,
) -> Option<(Path, &'s Type, bool)> {
    match Path::parse(&path.value) {
        Err(error) => report.add(&path.place, error.to_string()),
        Ok(parsed) => match shape.at(&parsed) {
            Some((field, value)) => return Some((parsed, value, field.required)),
            None => report.add(&path.place, format!("`{}` is not in {of_what}", path.value)),
        },
    }
    None
}

struct Linker<'r> {
    rows: &'r Rows,
    structures: &'r Structures<'r>,
    sources: &'r Sources<'r>,
    report: &'r Report,
}

impl Linker<'_> {
    fn action(&self, row: &ActionRow) -> Option<Action> {
        let name = &row.name.value;
        if !is_name(name) {
            self.report.add(&row.name.place, format!("`{name}` is no action's name"));
        }
        if let Some(task) = &row.task {
            self.check_task(task);
        }
        let parameters = self.structures.shape(&row.parameters);
        let answer = self.structures.shape(&row.answer);
        for member in &row.parameters {
            if self.rows.identity.common.iter().any(|(common, _)| common.value == member.name.value) {
                let message = format!("`{}` is a parameter of the protocol, see provider.toml", member.name.value);
                self.report.add(&member.name.place, message);
            }
        }
        let ids: Vec<TaskIdPath> = row.ids.iter().filter_map(|id| self.id(id, name, &parameters)).collect();
        let creates = row.creates.as_ref().and_then(|path| self.creates(path, name, &answer));
        self.check_subject(row);
        Some(Action {
            name: name.clone(),
            kind: row.kind.as_ref()?.value,
            task: row.task.as_ref()?.value.clone(),
            ids,
            creates,
            lists: row.lists,
            is_lookup: false,
            secrets: PathSet::of(&parameters),
            answer_secrets: PathSet::of(&answer),
            dangerous: self.dangerous(row, &parameters),
            bucket: Bucket {
                name: row.bucket.as_ref().map_or(name, |bucket| &bucket.value).clone(),
                limits: Vec::new(),
            },
            rule: None,
            sources: self.sources.names(&row.sources),
            refusals: refusals(&row.refusals, self.report),
            parameters,
        })
    }

    /// A call that changes something must say what, or the answer must: otherwise nobody could own it or judge it.
    fn check_subject(&self, row: &ActionRow) {
        let Some(kind) = &row.kind else { return };
        if kind.value.is_change() && row.ids.is_empty() && row.creates.is_none() {
            self.report
                .add(&row.name.place, format!("`{}` changes no task: neither `ids` nor `creates`", row.name.value));
        }
        if !kind.value.is_change() && row.creates.is_some() {
            self.report.add(&kind.place, format!("`{}` creates tasks, so it is no read", row.name.value));
        }
        if row.lists && row.ids.is_empty() {
            self.report.add(
                &row.name.place,
                format!("`{}` lists tasks, so some of its `ids` must narrow the list", row.name.value),
            );
        }
    }

    fn id(&self, row: &IdRow, action: &str, parameters: &Shape) -> Option<TaskIdPath> {
        self.check_task(&row.task);
        let (path, value, required) =
            resolve(&row.path, parameters, &format!("the parameters of {action}"), self.report)?;
        if *value != Type::String {
            self.report.add(&row.path.place, format!("a task's id is a String; `{path}` is of type {value}"));
        }
        Some(TaskIdPath { path, task: row.task.value.clone(), required: required || row.required })
    }

    fn creates(&self, path: &At<String>, action: &str, answer: &Shape) -> Option<Path> {
        let (parsed, value, _) = resolve(path, answer, &format!("the `answer` of {action}"), self.report)?;
        if *value != Type::String {
            self.report.add(&path.place, format!("a task's id is a String; `{parsed}` is of type {value}"));
        }
        Some(parsed)
    }

    fn dangerous(&self, row: &ActionRow, parameters: &Shape) -> Vec<Dangerous> {
        let mut found: Vec<Dangerous> = Vec::new();
        for danger in &row.dangerous {
            let Some(linked) = self.danger(danger, &row.name.value, parameters) else { continue };
            if found.iter().any(|other| other.name == linked.name && other.parameter == linked.parameter)
                && let Some(name) = &danger.name
            {
                self.report.add(&name.place, format!("`{}` stands twice", linked.name));
            }
            found.push(linked);
        }
        found
    }

    fn danger(&self, row: &DangerRow, action: &str, parameters: &Shape) -> Option<Dangerous> {
        let sources = self.sources.names(&row.sources);
        let of_what = format!("the parameters of {action}");
        let (parameter, value, _) = resolve(row.parameter.as_ref()?, parameters, &of_what, self.report)?;
        if matches!(value, Type::Structure(_) | Type::List(_)) {
            let place = &row.parameter.as_ref()?.place;
            self.report.add(place, format!("`{parameter}` has parts; a dangerous value is one text, number or switch"));
        }
        Some(Dangerous {
            name: row.name.as_ref()?.value.clone(),
            parameter,
            equals: row.equals.iter().map(|value| value.value.clone()).collect(),
            reason: row.reason.as_ref()?.value.clone(),
            sources,
        })
    }

    fn check_task(&self, task: &At<String>) {
        if !self.rows.states.tasks.iter().any(|row| row.name.value == task.value) {
            self.report.add(&task.place, format!("states.toml has no task `{}`", task.value));
        }
    }
}
