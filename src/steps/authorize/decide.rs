//! The decision: deny wins, nothing is allowed by default.

use crate::call::{Caller, Condition, Effect, Grant, Pattern, Refusal, Sight, TaskScope};
use crate::parameters::Value;
use crate::provider::{Action, Dangerous, Path, TaskRef};

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) caller: &'a Caller,
    pub(super) account: &'a str,
    pub(super) version: &'a str,
    pub(super) action: &'a Action,
    pub(super) region: &'a str,
    /// The tasks that the call names, but for those that belong to another one: they are owned through it.
    pub(super) tasks: &'a [TaskRef],
    /// The ids of those that do; a deny may be about them.
    pub(super) children: &'a [TaskRef],
    /// Those of `tasks` that belong to the caller's team.
    pub(super) owned: &'a [TaskRef],
    pub(super) parameters: &'a Value,
    /// What its parameters ask for that needs a grant of its own.
    pub(super) dangers: &'a [(&'a Dangerous, &'a Path)],
}

/// A yes.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Granted {
    /// The name of the grant that allows it.
    pub(super) grant: String,
    /// Those of the action's dangers that the caller's grants accept.
    pub(super) accepted_dangers: Vec<String>,
}

/// A no.
#[derive(Debug)]
pub(super) struct Denied {
    pub(super) refusal: Refusal,
    /// The caller may be allowed if it names tasks that it may see.
    pub(super) must_name_tasks: bool,
}

/// Whether the caller's grants allow it.
pub(super) fn decide(ask: &Ask<'_>) -> Result<Granted, Denied> {
    let matching = |effect: Effect| ask.caller.grants.iter().filter(move |grant| grant.effect == effect);
    if let Some(deny) = matching(Effect::Deny).find(|grant| is_about(grant, ask) && denies_tasks(grant, ask)) {
        return Err(denied(format!("the grant {} denies {} to {}", deny.name, ask.action.name, ask.caller.name)));
    }
    let about: Vec<&Grant> = matching(Effect::Allow).filter(|grant| is_about(grant, ask)).collect();
    let Some(grant) = about.iter().find(|grant| allows_tasks(grant, ask)) else {
        return Err(not_allowed(ask, &about));
    };
    // Each of those that are left denies certain tasks, and an answer with every task of the account shows these too.
    if let Some(deny) = matching(Effect::Deny).find(|grant| shows_all(ask) && is_about(grant, ask)) {
        let (deny, action, caller) = (&deny.name, &ask.action.name, &ask.caller.name);
        return Err(denied_all(ask, format!("the grant {deny} denies tasks to {caller} that {action} would show")));
    }
    let accepting: Vec<&Grant> = about.iter().copied().filter(|grant| allows_tasks(grant, ask)).collect();
    let is_accepted = |name: &str| accepting.iter().any(|grant| accepts(grant, name));
    if let Some((danger, parameter)) = ask.dangers.iter().find(|(danger, _)| !is_accepted(&danger.name)) {
        let refusal = Refusal::DangerousParameter { danger: danger.name.clone(), parameter: parameter.to_string() };
        return Err(Denied { refusal, must_name_tasks: false });
    }
    let dangers = ask.action.dangerous.iter().map(|danger| &danger.name);
    let accepted_dangers = dangers.filter(|name| is_accepted(name)).cloned().collect();
    Ok(Granted { grant: grant.name.clone(), accepted_dangers })
}

/// Whether a grant that allows the call lets its purchases be repeated.
pub(super) fn may_repeat_purchases(ask: &Ask<'_>) -> bool {
    let allow = ask.caller.grants.iter().filter(|grant| grant.effect == Effect::Allow && grant.repeat_purchases);
    allow.into_iter().any(|grant| is_about(grant, ask) && allows_tasks(grant, ask))
}

/// What the caller's grants let it see of the tasks that such a call shows.
pub(super) fn sight(ask: &Ask<'_>) -> Sight {
    Sight::of(&ask.caller.team, ask.caller.grants.iter().filter(|grant| is_about(grant, ask)))
}

fn is_about(grant: &Grant, ask: &Ask<'_>) -> bool {
    is_about_but_for_conditions(grant, ask)
        && grant.conditions.iter().all(|condition| holds(grant.effect, condition, ask))
}

fn is_about_but_for_conditions(grant: &Grant, ask: &Ask<'_>) -> bool {
    any(&grant.accounts, ask.account)
        && any(&grant.versions, ask.version)
        && any(&grant.actions, &ask.action.name)
        && any(&grant.regions, ask.region)
}

/// Every task that is named must be the grant's. A creation makes a task of the team's own; a call that names none and
/// lists tasks shows all of them, and any other change is of something that tasks of others may depend on.
fn allows_tasks(grant: &Grant, ask: &Ask<'_>) -> bool {
    let TaskScope::Limited { own, ids } = &grant.tasks else { return true };
    if is_creation(ask) && !*own || shows_all(ask) || changes_no_task(ask) {
        return false;
    }
    ask.tasks.iter().all(|task| covers(*own, ids, ask, task))
}

