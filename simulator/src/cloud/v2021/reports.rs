//! What consistency checks report: the summary, the rows that differ, and the comparison of transaction ids.

use serde_json::{Value, json};

use super::super::render::{answer, list_answer, page};
use super::super::task::Task;
use super::super::world::World;
use super::super::{Call, Done, beijing};
use super::{compare, is};
use crate::dialect::ApiError;

const DATABASE: &str = "shop";
const TABLE: &str = "orders";

pub(in crate::cloud) fn show(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let differs = differs(task);
    let found = i64::from(differs);
    let row = json!({
        "Db": DATABASE, "Schema": "", "Table": TABLE, "Chunk": 0, "SrcItem": "1", "DstItem": "2", "IndexName": "PRIMARY",
        "CostTime": 0.25, "FinishedAt": beijing::write(task.ended),
    });
    let wanted = is(call, "DifferenceDB", DATABASE) && is(call, "DifferenceTable", TABLE);
    let rows = if differs && wanted { vec![row] } else { Vec::new() };
    let report = json!({
        "Abstract": {
            "Options": task.data.get("Options"), "Objects": compare::objects(task),
            "Conclusion": compare::conclusion(task),
            "Status": if matches!(task.status.as_str(), Some("success" | "failed")) { task.status.clone() } else { "".into() },
            "TotalTables": 1, "CheckedTables": i64::from(task.ended.is_some()), "DifferentTables": found,
            "DifferentRows": found, "SrcSampleRows": 1, "DstSampleRows": 1,
            "StartedAt": beijing::write(task.started), "FinishedAt": beijing::write(task.ended),
        },
        "Detail": { "Difference": { "TotalCount": rows.len(), "Items": rows } },
        "IncAbstract": { "DiffRecord": found, "DiffTable": found },
    });
    Ok(answer(call, &report))
}

pub(in crate::cloud) fn list_diffs(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let wanted = is(call, "DBName", DATABASE)
        && is(call, "TableName", TABLE)
        && call.number("ChunkId").is_none_or(|chunk| chunk == 0);
    let row = json!({
        "DBName": DATABASE, "SchemaName": "", "TableName": TABLE, "ChunkId": 0, "Identifier": "id=1",
        "DiffType": "different", "SchemaInfo": ["id", "total"], "SrcItem": ["1", "10"], "DstItem": ["1", "11"],
        "FinishedAt": beijing::write(task.ended),
    });
    let found: Vec<Value> = if differs(task) && wanted { vec![row] } else { Vec::new() };
    let total = found.len();
    Ok(list_answer(call, &json!({ "TotalCount": total, "Items": page(call, found)? })))
}

pub(in crate::cloud) fn show_gtid(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let job = world.judged(call)?.id.clone();
    let named = call.text("CompareTaskId");
    let children = world.children(&job, call);
    let task = children.iter().rev().find(|task| named.is_empty() || task.id == named);
    if !named.is_empty() && task.is_none() {
        let code = call.action.not_found_code.as_deref().unwrap_or("FailedOperation");
        return Err(ApiError::new(code, format!("The task {named} does not exist.")));
    }
    let differs = task.is_some_and(|task| differs(task));
    let word = if differs { "different" } else { "same" };
    let detail = json!([{
        "Result": word, "SrcGtidSets": "6f1c1d0e-0000-11ee-8000-000000000001:1-9",
        "DstGtidSets": "6f1c1d0e-0000-11ee-8000-000000000001:1-9", "CompareTimestamp": beijing::write(Some(call.now)),
    }]);
    let wants_detail = call.parameters.get("NeedDiffDetail").and_then(Value::as_bool) == Some(true);
    let report = json!({
        "Conclusion": word, "Status": "success", "Type": "gtid",
        "Detail": if wants_detail { detail } else { json!([]) },
    });
    Ok(answer(call, &report))
}

fn differs(task: &Task) -> bool {
    compare::conclusion(task) == "different"
}
