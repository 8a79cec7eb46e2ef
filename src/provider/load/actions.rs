//! Reads `actions.toml`: structures and actions.

use super::super::action::Kind;
use super::super::error::{At, Place, Report, SourceFile};
use super::reader::{Item, Table, read_file};
use super::states::{ConditionRows, conditions};

/// `actions.toml` as written.
pub(super) struct ActionRows {
    pub(super) structures: Vec<(At<String>, Vec<FieldRow>)>,
    pub(super) actions: Vec<ActionRow>,
}

/// A member and the text of its type.
pub(super) struct FieldRow {
    pub(super) name: At<String>,
    pub(super) words: At<String>,
}

/// An action.
pub(super) struct ActionRow {
    pub(super) name: At<String>,
    pub(super) task: Option<At<String>>,
    pub(super) kind: Option<At<Kind>>,
    /// It only halts what runs.
    pub(super) emergency: bool,
    pub(super) ids: Vec<IdRow>,
    pub(super) creates: Option<CreatesRow>,
    pub(super) lists: Option<Lists>,
    /// The parameter that chooses the region, if it is not the version's.
    pub(super) region: Option<At<String>>,
    /// Parameters of its own that have the name of a parameter of the protocol.
    pub(super) own: Vec<At<String>>,
    /// What it changes that is no task.
    pub(super) outside: Option<At<String>>,
    pub(super) parameters: Vec<FieldRow>,
    pub(super) answer: Vec<FieldRow>,
    pub(super) bucket: Option<At<String>>,
    pub(super) dangerous: Vec<DangerRow>,
    pub(super) refusals: Vec<(At<String>, At<String>)>,
    pub(super) sources: Vec<At<String>>,
}

/// Whether a call shows tasks that it does not name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    /// All, unless it names some.
    UnlessNamed,
    /// All, whatever it says.
    Always,
}

/// A parameter that names tasks.
pub(super) struct IdRow {
    pub(super) path: At<String>,
    pub(super) task: At<String>,
    /// Stated here because the parameter itself is optional in the definitions.
    pub(super) required: bool,
    /// The parameter that names the task to which these belong.
    pub(super) of: Option<At<String>>,
    /// Only copied from.
    pub(super) template: bool,
    /// Which of a task's two names it is.
    pub(super) form: Option<At<IdForm>>,
    /// What stands between several ids in one text.
    pub(super) separated: Option<At<String>>,
    /// The text is a JSON list of ids.
    pub(super) json: bool,
    /// How many ids one call may name here.
    pub(super) at_most: Option<At<u32>>,
}

/// Which of a task's two names an id is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IdForm {
    /// The canonical one.
    Instance,
    /// The one without the prefix.
    Job,
}

impl IdForm {
    const NAMES: &'static [(&'static str, IdForm)] = &[("instance", IdForm::Instance), ("job", IdForm::Job)];
}

/// Where the answer names the tasks that were made.
pub(super) struct CreatesRow {
    pub(super) path: At<String>,
    /// Their kind, if it is not the action's own.
    pub(super) task: Option<At<String>>,
    /// Which of a task's two names it is.
    pub(super) form: Option<At<IdForm>>,
    /// Nothing is made by a call that names a task.
    pub(super) unless_named: bool,
    /// The word of the list in which it stands.
    pub(super) listed_as: Option<At<String>>,
    /// The parameter that has that word.
    pub(super) listed_by: Option<At<String>>,
    /// Parameters that name regions in which it may stand.
    pub(super) listed_in: Vec<At<String>>,
}

/// Something that needs a grant of its own.
pub(super) struct DangerRow {
    pub(super) place: Place,
    pub(super) name: Option<At<String>>,
    pub(super) parameter: Option<At<String>>,
    pub(super) equals: Option<Vec<At<String>>>,
    pub(super) task: Option<At<String>>,
    pub(super) unless_states: Option<Vec<At<String>>>,
    pub(super) billing: Option<Vec<At<String>>>,
    pub(super) when: Option<ConditionRows>,
    pub(super) reason: Option<At<String>>,
    pub(super) sources: Vec<At<String>>,
}

