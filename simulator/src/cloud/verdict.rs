//! Whether a task's state allows an action: its status, its billing state, and what sort of task it is.

use serde_json::Value;

use super::task::Task;
use crate::dialect::ApiError;
use crate::table::{Action, Kind};

/// Whether a task's state allows an action.
pub(super) fn judge(action: &Action, kind: &Kind, task: &Task) -> Result<(), ApiError> {
    let code = action.state_code.as_deref().unwrap_or("OperationDenied");
    if !status_allows(action, kind, task) {
        let status = kind.describe(&task.status);
        let message = format!("The task {} is in the status {status}, which does not allow {}.", task.id, action.name);
        return Err(ApiError::new(code, message));
    }
    if !billing_allows(action, kind, task) {
        let billing = &task.billing;
        let message = format!("The task {} is {billing}, which does not allow {}.", task.id, action.name);
        return Err(ApiError::new(code, message));
    }
    match &action.only {
        Some(only) if !task.is(only.when, kind) => {
            let message = format!("The task {} is not of a sort that allows {}.", task.id, action.name);
            Err(ApiError::new(only.code.as_str(), message))
        }
        _ => Ok(()),
    }
}

fn status_allows(action: &Action, kind: &Kind, task: &Task) -> bool {
    let allows = |allowed: &Vec<Value>| allowed.contains(&task.status);
    action.allowed.as_ref().is_none_or(allows)
        || action.also.iter().any(|also| allows(&also.allowed) && task.is(also.when, kind))
}

fn billing_allows(action: &Action, kind: &Kind, task: &Task) -> bool {
    match &action.allowed_billing {
        Some(allowed) => allowed.contains(&task.billing),
        None => {
            let frozen = action.allowed.is_some() && kind.frozen_billing.contains(&task.billing);
            !frozen && !action.denied_billing.contains(&task.billing)
        }
    }
}
