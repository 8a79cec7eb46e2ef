//! Query and form as one map: the form's value wins, and a name twice in one place is a problem.

use std::collections::BTreeMap;

use http::Method;
use http::header::CONTENT_TYPE;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::dialect::{ApiError, Incoming};

/// Everything but letters, digits and `-_.~` is written as %XX.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The parameters of a request, decoded.
pub(super) struct Parameters {
    query: BTreeMap<String, String>,
    merged: BTreeMap<String, String>,
    problem: Option<ApiError>,
}

impl Parameters {
    /// What a request has in its query and in its form.
    pub(super) fn of(incoming: &Incoming) -> Self {
        let mut problem = None;
        let mut collect = |bytes: &[u8]| {
            let mut map = BTreeMap::new();
            for (name, value) in form_urlencoded::parse(bytes).into_owned() {
                if map.insert(name.clone(), value).is_some() {
                    let message = format!("The parameter {name} is there more than once.");
                    problem = Some(ApiError::new("InvalidParameter", message));
                }
            }
            map
        };
        let query = collect(incoming.query.as_bytes());
        let mut merged = query.clone();
        if is_form(incoming) {
            merged.extend(collect(&incoming.body));
        } else if !incoming.body.is_empty() {
            let message = "The body must be a form, application/x-www-form-urlencoded.";
            problem = Some(ApiError::new("InvalidParameter", message));
        }
        Self { query, merged, problem }
    }

    /// The names alone, for a request of which nothing else is known yet.
    pub(super) fn names(incoming: &Incoming) -> impl Iterator<Item = String> {
        let form: &[u8] = if is_form(incoming) { &incoming.body } else { b"" };
        let all = form_urlencoded::parse(incoming.query.as_bytes()).chain(form_urlencoded::parse(form));
        all.map(|(name, _)| name.into_owned())
    }

    /// What is wrong with them, if something is.
    pub(super) fn problem(&self) -> Option<&ApiError> {
        self.problem.as_ref()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.merged.contains_key(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.merged.get(name).map(String::as_str)
    }

    /// All, as the ledger and the service take them.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (String, Value)> {
        self.merged.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())))
    }

    /// All but one, encoded and sorted: what version 1 signs.
    pub(super) fn canonical_without(&self, name: &str) -> String {
        join(self.merged.iter().filter(|(other, _)| *other != name))
    }

    /// Those of the query, encoded and sorted: what version 3 signs.
    pub(super) fn canonical_query(&self) -> String {
        join(self.query.iter())
    }
}

/// The bytes of a text that are not reserved as they are, the others as %XX.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn join<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

/// A body without a type counts as a form: some clients send none.
fn is_form(incoming: &Incoming) -> bool {
    let given = incoming.headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let essence = given.split(|byte| *byte == b';').next().unwrap_or(b"").trim_ascii();
    let form = essence.is_empty() || essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded");
    incoming.method == Method::POST && form
}
