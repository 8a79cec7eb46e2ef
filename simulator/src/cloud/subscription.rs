//! Subscriptions of 2018-03-30: bought, activated for an instance, reset, isolated, and read.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::render::{complete, page, tags_match};
use super::task::Task;
use super::world::{Birth, World};
use super::{Call, Done, beijing};
use crate::dialect::ApiError;
use crate::table::Type;

/// How far back a subscription may be read (ModifySubscribeConsumeTime: the last 24 hours).
const CONSUMABLE: Duration = Duration::from_secs(24 * 60 * 60);

/// The version that the 2018 API makes, as SubscribeVersion says.
const SUBSCRIBE_VERSION: &str = "txdts";

pub(super) fn create(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let count = call.number("Count").unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(invalid("Count", "must be between 1 and 10"));
    }
    if !(0..=1).contains(&call.number("PayType").unwrap_or(0)) {
        return Err(invalid("PayType", "must be 0 or 1"));
    }
    let mut data = call.parameters.clone();
    data.insert("Region".to_owned(), call.region.into());
    let mut made = Vec::new();
    for _ in 0..count {
        let birth = Birth {
            version: &call.provider.version,
            kind_name: &call.action.task,
            kind: call.kind,
            id: None,
            status: call.kind.first_status.clone(),
            billing: call.kind.first_billing.clone(),
            moves: true,
            parent: None,
            data: data.clone(),
        };
        made.extend(world.make(birth, call.now));
    }
    Ok(Done { made: made.first().cloned(), ..Done::from(json!({ "SubscribeIds": made })) })
}

pub(super) fn activate(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    for name in ["InstanceId", "SubscribeObjectType", "UniqSubnetId", "Vport"] {
        copy(call, name, task, name);
    }
    let objects = call.parameters.get("Objects").cloned();
    task.data.insert("SubscribeObjects".to_owned(), objects.into_iter().collect());
    call.advance(task);
    begin(world, call)
}

pub(super) fn reset(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    for name in ["InstanceId", "SubscribeObjectType", "SubscribeObjects", "UniqSubnetId", "Vport", "ConsumeStartTime"] {
        task.data.remove(name);
    }
    call.advance(task);
    Ok(Done::default())
}

pub(super) fn replace_objects(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    copy(call, "SubscribeObjectType", task, "SubscribeObjectType");
    let objects = call.parameters.get("Objects").cloned().unwrap_or_else(|| json!([]));
    task.data.insert("SubscribeObjects".to_owned(), objects);
    begin(world, call)
}

pub(super) fn set_consume_time(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let wrong = || invalid("ConsumeStartTime", "must be a time within the last 24 hours, as yyyy-mm-dd hh:mm:ss");
    let start = beijing::read(call.text("ConsumeStartTime")).ok_or_else(wrong)?;
    if start > call.now || call.now.since(start) > CONSUMABLE {
        return Err(wrong());
    }
    copy(call, "ConsumeStartTime", task, "ConsumeStartTime");
    Ok(Done::default())
}

pub(super) fn set_address(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    if call.text("DstIp").is_empty() && call.number("DstPort").is_none() {
        return Err(invalid("DstIp", "or `DstPort` must be given"));
    }
    if !call.number("DstPort").is_none_or(|port| (1025..=65535).contains(&port)) {
        return Err(invalid("DstPort", "must be between 1025 and 65535"));
    }
    copy(call, "DstIp", task, "Vip");
    copy(call, "DstPort", task, "Vport");
    copy(call, "DstUniqSubnetId", task, "UniqSubnetId");
    Ok(Done::default())
}

pub(super) fn set_name(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    copy(call, "SubscribeName", world.judged(call)?, "Name");
    Ok(Done::default())
}

pub(super) fn set_renewal(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    if !(0..=1).contains(&call.number("AutoRenewFlag").unwrap_or(0)) {
        return Err(invalid("AutoRenewFlag", "must be 0 or 1"));
    }
    copy(call, "AutoRenewFlag", world.judged(call)?, "AutoRenew");
    Ok(Done::default())
}

pub(super) fn show(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let mut members = common(task, call);
    let objects = complete(
        &call.provider.types,
        &Type::from("Array of SubscribeObject".to_owned()),
        task.data.get("SubscribeObjects"),
    );
    members.insert("SubscribeObjects".to_owned(), objects);
    members.insert("SubscribeObjectType".to_owned(), task.number_at("/SubscribeObjectType").unwrap_or(0).into());
    members.insert("SdkHost".to_owned(), "".into());
    members.insert("Errors".to_owned(), json!([]));
    Ok(Value::Object(members).into())
}

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let by_id = call.parameters.contains_key("SubscribeId");
    let mut found: Vec<&Task> =
        if by_id { world.judged(call).map(|task| &*task).into_iter().collect() } else { world.of_kind(call) };
    found.retain(|task| matches_filters(task, call));
    match call.text("OrderDirection") {
        "ASC" => {}
        "" | "DESC" => found.reverse(),
        _ => return Err(invalid("OrderDirection", "must be ASC or DESC")),
    }
    let total = found.len();
    let items: Vec<Value> = page(call, found)?.into_iter().map(|task| Value::Object(common(task, call))).collect();
    Ok(json!({ "TotalCount": total, "Items": items }).into())
}

