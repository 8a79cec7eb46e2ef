//! Tasks that a test puts here (`POST /_sim/tasks`), and with what belongs to a job the job.

use serde_json::{Map, Value};

use super::world::{Birth, INSTANCE_PREFIX, World};
use crate::clock::Moment;
use crate::table::{Kind, Provider};

/// Which tasks are wanted.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) provider: &'a Provider,
    pub(crate) kind_name: &'a str,
    pub(crate) kind: &'a Kind,
    pub(crate) id: Option<String>,
    pub(crate) count: usize,
    pub(crate) status: Option<Value>,
    pub(crate) billing: Option<String>,
    pub(crate) moves: bool,
    /// Members that replace those of the sample.
    pub(crate) data: Map<String, Value>,
}

/// Puts the tasks here and answers their ids; none if a wanted id is taken.
pub(crate) fn place(world: &mut World, mut order: Order<'_>, now: Moment) -> Option<Vec<String>> {
    let by_instance = order.kind.named_by_instance;
    if let Some(bare) = order.id.as_deref().filter(|_| by_instance).and_then(|id| id.strip_prefix(INSTANCE_PREFIX)) {
        order.id = Some(bare.to_owned());
    }
    let taken = order.id.as_deref().is_some_and(|id| world.is_taken(id));
    if taken {
        return None;
    }
    let mut data = order.kind.sample.clone();
    data.extend(order.data.clone());
    let parent = if order.kind.child_of.is_empty() { None } else { Some(job_of(world, &order, now)?) };
    if let Some(job) = &parent {
        data.insert("JobId".to_owned(), job.as_str().into());
    }
    let mut ids = Vec::with_capacity(order.count);
    for _ in 0..order.count {
        let birth = Birth {
            version: &order.provider.version,
            kind_name: order.kind_name,
            kind: order.kind,
            id: order.id.clone(),
            status: order.status.clone().unwrap_or_else(|| order.kind.first_status.clone()),
            billing: order.billing.clone().unwrap_or_else(|| order.kind.first_billing.clone()),
            moves: order.moves,
            parent: parent.clone(),
            data: data.clone(),
        };
        let id = world.make(birth, now)?;
        ids.push(if by_instance { format!("{INSTANCE_PREFIX}{id}") } else { id });
    }
    Some(ids)
}

/// The job that the wanted tasks belong to: named in the data (`JobId`), or by the wanted id (`<job>-cmp-…`), or a new
/// one. One that is not there is made, of the kind that its id begins like.
fn job_of(world: &mut World, order: &Order<'_>, now: Moment) -> Option<String> {
    let named = order.data.get("JobId").and_then(Value::as_str).map(str::to_owned);
    let by_id = || order.id.as_deref()?.split_once("-cmp-").map(|(job, _)| job.to_owned());
    let id = named.or_else(by_id);
    if let Some(id) = id.as_ref().filter(|id| world.task(id).is_some()) {
        return Some(id.clone());
    }
    let of_kind = |name: &str| order.provider.kinds.get_key_value(name);
    let begins = |name: &str| {
        let kind = of_kind(name).map(|(_, kind)| kind);
        kind.zip(id.as_ref()).is_some_and(|(kind, id)| id.starts_with(&kind.id_prefix))
    };
    let parents = &order.kind.child_of;
    let parent = parents.iter().find(|parent| begins(&parent.kind)).or_else(|| parents.first())?;
    let (kind_name, kind) = of_kind(&parent.kind)?;
    let birth = Birth {
        version: &order.provider.version,
        kind_name,
        kind,
        id,
        status: parent.status.clone(),
        billing: kind.first_billing.clone(),
        moves: false,
        parent: None,
        data: kind.sample.clone(),
    };
    let id = world.make(birth, now)?;
    world.imply(id.clone());
    Some(id)
}
