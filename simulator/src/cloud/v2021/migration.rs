//! Migration tasks of 2021-12-06 as they are read.

use serde_json::{Value, json};

use super::super::render::{answer, list_answer, page, structure, tags_match};
use super::super::task::Task;
use super::super::world::World;
use super::super::{Call, Done, beijing};
use super::edits::is_unbilled;
use super::{among, checks, compare, is, known, listed, offers};
use crate::dialect::ApiError;
use crate::table::Condition;

/// The speed limits of a task nobody limited.
const THREADS: i64 = 8;
const ROWS_PER_SECOND: i64 = 20_000;

pub(in crate::cloud) fn list(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let mut found = listed(world, call, "OrderSeq")?;
    found.retain(|task| fits(task, call));
    let total = found.len();
    let ids: Vec<String> = page(call, found)?.into_iter().map(|task| task.id.clone()).collect();
    let mut jobs = Vec::with_capacity(ids.len());
    for id in ids {
        let check = compare::summary(world, &id, call);
        jobs.extend(world.task(&id).map(|task| structure(call, "JobItem", &view(task, check, call))));
    }
    Ok(list_answer(call, &json!({ "TotalCount": total, "JobList": jobs })))
}

pub(in crate::cloud) fn show(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let id = world.judged(call)?.id.clone();
    let check = compare::summary(world, &id, call);
    let task = world.judged(call)?;
    Ok(answer(call, &view(task, check, call)))
}

fn fits(task: &Task, call: &Call<'_>) -> bool {
    let text = |place: &str| Value::from(task.text(place));
    is(call, "JobId", &task.id)
        && task.text("/JobName").contains(call.text("JobName"))
        && among(call, "Status", &task.status)
        && is(call, "SrcInstanceId", task.text("/SrcInfo/Info/0/InstanceId"))
        && is(call, "DstInstanceId", task.text("/DstInfo/Info/0/InstanceId"))
        && is(call, "SrcRegion", of_side(task, "Src", "Region"))
        && is(call, "DstRegion", of_side(task, "Dst", "Region"))
        && among(call, "SrcDatabaseType", &of_side(task, "Src", "DatabaseType").into())
        && among(call, "DstDatabaseType", &of_side(task, "Dst", "DatabaseType").into())
        && among(call, "SrcAccessType", &text("/SrcInfo/AccessType"))
        && among(call, "DstAccessType", &text("/DstInfo/AccessType"))
        && is(call, "RunMode", task.text("/RunMode"))
        && tags_match(call, &task.data)
}

/// What is known of one side: what the task was told, otherwise what it was bought for.
fn of_side<'a>(task: &'a Task, side: &str, member: &str) -> &'a str {
    let told = task.text(&format!("/{side}Info/{member}"));
    if told.is_empty() { task.text(&format!("/{side}{member}")) } else { told }
}

fn view(task: &Task, check: Value, call: &Call<'_>) -> Value {
    let side = |side: &str| {
        task.data.get(&format!("{side}Info")).cloned().unwrap_or_else(
            || json!({ "Region": of_side(task, side, "Region"), "DatabaseType": of_side(task, side, "DatabaseType") }),
        )
    };
    let beside = json!({
        "JobId": task.id,
        "CreateTime": beijing::write(Some(task.created)),
        "UpdateTime": beijing::write(Some(task.status_since.max(task.billing_since))),
        "StartTime": beijing::write(task.started),
        "EndTime": beijing::write(task.ended),
        "BriefMsg": message(task),
        "Status": task.status,
        "Action": { "AllAction": offers::all(call), "AllowedAction": offers::allowed(task, call) },
        "StepInfo": steps(task, call),
        "SrcInfo": side("Src"),
        "DstInfo": side("Dst"),
        "CompareTask": check,
        "TradeInfo": trade(task, call),
        "CheckStepInfo": checks::of_migration(task, call),
        "ErrorInfo": errors(task),
        "DumperResumeCtrl": "yes",
        "RateLimitOption": rate_limits(task),
    });
    known(task, beside)
}