pub(super) fn show_async(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let id = call.text("AsyncRequestId");
    let code = call.action.not_found_code.as_deref().unwrap_or("ResourceNotFound");
    let due = world
        .request(id)
        .ok_or_else(|| ApiError::new(code, format!("The asynchronous request {id} does not exist.")))?;
    let done = due.is_some_and(|due| due <= call.now);
    Ok(json!({ "Info": "", "Status": if done { "success" } else { "running" } }).into())
}

/// Begins an asynchronous request that takes one step; it never ends for a task that does not move.
fn begin(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let id = call.action.task_id.as_deref().map_or("", |name| call.text(name));
    let moves = world.moves(id);
    let request = world.begin_request(moves.then(|| call.now.plus(call.pace.step)));
    Ok(json!({ "AsyncRequestId": request }).into())
}

fn copy(call: &Call<'_>, from: &str, task: &mut Task, to: &str) {
    if let Some(value) = call.parameters.get(from) {
        task.data.insert(to.to_owned(), value.clone());
    }
}

fn matches_filters(task: &Task, call: &Call<'_>) -> bool {
    let is = |name: &str, value: &str| !call.parameters.contains_key(name) || call.text(name) == value;
    let among = |name: &str, value: &Value| {
        call.parameters.get(name).and_then(Value::as_array).is_none_or(|list| list.is_empty() || list.contains(value))
    };
    is("SubscribeName", task.text("/Name"))
        && is("InstanceId", task.text("/InstanceId"))
        && is("ChannelId", &channel(task))
        && is("PayType", &task.number_at("/PayType").unwrap_or(0).to_string())
        && is("Product", task.text("/Product"))
        && is("SubscribeVersion", SUBSCRIBE_VERSION)
        && among("Status", &task.billing.as_str().into())
        && among("SubsStatus", &task.status)
        && tags_match(call, &task.data)
}

/// The members that the list and the single view share.
fn common(task: &Task, call: &Call<'_>) -> Map<String, Value> {
    let activated = !task.text("/InstanceId").is_empty();
    let or = |given: &str, otherwise: &str| if given.is_empty() { otherwise.to_owned() } else { given.to_owned() };
    let isolated = (task.billing == "isolating" || task.billing == "isolated").then_some(task.billing_since);
    let members = json!({
        "SubscribeId": task.id,
        "SubscribeName": task.text("/Name"),
        "ChannelId": channel(task),
        "Product": task.text("/Product"),
        "InstanceId": task.text("/InstanceId"),
        "InstanceStatus": if activated { "running" } else { "" },
        "SubsStatus": task.status,
        "Status": task.billing,
        "CreateTime": beijing::write(Some(task.created)),
        "ModifyTime": beijing::write(Some(task.status_since.max(task.billing_since))),
        "IsolateTime": beijing::write(isolated),
        "ExpireTime": beijing::NEVER,
        "OfflineTime": beijing::NEVER,
        "ConsumeStartTime": or(task.text("/ConsumeStartTime"), beijing::NEVER),
        "SdkConsumedTime": beijing::NEVER,
        "AutoRenewFlag": task.number_at("/AutoRenew").unwrap_or(0),
        "Region": or(task.text("/Region"), call.region),
        "PayType": task.number_at("/PayType").unwrap_or(0),
        "Vip": or(task.text("/Vip"), if activated { "192.0.2.20" } else { "" }),
        "Vport": task.number_at("/Vport").unwrap_or(if activated { 7507 } else { 0 }),
        "UniqVpcId": if activated { "vpc-sample01" } else { "" },
        "UniqSubnetId": or(task.text("/UniqSubnetId"), if activated { "subnet-sample01" } else { "" }),
        "Tags": complete(&call.provider.types, &Type::from("Array of TagItem".to_owned()), task.data.get("Tags")),
        "SubscribeVersion": SUBSCRIBE_VERSION,
    });
    Done::from(members).members
}

fn channel(task: &Task) -> String {
    format!("channel-{}", task.id)
}

fn invalid(name: &str, rule: &str) -> ApiError {
    ApiError::new("InvalidParameter", format!("The parameter `{name}` {rule}."))
}
