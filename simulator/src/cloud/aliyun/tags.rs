//! Tags of instances.

use serde_json::{Map, Value, json};

use super::Call;
use super::find::{instance_of, of_instance};
use super::shape::answer;
use crate::cloud::Done;
use crate::cloud::world::World;
use crate::dialect::ApiError;

/// Where a task keeps them.
const MEMBER: &str = "Tags";

pub(super) fn tag(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let mut tags = Map::new();
    for number in numbers(call, "Tag.", ".Key") {
        tags.insert(
            call.text(&format!("Tag.{number}.Key")).to_owned(),
            call.text(&format!("Tag.{number}.Value")).into(),
        );
    }
    each(world, call, |own| own.extend(tags.clone()))
}

pub(super) fn untag(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let all = call.parameters.get("All") == Some(&Value::Bool(true));
    let keys: Vec<&str> =
        numbers(call, "TagKey.", "").into_iter().map(|number| call.text(&format!("TagKey.{number}"))).collect();
    each(world, call, |own| own.retain(|key, _| !(all || keys.contains(&key.as_str()))))
}

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let named = resources(call);
    let ids = if named.is_empty() { world.ids() } else { named };
    let mut items: Vec<Value> = Vec::new();
    for id in ids {
        let Some(task) = call.task(world, &id) else { continue };
        let instance = instance_of(task);
        let tags = task.data.get(MEMBER).and_then(Value::as_object);
        items.extend(tags.into_iter().flatten().map(|(key, value)| {
            json!({ "ResourceId": instance, "ResourceType": "ALIYUN::DTS::INSTANCE", "TagKey": key, "TagValue": value })
        }));
    }
    Ok(answer(call, &json!({ "TagResources": items })))
}

/// A resource that is not there has no tags and loses none.
fn each(world: &mut World, call: &Call<'_>, change: impl Fn(&mut Map<String, Value>)) -> Result<Done, ApiError> {
    for id in resources(call) {
        if let Some(task) = call.task(world, &id) {
            let own = task.data.entry(MEMBER).or_insert_with(|| Map::new().into());
            if let Value::Object(own) = own {
                change(own);
            }
        }
    }
    Ok(answer(call, &json!({})))
}

fn resources(call: &Call<'_>) -> Vec<String> {
    let given = numbers(call, "ResourceId.", "");
    given.into_iter().map(|number| of_instance(call.text(&format!("ResourceId.{number}"))).to_owned()).collect()
}

/// The numbers in names like `Tag.1.Key`.
fn numbers<'a>(call: &'a Call<'_>, before: &str, after: &str) -> Vec<&'a str> {
    let number =
        |name: &'a String| name.strip_prefix(before)?.strip_suffix(after).filter(|number| !number.contains('.'));
    call.parameters.keys().filter_map(number).collect()
}
