//! What a view says that can be done with a task: worked out from the rows, so that it is what the service would accept.

use super::super::Call;
use super::super::task::Task;
use super::super::verdict::judge;
use crate::table::Offer;

/// Every word for the task's kind.
pub(super) fn all(call: &Call<'_>) -> Vec<String> {
    call.kind.offers.iter().map(|offer| offer.word.clone()).collect()
}

/// The words for what the task's state allows now.
pub(super) fn allowed(task: &Task, call: &Call<'_>) -> Vec<String> {
    let allows = |offer: &&Offer| match &offer.action {
        Some(name) => {
            let action = call.provider.actions.get(name);
            action.is_some_and(|action| judge(action, call.kind, task).is_ok())
        }
        None => true,
    };
    call.kind.offers.iter().filter(allows).map(|offer| offer.word.clone()).collect()
}
