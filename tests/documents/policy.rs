//! What the tables allow when, as a page for people.

use std::fmt::Write as _;

use dts_gateway::provider::{
    Action, Allowed, Conditions, Confidence, Dangerous, Kind, Mode, Providers, StateRule, TaskKind, Trigger, Version,
};

const HEAD: &str = "# What is allowed when

<!-- Generated from the tables by `cargo test --test documents`. Do not edit. -->

An action that changes a task needs the task to be in one of these states, as the cloud spells them; reads always pass. The states are
asked for, or learnt from answers that pass by, and judged again right before the call is sent. A state that is not listed here refuses
every change. `?` behind a list says that no source prints it: it is inferred, and the stricter reading was taken. What is only
*observed* is let through and recorded with what stood against it, unless `[state.modes]` says otherwise. Below the tables of each
version stands which rules are which. To have one enforced that is only observed, or the reverse, name it in the configuration:

```toml
[state.modes]
\"2020-01-01/StopDtsJob\" = \"enforce\" # or \"observe\", or \"off\"
```

The reasons and the sources of every row are in `config/providers/`.

Where the cloud's own answer lists the operations that it would accept (`AllowedAction`, `Actions`), what it leaves out is refused as
well.

A **danger** needs a grant that names it (`dangers = [\"clear-data\"]` in a team's file), whatever else is granted. A **purchase** is never
sent twice: see `[purchases]` in OPERATIONS.md.
";

pub(crate) fn page() -> String {
    let mut page = HEAD.to_owned();
    let providers = Providers::embedded().expect("the committed tables load");
    for version in providers.versions() {
        writeln!(page, "\n## {} {}", title(version), version.version).expect("a String takes it");
        for kind in version.task_kinds() {
            states(&mut page, version, kind);
        }
        modes(&mut page, version);
        dangers(&mut page, version);
    }
    page
}

fn title(version: &Version) -> String {
    let family = version.family.name();
    let (first, rest) = family.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

fn states(page: &mut String, version: &Version, kind: &TaskKind) {
    let rules: Vec<_> = version
        .actions()
        .filter(|action| action.task == kind.name)
        .filter_map(|action| Some((action, action.rule.as_ref()?)))
        .collect();
    if rules.is_empty() {
        return;
    }
    let head = if kind.billing.is_some() {
        "| action | | states | billing |\n|---|---|---|---|"
    } else {
        "| action | | states |\n|---|---|---|"
    };
    writeln!(page, "\n### Task: {}\n", kind.name).expect("a String takes it");
    if let Some(billing) = &kind.billing {
        writeln!(page, "Usual billing: {}.\n", set(&billing.unless_stated)).expect("a String takes it");
    }
    writeln!(page, "{head}").expect("a String takes it");
    for (action, rule) in rules {
        let usual = kind.billing.as_ref().map(|billing| &billing.unless_stated);
        let named = |billing: &Allowed| if Some(billing) == usual { "usual".to_owned() } else { set(billing) };
        let billing = rule.billing.as_ref().map(|billing| format!(" {} |", named(billing)));
        let (name, what, states) = (&action.name, word(action.kind), states_of(rule));
        writeln!(page, "| `{name}` | {what} | {states} |{}", billing.unwrap_or_default()).expect("a String takes it");
    }
}

fn states_of(rule: &StateRule) -> String {
    let mut text = set(&rule.allowed);
    if rule.confidence == Confidence::Low {
        text.push_str(" ?");
    }
    if rule.mode == Mode::Observe {
        text.push_str(" (observed)");
    }
    for also in &rule.also {
        write!(text, "; {} only with {}", also.states.join(", "), also.when).expect("a String takes it");
    }
    if rule.when != Conditions::default() {
        write!(text, "; only with {}", rule.when).expect("a String takes it");
    }
    text
}

fn set(allowed: &Allowed) -> String {
    match allowed {
        Allowed::Any => "any".to_owned(),
        Allowed::Only(states) => states.join(", "),
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Read => "",
        Kind::Change => "change",
        Kind::Destructive => "**destructive**",
        Kind::Purchase => "purchase",
    }
}

/// Which rules refuse, and which are only written down.
fn modes(page: &mut String, version: &Version) {
    let is_inferred = |rule: &StateRule| rule.confidence == Confidence::Low;
    type Has<'a> = &'a dyn Fn(&StateRule) -> bool;
    let groups: [(&str, Has<'_>); 4] = [
        ("Enforced, from the documentation", &|rule| rule.mode == Mode::Enforce && !is_inferred(rule)),
        ("Enforced, although inferred", &|rule| rule.mode == Mode::Enforce && is_inferred(rule)),
        ("Observed: indirect or contradicted in the documentation", &|rule| {
            rule.mode == Mode::Observe && !is_inferred(rule)
        }),
        ("Observed: inferred", &|rule| rule.mode == Mode::Observe && is_inferred(rule)),
    ];
    page.push_str("\n### Enforced and observed\n\n");
    for (title, belongs) in groups {
        let rules = version.actions().filter(|action| action.rule.as_ref().is_some_and(belongs));
        let names: Vec<String> = rules.map(|action| format!("`{}`", action.name)).collect();
        if !names.is_empty() {
            writeln!(page, "- {title} ({}): {}.", names.len(), names.join(", ")).expect("a String takes it");
        }
    }
}

fn dangers(page: &mut String, version: &Version) {
    page.push_str("\n### Dangers\n\n| danger | action | when | what happens |\n|---|---|---|---|\n");
    for action in version.actions() {
        for danger in &action.dangerous {
            let (name, when, reason) = (&danger.name, trigger(action, danger), &danger.reason);
            writeln!(page, "| `{name}` | `{}` | {when} | {reason} |", action.name).expect("a String takes it");
        }
    }
}

fn trigger(action: &Action, danger: &Dangerous) -> String {
    let of = |task: &str| if *task == action.task { "the task".to_owned() } else { format!("the {task}") };
    match &danger.trigger {
        Trigger::Parameter { path, equals: Some(values), .. } => format!("`{path}` is {}", values.join(" or ")),
        Trigger::Parameter { path, equals: None, .. } => format!("always (`{path}` is required)"),
        Trigger::UnlessState { task, states } => format!("{} is not {}", of(task), states.join(", ")),
        Trigger::Billing { task, states } => format!("{}'s billing is {}", of(task), states.join(" or ")),
        Trigger::Fact { task, when } => format!("{} has {when}", of(task)),
    }
}
