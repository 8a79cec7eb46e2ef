//! Sync tasks as they are read.

use serde_json::{Value, json};

use super::super::render::{list_answer, page, structure, tags_match};
use super::super::task::Task;
use super::super::world::World;
use super::super::{Call, Done, beijing};
use super::migration::{message, rate_limits};
use super::{among, invalid, is, known, listed, offers};
use crate::dialect::ApiError;

pub(in crate::cloud) fn list(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    if !matches!(call.text("Order"), "" | "CreateTime") {
        return Err(invalid("Order", "must be CreateTime"));
    }
    let mut found = listed(world, call, "OrderSeq")?;
    found.retain(|task| fits(task, call));
    let total = found.len();
    let jobs: Vec<Value> =
        page(call, found)?.into_iter().map(|task| structure(call, "SyncJobInfo", &view(task, call))).collect();
    Ok(list_answer(call, &json!({ "TotalCount": total, "JobList": jobs })))
}

fn fits(task: &Task, call: &Call<'_>) -> bool {
    // What a pattern may say is not documented: here it is a part of what the endpoint was told.
    let holds = |pattern: &str, side: &str| {
        let pattern = call.text(pattern);
        pattern.is_empty() || task.data.get(side).is_some_and(|endpoint| endpoint.to_string().contains(pattern))
    };
    let job_type = format!("{}2{}", task.text("/SrcDatabaseType"), task.text("/DstDatabaseType"));
    is(call, "JobId", &task.id)
        && among(call, "JobIds", &task.id.as_str().into())
        && task.text("/JobName").contains(call.text("JobName"))
        && among(call, "Status", &task.status)
        && is(call, "RunMode", task.text("/RunMode"))
        && is(call, "JobType", &job_type)
        && is(call, "PayMode", task.text("/PayMode"))
        && holds("SrcInfoPattern", "SrcInfo")
        && holds("DstInfoPattern", "DstInfo")
        && tags_match(call, &task.data)
}

fn view(task: &Task, call: &Call<'_>) -> Value {
    let mut options = task.data.get("Options").cloned().unwrap_or_else(|| json!({}));
    if let Some(options) = options.as_object_mut() {
        options.insert("RateLimitOption".to_owned(), rate_limits(task));
    }
    let beside = json!({
        "JobId": task.id,
        "AllActions": offers::all(call),
        "Actions": offers::allowed(task, call),
        "Options": options,
        "ExpireTime": beijing::NEVER,
        "CreateTime": beijing::write(Some(task.created)),
        "StartTime": beijing::write(task.started),
        "EndTime": beijing::write(task.ended),
        "Status": task.status,
        "Detail": detail(task),
        "TradeStatus": task.billing,
        "OfflineTime": beijing::NEVER,
        "OptObjStatus": "Normal",
        "DumperResumeCtrl": "yes",
    });
    known(task, beside)
}

fn detail(task: &Task) -> Value {
    let (all, progress) = match task.status.as_str().unwrap_or("") {
        "Running" | "Pausing" | "Paused" | "Stopping" | "Stopped" => (3, 100),
        "ResumableErr" | "Resuming" | "Failed" => (3, 50),
        _ => (0, 0),
    };
    let names = ["structure", "full", "incremental"];
    let step = |(index, name): (usize, &&str)| {
        json!({
            "StepNo": index + 1, "StepName": name, "StepId": format!("step_{name}"),
            "Status": if progress == 100 { "finished" } else { "failed" }, "Progress": progress,
            "StartTime": beijing::write(task.started),
        })
    };
    let steps: Vec<Value> = names.iter().take(all).enumerate().map(step).collect();
    json!({
        "StepAll": all, "StepNow": all, "Progress": progress, "CurrentStepProgress": progress, "Message": message(task),
        "StepInfos": steps, "ErrInfo": { "Message": message(task) },
    })
}
