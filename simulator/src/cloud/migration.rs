//! Migration tasks of 2018-03-30: creating, modifying, listing, and the report of a check.

use serde_json::{Map, Value, json};

use super::render::{complete_of, page, tags_match};
use super::task::Task;
use super::world::{Birth, World};
use super::{Call, Done, beijing};
use crate::dialect::ApiError;
use crate::table::Type;

pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    check_options(call.parameters)?;
    let birth = Birth {
        version: &call.provider.version,
        kind_name: &call.action.task,
        kind: call.kind,
        id: None,
        status: call.kind.first_status.clone(),
        billing: call.kind.first_billing.clone(),
        moves: true,
        parent: None,
        data: call.parameters.clone(),
    };
    let id = world.make(birth, call.now);
    Ok(Done { made: id.clone(), ..Done::from(json!({ "JobId": id })) })
}

pub(super) fn edit(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    check_options(call.parameters)?;
    let task = world.judged(call)?;
    for (name, value) in call.parameters.iter().filter(|(name, _)| Some(*name) != call.action.task_id.as_ref()) {
        task.data.insert(name.clone(), value.clone());
    }
    call.advance(task);
    Ok(Done::default())
}

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let (id, name) = (call.text("JobId"), call.text("JobName"));
    let by_id = call.parameters.contains_key("JobId");
    let mut found: Vec<&Task> =
        if by_id { world.judged(call).map(|task| &*task).into_iter().collect() } else { world.of_kind(call) };
    found.retain(|task| {
        let named = name.is_empty() || task.text("/JobName").contains(name);
        (!by_id || task.id == id) && named && tags_match(call, &task.data)
    });
    sort(&mut found, call)?;
    let total = found.len();
    let jobs: Vec<Value> = page(call, found)?.into_iter().map(|task| render(task, call)).collect();
    Ok(json!({ "TotalCount": total, "JobList": jobs }).into())
}

pub(super) fn show_check(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let report = |status: &str, code: i64, message: &str, progress: u64, flag: u64| {
        json!({
            "Status": status, "ErrorCode": code, "ErrorMessage": message,
            "Progress": progress.to_string(), "CheckFlag": flag,
        })
    };
    // CheckFlag: 0 not passed, 1 passed, 3 not checked (the seed's table has the first two swapped, its examples not).
    let answer = match status_name(task, call) {
        "Creating" | "Created" => report("unavailable", 0, "", 0, 3),
        "Checking" => report("running", 0, "", task.percent(call.pace.step, call.now), 3),
        "CheckNotPass" => report("finished", -1, "The source instance cannot be reached.", 100, 0),
        _ => report("finished", 0, "ok", 100, 1),
    };
    Ok(answer.into())
}

fn check_options(parameters: &Map<String, Value>) -> Result<(), ApiError> {
    let option = |name: &str| parameters.get("MigrateOption").and_then(|options| options.get(name));
    let in_range =
        |name: &str, last: i64| option(name).and_then(Value::as_i64).is_none_or(|number| (1..=last).contains(&number));
    for (name, last) in [("RunMode", 2), ("MigrateType", 3), ("MigrateObject", 2), ("ConsistencyType", 5)] {
        if !in_range(name, last) {
            let message = format!("The value of the parameter `MigrateOption.{name}` must be between 1 and {last}.");
            return Err(ApiError::new("InvalidParameter", message));
        }
    }
    Ok(())
}

fn sort(tasks: &mut [&Task], call: &Call<'_>) -> Result<(), ApiError> {
    let wrong = |name: &str| {
        let message =
            format!("The value `{}` of the parameter `{name}` is not one of those documented.", call.text(name));
        ApiError::new("InvalidParameterValue.InvalidParameterValueError", message)
    };
    let order_by = call.text("Order");
    match order_by {
        "" | "CreateTime" => tasks.sort_by_key(|task| task.number),
        "JobId" => tasks.sort_by(|one, other| one.id.cmp(&other.id)),
        "JobName" => tasks.sort_by(|one, other| one.text("/JobName").cmp(other.text("/JobName"))),
        "Status" => tasks.sort_by_key(|task| task.status.as_i64()),
        "MigrateType" | "RunMode" => {
            let place = format!("/MigrateOption/{order_by}");
            tasks.sort_by_key(|task| task.number_at(&place));
        }
        _ => return Err(wrong("Order")),
    }
    match call.text("OrderSeq") {
        "ASC" => {}
        "" | "DESC" => tasks.reverse(),
        _ => return Err(wrong("OrderSeq")),
    }
    Ok(())
}

