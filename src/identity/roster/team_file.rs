//! One team's file: its callers and its grants. `config/teams/example.toml` shows all of it.

use std::num::NonZeroU32;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::conditions::read_conditions;
use super::is_name;
use super::source::{Fault, Source};
use super::table::{Faults, Table, Text, Value, flag, number, table, tables, text, texts};
use super::vocabulary::{Vocabulary, has_match};
use crate::call::{Caller, Effect, Grant, Pace, Pattern, TaskScope, Team};

/// The heaviest weight: a caller at most a thousand times as heavy as another.
const WEIGHTS: (u32, u32) = (1, 1_000);

/// Calls per second and at once that a caller's own limit can allow.
const PACES: (u32, u32) = (1, 100_000);

/// A file as far as it could be read, and the names that must be unique over all files.
pub(super) struct TeamFile {
    pub(super) team: Team,
    pub(super) names: Vec<(&'static str, String, Range<usize>)>,
}

/// A grant and whom of the team it is for.
struct Granted {
    callers: Vec<Pattern>,
    grant: Grant,
}

/// Reads a file; whatever the mistakes, all of them are told.
pub(super) fn read_team(source: &Source, vocabulary: &Vocabulary) -> (TeamFile, Vec<Fault>) {
    let mut faults = Faults { source, found: Vec::new() };
    let empty = TeamFile { team: Team { name: String::new(), callers: Vec::new() }, names: Vec::new() };
    let (document, mistakes) = DeTable::parse_recoverable(&source.text);
    if !mistakes.is_empty() {
        for mistake in mistakes {
            faults.add(mistake.span().unwrap_or(0..0), mistake.message());
        }
        // What a broken text was meant to say would only be guessed at.
        return (empty, faults.found);
    }
    let file = read_document(document.get_ref(), vocabulary, &mut faults);
    (file, faults.found)
}

fn read_document(document: &DeTable<'_>, vocabulary: &Vocabulary, faults: &mut Faults<'_>) -> TeamFile {
    let mut file = Table::new("a team file", document, 0..0);
    let mut names = Vec::new();
    let team = file.required("team", faults).and_then(|value| name("team", value, faults));
    let team = team.map(|(team, span)| {
        names.push(("team", team.clone(), span));
        team
    });
    let team = team.unwrap_or_default();

    let mut callers = Vec::new();
    for table in tables("a caller", "caller", file.get("caller"), faults) {
        if let Some((caller, span)) = read_caller(table, &team, vocabulary, faults) {
            names.push(("caller", caller.name.clone(), span));
            callers.push(caller);
        }
    }
    let mut granted: Vec<Granted> = Vec::new();
    for (at, table) in tables("a grant", "grant", file.get("grant"), faults).into_iter().enumerate() {
        let span = table.span();
        let one = read_grant(table, &team, at + 1, &callers, vocabulary, faults);
        if granted.iter().any(|other| other.grant.name == one.grant.name) {
            faults.add(span, format!("two grants are called {}", one.grant.name));
        }
        granted.push(one);
    }
    file.finish(faults);
    for caller in &mut callers {
        let theirs = granted.iter().filter(|one| one.callers.iter().any(|pattern| pattern.matches(&caller.name)));
        caller.grants = theirs.map(|one| one.grant.clone()).collect();
    }
    TeamFile { team: Team { name: team, callers }, names }
}

fn read_caller(
    mut table: Table<'_>,
    team: &str,
    vocabulary: &Vocabulary,
    faults: &mut Faults<'_>,
) -> Option<(Caller, Range<usize>)> {
    let name = table.required("name", faults).and_then(|value| name("name", value, faults));
    let accounts = table.required("accounts", faults);
    let accounts = accounts.map(|value| (texts("accounts", value, faults), value.span()));
    if let Some((_, span)) = accounts.as_ref().filter(|(accounts, _)| accounts.is_empty()) {
        faults.add(span.clone(), "accounts must name at least one; the first is the caller's default");
    }
    let accounts = accounts.map(|(accounts, _)| accounts).unwrap_or_default();
    for (alias, span) in &accounts {
        if vocabulary.accounts.as_ref().is_some_and(|known| !known.contains(alias)) {
            faults.add(span.clone(), format!("there is no account {alias}"));
        }
    }
    let weight = table.get("weight").and_then(|value| number("weight", value, WEIGHTS, faults));
    let headers = table.get("require_signed_headers");
    let headers = headers.map(|value| texts("require_signed_headers", value, faults)).unwrap_or_default();
    for (header, span) in &headers {
        if http::HeaderName::from_lowercase(header.as_bytes()).is_err() {
            faults.add(span.clone(), format!("{header} is not the name of a header in lower case"));
        }
    }
    let pace = table.get("pace").and_then(|value| read_pace(value, faults));
    table.finish(faults);
    let (name, span) = name?;
    let caller = Caller {
        name,
        team: team.to_owned(),
        accounts: accounts.into_iter().map(|(alias, _)| alias).collect(),
        weight: weight.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN),
        require_signed_headers: headers.into_iter().map(|(header, _)| header).collect(),
        pace,
        grants: Vec::new(),
        policy: "".into(),
    };
    Some((caller, span))
}

fn read_pace(value: Value<'_>, faults: &mut Faults<'_>) -> Option<Pace> {
    let mut pace = table("pace", value, faults)?;
    let per_second = pace.required("per_second", faults);
    let per_second = per_second.and_then(|value| number("per_second", value, PACES, faults)).and_then(NonZeroU32::new);
    let burst = pace.get("burst").map(|value| number("burst", value, PACES, faults).and_then(NonZeroU32::new));
    pace.finish(faults);
    Some(Pace { per_second: per_second?, burst: burst.unwrap_or(per_second)? })
}

