//! The consumer groups of a subscription, kept in its data (`ConsumerGroups`), where a test can set them.
//!
//! CreateConsumerGroup takes short names; every other call, and every answer, has the full ones.

use serde_json::{Map, Value, json};

use super::super::render::{list_answer, page, structure};
use super::super::task::Task;
use super::super::world::World;
use super::super::{Call, Done, beijing};
use super::{invalid, subscription};
use crate::dialect::ApiError;

/// The newest message of every partition, and where a reset to a time leads.
const NEWEST: i64 = 1000;
const SOMEWHERE: i64 = 500;

type Group = Map<String, Value>;

pub(in crate::cloud) fn create(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let now = beijing::write(Some(call.now));
    let task = world.judged(call)?;
    let mut groups = read(task);
    let name = full("consumer-grp", &task.id, call.text("ConsumerGroupName"));
    if groups.iter().any(|group| text(group, "ConsumerGroupName") == name) {
        let code = call.action.state_code.as_deref().unwrap_or("OperationDenied");
        return Err(ApiError::new(code, format!("The consumer group {name} exists.")));
    }
    let account = full("account", &task.id, call.text("AccountName"));
    groups.push(Group::from_iter([
        ("ConsumerGroupName".to_owned(), name.into()),
        ("Account".to_owned(), account.into()),
        ("Description".to_owned(), call.text("Description").into()),
        ("ConsumerGroupState".to_owned(), "Empty".into()),
        ("CreatedAt".to_owned(), now.clone().into()),
        ("UpdatedAt".to_owned(), now.into()),
    ]));
    write(task, groups);
    Ok(Done::default())
}

/// A new description or a new password; the password is not kept.
pub(in crate::cloud) fn edit(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let now = beijing::write(Some(call.now));
    let task = world.judged(call)?;
    let mut groups = read(task);
    let group = find(&mut groups, call)?;
    if let Some(description) = call.parameters.get("Description") {
        group.insert("Description".to_owned(), description.clone());
    }
    group.insert("UpdatedAt".to_owned(), now.into());
    write(task, groups);
    Ok(Done::default())
}

pub(in crate::cloud) fn delete(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let mut groups = read(task);
    let name = text(find(&mut groups, call)?, "ConsumerGroupName").to_owned();
    groups.retain(|group| text(group, "ConsumerGroupName") != name);
    write(task, groups);
    Ok(Done::default())
}

/// Moves where the group reads on; a group that is being read says yes and does nothing.
pub(in crate::cloud) fn reset(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let offset = match call.text("ResetMode") {
        "earliest" => 0,
        "latest" => NEWEST,
        "datetime" => SOMEWHERE,
        _ => return Err(invalid("ResetMode", "must be earliest, latest or datetime")),
    };
    let task = world.judged(call)?;
    let mut groups = read(task);
    let group = find(&mut groups, call)?;
    if matches!(text(group, "ConsumerGroupState"), "Dead" | "Empty") {
        group.insert("ConsumerGroupOffset".to_owned(), offset.into());
    }
    write(task, groups);
    Ok(Done::default())
}

pub(in crate::cloud) fn list(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let groups = read(task);
    let partitions: Vec<i64> = (0..subscription::partitions(task)).collect();
    let total = groups.len();
    let view = |mut group: Group| {
        let offset = group.get("ConsumerGroupOffset").and_then(Value::as_i64).unwrap_or(0);
        let state = |partition: &i64| json!({ "PartitionNo": partition, "ConsumerGroupOffset": offset, "ConsumerGroupLag": NEWEST - offset });
        let states: Vec<Value> = partitions.iter().map(state).collect();
        let read_by_somebody = text(&group, "ConsumerGroupState") == "Stable";
        let clients = json!([{ "ClientId": "client-1", "PartitionNo": partitions }]);
        group.insert("ConsumerGroupOffset".to_owned(), offset.into());
        group.insert("ConsumerGroupLag".to_owned(), (NEWEST - offset).into());
        group.insert("StateOfPartition".to_owned(), states.into());
        group.insert("PartitionAssignment".to_owned(), if read_by_somebody { clients } else { json!([]) });
        structure(call, "GroupInfo", &Value::Object(group))
    };
    let items: Vec<Value> = page(call, groups)?.into_iter().map(view).collect();
    Ok(list_answer(call, &json!({ "TotalCount": total, "Items": items })))
}

/// The groups with everything that a test need not say.
fn read(task: &Task) -> Vec<Group> {
    let listed = task.data.get("ConsumerGroups").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let whole = |group: &Value| {
        let mut group = group.as_object().cloned().unwrap_or_default();
        let name = text(&group, "ConsumerGroupName").to_owned();
        let account = match text(&group, "Account") {
            "" => name.strip_prefix(&format!("consumer-grp-{}-", task.id)).unwrap_or(&name).to_owned(),
            account => account.to_owned(),
        };
        group.insert("ConsumerGroupName".to_owned(), full("consumer-grp", &task.id, &name).into());
        group.insert("Account".to_owned(), full("account", &task.id, &account).into());
        group.entry("ConsumerGroupState").or_insert_with(|| "Empty".into());
        group.entry("CreatedAt").or_insert_with(|| beijing::write(Some(task.created)).into());
        group
    };
    listed.iter().map(whole).collect()
}

fn write(task: &mut Task, groups: Vec<Group>) {
    task.data.insert("ConsumerGroups".to_owned(), groups.into_iter().map(Value::Object).collect());
}

/// The group that a call names in full, and with it its account, if it names one.
fn find<'a>(groups: &'a mut [Group], call: &Call<'_>) -> Result<&'a mut Group, ApiError> {
    let (name, account) = (call.text("ConsumerGroupName"), call.text("AccountName"));
    let same = |group: &&mut Group| {
        text(group, "ConsumerGroupName") == name && (account.is_empty() || text(group, "Account") == account)
    };
    groups.iter_mut().find(same).ok_or_else(|| {
        let code = call.action.not_found_code.as_deref().unwrap_or("ResourceNotFound");
        ApiError::new(code, format!("There is no consumer group {name} with this account."))
    })
}

/// A short name in full; a full one as it is.
fn full(what: &str, subscription: &str, name: &str) -> String {
    let prefix = format!("{what}-{subscription}-");
    if name.starts_with(&prefix) { name.to_owned() } else { format!("{prefix}{name}") }
}

fn text<'a>(group: &'a Group, name: &str) -> &'a str {
    group.get(name).and_then(Value::as_str).unwrap_or("")
}