/// Whether the answer shows every task of the account.
fn shows_all(ask: &Ask<'_>) -> bool {
    ask.action.lists && ask.tasks.is_empty()
}

/// Whether it changes something that is no task, and makes none.
fn changes_no_task(ask: &Ask<'_>) -> bool {
    ask.action.kind.is_change() && ask.tasks.is_empty() && !is_creation(ask)
}

fn is_creation(ask: &Ask<'_>) -> bool {
    ask.action.creates.is_some() && !ask.tasks.iter().any(TaskRef::is_subject)
}

/// Whether a limited grant has a task in it.
fn covers(own: bool, ids: &[Pattern], ask: &Ask<'_>, task: &TaskRef) -> bool {
    (own && super::is_owned(ask.owned, task)) || any(ids, &task.id)
}

/// A deny is about a call as soon as one of its tasks is the grant's.
fn denies_tasks(grant: &Grant, ask: &Ask<'_>) -> bool {
    let TaskScope::Limited { own, ids } = &grant.tasks else { return true };
    ask.tasks.iter().chain(ask.children).any(|task| covers(*own, ids, ask, task))
}

fn accepts(grant: &Grant, danger: &str) -> bool {
    grant.dangers.iter().any(|accepted| accepted == "*" || accepted == danger)
}

fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

/// To allow, the parameter is there and each of its values is one of those listed. To deny, one of them is enough: a
/// harmless one beside it, another case or a blank must not lift it.
fn holds(effect: Effect, condition: &Condition, ask: &Ask<'_>) -> bool {
    let Some(of) = ask.action.type_at(&condition.parameter) else { return false };
    let is_the_same = |one: &str, text: &str| match effect {
        Effect::Allow => of.canonical(one) == of.canonical(text),
        Effect::Deny => of.canonical(one).eq_ignore_ascii_case(&of.canonical(text.trim())),
    };
    let is_listed =
        |value: &&Value| value.as_text().is_some_and(|text| condition.one_of.iter().any(|one| is_the_same(one, text)));
    let values = condition.parameter.select(ask.parameters);
    match effect {
        Effect::Allow => !values.is_empty() && values.iter().all(is_listed),
        Effect::Deny => values.iter().any(is_listed),
    }
}

/// `about`: the grants that only tasks stand in the way of.
fn not_allowed(ask: &Ask<'_>, about: &[&Grant]) -> Denied {
    let Ask { caller, action, account, region, version, .. } = ask;
    if about.is_empty() {
        let allow = caller.grants.iter().filter(|grant| grant.effect == Effect::Allow);
        if let Some(grant) = allow.into_iter().find(|grant| is_about_but_for_conditions(grant, ask)) {
            let parameters: Vec<String> = grant.conditions.iter().map(|one| one.parameter.to_string()).collect();
            let (grant, parameters) = (&grant.name, parameters.join(", "));
            return denied(format!(
                "the grant {grant} allows {} to {} only with certain values of {parameters}",
                action.name, caller.name
            ));
        }
        let why =
            format!("{} has no grant for {} {version} on account {account} in {region}", caller.name, action.name);
        return denied(why);
    }
    if changes_no_task(ask) {
        return denied(format!(
            "{} may use {} only on certain tasks, and this call names none that could be one of them: it needs a grant \
             with tasks = \"any\"",
            caller.name, action.name
        ));
    }
    let tasks = match ask.tasks.is_empty() {
        true if action.lists => "all of the account".to_owned(),
        true => "new ones".to_owned(),
        false => in_the_way(ask, about),
    };
    denied_all(ask, format!("{} may use {} only on certain tasks, not on {tasks}", caller.name, action.name))
}

/// The tasks that no grant has, of those that the call names: the caller has to leave them out, or ask for them.
fn in_the_way(ask: &Ask<'_>, about: &[&Grant]) -> String {
    let is_covered = |task: &TaskRef| {
        about.iter().any(|grant| match &grant.tasks {
            TaskScope::Any => true,
            TaskScope::Limited { own, ids } => covers(*own, ids, ask, task),
        })
    };
    let ids = |tasks: Vec<&TaskRef>| tasks.iter().map(|task| task.id.as_str()).collect::<Vec<_>>().join(", ");
    let foreign: Vec<&TaskRef> = ask.tasks.iter().filter(|task| !is_covered(task)).collect();
    match foreign.is_empty() {
        false => ids(foreign),
        true if is_creation(ask) => "new ones".to_owned(),
        true => format!("{} together", ids(ask.tasks.iter().collect())),
    }
}

/// The same call is another one as soon as it names tasks, if it can.
fn denied_all(ask: &Ask<'_>, why: String) -> Denied {
    Denied { must_name_tasks: shows_all(ask) && !ask.action.ids.is_empty(), ..denied(why) }
}

fn denied(why: String) -> Denied {
    Denied { refusal: Refusal::NotGranted { why }, must_name_tasks: false }
}
