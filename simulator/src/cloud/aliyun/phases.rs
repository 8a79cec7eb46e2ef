//! How far the parts of a task have come: check, structure, full copy, changes.

use serde_json::{Value, json};

use super::Call;
use crate::cloud::Task;

/// The items of every check; the last is the one that fails, if one does.
const ITEMS: [&str; 4] = ["CHECK_CONN_SRC", "CHECK_AUTH_SRC", "CHECK_CONN_DEST", "CHECK_SAME_OBJ"];

/// Where a task is between being made and being done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    New,
    Checking,
    CheckFailed,
    Checked,
    Copying,
    Broken,
    /// What is there is copied; changes follow.
    Following,
    Over,
}

fn stage(task: &Task, call: &Call<'_>) -> Stage {
    match task.status.as_str().unwrap_or("") {
        "NotConfigured" | "NotStarted" => Stage::New,
        "Prechecking" => Stage::Checking,
        "PrecheckFailed" => Stage::CheckFailed,
        "PreCheckPass" => Stage::Checked,
        "Initializing" | "Starting" => Stage::Copying,
        "MigrationFailed" | "InitializeFailed" | "Failed" => Stage::Broken,
        "Migrating" if call.now.since(task.status_since) < call.pace.run => Stage::Copying,
        "Finished" => Stage::Over,
        _ => Stage::Following,
    }
}

/// The status of the check, in both spellings of its items.
pub(super) fn precheck(task: &Task, call: &Call<'_>) -> Value {
    let stage = stage(task, call);
    let failed = stage == Stage::CheckFailed;
    let (status, percent) = match stage {
        Stage::New => ("NotStarted", 0),
        Stage::Checking => ("Checking", task.percent(call.pace.step, call.now)),
        Stage::CheckFailed => ("Failed", 100),
        _ => ("Finished", 100),
    };
    let item = |name: &&str| {
        let broken = failed && ITEMS.last() == Some(name);
        let result = if broken { "Failed" } else { "Success" };
        let why = if broken { "The target holds objects of the same name." } else { "" };
        json!({
            "CheckItem": name, "CheckItemDescription": format!("{name}_DETAIL"), "CheckResult": result, "FailedReason": why,
            "ItemName": name, "CheckStatus": result, "ErrorMessage": why, "Item": name, "State": result, "ErrMsg": why,
            "RepairMethod": if broken { format!("{name}_REPAIR") } else { String::new() },
        })
    };
    let items: Vec<Value> = if stage <= Stage::Checking { Vec::new() } else { ITEMS.iter().map(item).collect() };
    json!({ "Status": status, "Percent": percent.to_string(), "Detail": items })
}

/// The statuses of structure, full copy and changes, in that order.
pub(super) fn parts(task: &Task, call: &Call<'_>) -> [Value; 3] {
    let stage = stage(task, call);
    let part = |status: &str, percent: u64| {
        json!({
            "Status": status, "Percent": percent.to_string(), "Progress": percent.to_string(), "Delay": "0", "DelayMillis": 0,
            "Checkpoint": call.now.seconds().to_string(),
        })
    };
    match stage {
        Stage::New | Stage::Checking | Stage::CheckFailed | Stage::Checked => [(); 3].map(|()| part("NotStarted", 0)),
        Stage::Copying => {
            let percent = task.percent(call.pace.run, call.now);
            [part("Finished", 100), part("Migrating", percent), part("NotStarted", 0)]
        }
        Stage::Broken => [part("Finished", 100), part("Finished", 100), part("Failed", 0)],
        Stage::Following => [part("Finished", 100), part("Finished", 100), part("Catched", 95)],
        Stage::Over => [(); 3].map(|()| part("Finished", 100)),
    }
}
