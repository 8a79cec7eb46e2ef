//! The consumer groups of a subscription.

use serde_json::{Value, json};

use super::Call;
use super::find::judged_one;
use super::shape::answer;
use super::view::members;
use crate::chance;
use crate::cloud::world::World;
use crate::cloud::{Done, Task};
use crate::dialect::ApiError;

/// Where a task keeps them.
const MEMBER: &str = "ConsumerChannels";

pub(super) fn add(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = judged_one(world, call)?;
    let id = format!("dts{}", chance::letters(15));
    let group = json!({
        "ConsumerGroupId": id, "ConsumerGroupID": id, "ConsumerGroupName": call.text("ConsumerGroupName"),
        "ConsumerGroupUserName": call.text("ConsumerGroupUserName"), "MessageDelay": -1, "UnconsumedData": 0,
    });
    let mut groups = groups(task);
    groups.push(group);
    task.data.insert(MEMBER.to_owned(), groups.into());
    Ok(answer(call, &json!({ "ConsumerGroupID": id })))
}

pub(super) fn edit(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = judged_one(world, call)?;
    let mut groups = groups(task);
    let group = groups.iter_mut().find(|group| is_named(group, call)).ok_or_else(|| unknown(call))?;
    for name in ["ConsumerGroupName", "ConsumerGroupUserName"] {
        if !call.text(name).is_empty() {
            group[name] = call.text(name).into();
        }
    }
    task.data.insert(MEMBER.to_owned(), groups.into());
    Ok(answer(call, &json!({})))
}

pub(super) fn remove(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = judged_one(world, call)?;
    let mut groups = groups(task);
    let before = groups.len();
    groups.retain(|group| !is_named(group, call));
    if groups.len() == before {
        return Err(unknown(call));
    }
    task.data.insert(MEMBER.to_owned(), groups.into());
    Ok(answer(call, &json!({})))
}

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let groups = groups(judged_one(world, call)?);
    let count = groups.len();
    let mut all = members(json!({ "PageNumber": 1, "PageRecordCount": count, "TotalRecordCount": count }));
    all.insert(MEMBER.to_owned(), groups.into());
    Ok(answer(call, &Value::Object(all)))
}

fn groups(task: &Task) -> Vec<Value> {
    task.data.get(MEMBER).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn wanted<'a>(call: &'a Call<'_>) -> &'a str {
    let new = call.text("ConsumerGroupId");
    if new.is_empty() { call.text("ConsumerGroupID") } else { new }
}

fn is_named(group: &Value, call: &Call<'_>) -> bool {
    group.get("ConsumerGroupId").and_then(Value::as_str) == Some(wanted(call))
}

/// Ours: no source has a code for this.
fn unknown(call: &Call<'_>) -> ApiError {
    ApiError::new("InvalidConsumerGroupId", format!("The consumer group {} does not exist.", wanted(call)))
}
