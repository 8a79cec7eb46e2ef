//! The parameters that name tasks, and where answers name those that were made.

use super::super::super::error::{At, Report};
use super::super::super::ids::{Created, ListedAs, Role, TaskIdPath};
use super::super::super::path::Path;
use super::super::super::several::Several;
use super::super::super::shape::{Shape, Type};
use super::super::Rows;
use super::super::actions::{ActionRow, CreatesRow, IdForm, IdRow};
use super::super::states::TaskRow;
use super::actions::resolve;

pub(super) struct Ids<'r> {
    pub(super) rows: &'r Rows,
    pub(super) report: &'r Report,
}

impl Ids<'_> {
    pub(super) fn id(&self, row: &IdRow, action: &ActionRow, parameters: &Shape) -> Option<TaskIdPath> {
        self.check_task(&row.task);
        let of_what = format!("the parameters of {}", action.name.value);
        let (path, value, required) = resolve(&row.path, parameters, &of_what, self.report)?;
        if *value != Type::String {
            self.report.add(&row.path.place, format!("a task's id is a String; `{path}` is of type {value}"));
        }
        let of = row.of.as_ref().and_then(|of| self.of(of, row, action));
        let kind = self.kind(&row.task)?;
        if let (Some(parent), None) = (&kind.parent, &row.of) {
            let message = format!("a {} belongs to a {}; say with `of` which", row.task.value, parent.task.value);
            self.report.add(&row.task.place, message);
        }
        let role = if row.template { Role::Template } else { Role::Subject };
        let (several, prefix) = (self.several(row), self.prefix(&row.form, &row.task));
        let required = required || row.required;
        let at_most = row.at_most.as_ref().map(|at_most| at_most.value);
        let id = TaskIdPath { path, task: row.task.value.clone(), required, role, of, several, at_most, prefix };
        if let Some(at_most) = row.at_most.as_ref().filter(|_| !id.names_many()) {
            self.report.add(&at_most.place, format!("`at_most` is for several ids; `{}` is one", id.path));
        }
        Some(id)
    }

    pub(super) fn creates(
        &self,
        row: &CreatesRow,
        action: &ActionRow,
        parameters: &Shape,
        answer: &Shape,
    ) -> Option<Created> {
        let of_what = format!("the `answer` of {}", action.name.value);
        let (path, value, _) = resolve(&row.path, answer, &of_what, self.report)?;
        if *value != Type::String {
            self.report.add(&row.path.place, format!("a task's id is a String; `{path}` is of type {value}"));
        }
        if let Some(task) = &row.task {
            self.check_task(task);
        }
        let task = row.task.as_ref().or(action.task.as_ref())?;
        let (prefix, unless_named) = (self.prefix(&row.form, task), row.unless_named);
        if unless_named && action.ids.is_empty() {
            self.report.add(&row.path.place, format!("`{}` never names a task: no `ids`", action.name.value));
        }
        let of_what = format!("the parameters of {}", action.name.value);
        let parameter = |path: &At<String>| Some(resolve(path, parameters, &of_what, self.report)?.0);
        let by = row.listed_by.as_ref().and_then(parameter).map(ListedAs::Parameter);
        let listed_as = row.listed_as.as_ref().map(|word| self.listed_as(word, task)).or(by);
        let regions = row.listed_in.iter().filter_map(parameter).collect();
        Some(Created { path, task: task.value.clone(), prefix, unless_named, listed_as, regions })
    }

    /// One of the words by which the kind's lists are told apart.
    fn listed_as(&self, word: &At<String>, task: &At<String>) -> ListedAs {
        let newest = self.kind(task).and_then(|kind| kind.newest.as_ref());
        let typed = newest.and_then(|newest| newest.typed.as_ref());
        if !typed.is_some_and(|typed| typed.words.iter().any(|known| known.value == word.value)) {
            let message = format!("`{}` is none of the `words` of the `newest` of {}", word.value, task.value);
            self.report.add(&word.place, message);
        }
        ListedAs::Word(word.value.clone())
    }

    pub(super) fn check_task(&self, task: &At<String>) {
        if self.kind(task).is_none() {
            self.report.add(&task.place, format!("states.toml has no task `{}`", task.value));
        }
    }

    fn kind(&self, task: &At<String>) -> Option<&TaskRow> {
        self.rows.states.tasks.iter().find(|kind| kind.name.value == task.value)
    }

    /// What makes an id canonical. A kind whose tasks have two names needs to be told which one stands here.
    fn prefix(&self, form: &Option<At<IdForm>>, task: &At<String>) -> Option<String> {
        match (&self.kind(task)?.prefix, form) {
            (Some(prefix), Some(form)) => (form.value == IdForm::Job).then(|| prefix.value.clone()),
            (Some(_), None) => {
                let message = format!("a {} has two ids; say which `form` this is: instance or job", task.value);
                self.report.add(&task.place, message);
                None
            }
            (None, Some(form)) => {
                self.report.add(&form.place, format!("a {} has one id: no `canonical` in states.toml", task.value));
                None
            }
            (None, None) => None,
        }
    }

    fn several(&self, row: &IdRow) -> Option<Several> {
        let Some(separated) = &row.separated else { return row.json.then_some(Several::Json) };
        let mut signs = separated.value.chars();
        match (signs.next(), signs.next()) {
            (Some(sign), None) if !row.json && !sign.is_ascii_alphanumeric() => Some(Several::Separated(sign)),
            _ => {
                self.report.add(&separated.place, "`separated` is one sign, and does not go with `json`");
                None
            }
        }
    }

    /// The parameter that names the parent: another of the ids, of the kind that the tasks belong to, naming one.
    fn of(&self, of: &At<String>, row: &IdRow, action: &ActionRow) -> Option<Path> {
        let Some(parent) = &self.kind(&row.task)?.parent else {
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
}
