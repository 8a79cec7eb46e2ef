//! The law of group commit: how entries are cut into batches makes no difference to anybody.

use std::collections::HashMap;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use super::bed::{Bed, on_both};
use super::{end, kept_intent, replay_key};
use crate::call::{Outcome, Record, SeenTask};
use crate::store::{Entry, Filter, Intent, Remembered, TaskRow, Verdict};

/// How many histories are tried on either database.
const HISTORIES: usize = 40;

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// A change of some of four tasks, with a guess at their counters, under one of three replay keys or none.
    Begin { tasks: Vec<(usize, i64)>, key: Option<u8> },
    /// The end of an earlier change, begun or refused.
    End { which: usize, outcome: Outcome },
    /// A new owner.
    Own { task: usize, team: u8 },
}

/// What can be seen afterwards, with the places of intents for their ids.
#[derive(Debug, PartialEq)]
struct Seen {
    verdicts: Vec<String>,
    tasks: Vec<(Option<String>, i64, Option<usize>)>,
    remembered: Vec<Option<Again>>,
    log: Vec<(usize, Outcome)>,
}

/// What is remembered: of which intent, with which answer, and whether it is open.
type Again = (usize, Option<Vec<u8>>, bool);

#[test]
fn a_history_has_the_same_end_in_batches_of_any_size() {
    on_both(async |bed| {
        let mut runner = TestRunner::deterministic();
        for number in 0..HISTORIES {
            let history = proptest::collection::vec(event(), 1..24).new_tree(&mut runner).unwrap().current();
            let sizes = proptest::collection::vec(1..9_usize, 24).new_tree(&mut runner).unwrap().current();
            let alone = run(bed, &format!("alone-{number}"), number, &history, &[1; 24]).await;
            let grouped = run(bed, &format!("grouped-{number}"), number, &history, &sizes).await;
            assert_eq!(alone, grouped, "{history:?} in batches of {sizes:?}");
        }
    });
}

fn event() -> impl Strategy<Value = Event> {
    let task = (0..4_usize, 0..5_i64);
    let key = proptest::option::of(0..3_u8);
    let begin = (proptest::collection::vec(task, 0..3), key).prop_map(|(tasks, key)| Event::Begin { tasks, key });
    let outcome = prop::sample::select(vec![Outcome::Ok, Outcome::Failed, Outcome::Unknown, Outcome::Refused]);
    let end = (0..24_usize, outcome).prop_map(|(which, outcome)| Event::End { which, outcome });
    let own = (0..4_usize, 0..3_u8).prop_map(|(task, team)| Event::Own { task, team });
    prop_oneof![5 => begin, 4 => end, 1 => own]
}

/// Commits a history to an account of its own.
async fn run(bed: &Bed, account: &str, number: usize, history: &[Event], sizes: &[usize]) -> Seen {
    let side = if account.starts_with("alone") { 0 } else { 100 };
    let key = |key: u8| replay_key(side + key, u8::try_from(number).unwrap());
    let mut begun: Vec<Intent> = Vec::new();
    let mut entries = Vec::new();
    for event in history {
        entries.push(match event {
            Event::Begin { tasks, key: replay } => {
                let mut intent = kept_intent(&[], 0, 0);
                let until = Timestamp::new(intent.record.time.as_second() + 60, 0).unwrap();
                intent.record.account = account.to_owned();
                intent.tasks = tasks
                    .iter()
                    .map(|(task, changes)| SeenTask { id: format!("dts-{task}"), changes: *changes })
                    .collect();
                intent.replay = replay.map(|replay| (key(replay), until)).into_iter().collect();
                begun.push(intent.clone());
                Entry::Intent(intent)
            }
            Event::End { which, outcome } if !begun.is_empty() => {
                end(&begun[which % begun.len()], *outcome, Some("answer"))
            }
            Event::End { .. } => continue,
            Event::Own { task, team } => {
                Entry::Own { account: account.to_owned(), task: format!("dts-{task}"), team: format!("team-{team}") }
            }
        });
    }
    let places: HashMap<Uuid, usize> =
        begun.iter().enumerate().map(|(place, intent)| (intent.record.id, place)).collect();

    let mut verdicts = Vec::new();
    let mut rest = entries.as_slice();
    for size in sizes {
        let (batch, after) = rest.split_at((*size).min(rest.len()));
        verdicts.extend(bed.store.commit(batch).await.unwrap());
        rest = after;
    }
    assert!(rest.is_empty());

    let verdicts = verdicts.into_iter().map(|verdict| match verdict {
        Verdict::Replayed(found) => format!("{:?}", place(&places, Some(found))),
        other => format!("{other:?}"),
    });
    let rows: Vec<TaskRow> = bed.store.tasks(account, &[0, 1, 2, 3].map(|task| format!("dts-{task}"))).await.unwrap();
    let mut remembered = Vec::new();
    for number in 0..3 {
        let now = super::record(Outcome::Ok).time;
        remembered.push(place(&places, bed.store.remembered(&key(number), now).await.unwrap()));
    }
    let filter = Filter { account: Some(account.to_owned()), limit: 100, ..Filter::default() };
    let log: Vec<Record> = bed.page(filter).await.records;
    // The next history has the same keys.
    bed.raw("DELETE FROM remembered").await.unwrap();
    Seen {
        verdicts: verdicts.collect(),
        tasks: rows.into_iter().map(|row| (row.team, row.changes, row.open_change.map(|id| places[&id]))).collect(),
        remembered,
        log: log.iter().map(|record| (places[&record.id], record.outcome)).collect(),
    }
}

fn place(places: &HashMap<Uuid, usize>, found: Option<Remembered>) -> Option<Again> {
    found.map(|found| (places[&found.id], found.answer, found.open))
}
