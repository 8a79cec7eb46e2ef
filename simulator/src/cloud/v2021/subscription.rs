//! Subscriptions of 2021-12-06 (the Kafka edition) as they are read, and the change of what they deliver.

use serde_json::{Value, json};

use super::super::render::{answer, list_answer, page, structure, tags_match};
use super::super::task::Task;
use super::super::world::World;
use super::super::{Call, Done, beijing};
use super::{among, invalid, is, known, listed};
use crate::dialect::ApiError;

/// The edition that this version makes, as SubscribeVersion says.
const SUBSCRIBE_VERSION: &str = "kafka";

pub(in crate::cloud) fn show(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    Ok(answer(call, &view(task, call)))
}

pub(in crate::cloud) fn list(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let mut found = listed(world, call, "OrderDirection")?;
    found.retain(|task| fits(task, call));
    let total = found.len();
    let items: Vec<Value> =
        page(call, found)?.into_iter().map(|task| structure(call, "SubscribeInfo", &view(task, call))).collect();
    Ok(list_answer(call, &json!({ "TotalCount": total, "Items": items })))
}

pub(in crate::cloud) fn show_returnable(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let returnable = task.billing == "normal";
    let why_not = if returnable { "" } else { "The subscription is not in its normal billing state." };
    Ok(answer(call, &json!({ "IsReturnable": returnable, "ReturnFailMessage": why_not })))
}

/// Replaces what it delivers; nothing is added to what was there.
pub(in crate::cloud) fn change_objects(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let object = |given: &Value| {
        let kind = if given.get("ObjectsType").and_then(Value::as_i64) == Some(0) { "database" } else { "table" };
        json!({ "ObjectType": kind, "Database": given.get("DatabaseName"), "Tables": given.get("TableNames") })
    };
    let given = call.parameters.get("Objects").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let objects: Vec<Value> = given.iter().map(object).collect();
    task.data.insert("SubscribeObjects".to_owned(), objects.into());
    if let Some(pipeline) = call.parameters.get("PipelineInfo") {
        task.data.insert("PipelineInfo".to_owned(), pipeline.clone());
    }
    if let Some(Value::Object(kafka)) = task.data.get_mut("KafkaConfig") {
        for name in ["DistributeRules", "DefaultRuleType"] {
            kafka.extend(call.parameters.get(name).map(|value| (name.to_owned(), value.clone())));
        }
    }
    call.advance(task);
    Ok(Done::default())
}

/// Where every partition stood at a time: as many messages as seconds have passed since the subscription was made.
pub(in crate::cloud) fn show_offsets(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let at = beijing::read(call.text("Time")).ok_or_else(|| invalid("Time", "must be a time, yyyy-mm-dd hh:mm:ss"))?;
    let offset = at.min(call.now).since(task.created).as_secs();
    let item = |partition: i64| json!({ "PartitionNo": partition, "Offset": offset });
    let items: Vec<Value> = (0..partitions(task)).map(item).collect();
    Ok(answer(call, &json!({ "Items": items })))
}

/// The partitions of its topic.
pub(super) fn partitions(task: &Task) -> i64 {
    task.number_at("/KafkaConfig/NumberOfPartitions").unwrap_or(1)
}

/// The topic that it delivers to.
pub(super) fn topic(task: &Task) -> String {
    format!("topic-{}", task.id)
}

fn fits(task: &Task, call: &Call<'_>) -> bool {
    let pay_type = task.number_at("/PayType").unwrap_or(0);
    is(call, "SubscribeId", &task.id)
        && among(call, "SubscribeIds", &task.id.as_str().into())
        && task.text("/Name").contains(call.text("SubscribeName"))
        && is(call, "InstanceId", task.text("/Endpoints/0/InstanceId"))
        && is(call, "Topic", &topic(task))
        && call.number("PayType").is_none_or(|wanted| wanted == pay_type)
        && is(call, "Product", task.text("/Product"))
        && among(call, "Status", &task.billing.as_str().into())
        && among(call, "SubsStatus", &task.status)
        && tags_match(call, &task.data)
}

fn view(task: &Task, call: &Call<'_>) -> Value {
    let configured = task.data.contains_key("Endpoints");
    let isolated = matches!(task.billing.as_str(), "isolating" | "isolated").then_some(task.billing_since);
    let region = match task.text("/Region") {
        "" => call.region,
        region => region,
    };
    let errors = if task.status == "error" {
        json!([{ "Message": "The connection to the source was lost.", "Reason": "", "Solution": "Look at the source." }])
    } else {
        json!([])
    };
    let beside = json!({
        "SubscribeId": task.id,
        "SubscribeName": task.text("/Name"),
        "InstanceId": task.text("/Endpoints/0/InstanceId"),
        "InstanceStatus": if configured { "running" } else { "" },
        "Status": task.billing,
        "SubsStatus": task.status,
        "ModifyTime": beijing::write(Some(task.status_since.max(task.billing_since))),
        "CreateTime": beijing::write(Some(task.created)),
        "IsolateTime": beijing::write(isolated),
        "ExpireTime": beijing::NEVER,
        "OfflineTime": beijing::NEVER,
        "AutoRenewFlag": task.number_at("/AutoRenew").unwrap_or(0),
        "Region": region,
        "Topic": if configured { topic(task) } else { String::new() },
        "Broker": if configured { "192.0.2.30:9092" } else { "" },
        "KafkaVersion": if configured { "2.6.0" } else { "" },
        "Errors": errors,
        "SubscribeVersion": SUBSCRIBE_VERSION,
        "ConsumerRoutePhase": "",
    });
    known(task, beside)
}
