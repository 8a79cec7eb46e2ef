//! Whatever comes, in whatever order: no answer is too old, from before a change, or of another sight.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use super::bed::{Bed, TAKES, by};
use crate::call::{Pattern, TaskScope};

const FRESH_FOR: Duration = Duration::from_millis(100);

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    /// By which caller, with which sight, about which task.
    Read(usize, usize, usize),
    /// Of which task, and how long it takes.
    Change(usize, u64),
    Turn(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..80_u64).prop_map(Step::Wait),
        5 => (0..3_usize, 0..2_usize, 0..3_usize).prop_map(|(caller, sight, task)| Step::Read(caller, sight, task)),
        1 => (0..2_usize, 0..30_u64).prop_map(|(task, takes)| Step::Change(task, takes)),
        1 => (0..60_u64).prop_map(Step::Turn),
    ];
    prop::collection::vec(step, 1..60)
}

const TASKS: [Option<&str>; 3] = [Some("dts-a"), Some("dts-b"), None];

async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let bed = Bed::new(FRESH_FOR);
    let began = Instant::now();
    let scopes = [TaskScope::Any, TaskScope::Limited { own: false, ids: vec![Pattern::new("dts-*")] }];
    let (mut reads, mut changes) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Wait(ms) => sleep(Duration::from_millis(ms)).await,
            Step::Turn(ms) => *bed.turn.lock().unwrap() = Duration::from_millis(ms),
            Step::Read(caller, sight, task) => {
                let mut question = by(["ann", "bob", "cid"][caller]);
                (question.scope, question.task) = (scopes[sight].clone(), TASKS[task]);
                reads.push((sight, task, bed.ask(question)));
            }
            Step::Change(task, takes) => {
                let passing = Arc::clone(&bed.reads).passing("main", vec![TASKS[task].unwrap().to_owned()]);
                sleep(Duration::from_millis(takes)).await;
                passing.ended().await;
                changes.push((task, Instant::now()));
            }
        }
    }
    for (sight, task, read) in reads {
        let told = read.await.unwrap();
        let (_, body) = told.answer.unwrap();
        let (asked_at, seen) = body.split_once(' ').unwrap();
        let asked_at = began + Duration::from_millis(asked_at.parse().unwrap());
        let is_of_scope = seen.contains("Any") == (scopes[sight] == TaskScope::Any);
        prop_assert!(is_of_scope, "{seen}");
        // Under way at the same time, or fresh. The timer counts whole milliseconds, upwards.
        let oldest = FRESH_FOR.max(TAKES + Duration::from_millis(1));
        prop_assert!(asked_at + oldest >= told.came, "asked for {:?} before it came", told.came - asked_at);
        for (changed, ended) in &changes {
            let is_about = task == 2 || task == *changed;
            prop_assert!(!is_about || *ended > told.came || asked_at >= *ended, "it is from before a change");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_is_too_old_or_from_before_a_change_or_of_another_sight(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(steps))?;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_fresh_from_when_it_was_asked_for() {
    let bed = Bed::new(FRESH_FOR);
    let ask = async || bed.ask(by("ann")).await.unwrap().answer.unwrap().1;
    let first = ask().await;
    sleep(FRESH_FOR - TAKES - Duration::from_millis(5)).await;
    assert_eq!(ask().await, first, "it is told again");
    sleep(Duration::from_millis(10)).await;
    assert_ne!(ask().await, first, "its time began when it was asked for, not when it came");
    assert_eq!(bed.times_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_its_own_forgets_what_a_change_is_about_and_nothing_else() {
    let bed = Bed::new(Duration::from_secs(1));
    let ask = async |task| {
        let mut question = by("ann");
        question.task = task;
        bed.ask(question).await.unwrap().answer.unwrap()
    };
    for task in TASKS {
        ask(task).await;
    }
    bed.reads.passing("main", vec!["dts-a".to_owned()]).ended().await;
    for task in TASKS {
        ask(task).await;
    }
    assert_eq!(bed.times_asked(), 5, "the changed task and the list are asked for again");
}
