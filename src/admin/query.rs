//! The query of a question to the audit log: a filter out of parameters that bear the fields' singular names. What is
//! not a parameter is refused by name, because a filter that is silently left out shows more than was asked for.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::format::Format;
use super::problem::Problem;
use crate::call::{Outcome, Settled};
use crate::store::{By, Filter, Order, Per};

/// Longest value, in bytes: longer than any id, name or code.
const LONGEST_VALUE: usize = 512;

/// The parameters that say which records.
const FILTERS: [&str; 19] = [
    "id",
    "account",
    "team",
    "caller",
    "key_id",
    "action",
    "version",
    "family",
    "administrative",
    "region",
    "task_id",
    "outcome",
    "kind",
    "settled",
    "reason",
    "request_id",
    "text",
    "from",
    "to",
];

/// The parameters that say how many of them, and how.
const FORMS: [&str; 4] = ["order", "limit", "cursor", "format"];

/// The parameters of a summary.
const COUNTS: [&str; 2] = ["per", "by"];

/// What a kind may be.
const KINDS: [&str; 4] = ["read", "change", "destructive", "purchase"];

const OUTCOMES: [Outcome; 5] = [Outcome::Refused, Outcome::Open, Outcome::Ok, Outcome::Failed, Outcome::Unknown];

/// Which question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asked {
    /// Records.
    Records,
    /// Records of one task.
    History,
    /// Numbers.
    Summary,
    /// One record, named in the path.
    Record,
}

/// A question.
#[derive(Debug, Default)]
pub(super) struct Question {
    /// Which records; without its cursor and limit.
    pub(super) filter: Filter,
    /// Where to go on.
    pub(super) cursor: Option<String>,
    /// How many records.
    pub(super) limit: Option<u64>,
    /// How long the buckets are.
    pub(super) per: Per,
    /// What is counted apart.
    pub(super) by: By,
    /// The parameters as they were given, for the record of who has read what.
    pub(super) given: Vec<(&'static str, String)>,
}

/// Reads the query string, without its `?`, of a question to one task if there is one.
pub(super) fn read(asked: Asked, query: &str, task: Option<&str>) -> Result<Question, Problem> {
    let order = if asked == Asked::History { Order::Oldest } else { Order::Newest };
    let filter = Filter { task_id: task.map(str::to_owned), order, ..Filter::default() };
    let mut question = Question { filter, ..Question::default() };
    let names = names(asked);
    let mut seen = BTreeSet::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let Some(known) = names.iter().find(|known| **known == name) else {
            let shown: String = name.chars().take(64).collect();
            let there = if names.is_empty() {
                "any here".to_owned()
            } else {
                format!("{shown:?}, there are {}", names.join(", "))
            };
            return Err(Problem::bad_query("parameter-unknown", format!("there is no parameter {there}")));
        };
        if !seen.insert(*known) {
            return Err(Problem::bad_query("parameter-conflict", format!("{known} is given more than once")));
        }
        sized(known, &value)?;
        question.given.push((known, value.to_string()));
        set(&mut question, known, &value)?;
    }
    // A history is of what was done to a task: whoever watches it would drown that, but for those who may not.
    question.filter.attempts = asked == Asked::History && question.filter.kind.is_empty();
    checked(question)
}

/// The form that a query names, whatever else is in it: a refused export is one too.
pub(super) fn format(query: &str) -> Option<Format> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "format")
        .and_then(|(_, word)| Format::named(&word))
}

/// A value as long as a value may be.
pub(super) fn sized(name: &str, value: &str) -> Result<(), Problem> {
    if value.is_empty() || value.len() > LONGEST_VALUE {
        let message = format!("{name} must have 1 to {LONGEST_VALUE} bytes; leave it out to not filter by it");
        return Err(Problem::bad_query("parameter-type", message));
    }
    Ok(())
}

fn names(asked: Asked) -> Vec<&'static str> {
    let filters = FILTERS.into_iter();
    match asked {
        Asked::Records => filters.chain(FORMS).collect(),
        Asked::History => filters.filter(|name| !matches!(*name, "id" | "task_id")).chain(FORMS).collect(),
        Asked::Summary => filters.filter(|name| *name != "id").chain(COUNTS).collect(),
        Asked::Record => Vec::new(),
    }
}

