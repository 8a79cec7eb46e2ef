//! The simulated service itself: what each action does to tasks and what it answers.
//!
//! A call comes here signed, counted and with its parameters checked. The room knows no HTTP and no signature.

mod aliyun;
mod beijing;
mod migration;
mod placing;
mod render;
mod subscription;
mod task;
mod v2021;
mod verdict;
mod world;

#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::clock::Moment;
use crate::dialect::ApiError;
use crate::table::{Action, Effect, Family, Kind, Provider};

pub(crate) use placing::{Order, place};
pub(crate) use task::{Pace, Task};
#[cfg(test)]
use world::Birth;
pub(crate) use world::World;

/// The service with its tasks.
#[derive(Debug)]
pub(crate) struct Cloud {
    world: Mutex<World>,
    pace: Pace,
}

/// One call that was let in.
pub(crate) struct Call<'a> {
    provider: &'a Provider,
    action: &'a Action,
    kind: &'a Kind,
    parameters: &'a Map<String, Value>,
    region: &'a str,
    pace: Pace,
    now: Moment,
}

/// What came of a call.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// The members of the answer, without the request id.
    pub(crate) members: Map<String, Value>,
    /// The task that it made.
    pub(crate) made: Option<String>,
}

impl Cloud {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { world: Mutex::default(), pace }
    }

    /// How long things take here.
    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }

    /// The tasks, for the control API.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what an action says; wholly or not at all.
    pub(crate) fn perform(
        &self,
        provider: &Provider,
        action: &Action,
        parameters: &Map<String, Value>,
        region: &str,
        now: Moment,
    ) -> Result<Done, ApiError> {
        if provider.family == Family::Aliyun {
            let call = aliyun::Call { provider, action, parameters, region, pace: self.pace, now };
            return aliyun::perform(&mut self.world(), &call);
        }
        let Some(kind) = provider.kinds.get(&action.task) else {
            return Err(ApiError::new("InternalError", "The table lacks the kind of this action's tasks."));
        };
        let call = Call { provider, action, kind, parameters, region, pace: self.pace, now };
        let world = &mut *self.world();
        match action.effect {
            Effect::CreateMigration => migration::create(world, &call),
            Effect::EditMigration => migration::edit(world, &call),
            Effect::ListMigrations => migration::list(world, &call),
            Effect::ShowCheck => migration::show_check(world, &call),
            Effect::Move => move_on(world, &call),
            Effect::Remove => remove(world, &call),
            Effect::CreateSubscription => subscription::create(world, &call),
            Effect::Activate => subscription::activate(world, &call),
            Effect::Reset => subscription::reset(world, &call),
            Effect::ReplaceObjects => subscription::replace_objects(world, &call),
            Effect::SetConsumeTime => subscription::set_consume_time(world, &call),
            Effect::SetAddress => subscription::set_address(world, &call),
            Effect::SetName => subscription::set_name(world, &call),
            Effect::SetRenewal => subscription::set_renewal(world, &call),
            Effect::ShowSubscription => subscription::show(world, &call),
            Effect::ListSubscriptions => subscription::list(world, &call),
            Effect::ShowAsync => subscription::show_async(world, &call),
            Effect::Buy => v2021::edits::buy(world, &call),
            Effect::Set => v2021::edits::set(world, &call),
            Effect::Isolate => v2021::edits::isolate(world, &call),
            Effect::Undo => v2021::edits::undo(world, &call),
            Effect::SkipCheck => v2021::edits::skip_check(world, &call),
            Effect::ShowMigration => v2021::migration::show(world, &call),
            Effect::ShowMigrationCheck => v2021::checks::show_migration(world, &call),
            Effect::ListMigrationJobs => v2021::migration::list(world, &call),
            Effect::ListInstances => v2021::instances::list(&call),
            Effect::ShowSyncCheck => v2021::checks::show_sync(world, &call),
            Effect::ShowModifyCheck => v2021::checks::show_modify(world, &call),
            Effect::ListSyncs => v2021::sync::list(world, &call),
            Effect::CreateCompare => v2021::compare::create(world, &call),
            Effect::ListCompares => v2021::compare::list(world, &call),
            Effect::ShowCompareReport => v2021::reports::show(world, &call),
            Effect::ListDiffItems => v2021::reports::list_diffs(world, &call),
            Effect::ShowGtidReport => v2021::reports::show_gtid(world, &call),
            Effect::ShowSubscribe => v2021::subscription::show(world, &call),
            Effect::ShowSubscribeCheck => v2021::checks::show_subscription(world, &call),
            Effect::ListSubscribeJobs => v2021::subscription::list(world, &call),
            Effect::ShowReturnable => v2021::subscription::show_returnable(world, &call),
            Effect::ShowOffsets => v2021::subscription::show_offsets(world, &call),
            Effect::ChangeObjects => v2021::subscription::change_objects(world, &call),
            Effect::CreateGroup => v2021::groups::create(world, &call),
            Effect::EditGroup => v2021::groups::edit(world, &call),
            Effect::DeleteGroup => v2021::groups::delete(world, &call),
            Effect::ListGroups => v2021::groups::list(world, &call),
            Effect::ResetOffset => v2021::groups::reset(world, &call),
            _ => Err(ApiError::new("InternalError", "The table gives this action another family's effect.")),
        }
    }
}

impl Call<'_> {
    /// A text parameter; empty if it is not there.
    fn text(&self, name: &str) -> &str {
        self.parameters.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// A number parameter.
    fn number(&self, name: &str) -> Option<i64> {
        self.parameters.get(name).and_then(Value::as_i64)
    }

    fn is_about(&self, task: &Task) -> bool {
        task.kind == self.action.task && task.version == self.provider.version
    }

    /// Puts the row's moves into effect.
    fn advance(&self, task: &mut Task) {
        if let Some(status) = &self.action.moves_to {
            task.enter(self.kind, status.clone(), self.now);
        }
        if let Some(billing) = &self.action.billing_moves_to {
            task.enter_billing(billing.clone(), self.now);
        }
    }
}

impl From<Value> for Done {
    fn from(answer: Value) -> Self {
        let members = if let Value::Object(members) = answer { members } else { Map::new() };
        Self { members, made: None }
    }
}

fn move_on(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    call.advance(world.judged(call)?);
    Ok(Done::default())
}

fn remove(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let id = world.judged(call)?.id.clone();
    world.remove(&id);
    Ok(Done::default())
}
