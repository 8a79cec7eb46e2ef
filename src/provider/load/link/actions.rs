//! Builds the actions: shapes, task ids, what they create, what is dangerous. Limits and rules come later.

use std::collections::BTreeMap;

use super::super::super::action::{Action, Dangerous, Kind, Trigger};
use super::super::super::error::{At, Report};
use super::super::super::ids::TaskIdPath;
use super::super::super::limit::Bucket;
use super::super::super::path::{Path, is_name};
use super::super::super::sensitive::PathSet;
use super::super::super::shape::{Shape, Type};
use super::super::Rows;
use super::super::actions::{ActionRow, DangerRow, Lists};
use super::ids::Ids;
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
        let ids = Ids { rows: self.rows, report: self.report };
        if let Some(task) = &row.task {
            ids.check_task(task);
        }
        let parameters = self.structures.shape(&row.parameters);
        let answer = self.structures.shape(&row.answer);
        self.check_names(row);
        let creates = row.creates.as_ref().and_then(|creates| ids.creates(creates, row, &parameters, &answer));
        let ids: Vec<TaskIdPath> = row.ids.iter().filter_map(|id| ids.id(id, row, &parameters)).collect();
        self.check_subject(row);
        Some(Action {
            name: name.clone(),
            kind: row.kind.as_ref()?.value,
            emergency: row.emergency,
            task: row.task.as_ref()?.value.clone(),
            region_parameter: self.region(row, &parameters)?,
            first_index: self.rows.identity.request.first_index,
            ids,
            creates,
            lists: row.lists.is_some(),
            is_lookup: false,
            secrets: PathSet::of(&parameters),
            answer_secrets: PathSet::of(&answer),
            dangerous: self.dangerous(row, &parameters),
            bucket: Bucket {
                name: row.bucket.as_ref().map_or(name, |bucket| &bucket.value).clone(),
                limits: Vec::new(),
                mixes_urgency: false,
            },
            rule: None,
            sources: self.sources.names(&row.sources),
            refusals: refusals(&row.refusals, self.report),
            parameters,
        })
    }

    /// A parameter must not have the name of one of the protocol's, unless the row says that it knows.
    fn check_names(&self, row: &ActionRow) {
        let common = &self.rows.identity.request.common;
        let is_common = |name: &str| common.iter().any(|(common, _)| common.value == name);
        let is_own = |name: &str| row.own.iter().any(|own| own.value == name);
        for member in row.parameters.iter().filter(|row| is_common(&row.name.value) && !is_own(&row.name.value)) {
            let message = format!("`{}` is a parameter of the protocol, see provider.toml", member.name.value);
            self.report.add(&member.name.place, message);
        }
        let is_parameter = |name: &str| row.parameters.iter().any(|member| member.name.value == name);
        for own in row.own.iter().filter(|own| !is_common(&own.value) || !is_parameter(&own.value)) {
            let message =
                format!("`{}` is not both a parameter of the protocol and one of {}", own.value, row.name.value);
            self.report.add(&own.place, message);
        }
    }

    /// The action's own region parameter, else the version's: one of its parameters, or of the protocol's.
    fn region(&self, row: &ActionRow, parameters: &Shape) -> Option<String> {
        let request = &self.rows.identity.request;
        let region = row.region.as_ref().or(request.region.as_ref())?;
        let is_common = row.region.is_none() && request.common.iter().any(|(common, _)| common.value == region.value);
        if !is_common && parameters.field(&region.value).is_none_or(|field| field.value != Type::String) {
            let place = row.region.as_ref().map_or(&row.name.place, |region| &region.place);
            let message = format!("`{}` chooses the region, so it must be a String among the parameters", region.value);
            self.report.add(place, message);
        }
        Some(region.value.clone())
    }

    /// A call that changes something must say what, or the answer must: otherwise nobody could own it or judge it.
    fn check_subject(&self, row: &ActionRow) {
        let Some(kind) = &row.kind else { return };
        let names_none = row.ids.is_empty() && row.creates.is_none();
        if kind.value.is_change() && names_none && row.outside.is_none() {
            let message = format!("`{}` changes no task: neither `ids` nor `creates`", row.name.value);
            self.report.add(&row.name.place, message);
        }
        if let Some(outside) = row.outside.as_ref().filter(|_| !kind.value.is_change() || !names_none) {
            self.report.add(&outside.place, "`outside` is for a change that neither names nor makes a task");
        }
        if !kind.value.is_change() && row.creates.is_some() {
            self.report.add(&kind.place, format!("`{}` creates tasks, so it is no read", row.name.value));
        }
        let halts =
            kind.value.is_change() && kind.value != Kind::Purchase && !row.ids.is_empty() && row.creates.is_none();
        if row.emergency && !halts {
            let message = format!("`{}` can't be an emergency: it does not halt a task that it names", row.name.value);
            self.report.add(&row.name.place, message);
        }
        if row.lists == Some(Lists::UnlessNamed) && row.ids.is_empty() {
            let message = format!("`{}` lists tasks, so some of its `ids` must narrow the list", row.name.value);
            self.report.add(&row.name.place, message);
        }
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
}