pub(super) fn read(file: &SourceFile, report: &Report) -> ActionRows {
    read_file(file, report, |top| {
        let structures = top.optional_table("structure").map(|table| table.entries("structure")).unwrap_or_default();
        let actions = top.table("action").map(|table| table.entries("action")).unwrap_or_default();
        let rows = ActionRows {
            structures: structures.into_iter().map(|(name, item)| (name, fields(item.table()))).collect(),
            actions: actions.into_iter().filter_map(|(name, item)| Some(action(name, item.table()?))).collect(),
        };
        top.finish();
        rows
    })
}

fn action(name: At<String>, table: Table<'_>) -> ActionRow {
    let ids = table.optional_table("ids").map(|ids| ids.entries("task id")).unwrap_or_default();
    let row = ActionRow {
        name,
        task: table.text("task"),
        kind: table.word("kind", Kind::NAMES),
        emergency: table.flag("emergency"),
        ids: ids.into_iter().filter_map(|(path, item)| id(path, &item)).collect(),
        creates: table.get("creates").and_then(|item| creates(&item)),
        lists: table.get("lists").and_then(|item| lists(&item)),
        region: table.optional_text("region"),
        own: table.optional_texts("own"),
        outside: table.optional_text("outside"),
        parameters: fields(table.optional_table("parameters")),
        answer: fields(table.optional_table("answer")),
        bucket: table.optional_text("bucket"),
        dangerous: table.tables("dangerous").into_iter().map(danger).collect(),
        refusals: table.named_texts("refusals", "refusal"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}

/// `true`, or `"always"`.
fn lists(item: &Item<'_>) -> Option<Lists> {
    if item.is_text() {
        return item.word(&[("always", Lists::Always)]).map(|word| word.value);
    }
    item.flag().then_some(Lists::UnlessNamed)
}

fn fields(table: Option<Table<'_>>) -> Vec<FieldRow> {
    let entries = table.map(|table| table.entries("member")).unwrap_or_default();
    entries.into_iter().filter_map(|(name, item)| Some(FieldRow { name, words: item.text()? })).collect()
}

/// `JobId = "migration"`, or a table that says more.
fn id(path: At<String>, item: &Item<'_>) -> Option<IdRow> {
    if item.is_text() {
        let task = item.text()?;
        let (of, form, separated, at_most) = (None, None, None, None);
        let (required, template, json) = (false, false, false);
        return Some(IdRow { path, task, required, of, template, form, separated, json, at_most });
    }
    let table = item.table()?;
    let (task, of) = (table.text("task"), table.optional_text("of"));
    let (required, template) = (table.flag("required"), table.flag("template"));
    let (form, separated) = (table.optional_word("form", IdForm::NAMES), table.optional_text("separated"));
    let (json, at_most) = (table.flag("json"), table.get("at_most").and_then(|item| item.count()));
    table.finish();
    Some(IdRow { path, task: task?, required, of, template, form, separated, json, at_most })
}

/// `"JobIds[]"`, or `{ path = "CompareTaskId", task = "compare" }`.
fn creates(item: &Item<'_>) -> Option<CreatesRow> {
    if item.is_text() {
        return Some(CreatesRow {
            path: item.text()?,
            task: None,
            form: None,
            unless_named: false,
            listed_as: None,
            listed_by: None,
            listed_in: Vec::new(),
        });
    }
    let table = item.table()?;
    let (path, task) = (table.text("path"), table.text("task"));
    let (form, unless_named) = (table.optional_word("form", IdForm::NAMES), table.flag("unless_named"));
    let (listed_as, listed_by) = (table.optional_text("listed_as"), table.optional_text("listed_by"));
    let listed_in = table.optional_texts("listed_in");
    table.finish();
    Some(CreatesRow { path: path?, task, form, unless_named, listed_as, listed_by, listed_in })
}

fn danger(table: Table<'_>) -> DangerRow {
    let row = DangerRow {
        place: table.place(),
        name: table.text("name"),
        parameter: table.optional_text("parameter"),
        equals: table.texts_if_there("equals"),
        task: table.optional_text("task"),
        unless_states: table.texts_if_there("unless_states"),
        billing: table.texts_if_there("billing"),
        when: conditions(&table, "when"),
        reason: table.text("reason"),
        sources: table.texts("sources"),
    };
    table.finish();
    row
}