fn trade(task: &Task, call: &Call<'_>) -> Value {
    let isolated = matches!(task.billing.as_str(), "isolating" | "isolated");
    let mut trade = json!({
        "DealName": format!("deal-{}", task.id),
        "LastDealName": format!("deal-{}", task.id),
        "InstanceClass": task.text("/InstanceClass"),
        "TradeStatus": task.billing,
        "ExpireTime": beijing::NEVER,
        "OfflineTime": beijing::NEVER,
        "IsolateTime": beijing::write(isolated.then_some(task.billing_since)),
        "IsolateReason": if isolated { "user_isolate" } else { "" },
        "PayType": "postpay",
        "BillingType": if is_unbilled(call.kind, task) { "notBilling" } else { "billing" },
    });
    // A test may say more of it (`data.TradeInfo`).
    if let (Some(trade), Some(Value::Object(more))) = (trade.as_object_mut(), task.data.get("TradeInfo")) {
        trade.extend(more.clone());
    }
    trade
}

/// The limits now and those that a task begins with; also what a sync's options show.
pub(super) fn rate_limits(task: &Task) -> Value {
    let limit = |name: &str, otherwise: i64| task.number_at(&format!("/{name}")).unwrap_or(otherwise);
    let names = ["DumpThread", "DumpRps", "LoadThread", "LoadRps", "SinkerThread"];
    let limited = names.iter().any(|name| task.data.contains_key(*name));
    json!({
        "CurrentDumpThread": limit("DumpThread", THREADS), "DefaultDumpThread": THREADS,
        "CurrentDumpRps": limit("DumpRps", ROWS_PER_SECOND), "DefaultDumpRps": ROWS_PER_SECOND,
        "CurrentLoadThread": limit("LoadThread", THREADS), "DefaultLoadThread": THREADS,
        "CurrentLoadRps": limit("LoadRps", ROWS_PER_SECOND), "DefaultLoadRps": ROWS_PER_SECOND,
        "CurrentSinkerThread": limit("SinkerThread", THREADS), "DefaultSinkerThread": THREADS,
        "HasUserSetRateLimit": if limited { "yes" } else { "no" },
    })
}

/// The steps of a migration: none before it runs.
fn steps(task: &Task, call: &Call<'_>) -> Value {
    let names: &[&str] = match task.text("/MigrateOption/MigrateType") {
        "structure" => &["structure"],
        "full" => &["structure", "full"],
        _ => &["structure", "full", "incremental"],
    };
    let all = names.len();
    let incremental = task.is(Condition::Incremental, call.kind);
    let (now, percent, word) = match task.status.as_str().unwrap_or("") {
        "running" | "pausing" | "manualPaused" => {
            let passed = task.percent(call.pace.run, call.now);
            (usize::try_from(passed).unwrap_or(0) * all / 100 + 1, passed, "running")
        }
        "readyComplete" | "completing" => (all, if incremental { 99 } else { 100 }, "running"),
        "success" => (all, 100, "success"),
        "stopping" | "resuming" => (all, 50, "running"),
        "canceled" | "error" | "resumableErr" | "failed" => (all, 50, "failed"),
        _ => (0, 0, ""),
    };
    let step = |(index, name): (usize, &&str)| {
        let (status, percent) = match (index + 1).cmp(&now) {
            std::cmp::Ordering::Less => ("success", 100),
            std::cmp::Ordering::Equal => (word, percent),
            std::cmp::Ordering::Greater => ("notStarted", 0),
        };
        json!({
            "StepNo": index + 1, "StepName": name, "StepId": format!("step_{name}"), "Status": status,
            "StartTime": beijing::write(task.started), "FinishTime": beijing::write(task.ended), "Percent": percent,
        })
    };
    let listed: Vec<Value> = if now == 0 { Vec::new() } else { names.iter().enumerate().map(step).collect() };
    json!({
        "StepAll": listed.len(), "StepNow": now, "MasterSlaveDistance": 0, "SecondsBehindMaster": 0, "StepInfo": listed,
    })
}

/// What a task in trouble says of it.
pub(super) fn message(task: &Task) -> &'static str {
    match task.status.as_str().unwrap_or("") {
        "error" | "resumableErr" | "ResumableErr" => "The connection to the source was lost.",
        "failed" | "Failed" => "The source's log has been cleaned; it cannot be read on.",
        _ => "",
    }
}

fn errors(task: &Task) -> Value {
    match message(task) {
        "" => json!([]),
        text => json!([{ "Code": "SourceError", "ErrorLog": text, "Solution": "Look at the source.", "HelpDoc": "" }]),
    }
}
