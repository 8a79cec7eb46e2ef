//! Reads: one task, lists of tasks, and what has no task behind it.

use serde_json::{Map, Value, json};

use super::Call;
use super::change::KINDS;
use super::find::{instance_of, judged_one, named, of_instance};
use super::shape::answer;
use super::view::{known, members};
use crate::chance;
use crate::cloud::Done;
use crate::cloud::world::World;
use crate::dialect::ApiError;

/// The largest page of DescribeDtsJobs (seed: 10, 20 or 30) and of the older lists.
const LARGEST_PAGE: i64 = 30;

pub(super) fn show(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = judged_one(world, call)?;
    Ok(answer(call, &known(task, call)))
}

/// The documented members out of the parameters, of a task if the call names one, and ids that nobody gave out before.
pub(super) fn echo(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let mut all =
        members(json!({ "TaskId": chance::letters(15), "DtsJobId": chance::letters(15), "Status": "Finished" }));
    all.extend(call.parameters.clone());
    let first = named(call).and_then(|(_, ids)| ids.into_iter().next());
    if let Some(task) = first.and_then(|id| call.task(world, &id)) {
        all.extend(members(known(task, call)));
    }
    all.insert("RegionId".to_owned(), call.region.into());
    Ok(answer(call, &Value::Object(all)))
}

/// DescribeDtsJobs and its count: those of one type, MIGRATION if nothing is said, in one region.
pub(super) fn jobs(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let wanted = |name: &str| -> Vec<String> {
        call.text(name).split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
    };
    let said = if call.text("JobType").is_empty() { "MIGRATION" } else { call.text("JobType") };
    let kind = KINDS.iter().find(|(_, request, _)| request.eq_ignore_ascii_case(said)).map_or("", |(kind, _, _)| *kind);
    let (jobs, instances) = (wanted("DtsJobId"), wanted("DtsInstanceId"));
    let (by, params, status) = (call.text("Type"), call.text("Params"), call.text("Status"));
    let candidates = candidates(world, jobs.iter().chain(&instances));
    let mut found = Vec::new();
    for id in candidates {
        let Some(task) = call.task(world, &id).filter(|task| task.kind == kind) else { continue };
        let fits = |list: &[String], id: &str| list.is_empty() || list.iter().any(|wanted| wanted == id);
        let condition = match by {
            _ if params.is_empty() => true,
            "name" => task.text("/DtsJobName").contains(params),
            "srcRds" => task.text("/SourceEndpointInstanceID") == params,
            "rds" => task.text("/DestinationEndpointInstanceID") == params,
            "instance" => instance_of(task) == params,
            _ => true,
        };
        let here = ["", call.region].contains(&task.text("/RegionId"));
        let in_status = status.is_empty() || task.status.as_str().is_some_and(|own| own.eq_ignore_ascii_case(status));
        if condition && here && in_status && fits(&jobs, &task.id) && fits(&instances, &instance_of(task)) {
            found.push(id);
        }
    }
    if call.text("OrderDirection").eq_ignore_ascii_case("DESC") {
        found.reverse();
    }
    let (shown, mut all) = page(call, found, "PageNumber")?;
    let mut items = known_of(world, call, &shown);
    if call.parameters.get("WithoutDbList") == Some(&Value::Bool(true)) {
        items.iter_mut().for_each(|item| item["DbObject"] = "".into());
    }
    all.insert("DtsJobList".to_owned(), items.into());
    Ok(answer(call, &Value::Object(all)))
}

/// The lists of the older versions, each in its own wrapping.
pub(super) fn legacy(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let kind = call.action.task.as_str();
    let name = ["MigrationJobName", "SynchronizationJobName", "SubscriptionInstanceName"]
        .into_iter()
        .map(|name| call.text(name))
        .find(|name| !name.is_empty())
        .unwrap_or("");
    let mut found = Vec::new();
    for id in world.ids() {
        let Some(task) = call.task(world, &id).filter(|task| task.kind == kind) else { continue };
        if task.text("/DtsJobName").contains(name) {
            found.push(id);
        }
    }
    let (shown, mut all) = page(call, found, "PageNum")?;
    let items = known_of(world, call, &shown);
    for wrapping in ["MigrationJobs", "SynchronizationInstances", "SubscriptionInstances"] {
        all.insert(wrapping.to_owned(), items.clone().into());
    }
    Ok(answer(call, &Value::Object(all)))
}

/// The statuses of several synchronizations, named in a JSON text.
pub(super) fn statuses(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let mut ids = Vec::new();
    let text = call.text("SynchronizationJobIdListJsonStr");
    let parsed: Value = serde_json::from_str(text).unwrap_or_else(|_| text.split(',').map(str::trim).collect());
    texts(&parsed, &mut ids);
    let mut items = Vec::new();
    for id in ids {
        let Some(task) = call.task(world, of_instance(&id)).filter(|task| task.kind == "sync") else { continue };
        let direction = json!({
            "SynchronizationDirection": "Forward", "Status": task.status, "Checkpoint": call.now.seconds().to_string(),
        });
        items.push(json!({ "SynchronizationJobId": id, "SynchronizationDirectionInfoList": [direction] }));
    }
    let (shown, mut all) = page(call, items, "PageNum")?;
    all.insert("SynchronizationJobListStatusList".to_owned(), shown.into());
    Ok(answer(call, &Value::Object(all)))
}

/// The tasks to look at: those that are named, or all.
fn candidates<'a>(world: &World, named: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in named.map(|id| if world.task(id).is_some() { id.as_str() } else { of_instance(id) }) {
        if !ids.iter().any(|other| other == id) {
            ids.push(id.to_owned());
        }
    }
    if ids.is_empty() { world.ids() } else { ids }
}

/// The page that the call asks for, and the members that say which one it is.
fn page<T>(call: &Call<'_>, items: Vec<T>, number_name: &str) -> Result<(Vec<T>, Map<String, Value>), ApiError> {
    let number = call.number(number_name).unwrap_or(1);
    let size = call.number("PageSize").unwrap_or(if number_name == "PageNum" { LARGEST_PAGE } else { 20 });
    let wrong =
        |name: &str| ApiError::new("InvalidParameter", format!("The Value of Input Parameter {name} is not valid."));
    let skipped = number.checked_sub(1).filter(|before| *before >= 0).and_then(|before| before.checked_mul(size));
    let skipped = skipped.and_then(|skipped| usize::try_from(skipped).ok()).ok_or_else(|| wrong(number_name))?;
    let taken = usize::try_from(size.min(LARGEST_PAGE)).ok().filter(|taken| *taken > 0);
    let taken = taken.ok_or_else(|| wrong("PageSize"))?;
    let total = items.len();
    let shown: Vec<T> = items.into_iter().skip(skipped).take(taken).collect();
    let count = shown.len();
    Ok((shown, members(json!({ "PageNumber": number, "PageRecordCount": count, "TotalRecordCount": total }))))
}

/// What is known of each of these tasks.
fn known_of(world: &mut World, call: &Call<'_>, ids: &[String]) -> Vec<Value> {
    ids.iter().filter_map(|id| call.task(world, id).map(|task| known(task, call))).collect()
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|item| texts(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