fn render(task: &Task, call: &Call<'_>) -> Value {
    let types = &call.provider.types;
    let structure = |kind: &str, name: &str| complete_of(task, types, &Type::from(kind.to_owned()), name);
    json!({
        "JobId": task.id,
        "JobName": task.text("/JobName"),
        "MigrateOption": structure("MigrateOption", "MigrateOption"),
        "SrcDatabaseType": task.text("/SrcDatabaseType"),
        "SrcAccessType": task.text("/SrcAccessType"),
        "SrcInfo": structure("SrcInfo", "SrcInfo"),
        "DstDatabaseType": task.text("/DstDatabaseType"),
        "DstAccessType": task.text("/DstAccessType"),
        "DstInfo": structure("DstInfo", "DstInfo"),
        "DatabaseInfo": task.text("/DatabaseInfo"),
        "CreateTime": beijing::write(Some(task.created)),
        "StartTime": beijing::write(task.started),
        "EndTime": beijing::write(task.ended),
        "Status": task.status,
        "Detail": detail(task, call),
        "ErrorInfo": errors(task, call),
        "Tags": structure("Array of TagItem", "Tags"),
        "SrcInfoMulti": structure("Array of SrcInfo", "SrcInfoMulti"),
    })
}

/// The steps of a migration: none before it runs. Step status: 1 success, 2 failed, 3 running, 4 not executed.
fn detail(task: &Task, call: &Call<'_>) -> Value {
    let steps: &[&str] = match task.number_at("/MigrateOption/MigrateType") {
        Some(3) => &["structure", "full", "incremental"],
        Some(1) => &["structure"],
        _ => &["structure", "full"],
    };
    let all = steps.len();
    let (now, percent, here) = match status_name(task, call) {
        "Running" => {
            let percent = usize::try_from(task.percent(call.pace.run, call.now)).unwrap_or(0);
            (percent * all / 100 + 1, percent, 3)
        }
        "ReadyComplete" | "Completing" => (all, 100, 3),
        "Success" => (all, 100, 1),
        "Stopping" => (all, 50, 3),
        "Failed" => (all, 50, 2),
        _ => (0, 0, 4),
    };
    let step = |(index, name): (usize, &&str)| {
        let status = if index + 1 < now {
            1
        } else if index + 1 == now {
            here
        } else {
            4
        };
        json!({
            "StepNo": index + 1, "StepName": name, "StepId": format!("step_{name}"),
            "Status": status, "StartTime": beijing::write(task.started),
        })
    };
    let listed: Vec<Value> = if now == 0 { Vec::new() } else { steps.iter().enumerate().map(step).collect() };
    json!({
        "StepAll": listed.len(), "StepNow": now, "Progress": percent.to_string(),
        "CurrentStepProgress": percent.to_string(), "MasterSlaveDistance": 0, "SecondsBehindMaster": 0,
        "StepInfo": listed,
    })
}

fn errors(task: &Task, call: &Call<'_>) -> Value {
    match status_name(task, call) {
        "Failed" => json!([{ "ErrorLog": "The task was stopped.", "HelpDoc": "" }]),
        "CheckNotPass" => json!([{ "ErrorLog": "The source instance cannot be reached.", "HelpDoc": "" }]),
        _ => json!([]),
    }
}

fn status_name<'a>(task: &Task, call: &Call<'a>) -> &'a str {
    call.kind.status(&task.status).map_or("", |status| status.name.as_str())
}
