//! Every action of 2021-12-06 in every state of its kind of task, through a running gateway: what the rows allow is
//! forwarded, what they do not is refused before it. The seeds' tables, transcribed by hand, are held against what was
//! seen from the other side.

mod cells;
mod sample;
mod seeds;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use futures_util::stream;

use self::cells::{Cell, Cells};
use self::seeds::{Says, Seeds, Table};
use crate::caller::Answer;
use crate::world::{Database, Options, World};

/// Calls under way at once; more would only wait for the cloud's quota.
const AT_ONCE: usize = 16;

/// What came of a cell: whether the cloud was asked.
type Seen = BTreeMap<Cell, bool>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_in_every_state_is_forwarded_or_refused_as_the_rows_say() {
    let world = World::start_with(Database::Sqlite, Options::default()).await;
    let cells = Cells::make(&world).await;
    let seen = walk(&world, &cells).await;
    let alone = without_a_task(&world, &cells).await;
    let walked: BTreeSet<&str> = seen.keys().map(|cell| &*cell.action).chain(alone).collect();
    println!("{} actions, {} cells", walked.len(), seen.len());
    assert_eq!(walked.len(), 84, "{walked:?}");
    let mut totals: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (cell, forwarded) in &seen {
        let total = totals.entry(&cell.kind).or_default();
        total[0] += 1;
        total[if *forwarded { 1 } else { 2 }] += 1;
        if *forwarded != cells.is_allowed(cell) {
            wrong.push(format!("{cell:?}: forwarded {forwarded}"));
        }
    }
    for (kind, [all, forwarded, refused]) in &totals {
        println!("{kind}: {all} cells, {forwarded} forwarded, {refused} refused");
    }
    assert!(wrong.is_empty(), "{} of {} cells: {wrong:#?}", wrong.len(), seen.len());
    let seeds = Seeds::read();
    hold_against("migration", &seeds.migration, &seen);
    hold_against("sync", &seeds.sync, &seen);
    world.end().await;
}

/// Calls every cell, and finds each in the cloud's own book exactly if it was forwarded.
async fn walk(world: &World, cells: &Cells) -> Seen {
    let caller = world.with_token("all").of_2021();
    let answers = stream::iter(cells.all()).map(|(cell, task)| {
        let caller = &caller;
        async move {
            let body = cells.parameters(cell, task).to_string();
            let headers = [("x-dts-gateway-max-wait", "20000")];
            let answer = caller.act_with(&cell.action, &headers, &body).await;
            (cell.clone(), judge(cell, &answer))
        }
    });
    let seen: Seen = answers.buffer_unordered(AT_ONCE).collect().await;
    let mut asked: BTreeMap<(String, String), usize> = BTreeMap::new();
    for request in world.requests().await.iter().filter(|request| request["version"] == cells::VERSION) {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        for id in ["JobId", "CompareTaskId", "SubscribeId"] {
            *asked.entry((text(&request["action"]), text(&request["params"][id]))).or_default() += 1;
        }
    }
    for (cell, task) in cells.all() {
        let was_asked = asked.contains_key(&(cell.action.clone(), task.id.clone()));
        assert!(was_asked == seen[cell] || cells.is_lookup(cell), "{cell:?}: the cloud's book says {was_asked}");
    }
    seen
}

/// The actions that name no task are forwarded whatever state any task is in.
async fn without_a_task<'c>(world: &World, cells: &'c Cells) -> Vec<&'c str> {
    let caller = world.with_token("all").of_2021();
    let actions = cells.without_a_task();
    for action in &actions {
        let answer = caller.act_with(action, &[], &cells.bare_parameters(action).to_string()).await;
        assert_eq!(answer.header("x-dts-gateway-origin"), "upstream", "{action}: {}", answer.text());
    }
    actions
}

/// Whether a call was forwarded; a refusal must be one that the state policy gives.
fn judge(cell: &Cell, answer: &Answer) -> bool {
    match answer.header("x-dts-gateway-origin") {
        "upstream" => {
            // The simulated cloud has its own reading of the sources: by state it must agree.
            let error = answer.json()["Response"]["Error"].clone();
            let code = error["Code"].as_str().unwrap_or_default();
            let by_state = ["OperationDenied", "FailedOperation"].iter().any(|class| code.starts_with(class));
            assert!(!by_state, "{cell:?}: the cloud refused {error}");
            true
        }
        _ => {
            let reason = answer.header("x-dts-gateway-reason");
            assert_eq!(reason, "state-forbids", "{cell:?}: {}", answer.text());
            false
        }
    }
}

fn hold_against(kind: &str, table: &Table, seen: &Seen) {
    let mut checked = 0;
    let states = table.states();
    let of_kind = seen.iter().filter(|(cell, _)| cell.kind == kind && table.operations().contains(&*cell.action));
    for (cell, forwarded) in of_kind {
        let is_read = cell.action.starts_with("Describe");
        let says = match &cell.billing {
            Some(billing) if *billing == table.billing.status => table.says_when_isolated(&cell.action),
            Some(_) => continue,
            None if states.contains(&*cell.state) => table.says(&cell.state, &cell.action),
            None => continue,
        };
        // The sample is a MySQL link: eligible for a check, and no Redis migration.
        let expected = match says {
            Says::Allowed => true,
            Says::Only => cell.action == "CreateCompareTask",
            Says::Forbidden => is_read,
        };
        assert_eq!(*forwarded, expected, "{cell:?}: the seed says {says:?}");
        checked += 1;
    }
    println!("{kind}: {checked} cells as the seed's table says");
    assert!(checked > states.len() * 10, "the walk saw too little of the seed's table: {checked} cells");
}
