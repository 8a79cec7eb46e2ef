//! May this caller do that, with these parameters, in this region, to these tasks? Everything that can be said without
//! asking the cloud, before anything is spent.

mod accounts;
mod decide;
mod owners;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use accounts::Accounts;
pub use owners::Owners;

use self::decide::{Ask, decide};
use crate::call::{Account, Authenticated, Authorized, Refusal, Request};
use crate::gate::Gate;
use crate::provider::{FaultKind, ParameterFault, TaskRef, Version};

/// How many of a team's tasks a refusal lists.
const TASKS_LISTED: u32 = 20;

/// The step.
pub struct Authorize {
    accounts: Arc<Accounts>,
    owners: Arc<Owners>,
    max_wait: Duration,
    max_wait_cap: Duration,
}

impl Authorize {
    /// Authorizes for these accounts. A call may wait `max_wait`, or what it asks for up to `max_wait_cap`.
    pub fn new(accounts: Arc<Accounts>, owners: Arc<Owners>, max_wait: Duration, max_wait_cap: Duration) -> Authorize {
        Authorize { accounts, owners, max_wait, max_wait_cap }
    }
}

impl Gate for Authorize {
    type In = Authenticated;
    type Out = Authorized;

    async fn check(&self, authenticated: Authenticated) -> Result<Authorized, Refusal> {
        let Authenticated { call, version, action, caller, proof } = authenticated;
        let request = &call.request;
        let account = self.accounts.choose(&caller, request.family, request.account.as_deref())?;
        call.record.update(|record| record.account.clone_from(&account.alias));
        let (region, host) = place(&version, &account, request)?;
        call.record.update(|record| record.region.clone_from(&region));
        action.check_parameters(&request.parameters).map_err(parameter_refusal)?;
        let tasks = action.task_ids(&request.parameters);
        let owned = self.owners.owned(&account.alias, &caller.team, &caller.grants, &tasks).await?;
        let dangers = action.dangers(&request.parameters);
        let ask = Ask {
            caller: &caller,
            account: &account.alias,
            version: &version.version,
            action: &action,
            region: &region,
            tasks: &tasks,
            owned: &owned,
            parameters: &request.parameters,
            dangers: &dangers,
        };
        let grant = match decide(&ask) {
            Ok(grant) => grant,
            Err(denied) if denied.must_name_tasks => {
                let own = self.owners.some(&account.alias, &caller.team, TASKS_LISTED).await?;
                return Err(name_your_tasks(&own));
            }
            Err(denied) => return Err(denied.refusal),
        };
        call.record.update(|record| record.detail.grant = grant);
        let may_wait = request.max_wait.unwrap_or(self.max_wait).min(self.max_wait_cap);
        let wait_until = call.received + may_wait;
        Ok(Authorized {
            call,
            version,
            action,
            caller,
            proof,
            account,
            region,
            host,
            tasks,
            seen: Vec::new(),
            wait_until,
            replay: None,
        })
    }
}

/// The region and its host: the caller's region, else the account's own, compared byte for byte with a closed list.
fn place(version: &Version, account: &Account, request: &Request) -> Result<(String, String), Refusal> {
    let missing = || Refusal::ParameterMissing { path: version.region_parameter.clone() };
    let region = request.region.as_deref().or(account.default_region.as_deref()).ok_or_else(missing)?;
    let host = version.endpoint(&account.site, region);
    let unknown =
        |_| Refusal::RegionUnknown { region: region.chars().filter(char::is_ascii_graphic).take(64).collect() };
    Ok((region.to_owned(), host.map_err(unknown)?.to_owned()))
}

fn parameter_refusal(fault: ParameterFault) -> Refusal {
    let path = fault.path;
    match fault.kind {
        FaultKind::Missing => Refusal::ParameterMissing { path },
        FaultKind::Unknown => Refusal::ParameterUnknown { path },
        FaultKind::WrongType { expected } => Refusal::ParameterType { path, expected: expected.to_string() },
    }
}

fn name_your_tasks(own: &[String]) -> Refusal {
    let own =
        if own.is_empty() { "your team has none yet".to_owned() } else { format!("yours are {}", own.join(", ")) };
    Refusal::NotGranted {
        why: format!("this read without an id shows every task of the account, so name tasks of your own, {own}"),
    }
}

/// A task's id among a grant's.
fn is_owned(owned: &[TaskRef], task: &TaskRef) -> bool {
    owned.contains(task)
}
