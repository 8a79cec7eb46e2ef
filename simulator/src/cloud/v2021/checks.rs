//! The reports of checks: the same three items for every kind of task, of which one can fail.

use serde_json::{Value, json};

use super::super::render::answer;
use super::super::task::Task;
use super::super::world::World;
use super::super::{Call, Done, beijing};
use crate::dialect::ApiError;

/// The item that fails, if one does.
pub(super) const FAILING: &str = "ConflictCheck";

const ITEMS: [&str; 3] = ["ConnectivityCheck", "PrivilegeCheck", FAILING];

/// How far a check has come, in the words of the statuses of every kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    NotStarted,
    Running,
    Failed,
    Passed,
}

/// The words for a check as a whole, and for its items, of one kind of task.
struct Words {
    /// A check that was never begun.
    none: &'static str,
    item_passed: &'static str,
}

fn course(task: &Task) -> Course {
    let status = task.status.as_str().unwrap_or("").to_ascii_lowercase(); // kinds differ by their capitals only
    match status.as_str() {
        "creating" | "created" | "uninitialized" | "initialized" | "notstarted" => Course::NotStarted,
        "checking" => Course::Running,
        "checknotpass" => Course::Failed,
        _ => Course::Passed,
    }
}

impl Course {
    fn word(self, words: &Words) -> &'static str {
        match self {
            Self::NotStarted => words.none,
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Passed => "success",
        }
    }

    fn item_word(self, item: &str, words: &Words) -> &'static str {
        match self {
            Self::NotStarted | Self::Running => "notStarted",
            Self::Failed if item == FAILING => "failed",
            Self::Failed | Self::Passed => words.item_passed,
        }
    }

    fn percent(self, task: &Task, call: &Call<'_>) -> u64 {
        match self {
            Self::NotStarted => 0,
            Self::Running => task.percent(call.pace.step, call.now),
            Self::Failed | Self::Passed => 100,
        }
    }
}

pub(in crate::cloud) fn show_migration(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let course = course(task);
    let words = Words { none: "notStarted", item_passed: "pass" };
    let skipped = task.data.get("SkippedSteps").and_then(Value::as_array).cloned().unwrap_or_default();
    let step = |(index, item): (usize, &&str)| {
        let failed = course == Course::Failed && *item == FAILING;
        json!({
            "StepNo": index + 1, "StepId": item, "StepName": item, "StepStatus": course.item_word(item, &words),
            "StepMessage": message(failed), "HasSkipped": skipped.contains(&(*item).into()),
            "DetailCheckItems": if failed { json!([{
                "CheckItemName": item, "CheckResult": "failed", "FailureReason": message(true),
                "Solution": "Remove them or leave them out.", "ErrorLog": [message(true)],
            }]) } else { json!([]) },
        })
    };
    let flag = match course {
        Course::NotStarted | Course::Running => "",
        Course::Failed => "checkNotPass",
        Course::Passed => "checkPass",
    };
    let steps: Vec<Value> = ITEMS.iter().enumerate().map(step).collect();
    let report = json!({
        "Status": course.word(&words), "BriefMsg": message(course == Course::Failed), "StepInfo": steps,
        "CheckFlag": flag,
    });
    Ok(answer(call, &report))
}

/// The check of a migration as its details show it.
pub(super) fn of_migration(task: &Task, call: &Call<'_>) -> Value {
    let course = course(task);
    let words = Words { none: "notStarted", item_passed: "success" };
    let ended = task.checked.filter(|_| course != Course::Running).map(|began| began.plus(call.pace.step));
    json!({
        "StartAt": beijing::write(task.checked), "EndAt": beijing::write(ended),
        "Progress": {
            "Status": course.word(&words), "Percent": course.percent(task, call), "StepAll": ITEMS.len(),
            "StepNow": now(course), "Message": message(course == Course::Failed),
            "Steps": steps(course, &words, task),
        },
    })
}

pub(in crate::cloud) fn show_sync(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    Ok(sync_report(task, course(task), call))
}

/// The check of a change that was told to a running sync.
pub(in crate::cloud) fn show_modify(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let course = match task.text("/ModifyStage") {
        "checking" => Course::Running,
        "failed" => Course::Failed,
        "checked" => Course::Passed,
        _ => Course::NotStarted,
    };
    Ok(sync_report(task, course, call))
}

fn sync_report(task: &Task, course: Course, call: &Call<'_>) -> Done {
    let words = Words { none: "notStarted", item_passed: "finished" };
    let report = json!({
        "Status": course.word(&words), "StepCount": ITEMS.len(), "StepCur": now(course),
        "Progress": course.percent(task, call), "StepInfos": steps(course, &words, task),
    });
    answer(call, &report)
}

pub(in crate::cloud) fn show_subscription(world: &mut World, call: &Call<'_>) -> Result<Done, ApiError> {
    let task = world.judged(call)?;
    let course = course(task);
    let words = Words { none: "unknown", item_passed: "finished" };
    let report = json!({
        "SubscribeId": task.id, "Message": message(course == Course::Failed), "Status": course.word(&words),
        "Progress": course.percent(task, call), "StepAll": ITEMS.len(), "StepNow": now(course),
        "Steps": steps(course, &words, task),
    });
    Ok(answer(call, &report))
}

fn steps(course: Course, words: &Words, task: &Task) -> Vec<Value> {
    let step = |(index, item): (usize, &&str)| {
        let failed = course == Course::Failed && *item == FAILING;
        let percent = if matches!(course, Course::Failed | Course::Passed) { 100 } else { 0 };
        let tips = if failed { json!([{ "Code": "Conflict", "Message": message(true) }]) } else { json!([]) };
        json!({
            "StepNo": index + 1, "StepName": item, "StepId": item, "Status": course.item_word(item, words),
            "StartTime": beijing::write(task.checked), "Percent": percent, "Progress": percent, "Errors": tips,
        })
    };
    ITEMS.iter().enumerate().map(step).collect()
}

fn now(course: Course) -> usize {
    match course {
        Course::NotStarted => 0,
        Course::Running => 1,
        Course::Failed | Course::Passed => ITEMS.len(),
    }
}

fn message(failed: bool) -> &'static str {
    if failed { "The target holds objects of the same name." } else { "" }
}