fn read_grant(
    mut table: Table<'_>,
    team: &str,
    position: usize,
    members: &[Caller],
    vocabulary: &Vocabulary,
    faults: &mut Faults<'_>,
) -> Granted {
    let span = table.span();
    let name = table.get("name").and_then(|value| text("name", value, faults)).map(|(name, _)| name);
    let callers = patterns(&mut table, "callers", faults);
    for (pattern, span) in callers.iter().filter(|(pattern, _)| pattern.as_str() != "*") {
        if !members.iter().any(|member| pattern.matches(&member.name)) {
            faults.add(span.clone(), format!("{} is no caller of this team", pattern.as_str()));
        }
    }
    let effect = table.get("effect").map_or(Effect::Allow, |value| read_effect(value, faults));
    if table.required("actions", faults).is_some_and(|value| value.get_ref().as_array().is_some_and(|l| l.is_empty())) {
        faults.add(span.clone(), "actions must have at least one pattern");
    }
    let mut known = |key, names| {
        let found = patterns(&mut table, key, faults);
        for (pattern, span) in &found {
            if !has_match(names, pattern) {
                faults.add(span.clone(), format!("{} matches none of the {key} that there are", pattern.as_str()));
            }
        }
        found.into_iter().map(|(pattern, _)| pattern).collect::<Vec<_>>()
    };
    let actions = known("actions", vocabulary.actions.as_ref());
    let accounts = known("accounts", vocabulary.accounts.as_ref());
    let versions = known("versions", vocabulary.versions.as_ref());
    let regions = known("regions", vocabulary.regions.as_ref());
    let tasks = table.get("tasks").map_or(TaskScope::Any, |value| read_tasks(value, faults));
    let about = vocabulary.actions_of(&versions, &actions);
    let conditions = table.get("parameters");
    let conditions = conditions.map(|value| read_conditions(value, about.as_deref(), faults)).unwrap_or_default();
    let dangers = table.get("dangers").map(|value| read_dangers(value, vocabulary, faults)).unwrap_or_default();
    if effect == Effect::Deny && !dangers.is_empty() {
        faults.add(span.clone(), "a grant that denies can't accept dangers");
    }
    let repeat_purchases = table.get("repeat_purchases").is_some_and(|value| flag("repeat_purchases", value, faults));
    if effect == Effect::Deny && repeat_purchases {
        faults.add(span, "a grant that denies can't let purchases be repeated");
    }
    table.finish(faults);
    let name = name.unwrap_or_else(|| format!("grant {position}"));
    let name = format!("{team}/{name}");
    let grant =
        Grant { name, effect, accounts, versions, actions, regions, tasks, conditions, dangers, repeat_purchases };
    Granted { callers: callers.into_iter().map(|(pattern, _)| pattern).collect(), grant }
}

fn read_effect(value: Value<'_>, faults: &mut Faults<'_>) -> Effect {
    match value.get_ref().as_str() {
        Some("allow") => Effect::Allow,
        Some("deny") => Effect::Deny,
        _ => {
            faults.add(value.span(), "effect must be \"allow\" or \"deny\"");
            Effect::Deny
        }
    }
}

fn read_tasks(value: Value<'_>, faults: &mut Faults<'_>) -> TaskScope {
    match value.get_ref() {
        DeValue::String(any) if any == "any" => TaskScope::Any,
        DeValue::Array(list) if !list.is_empty() => {
            let ids = texts("tasks", value, faults).into_iter().map(|(id, _)| id);
            let (own, ids): (Vec<_>, Vec<_>) = ids.partition(|id| id == "own");
            TaskScope::Limited { own: !own.is_empty(), ids: ids.into_iter().map(Pattern::new).collect() }
        }
        _ => {
            faults.add(value.span(), "tasks must be \"any\", or a list of \"own\" and patterns of task ids");
            TaskScope::Limited { own: false, ids: Vec::new() }
        }
    }
}

/// Patterns of dangers become the names that they match, so that whoever judges compares names.
fn read_dangers(value: Value<'_>, vocabulary: &Vocabulary, faults: &mut Faults<'_>) -> Vec<String> {
    let written = texts("dangers", value, faults);
    let Some(known) = &vocabulary.dangers else { return written.into_iter().map(|(name, _)| name).collect() };
    let mut dangers = Vec::new();
    for (name, span) in written {
        let pattern = Pattern::new(name);
        if !has_match(Some(known), &pattern) {
            faults.add(span, format!("{} matches none of the dangers that there are", pattern.as_str()));
        }
        dangers.extend(known.iter().filter(|danger| pattern.matches(danger)).cloned());
    }
    dangers.sort();
    dangers.dedup();
    dangers
}

/// Patterns, `*` where there are none.
fn patterns(table: &mut Table<'_>, key: &'static str, faults: &mut Faults<'_>) -> Vec<(Pattern, Range<usize>)> {
    match table.get(key) {
        Some(value) => texts(key, value, faults).into_iter().map(|(text, span)| (Pattern::new(text), span)).collect(),
        None => vec![(Pattern::any(), table.span())],
    }
}

fn name(key: &str, value: Value<'_>, faults: &mut Faults<'_>) -> Option<Text> {
    let (name, span) = text(key, value, faults)?;
    if is_name(&name) {
        return Some((name, span));
    }
    faults.add(span, format!("{key} may have letters, digits and . _ - @ : / + only, 128 bytes at most"));
    None
}
