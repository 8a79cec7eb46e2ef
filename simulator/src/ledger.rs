//! Every request that arrived, in order: `GET /_sim/requests`.
//!
//! It is the fake cloud's book, so it holds everything that was sent, passwords too. Never point real callers here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::clock::Moment;
use crate::dialect::{Incoming, Reading};

/// One request, from its arrival on.
#[derive(Debug)]
pub(crate) struct Entry {
    arrived: Moment,
    request_id: String,
    incoming: Seen,
    outcome: OnceLock<Outcome>,
    answered: AtomicBool,
}

/// What came of a request.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The error code; none for a success and for a connection that was dropped.
    pub(crate) code: Option<String>,
    /// The task that it named or made.
    pub(crate) task_id: Option<String>,
    /// Whether the action was done.
    pub(crate) done: bool,
}

/// The newest requests, at most so many.
#[derive(Debug)]
pub(crate) struct Ledger {
    entries: Mutex<VecDeque<Arc<Entry>>>,
    capacity: usize,
}

#[derive(Debug)]
struct Seen {
    method: String,
    action: Option<String>,
    version: Option<String>,
    region: Option<String>,
    credential: Option<String>,
    signature_method: Option<String>,
    params: Map<String, Value>,
    headers: BTreeMap<String, String>,
}

/// One request as the control API shows it.
#[derive(Serialize)]
pub(crate) struct EntryReport<'a> {
    action: &'a Option<String>,
    version: &'a Option<String>,
    region: &'a Option<String>,
    params: &'a Map<String, Value>,
    at: Option<Number>,
    answered: bool,
    done: bool,
    code: Option<&'a str>,
    task_id: Option<&'a str>,
    credential: &'a Option<String>,
    signature_method: &'a Option<String>,
    request_id: &'a str,
    method: &'a str,
    host: &'a str,
    headers: &'a BTreeMap<String, String>,
}

impl Ledger {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: Mutex::default(), capacity }
    }

    /// Enters a request, before anything is decided about it.
    pub(crate) fn enter(
        &self,
        arrived: Moment,
        request_id: &str,
        incoming: &Incoming,
        reading: &Reading,
    ) -> Arc<Entry> {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &incoming.headers {
            let text = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|all| {
                    all.push_str(", ");
                    all.push_str(&text);
                })
                .or_insert_with(|| text.clone().into_owned());
        }
        let entry = Arc::new(Entry {
            arrived,
            request_id: request_id.to_owned(),
            incoming: Seen {
                method: incoming.method.to_string(),
                action: reading.action.clone(),
                version: reading.version.clone(),
                region: reading.region.clone(),
                credential: reading.credential.clone(),
                signature_method: reading.signature_method.clone(),
                params: reading.parameters.clone(),
                headers,
            },
            outcome: OnceLock::new(),
            answered: AtomicBool::new(false),
        });
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push_back(Arc::clone(&entry));
        if entries.len() > self.capacity {
            entries.pop_front();
        }
        entry
    }

    /// All, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        let old = std::mem::take(&mut *self.entries.lock().unwrap_or_else(PoisonError::into_inner));
        drop(old); // outside the lock: it may be long
    }
}

impl Entry {
    /// Notes what came of it; the first note stands.
    pub(crate) fn settle(&self, outcome: Outcome) {
        let _first_stands = self.outcome.set(outcome);
    }

    /// Notes that the whole answer was handed to the connection.
    pub(crate) fn mark_answered(&self) {
        self.answered.store(true, Ordering::Release);
    }

    /// The entry as the control API shows it.
    pub(crate) fn report(&self) -> EntryReport<'_> {
        let outcome = self.outcome.get();
        EntryReport {
            action: &self.incoming.action,
            version: &self.incoming.version,
            region: &self.incoming.region,
            params: &self.incoming.params,
            at: Number::from_f64(self.arrived.unix_millis()),
            answered: self.answered.load(Ordering::Acquire),
            done: outcome.is_some_and(|outcome| outcome.done),
            code: outcome.and_then(|outcome| outcome.code.as_deref()),
            task_id: outcome.and_then(|outcome| outcome.task_id.as_deref()),
            credential: &self.incoming.credential,
            signature_method: &self.incoming.signature_method,
            request_id: &self.request_id,
            method: &self.incoming.method,
            host: self.incoming.headers.get("host").map_or("", String::as_str),
            headers: &self.incoming.headers,
        }
    }
}
