//! `/_sim/`: what a test asks and tells the simulated cloud. JSON in and out, no signature.

use std::collections::BTreeMap;

use http::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::clock::Moment;
use crate::cloud::{self, Order, Task};
use crate::dialect::Incoming;
use crate::exchange::{Exchange, json_response};
use crate::faults::Fault;

/// More tasks than one order may make: a slip of the hand would otherwise fill the memory.
const TASKS_AT_ONCE: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTasks {
    kind: String,
    version: String,
    #[serde(default)]
    status: Option<Value>,
    #[serde(default)]
    billing: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    count: Option<usize>,
    #[serde(default)]
    moves: bool,
    /// Beyond the contract: members that replace those of the sample, for example `{"JobName": "x"}`.
    #[serde(default)]
    data: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskChange {
    #[serde(default)]
    status: Option<Value>,
    #[serde(default)]
    billing: Option<String>,
    #[serde(default)]
    moves: Option<bool>,
    #[serde(default)]
    data: Option<Map<String, Value>>,
}

struct Wrong(StatusCode, String);

/// Answers a control request.
pub(crate) async fn answer(exchange: &Exchange, incoming: &Incoming, now: Moment) -> Response<Answer> {
    let result = if incoming.path == "/_sim/requests" && incoming.method == Method::GET {
        list_requests(exchange).await
    } else {
        route(exchange, incoming, now)
    };
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err(Wrong(status, message)) => (status, json!({ "error": message }).to_string().into_bytes()),
    };
    let length = body.len();
    let mut response = json_response(Answer::whole(body, None), length);
    *response.status_mut() = status;
    response
}

fn route(exchange: &Exchange, incoming: &Incoming, now: Moment) -> Result<Vec<u8>, Wrong> {
    let path = incoming.path.strip_prefix("/_sim/").unwrap_or("");
    let (room, rest) = path.split_once('/').map_or((path, None), |(room, rest)| (room, Some(rest)));
    match (room, rest, &incoming.method) {
        ("requests", None, &Method::DELETE) => {
            exchange.ledger.clear();
            exchange.rates.clear();
            write(&json!({}))
        }
        ("stats", None, &Method::GET) => write(&BTreeMap::from([("buckets", exchange.rates.report())])),
        ("faults", None, &Method::GET) => write(&json!({ "faults": exchange.faults.list() })),
        ("faults", None, &Method::POST) => {
            let fault: Fault = read(incoming)?;
            if let Some(mistake) = fault.mistake() {
                return Err(bad(mistake));
            }
            exchange.faults.add(fault);
            write(&json!({ "faults": exchange.faults.list() }))
        }
        ("faults", None, &Method::DELETE) => {
            exchange.faults.clear();
            write(&json!({ "faults": [] }))
        }
        ("tasks", None, &Method::GET) => list_tasks(exchange, now),
        ("tasks", None, &Method::POST) => make_tasks(exchange, read(incoming)?, now),
        ("tasks", Some(id), &Method::GET) => change_task(exchange, id, None, now),
        ("tasks", Some(id), &Method::PUT) => change_task(exchange, id, Some(read(incoming)?), now),
        ("requests" | "stats" | "faults" | "tasks", _, method) => {
            Err(Wrong(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not for {}", incoming.path)))
        }
        _ => Err(Wrong(StatusCode::NOT_FOUND, format!("there is no {}", incoming.path))),
    }
}

/// Written beside the calls that are being served: the book may be long.
async fn list_requests(exchange: &Exchange) -> Result<Vec<u8>, Wrong> {
    let entries = exchange.ledger.list();
    let written = tokio::task::spawn_blocking(move || {
        let reports: Vec<_> = entries.iter().map(|entry| entry.report()).collect();
        write(&BTreeMap::from([("requests", reports)]))
    });
    written.await.map_err(|error| Wrong(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?
}

fn make_tasks(exchange: &Exchange, order: NewTasks, now: Moment) -> Result<Vec<u8>, Wrong> {
    let version = order.version.as_str();
    let unknown = || bad(format!("no table knows tasks of the kind `{}` in the version `{version}`", order.kind));
    let provider = exchange.tables.version(version).ok_or_else(unknown)?;
    let kind = provider.kinds.get(&order.kind).ok_or_else(unknown)?;
    let count = order.count.unwrap_or(1);
    if count > TASKS_AT_ONCE || (order.id.is_some() && count != 1) {
        return Err(bad(format!("`count` may be at most {TASKS_AT_ONCE}, and 1 with an `id`")));
    }
    let wanted = Order {
        provider,
        kind_name: &order.kind,
        kind,
        id: order.id,
        count,
        status: order.status,
        billing: order.billing,
        moves: order.moves,
        data: order.data,
    };
    let ids = cloud::place(&mut exchange.cloud.world(), wanted, now)
        .ok_or_else(|| Wrong(StatusCode::CONFLICT, "a task with this id is there".to_owned()))?;
    write(&json!({ "ids": ids }))
}

fn list_tasks(exchange: &Exchange, now: Moment) -> Result<Vec<u8>, Wrong> {
    let mut world = exchange.cloud.world();
    let ids = world.ids();
    let pace = exchange.cloud.pace();
    let tasks: Vec<Value> =
        ids.iter().filter_map(|id| world.look(id, &exchange.tables, pace, now).map(|task| show(task))).collect();
    drop(world);
    write(&json!({ "tasks": tasks }))
}

fn change_task(exchange: &Exchange, id: &str, change: Option<TaskChange>, now: Moment) -> Result<Vec<u8>, Wrong> {
    let id = percent_decode_str(id).decode_utf8_lossy();
    let mut world = exchange.cloud.world();
    let task = world
        .look(&id, &exchange.tables, exchange.cloud.pace(), now)
        .ok_or_else(|| Wrong(StatusCode::NOT_FOUND, format!("there is no task {id}")))?;
    if let Some(change) = change {
        if let Some(moves) = change.moves {
            task.moves = moves;
            (task.status_since, task.billing_since) = (now, now); // what comes next is counted from here
        }
        let kinds = exchange.tables.version(&task.version).map(|provider| &provider.kinds);
        if let (Some(status), Some(kind)) = (change.status, kinds.and_then(|kinds| kinds.get(&task.kind))) {
            task.enter(kind, status, now);
        }
        if let Some(billing) = change.billing {
            task.enter_billing(billing, now);
        }
        task.data.extend(change.data.unwrap_or_default());
    }
    let shown = show(task);
    drop(world);
    write(&shown)
}

fn show(task: &Task) -> Value {
    json!({
        "id": task.id, "kind": task.kind, "version": task.version, "status": task.status,
        "billing": task.billing, "moves": task.moves, "data": task.data,
    })
}

fn read<T: for<'a> Deserialize<'a>>(incoming: &Incoming) -> Result<T, Wrong> {
    serde_json::from_slice(&incoming.body).map_err(|error| bad(error.to_string()))
}

fn write<T: Serialize>(body: &T) -> Result<Vec<u8>, Wrong> {
    serde_json::to_vec(body).map_err(|error| Wrong(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn bad(message: impl Into<String>) -> Wrong {
    Wrong(StatusCode::BAD_REQUEST, message.into())
}
