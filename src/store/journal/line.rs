//! What is on a line: an entry as JSON behind the hash of the chain up to it, or a seal.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::call::{Closed, Record, ReplayKey, SeenTask, Settled};
use crate::proof::{Hash, leaf, node};
use crate::store::{Entry, Intent, Made, Settlement};

/// How a seal's line begins; an entry's begins with a hash.
pub(super) const SEAL: &str = "seal ";

/// The first line: what the file is, and of which deployment.
#[derive(Serialize)]
struct Header<'o> {
    journal: u32,
    origin: &'o str,
}

/// An entry as it is written.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Written {
    Intent {
        record: Box<Record>,
        tasks: Vec<(String, i64)>,
        replay: Vec<Key>,
    },
    Ended {
        record: Box<Record>,
        intended: bool,
        /// What is remembered for a second arrival of a change: the cloud's answer without its secrets, in base64.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        answer: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        window_ms: Option<u64>,
    },
    Settled {
        id: Uuid,
        settled: Settled,
        seen: Value,
        made: Option<Owned>,
    },
    Own(Owned),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Owned {
    account: String,
    task: String,
    team: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Key {
    key: Hash,
    content: Hash,
    until: Timestamp,
}

/// The first line, without its end.
pub(super) fn header(origin: &str) -> String {
    serde_json::to_string(&Header { journal: 1, origin }).unwrap_or_default()
}

/// The hash of a chain that has only its first line.
pub(super) fn first(header: &str) -> Hash {
    leaf(header.as_bytes())
}

/// The hash of a chain with one more entry.
pub(super) fn next(before: &Hash, json: &[u8]) -> Hash {
    node(before, &leaf(json))
}

/// What a seal signs. No checkpoint has a first line with a blank in it.
pub(super) fn sealed_text(origin: &str, entries: u64, hash: &Hash) -> String {
    format!("{origin} journal\n{entries}\n{hash}\n")
}

/// The line of a seal, without its end.
pub(super) fn seal(note: &str) -> String {
    format!("{SEAL}{}", Value::String(note.to_owned()))
}

/// The note of a seal's line, of what follows [`SEAL`].
pub(super) fn note(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// An entry as JSON. Its record says that it was journaled.
pub(super) fn write(entry: &Entry) -> Result<String, serde_json::Error> {
    let journaled = |record: &Record| {
        let mut record = Box::new(record.clone());
        record.detail.journaled = true;
        record
    };
    let written = match entry {
        Entry::Intent(intent) => Written::Intent {
            record: journaled(&intent.record),
            tasks: intent.tasks.iter().map(|task| (task.id.clone(), task.changes)).collect(),
            replay: intent.replay.iter().map(|(key, until)| Key::of(key, *until)).collect(),
        },
        Entry::Closed(closed) => Written::Ended {
            record: journaled(&closed.record),
            intended: closed.intended,
            answer: closed.answer.as_ref().map(|answer| STANDARD.encode(answer)),
            window_ms: closed.window.map(|window| u64::try_from(window.as_millis()).unwrap_or(u64::MAX)),
        },
        Entry::Settled(settlement) => Written::Settled {
            id: settlement.id,
            settled: settlement.settled,
            seen: settlement.seen.clone(),
            made: settlement.made.as_ref().map(|made| Owned::of(&made.account, &made.task, &made.team)),
        },
        Entry::Own { account, task, team } => Written::Own(Owned::of(account, task, team)),
    };
    serde_json::to_string(&written)
}

/// The entry that [`write()`] wrote.
pub(super) fn read(json: &str) -> Option<Entry> {
    Some(match serde_json::from_str(json).ok()? {
        Written::Intent { record, tasks, replay } => Entry::Intent(Intent {
            record: *record,
            tasks: tasks.into_iter().map(|(id, changes)| SeenTask { id, changes }).collect(),
            replay: replay.into_iter().map(Key::back).collect(),
            emergency: true,
        }),
        Written::Ended { record, intended, answer, window_ms } => Entry::Closed(Closed {
            record: *record,
            intended,
            answer: answer.map(|answer| STANDARD.decode(answer)).transpose().ok()?.map(Bytes::from),
            window: window_ms.map(Duration::from_millis),
        }),
        Written::Settled { id, settled, seen, made } => {
            let made = made.map(|Owned { account, task, team }| Made { account, task, team });
            Entry::Settled(Settlement { id, settled, seen, made })
        }
        Written::Own(Owned { account, task, team }) => Entry::Own { account, task, team },
    })
}

impl Owned {
    fn of(account: &str, task: &str, team: &str) -> Owned {
        Owned { account: account.to_owned(), task: task.to_owned(), team: team.to_owned() }
    }
}

impl Key {
    fn of(key: &ReplayKey, until: Timestamp) -> Key {
        Key { key: Hash::from(key.key), content: Hash::from(key.content), until }
    }

    fn back(self) -> (ReplayKey, Timestamp) {
        (ReplayKey { key: *self.key.as_bytes(), content: *self.content.as_bytes() }, self.until)
    }
}
