//! Builds the actions: shapes, task ids, what they create, what is dangerous. Limits and rules come later.

use std::collections::BTreeMap;

use super::super::super::action::{Action, Created, Dangerous, Role, TaskIdPath, Trigger};
use super::super::super::error::{At, Report};
use super::super::super::limit::Bucket;
use super::super::super::path::{Path, is_name};
use super::super::super::sensitive::PathSet;
use super::super::super::shape::{Shape, Type};
use super::super::Rows;
use super::super::actions::{ActionRow, CreatesRow, DangerRow, IdRow};
use super::shapes::Structures;
use super::sources::Sources;
use super::{dangers, refusals};

pub(super) fn link(rows: &Rows, sources: &Sources<'_>, report: &Report) -> BTreeMap<String, Action> {
    let structures = Structures::new(&rows.actions.structures, report);
    let linker = Linker { rows, structures: &structures, sources, report };
    let actions = rows.actions.actions.iter().filter_map(|row| Some((row.name.value.clone(), linker.action(row)?)));
    let actions = actions.collect();
    structures.report_unused();
    actions
}

/// One row says everything about one parameter.
fn is_the_same(one: &Trigger, other: &Trigger) -> bool {
    match (one, other) {
        (Trigger::Parameter { path, .. }, Trigger::Parameter { path: other, .. }) => path == other,
        _ => one == other,
    }
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
        let ids: Vec<TaskIdPath> = row.ids.iter().filter_map(|id| self.id(id, row, &parameters)).collect();
        let creates = row.creates.as_ref().and_then(|creates| self.creates(creates, row, &answer));
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

    fn id(&self, row: &IdRow, action: &ActionRow, parameters: &Shape) -> Option<TaskIdPath> {
        self.check_task(&row.task);
        let of_what = format!("the parameters of {}", action.name.value);
        let (path, value, required) = resolve(&row.path, parameters, &of_what, self.report)?;
        if *value != Type::String {
            self.report.add(&row.path.place, format!("a task's id is a String; `{path}` is of type {value}"));
        }
        let of = row.of.as_ref().and_then(|of| self.of(of, row, action));
        let parent = self.rows.states.tasks.iter().find(|kind| kind.name.value == row.task.value)?.parent.as_ref();
        if let (Some(parent), None) = (parent, &row.of) {
            let message = format!("a {} belongs to a {}; say with `of` which", row.task.value, parent.task.value);
            self.report.add(&row.task.place, message);
        }
        let role = if row.template { Role::Template } else { Role::Subject };
        Some(TaskIdPath { path, task: row.task.value.clone(), required: required || row.required, role, of })
    }

    /// The parameter that names the parent: another of the ids, of the kind that the tasks belong to, naming one.
    fn of(&self, of: &At<String>, row: &IdRow, action: &ActionRow) -> Option<Path> {
        let kind = self.rows.states.tasks.iter().find(|kind| kind.name.value == row.task.value)?;
        let Some(parent) = &kind.parent else {
            self.report.add(&of.place, format!("a {} belongs to no other task", row.task.value));
            return None;
        };
        let names_parent = |id: &IdRow| id.path.value == of.value && id.task.value == parent.task.value;
        if !action.ids.iter().any(names_parent) || of.value.contains('[') {
            let message = format!("`{}` is not among the `ids` for one {}", of.value, parent.task.value);
            self.report.add(&of.place, message);
        }
        Path::parse(&of.value).ok()
    }

    fn creates(&self, row: &CreatesRow, action: &ActionRow, answer: &Shape) -> Option<Created> {
        let of_what = format!("the `answer` of {}", action.name.value);
        let (path, value, _) = resolve(&row.path, answer, &of_what, self.report)?;
        if *value != Type::String {
            self.report.add(&row.path.place, format!("a task's id is a String; `{path}` is of type {value}"));
        }
        if let Some(task) = &row.task {
            self.check_task(task);
        }
        let task = row.task.as_ref().or(action.task.as_ref())?.value.clone();
        Some(Created { path, task })
    }

    fn dangerous(&self, row: &ActionRow, parameters: &Shape) -> Vec<Dangerous> {
        let mut found: Vec<Dangerous> = Vec::new();
        for danger in &row.dangerous {
            let Some(linked) = self.danger(danger, row, parameters) else { continue };
            if found.iter().any(|other| other.name == linked.name && is_the_same(&other.trigger, &linked.trigger))
                && let Some(name) = &danger.name
            {
                self.report.add(&name.place, format!("`{}` stands twice", linked.name));
            }
            found.push(linked);
        }
        found
    }

    fn danger(&self, row: &DangerRow, action: &ActionRow, parameters: &Shape) -> Option<Dangerous> {
        Some(Dangerous {
            name: row.name.as_ref()?.value.clone(),
            trigger: dangers::trigger(row, action, parameters, &self.rows.states.tasks, self.report)?,
            reason: row.reason.as_ref()?.value.clone(),
            sources: self.sources.names(&row.sources),
        })
    }

    fn check_task(&self, task: &At<String>) {
        if !self.rows.states.tasks.iter().any(|row| row.name.value == task.value) {
            self.report.add(&task.place, format!("states.toml has no task `{}`", task.value));
        }
    }
}
