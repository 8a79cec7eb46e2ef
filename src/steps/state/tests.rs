//! What a state allows, over the real tables, and what may be believed of it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, advance};

use super::decide::{Case, Verdict};
use super::{StateOptions, States};
use crate::call::{Refusal, SeenTask};
use crate::provider::{Mode, Observation, Providers, Role, TaskRef};

fn options(modes: &[(&str, Mode)]) -> StateOptions {
    let modes: BTreeMap<String, Mode> = modes.iter().map(|(name, mode)| ((*name).to_owned(), *mode)).collect();
    StateOptions { max_age: Duration::from_secs(5), modes }
}

fn judge(action: &str, kind: &str, state: &str, billing: Option<&str>, options: &StateOptions) -> Verdict {
    let providers = Providers::embedded().unwrap();
    let version = providers.version("2018-03-30").unwrap();
    let task = TaskRef {
        kind: kind.to_owned(),
        id: "dts-a".to_owned(),
        written: "dts-a".to_owned(),
        parent: None,
        role: Role::Subject,
    };
    let seen = Observation { billing: billing.map(str::to_owned), ..observation(state) };
    let action = version.action(action).unwrap();
    Case { version, action, task: &task, seen: &seen, accepted_dangers: &[] }.decide(options)
}

#[tokio::test]
async fn a_task_starts_only_after_its_check_passed_and_the_refusal_says_so() {
    let options = options(&[]);
    assert_eq!(judge("StartMigrateJob", "migration", "4", None, &options), Verdict::Allowed);
    let Verdict::Refused(Refusal::StateForbids { task, action }) =
        judge("StartMigrateJob", "migration", "7", None, &options)
    else {
        panic!("a running task was started");
    };
    assert_eq!((action.as_str(), task.state.as_str()), ("StartMigrateJob", "Running (7)"));
    assert_eq!(task.needed, "It is allowed in CheckPass");
    assert_eq!(task.legal, ["StopMigrateJob"]);
}

#[tokio::test]
async fn a_state_or_billing_state_that_the_tables_do_not_know_refuses_every_change() {
    let unknown = judge("StopMigrateJob", "migration", "99", None, &options(&[]));
    assert!(matches!(unknown, Verdict::Refused(Refusal::StateUnknown { .. })));
    let unread = judge("ResetSubscribe", "subscription", "configured", None, &options(&[]));
    assert!(matches!(unread, Verdict::Refused(_)));
    let normal = judge("ResetSubscribe", "subscription", "configured", Some("normal"), &options(&[]));
    assert_eq!(normal, Verdict::Allowed);
}

#[tokio::test]
async fn a_rule_can_observe_or_be_off() {
    let observed =
        judge("StartMigrateJob", "migration", "7", None, &options(&[("2018-03-30/StartMigrateJob", Mode::Observe)]));
    assert!(matches!(observed, Verdict::Observed(Refusal::StateForbids { .. })));
    let off = judge("StartMigrateJob", "migration", "7", None, &options(&[("2018-03-30/StartMigrateJob", Mode::Off)]));
    assert_eq!(off, Verdict::Allowed);
}

fn observation(state: &str) -> Observation {
    Observation { id: "dts-a".to_owned(), state: state.to_owned(), ..Observation::default() }
}

const MAX_AGE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn knowledge_is_forgotten_when_it_is_old() {
    let states = States::default();
    states.learn("main", observation("4"), Instant::now(), 0);
    assert_eq!(states.known("main", "dts-a", MAX_AGE).unwrap().observed.state, "4");
    advance(MAX_AGE + Duration::from_millis(1)).await;
    assert_eq!(states.known("main", "dts-a", MAX_AGE), None);
    assert_eq!(states.known("other", "dts-a", MAX_AGE), None, "another account's task of the same name");
}

#[tokio::test(start_paused = true)]
async fn what_is_overheard_counts_only_with_a_known_counter_and_without_a_change_in_between() {
    let states = States::default();
    states.overheard("main", observation("4"), Instant::now());
    assert_eq!(states.known("main", "dts-a", MAX_AGE), None, "no counter goes with it");
    states.learn("main", observation("4"), Instant::now(), 3);
    let asked_before = Instant::now();
    advance(Duration::from_millis(10)).await;
    {
        let _changing = states.change("main", &[SeenTask { id: "dts-a".to_owned(), changes: 3 }]);
        states.overheard("main", observation("4"), Instant::now());
        assert_eq!(states.known("main", "dts-a", MAX_AGE), None, "a change is under way");
    }
    states.overheard("main", observation("4"), asked_before);
    assert_eq!(states.known("main", "dts-a", MAX_AGE), None, "asked before the change");
    advance(Duration::from_millis(10)).await;
    states.overheard("main", observation("6"), Instant::now());
    let known = states.known("main", "dts-a", MAX_AGE).unwrap();
    assert_eq!((known.observed.state.as_str(), known.changes), ("6", 5), "the change has moved the counter");
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_about_a_task_lacks_is_asked_for_again() {
    let states = States::default();
    states.learn("main", observation("4"), Instant::now(), 3);
    states.missed("other", "dts-a");
    assert!(states.known("main", "dts-a", MAX_AGE).is_some());
    states.missed("main", "dts-a");
    assert_eq!(states.known("main", "dts-a", MAX_AGE), None);
    advance(Duration::from_millis(10)).await;
    states.overheard("main", observation("4"), Instant::now());
    assert!(states.known("main", "dts-a", MAX_AGE).is_some(), "a filter had left it out");
}
