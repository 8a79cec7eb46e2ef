//! What a table must agree on with itself.

use serde_json::Value;

use super::{Action, Effect, Family, Kind, Member, Provider, Type, Types};

/// Adds every contradiction of a table to `mistakes`.
pub(super) fn contradictions(provider: &Provider, mistakes: &mut Vec<String>) {
    if provider.window.is_zero() {
        mistakes.push("window_ms is zero".to_owned());
    }
    for region in provider.finance_regions.iter().filter(|region| !provider.regions.contains(region)) {
        mistakes.push(format!("finance region {region} is not a region"));
    }
    for (name, members) in provider.types.all() {
        check_members(&format!("type {name}"), members, &provider.types, mistakes);
    }
    for (name, kind) in &provider.kinds {
        check_kind(name, kind, mistakes);
        check_relations(name, kind, provider, mistakes);
    }
    for action in provider.actions.values() {
        check_action(action, provider, mistakes);
    }
}

fn check_kind(name: &str, kind: &Kind, mistakes: &mut Vec<String>) {
    let ends = kind.moves.iter().flat_map(|step| std::iter::once(&step.from).chain(step.to.as_ref()));
    for wire in ends.chain(std::iter::once(&kind.first_status)).filter(|wire| kind.status(wire).is_none()) {
        mistakes.push(format!("kind {name}: no status {wire}"));
    }
    for step in kind.moves.iter().chain(&kind.billing_moves).filter(|step| step.to.is_some() == step.gone) {
        mistakes.push(format!("kind {name}: the move from {} needs either `to` or `gone`", step.from));
    }
}

fn check_relations(name: &str, kind: &Kind, provider: &Provider, mistakes: &mut Vec<String>) {
    for parent in &kind.child_of {
        if provider.kinds.get(&parent.kind).and_then(|kind| kind.status(&parent.status)).is_none() {
            mistakes.push(format!("kind {name}: no {} in the status {}", parent.kind, parent.status));
        }
    }
    for action in kind.offers.iter().filter_map(|offer| offer.action.as_ref()) {
        if !provider.actions.contains_key(action) {
            mistakes.push(format!("kind {name}: no action {action}"));
        }
    }
}

fn check_action(action: &Action, provider: &Provider, mistakes: &mut Vec<String>) {
    let place = format!("action {}", action.name);
    check_members(&place, &action.parameters, &provider.types, mistakes);
    if action.rate.calls == 0 || action.rate.source.is_empty() {
        mistakes.push(format!("{place}: a rate needs calls and a source"));
    }
    if action.region_rate.as_ref().is_some_and(|rate| rate.calls == 0 || rate.source.is_empty()) {
        mistakes.push(format!("{place}: a rate needs calls and a source"));
    }
    if provider.family == Family::Aliyun {
        check_rules(&place, action, provider, mistakes);
        check_members(&format!("{place}, answer"), &action.answer, &provider.types, mistakes);
        return;
    }
    let Some(kind) = provider.kinds.get(&action.task) else {
        mistakes.push(format!("{place}: no kind {}", action.task));
        return;
    };
    check_members(&format!("{place}, answer"), &action.answer, &provider.types, mistakes);
    let others = action.also.iter().flat_map(|also| &also.allowed);
    let made_like = action.template.iter().map(|template| &template.status);
    let statuses = action.allowed.iter().flatten().chain(action.moves_to.as_ref()).chain(others).chain(made_like);
    for wire in statuses.filter(|wire: &&Value| kind.status(wire).is_none()) {
        mistakes.push(format!("{place}: no status {wire}"));
    }
    let named = action.undoes.iter().chain(action.template.iter().map(|template| &template.action));
    for other in named.filter(|other| !provider.actions.contains_key(*other)) {
        mistakes.push(format!("{place}: no action {other}"));
    }
    if let Some(parent) = &action.parent
        && !kind.child_of.iter().any(|possible| possible.kind == parent.task)
    {
        mistakes.push(format!("{place}: a {} cannot belong to a {}", action.task, parent.task));
    }
    if let Some(task_id) = &action.task_id
        && !action.parameters.iter().any(|member| member.name == *task_id && member.kind == Type::Text)
    {
        mistakes.push(format!("{place}: no text parameter {task_id}"));
    }
    let judges = action.allowed.is_some() || action.allowed_billing.is_some() || !action.denied_billing.is_empty();
    if judges && (action.state_code.is_none() || action.not_found_code.is_none() || action.task_id.is_none()) {
        mistakes.push(format!("{place}: states need task_id, state_code and not_found_code"));
    }
}

fn check_rules(place: &str, action: &Action, provider: &Provider, mistakes: &mut Vec<String>) {
    for (name, rule) in &action.rules {
        let Some(kind) = provider.kinds.get(name) else {
            mistakes.push(format!("{place}: no kind {name}"));
            continue;
        };
        let ends = rule.via.iter().flat_map(|(from, to)| [from, to]).map(|status| Value::from(status.as_str()));
        let statuses = rule.allowed.iter().flatten().chain(rule.moves_to.as_ref()).cloned().chain(ends);
        for wire in statuses.filter(|wire| kind.status(wire).is_none()) {
            mistakes.push(format!("{place}: no status {wire} of a {name}"));
        }
    }
    for id in action.ids.iter().filter(|id| !action.parameters.iter().any(|member| member.name == id.name)) {
        mistakes.push(format!("{place}: no parameter {}", id.name));
    }
    let judges = action.effect != Effect::Echo && !action.ids.is_empty();
    if judges && (action.not_found_code.is_none() || (!action.rules.is_empty() && action.state_code.is_none())) {
        mistakes.push(format!("{place}: states need state_code and not_found_code"));
    }
}

fn check_members(place: &str, members: &[Member], types: &Types, mistakes: &mut Vec<String>) {
    for (index, member) in members.iter().enumerate() {
        if members.iter().take(index).any(|before| before.name == member.name) {
            mistakes.push(format!("{place}: {} is there twice", member.name));
        }
        let mut innermost = &member.kind;
        while let Type::Array(element) = innermost {
            innermost = element;
        }
        if let Type::Structure(name) = innermost
            && !types.has(name)
        {
            mistakes.push(format!("{place}: no type {name}"));
        }
    }
}
