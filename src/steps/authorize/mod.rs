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
use crate::parameters::Value;
use crate::provider::{Action, FaultKind, ParameterFault, TaskRef, Version};

/// How many of a team's tasks a refusal lists.
const TASKS_LISTED: u32 = 20;

/// The step.
pub struct Authorize {
    accounts: Arc<Accounts>,
    owners: Arc<Owners>,
    options: AuthorizeOptions,
}

/// How calls are authorized.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizeOptions {
    /// How long a call may wait for its turn, if it does not say so.
    pub max_wait: Duration,
    /// How long it may wait at most, whatever it says.
    pub max_wait_cap: Duration,
    /// Whether a task that belongs to another must belong to the one that is named with it.
    pub check_parents: bool,
}

impl Authorize {
    /// Authorizes for these accounts.
    pub fn new(accounts: Arc<Accounts>, owners: Arc<Owners>, options: AuthorizeOptions) -> Authorize {
        Authorize { accounts, owners, options }
    }
}

impl Gate for Authorize {
    type In = Authenticated;
    type Out = Authorized;

    async fn check(&self, authenticated: Authenticated) -> Result<Authorized, Refusal> {
        let Authenticated { call, version, action, caller, proof } = authenticated;
        call.record.update(|record| record.detail.policy = caller.policy.to_string());
        let request = &call.request;
        let account = self.accounts.choose(&caller, request.family, request.account.as_deref())?;
        call.record.update(|record| record.account.clone_from(&account.alias));
        let (region, host) = place(&version, &action, &account, request)?;
        call.record.update(|record| record.region.clone_from(&region));
        action.check_parameters(&request.parameters).map_err(parameter_refusal)?;
        refuse_other_accounts(&action, &account, &request.parameters)?;
        let tasks = action.task_ids(&request.parameters);
        // All of them, now that it is a caller who names them and that they are not too many.
        call.record.update(|record| record.task_ids = tasks.iter().map(|task| task.id.clone()).collect());
        if self.options.check_parents {
            check_parents(&version, &tasks)?;
        }
        let is_own_master = |task: &TaskRef| version.task_kind(&task.kind).is_none_or(|kind| kind.parent.is_none());
        let (masters, children): (Vec<TaskRef>, Vec<TaskRef>) = tasks.iter().cloned().partition(is_own_master);
        let owned = self.owners.owned(&account.alias, &caller.team, &caller.grants, &masters).await?;
        let dangers = action.dangers(&request.parameters);
        let ask = Ask {
            caller: &caller,
            account: &account.alias,
            version: &version.version,
            action: &action,
            region: &region,
            tasks: &masters,
            children: &children,
            owned: &owned,
            parameters: &request.parameters,
            dangers: &dangers,
        };
        let granted = match decide(&ask) {
            Ok(granted) => granted,
            Err(denied) if denied.must_name_tasks => {
                let own = self.owners.some(&account.alias, &caller.team, TASKS_LISTED).await?;
                return Err(name_your_tasks(&own));
            }
            Err(denied) => return Err(denied.refusal),
        };
        let repeat_purchases = decide::may_repeat_purchases(&ask);
        let sight = decide::sight(&ask);
        call.record.update(|record| record.detail.grant = granted.grant);
        let may_wait = request.max_wait.unwrap_or(self.options.max_wait).min(self.options.max_wait_cap);
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
            accepted_dangers: granted.accepted_dangers,
            seen: Vec::new(),
            wait_until,
            replay: Vec::new(),
            repeat_purchases,
            purchase: None,
            sight,
            errand: None,
        })
    }
}

/// The region and its host: the caller's region, else the account's own, compared byte for byte with a closed list.
fn place(
    version: &Version,
    action: &Action,
    account: &Account,
    request: &Request,
) -> Result<(String, String), Refusal> {
    let missing = || Refusal::ParameterMissing { path: action.region_parameter.clone() };
    let said = request.region.as_deref().or_else(|| action.region(&request.parameters));
    let region = said.or(account.default_region.as_deref()).ok_or_else(missing)?;
    let host = version.endpoint(&account.site, region);
    let unknown =
        |_| Refusal::RegionUnknown { region: region.chars().filter(char::is_ascii_graphic).take(64).collect() };
    Ok((region.to_owned(), host.map_err(unknown)?.to_owned()))
}

/// A task that belongs to another must belong to the one that the call names with it: that one's owner was asked for.
fn check_parents(version: &Version, tasks: &[TaskRef]) -> Result<(), Refusal> {
    for task in tasks {
        let parent = version.task_kind(&task.kind).and_then(|kind| kind.parent.as_ref());
        if parent.is_some_and(|parent| !parent.fits(task)) {
            let (id, of) = (&task.id, task.parent.as_deref().unwrap_or("no task"));
            return Err(Refusal::NotGranted { why: format!("{id} does not belong to {of}, which the call names") });
        }
    }
    Ok(())
}

/// Grants, quota and records are those of the account that the call is made on, so a parameter may name that one only,
/// by the identity that is configured.
fn refuse_other_accounts(action: &Action, account: &Account, parameters: &Value) -> Result<(), Refusal> {
    let mut named = action.named_accounts(parameters).into_iter();
    match named.find(|(_, named)| *named != account.identity) {
        Some((parameter, _)) => Err(Refusal::NotGranted {
            why: format!("{parameter} names another account of the cloud than the call is made on. Leave it out"),
        }),
        None => Ok(()),
    }
}

fn parameter_refusal(fault: ParameterFault) -> Refusal {
    let path = fault.path;
    match fault.kind {
        FaultKind::Missing => Refusal::ParameterMissing { path },
        FaultKind::Unknown => Refusal::ParameterUnknown { path },
        FaultKind::TooMany { at_most } => {
            Refusal::TooLarge { what: format!("the number of tasks in {path}"), limit: u64::from(at_most) }
        }
        FaultKind::WrongType { expected } => Refusal::ParameterType { path, expected: expected.to_string() },
    }
}

fn name_your_tasks(own: &[String]) -> Refusal {
    let own =
        if own.is_empty() { "your team has none yet".to_owned() } else { format!("yours are {}", own.join(", ")) };
    Refusal::NotGranted {
        why: format!("this read without an id shows every task of the account, so name tasks that you may see, {own}"),
    }
}

/// A task's id among a grant's.
fn is_owned(owned: &[TaskRef], task: &TaskRef) -> bool {
    owned.contains(task)
}
