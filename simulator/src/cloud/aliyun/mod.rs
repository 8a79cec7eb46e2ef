//! Alibaba Cloud DTS: one set of tasks that every version of the API sees, by their own ids or their instances'.

mod change;
mod channels;
mod find;
mod list;
mod make;
mod names;
mod phases;
mod shape;
mod tags;
mod view;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::task::Pace;
use super::world::World;
use super::{Done, Task};
use crate::clock::Moment;
use crate::dialect::ApiError;
use crate::table::{Action, Effect, Provider};

/// One call that was let in.
pub(super) struct Call<'a> {
    pub(super) provider: &'a Provider,
    pub(super) action: &'a Action,
    /// Flattened names; numbers and booleans as such.
    pub(super) parameters: &'a Map<String, Value>,
    pub(super) region: &'a str,
    pub(super) pace: Pace,
    pub(super) now: Moment,
}

/// Does what an action says; wholly or not at all.
pub(super) fn perform(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    match call.action.effect {
        Effect::BuyJob => make::buy(world, call),
        Effect::ReverseJob => make::reverse(world, call),
        Effect::ConfigureJob => make::configure(world, call, false),
        Effect::ConfigureAndStart => make::configure(world, call, true),
        Effect::StartJob => change::start(world, call),
        Effect::ChangeJob => change::change(world, call),
        Effect::ResetJob => change::reset(world, call),
        Effect::RemoveJob => change::remove(world, call),
        Effect::PayOtherwise => change::pay_otherwise(world, call),
        Effect::ShowJob => list::show(world, call),
        Effect::ListJobs => list::jobs(world, call),
        Effect::ListLegacy => list::legacy(world, call),
        Effect::ListStatus => list::statuses(world, call),
        Effect::AddChannel => channels::add(world, call),
        Effect::EditChannel => channels::edit(world, call),
        Effect::DropChannel => channels::remove(world, call),
        Effect::ListChannels => channels::list(world, call),
        Effect::Tag => tags::tag(world, call),
        Effect::Untag => tags::untag(world, call),
        Effect::ListTags => tags::list(world, call),
        Effect::Echo => list::echo(world, call),
        _ => Err(ApiError::new("InternalError", "The table gives this action another family's effect.")),
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

    /// A task that this version sees, as it is now.
    fn task<'w>(&self, world: &'w mut World, id: &str) -> Option<&'w mut Task> {
        world.seen(id, self.provider, self.pace, self.now)
    }
}
