//! The committed rules of 2021-12-06: every state in which an action is allowed, spelled out once, from the seeds and,
//! where they are silent, from the definitions.

use std::collections::BTreeSet;

use super::super::{Observation, Role, StateRule, TaskKind};
use super::{newer, newer_action};

const MIGRATION: &str = "created checking checkPass checkNotPass readyRun running stopping canceled readyComplete \
    completing success error resuming failed";
const SYNC: &str = "UnInitialized Checking CheckPass CheckNotPass ReadyRunning Running Stopping Stopped ResumableErr \
    Resuming Failed";

/// Action, states, billing states where they are not the kind's usual ones. `*`: all that are known.
const RULES: &[(&str, &str, &str)] = &[
    ("ModifyMigrationJob", "created checkPass checkNotPass", ""),
    ("ModifyMigrateName", "*", ""),
    ("CreateMigrateCheckJob", "created checkPass checkNotPass", ""),
    ("SkipCheckItem", "checkNotPass", ""),
    ("StartMigrateJob", "checkPass", ""),
    ("PauseMigrateJob", "running", ""),
    ("ContinueMigrateJob", "manualPaused", ""),
    ("ResumeMigrateJob", "error failed", ""), // failed: redis only
    ("StopMigrateJob", "readyRun running readyComplete error manualPaused", ""),
    ("CompleteMigrateJob", "readyComplete", ""),
    ("ModifyMigrateRateLimit", "running", ""),
    ("ModifyMigrateRuntimeAttribute", "*", ""),
    ("ModifyMigrateJobSpec", MIGRATION, "normal"),
    ("IsolateMigrateJob", MIGRATION, "normal resizing reversing notBilled"),
    ("RecoverMigrateJob", "*", "isolated"),
    ("DestroyMigrateJob", "*", "isolated"),
    ("CreateCompareTask", "running readyComplete", ""),
    ("ModifyCompareTask", "created", ""),
    ("ModifyCompareTaskName", "*", ""),
    ("StartCompare", "created", ""),
    ("StopCompare", "readyRun running", ""),
    ("DeleteCompareTask", "success failed canceled", ""),
    ("ConfigureSyncJob", "UnInitialized Initialized CheckPass CheckNotPass", ""),
    ("CreateCheckSyncJob", "UnInitialized Initialized CheckPass CheckNotPass", ""),
    ("SkipSyncCheckItem", "CheckNotPass", ""),
    ("StartSyncJob", "CheckPass", ""),
    ("PauseSyncJob", "Running", ""),
    ("ContinueSyncJob", "Paused", ""),
    ("ResumeSyncJob", "ResumableErr", ""),
    ("StopSyncJob", "ReadyRunning Running ResumableErr", ""),
    ("ResetSyncJob", "Stopped", ""),
    ("ModifySyncJobConfig", "Running", ""),
    ("CreateModifyCheckSyncJob", "Running", ""),
    ("StartModifySyncJob", "Running", ""),
    ("ModifySyncRateLimit", "Running", ""),
    ("ResizeSyncJob", SYNC, "Normal"),
    (
        "IsolateSyncJob",
        SYNC,
        "Normal Resizing Renewing NotBilled NotBilledByInternational Recovering PostPay2Prepaying PrePay2Postpaying",
    ),
    ("RecoverSyncJob", "*", "Isolated"),
    ("DestroySyncJob", "*", "Isolated"),
    ("CreateSyncCompareTask", "Running", ""),
    ("ModifySyncCompareTask", "created", ""),
    ("ModifySyncCompareTaskName", "*", ""),
    ("StartSyncCompare", "created", ""),
    ("StopSyncCompare", "readyRun running", ""),
    ("DeleteSyncCompareTask", "success failed canceled", ""),
    ("ConfigureSubscribeJob", "notStarted checkNotPass checkPass", ""),
    ("CreateSubscribeCheckJob", "notStarted checkNotPass checkPass", ""),
    ("StartSubscribe", "checkPass", ""),
    ("ResumeSubscribe", "error", ""),
    ("ResetSubscribe", "running error", ""),
    ("ModifySubscribeObjects", "running", ""),
    ("ModifySubscribeName", "*", ""),
    ("ModifySubscribeAutoRenewFlag", "*", ""),
    ("IsolateSubscribe", "*", "normal"),
    ("DestroyIsolatedSubscribe", "*", "isolated"),
    ("CreateConsumerGroup", "running", ""),
    ("ModifyConsumerGroupDescription", "*", ""),
    ("ModifyConsumerGroupPassword", "*", ""),
    ("ResetConsumerGroupOffset", "*", ""),
    ("DeleteConsumerGroup", "*", ""),
];

/// The billing states in which a change without a rule of its own on them is allowed.
fn usual(task: &str) -> &'static str {
    match task {
        "migration" => "normal resizing notBilled",
        "sync" => "Normal Resizing Renewing NotBilled NotBilledByInternational PostPay2Prepaying PrePay2Postpaying",
        "subscription" => "normal post2PrePayIng",
        _ => "",
    }
}

/// A task of which every condition of the rule is true.
fn seen(rule: &StateRule, state: &str, billing: &str) -> Observation {
    let conditions = std::iter::once(&rule.when).chain(rule.also.iter().map(|also| &also.when));
    let facts = conditions.flat_map(|when| &when.0).map(|(fact, values)| (fact.clone(), values[0].clone()));
    let billing = (!billing.is_empty()).then(|| billing.to_owned());
    Observation { state: state.into(), billing, facts: facts.collect(), ..Observation::default() }
}

fn words<'w>(text: &'w str, all: Vec<&'w str>) -> BTreeSet<&'w str> {
    if text == "*" { all.into_iter().collect() } else { text.split_ascii_whitespace().collect() }
}

fn billing_states(kind: &TaskKind) -> Vec<&str> {
    kind.billing.iter().flat_map(|billing| &billing.states).map(String::as_str).collect()
}

#[test]
fn every_change_is_allowed_in_these_states_and_in_no_other() {
    let version = newer();
    for (name, states, billing) in RULES {
        let action = newer_action(name);
        let (rule, kind) = (action.rule.as_ref().unwrap(), version.task_kind(&action.task).unwrap());
        let billing = words(if billing.is_empty() { usual(&action.task) } else { billing }, billing_states(kind));
        let paid = billing.first().copied().unwrap_or_default();
        let is_allowed = |state: &str, billing: &str| rule.objection(kind, name, &seen(rule, state, billing)).is_none();
        let every: Vec<&str> = kind.states.keys().map(String::as_str).collect();
        let allowed: BTreeSet<&str> = every.iter().copied().filter(|state| is_allowed(state, paid)).collect();
        assert_eq!(allowed, words(states, every), "{name}");
        let state = allowed.first().unwrap();
        let by_billing = billing_states(kind).into_iter().filter(|billing| is_allowed(state, billing));
        assert_eq!(by_billing.collect::<BTreeSet<_>>(), billing, "{name}");
        assert!(!is_allowed("new to us", paid) && !is_allowed("", paid), "{name}");
        if kind.billing.is_some() {
            assert!(!is_allowed(state, "") && !is_allowed(state, "new to us"), "{name}");
        }
    }
    let judged = version.actions().filter(|action| action.kind.is_change());
    let judged = judged.filter(|action| action.ids.iter().any(|id| id.role == Role::Subject));
    let named: BTreeSet<&str> = RULES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(judged.map(|action| &*action.name).collect::<Vec<_>>(), named.into_iter().collect::<Vec<_>>());
    assert_eq!(RULES.len(), 60);
}