fn checked(question: Question) -> Result<Question, Problem> {
    let filter = &question.filter;
    let problem = |text: &str| Err(Problem::bad_query("parameter-type", text));
    match (filter.from, filter.to) {
        (Some(from), Some(to)) if from >= to => {
            return problem("from must be before to: the first is included, the second is not");
        }
        _ => {}
    }
    let leads = filter.from.is_some() || filter.id.is_some() || filter.task_id.is_some() || filter.request_id.is_some();
    if filter.text.is_some() && !leads {
        return problem(
            "text is looked for in every record that the other filters leave; give from beside it, or a task",
        );
    }
    Ok(question)
}

fn set(question: &mut Question, name: &str, value: &str) -> Result<(), Problem> {
    let wrong = |expected: &str| Problem::bad_query("parameter-type", format!("{name} must be {expected}"));
    let time = || value.parse::<Timestamp>().map_err(|_| wrong("a time like 2026-01-31T09:30:00Z"));
    let text = Some(value.to_owned());
    let filter = &mut question.filter;
    match name {
        "id" => filter.id = Some(Uuid::try_parse(value).map_err(|_| wrong("a UUID"))?),
        "account" => filter.account = text,
        "team" => filter.team = text,
        "caller" => filter.caller = text,
        "key_id" => filter.key_id = text,
        "action" => filter.action = text,
        "version" => filter.version = text,
        "family" => filter.family = text,
        "administrative" => {
            filter.administrative = Some(word(value, [("true", true), ("false", false)], wrong)?);
        }
        "region" => filter.region = text,
        "task_id" => filter.task_id = text,
        "reason" => filter.reason = text,
        "request_id" => filter.request_id = text,
        "text" => filter.text = text,
        "outcome" => {
            let words = "one or more, with commas between them, of refused, open, ok, failed, unknown";
            filter.outcome = list(value, outcome).ok_or_else(|| wrong(words))?;
        }
        "kind" => {
            let words = format!("one or more, with commas between them, of {}", KINDS.join(", "));
            filter.kind = list(value, kind).ok_or_else(|| wrong(&words))?;
        }
        "settled" => {
            let words = [Settled::Done, Settled::NotDone, Settled::Undetermined].map(|word| (word.as_str(), word));
            filter.settled = Some(word(value, words, wrong)?);
        }
        "from" => filter.from = Some(time()?),
        "to" => filter.to = Some(time()?),
        "order" => filter.order = word(value, [("newest", Order::Newest), ("oldest", Order::Oldest)], wrong)?,
        "cursor" => question.cursor = text,
        "format" => Format::named(value).map(drop).ok_or_else(|| wrong("json, ndjson or csv"))?,
        "per" => question.per = word(value, [Per::Minute, Per::Hour, Per::Day].map(|per| (per.as_str(), per)), wrong)?,
        "by" => question.by = word(value, [By::Outcome, By::Action, By::Caller].map(|by| (by.as_str(), by)), wrong)?,
        _ => {
            let limit = value.parse().ok().filter(|limit| *limit > 0);
            question.limit = Some(limit.ok_or_else(|| wrong("a whole number, at least 1"))?);
        }
    }
    Ok(())
}

fn word<T: Copy, const N: usize>(
    value: &str,
    words: [(&str, T); N],
    wrong: impl Fn(&str) -> Problem,
) -> Result<T, Problem> {
    let found = words.iter().find(|(word, _)| *word == value).map(|(_, meant)| *meant);
    found.ok_or_else(|| wrong(&format!("one of {}", words.map(|(word, _)| word).join(", "))))
}

fn list<T>(value: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value.split(',').map(read).collect()
}

fn outcome(word: &str) -> Option<Outcome> {
    OUTCOMES.into_iter().find(|outcome| outcome.as_str() == word)
}

fn kind(word: &str) -> Option<String> {
    KINDS.contains(&word).then(|| word.to_owned())
}
