//! The query of `/v1/audit/records`: a filter out of parameters that bear the fields' singular names. What is not a
//! parameter is refused by name, because a filter that is silently left out shows more than was asked for.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::problem::Problem;
use crate::call::Outcome;
use crate::store::{Cursor, Filter};

/// Records on a page if nothing is said.
const DEFAULT_LIMIT: u32 = 100;

/// Most records on a page.
const MAXIMUM_LIMIT: u32 = 1000;

/// Longest value, in bytes: longer than any id, name or code.
const LONGEST_VALUE: usize = 512;

/// Every parameter there is.
const NAMES: [&str; 17] = [
    "id",
    "account",
    "team",
    "caller",
    "key_id",
    "action",
    "version",
    "family",
    "region",
    "task_id",
    "outcome",
    "reason",
    "request_id",
    "from",
    "to",
    "limit",
    "cursor",
];

/// Reads the query string, without its `?`.
pub(super) fn read(query: &str) -> Result<Filter, Problem> {
    let mut filter = Filter { limit: DEFAULT_LIMIT, ..Filter::default() };
    let mut seen = BTreeSet::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let Some(known) = NAMES.iter().find(|known| **known == name) else {
            let shown: String = name.chars().take(64).collect();
            let message = format!("there is no parameter {shown:?}, there are {}", NAMES.join(", "));
            return Err(Problem::bad_query("parameter-unknown", message));
        };
        if !seen.insert(*known) {
            return Err(Problem::bad_query("parameter-conflict", format!("{known} is given more than once")));
        }
        if value.is_empty() || value.len() > LONGEST_VALUE {
            let message = format!("{known} must have 1 to {LONGEST_VALUE} bytes; leave it out to not filter by it");
            return Err(Problem::bad_query("parameter-type", message));
        }
        set(&mut filter, known, &value)?;
    }
    match (filter.from, filter.to) {
        (Some(from), Some(to)) if from >= to => Err(Problem::bad_query(
            "parameter-type",
            "from must be before to: the first is included, the second is not",
        )),
        _ => Ok(filter),
    }
}

/// The filter as JSON, for the record of who has read what.
pub fn as_json(filter: &Filter) -> String {
    let texts = [
        ("account", &filter.account),
        ("team", &filter.team),
        ("caller", &filter.caller),
        ("key_id", &filter.key_id),
        ("action", &filter.action),
        ("version", &filter.version),
        ("family", &filter.family),
        ("region", &filter.region),
        ("task_id", &filter.task_id),
        ("reason", &filter.reason),
        ("request_id", &filter.request_id),
    ];
    let others = [
        ("id", filter.id.map(|id| id.to_string())),
        ("outcome", filter.outcome.map(|outcome| outcome.as_str().to_owned())),
        ("from", filter.from.map(|from| from.to_string())),
        ("to", filter.to.map(|to| to.to_string())),
        ("cursor", filter.cursor.map(Cursor::encode)),
        ("limit", Some(filter.limit.to_string())),
    ];
    let texts = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())));
    let others = others.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    serde_json::Value::Object(texts.chain(others).collect()).to_string()
}

fn set(filter: &mut Filter, name: &str, value: &str) -> Result<(), Problem> {
    let wrong = |expected: &str| Problem::bad_query("parameter-type", format!("{name} must be {expected}"));
    let time = || value.parse::<Timestamp>().map_err(|_| wrong("a time like 2026-01-31T09:30:00Z"));
    let text = Some(value.to_owned());
    match name {
        "id" => filter.id = Some(Uuid::try_parse(value).map_err(|_| wrong("a UUID"))?),
        "account" => filter.account = text,
        "team" => filter.team = text,
        "caller" => filter.caller = text,
        "key_id" => filter.key_id = text,
        "action" => filter.action = text,
        "version" => filter.version = text,
        "family" => filter.family = text,
        "region" => filter.region = text,
        "task_id" => filter.task_id = text,
        "reason" => filter.reason = text,
        "request_id" => filter.request_id = text,
        "outcome" => {
            let words = "one of refused, open, ok, failed, unknown";
            filter.outcome = Some(outcome(value).ok_or_else(|| wrong(words))?);
        }
        "from" => filter.from = Some(time()?),
        "to" => filter.to = Some(time()?),
        "cursor" => filter.cursor = Some(Cursor::decode(value).ok_or_else(|| wrong("the next_cursor of a page"))?),
        _ => {
            let limit = value.parse().ok().filter(|limit| (1..=MAXIMUM_LIMIT).contains(limit));
            filter.limit = limit.ok_or_else(|| wrong("a whole number from 1 to 1000"))?;
        }
    }
    Ok(())
}

fn outcome(word: &str) -> Option<Outcome> {
    let all = [Outcome::Refused, Outcome::Open, Outcome::Ok, Outcome::Failed, Outcome::Unknown];
    all.into_iter().find(|outcome| outcome.as_str() == word)
}
