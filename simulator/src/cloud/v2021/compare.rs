//! Consistency checks: made for a job, listed with it, and what they have found.

use serde_json::{Value, json};

use super::super::render::{list_answer, page, structure};
use super::super::task::Task;
use super::super::world::{Birth, World};
use super::super::{Call, Done, beijing};
use super::{among, is, known};
use crate::dialect::ApiError;

/// Ours: a consistency check whose name holds this finds a difference.
const DIFFERS_NAME: &str = "differs";

pub(in crate::cloud) fn create(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let job = world.judged(call)?.id.clone();
    let belongs = |kind: &crate::table::Kind| kind.child_of.iter().any(|parent| parent.kind == call.action.task);
    let Some((kind_name, kind)) = call.provider.kinds.iter().find(|(_, kind)| belongs(kind)) else {
        return Err(ApiError::new("InternalError", "The table lacks the kind of this job's consistency checks."));
    };
    let birth = Birth {
        version: &call.provider.version,
        kind_name,
        kind,
        id: None,
        status: kind.first_status.clone(),
        billing: kind.first_billing.clone(),
        moves: true,
        parent: Some(job),
        data: call.parameters.clone(),
    };
    let id = world.make(birth, call.now);
    Ok(Done { made: id.clone(), ..Done::from(json!({ "CompareTaskId": id })) })
}

pub(in crate::cloud) fn list(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let job = world.judged(call)?.id.clone();
    let mut found = world.children(&job, call);
    found.retain(|task| is(call, "CompareTaskId", &task.id) && among(call, "Status", &task.status));
    found.reverse();
    let total = found.len();
    let items: Vec<Value> =
        page(call, found)?.into_iter().map(|task| structure(call, "CompareTaskItem", &view(task, call))).collect();
    Ok(list_answer(call, &json!({ "TotalCount": total, "Items": items })))
}

/// What a job's view says of its latest consistency check.
pub(super) fn summary(world: &mut World, job: &str, call: &Call<'_>) -> Value {
    let Some(task) = world.children(job, call).pop() else {
        return json!({ "CompareTaskId": "", "Status": "notexist" });
    };
    let word = match task.status.as_str().unwrap_or("") {
        "created" => "unstart",
        "success" if conclusion(task) == "different" => "inconsistent",
        "success" => "consistent",
        "failed" => "failed",
        "canceled" => "canceled",
        _ => "running",
    };
    json!({ "CompareTaskId": task.id, "Status": word })
}

/// What it found; a test can say so (`data.Conclusion`). Empty until it is over.
pub(super) fn conclusion(task: &Task) -> &str {
    match task.text("/Conclusion") {
        _ if task.status != "success" => "",
        "" if task.text("/TaskName").contains(DIFFERS_NAME) => "different",
        "" => "same",
        told => told,
    }
}

/// The objects that are compared.
pub(super) fn objects(task: &Task) -> Value {
    let mut objects = task.data.get("Objects").cloned().unwrap_or_else(|| json!({}));
    if let Some(objects) = objects.as_object_mut() {
        objects.entry("ObjectMode").or_insert_with(|| task.text("/ObjectMode").into());
    }
    objects
}

fn view(task: &Task, call: &Call<'_>) -> Value {
    let (word, percent) = match task.status.as_str().unwrap_or("") {
        "running" | "stopping" => ("running", task.percent(call.pace.run, call.now)),
        "success" => ("success", 100),
        "failed" | "canceled" => ("failed", 50),
        _ => ("notStarted", 0),
    };
    let progress = |word: &str, percent: u64| {
        let now = u8::from(word != "notStarted");
        json!({ "Status": word, "Percent": percent, "StepAll": 1, "StepNow": now, "Message": "", "Steps": [] })
    };
    let checked = if task.started.is_some() { progress("success", 100) } else { progress("notStarted", 0) };
    let beside = json!({
        "JobId": task.parent,
        "CompareTaskId": task.id,
        "Status": task.status,
        "Config": objects(task),
        "CheckProcess": checked,
        "CompareProcess": progress(word, percent),
        "Conclusion": conclusion(task),
        "CreatedAt": beijing::write(Some(task.created)),
        "StartedAt": beijing::write(task.started),
        "FinishedAt": beijing::write(task.ended),
        "Method": task.text("/Options/Method"),
        "Message": if task.status == "failed" { "The source could not be read." } else { "" },
    });
    known(task, beside)
}
