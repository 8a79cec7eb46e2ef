//! One task, and how it moves by itself: worked out when somebody looks, so that no timer runs.

use std::time::Duration;

use serde_json::{Map, Value};

use super::beijing;
use crate::clock::Moment;
use crate::table::{After, Condition, Kind, Mark};

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Everything short: creating, checking, stopping.
    pub(crate) step: Duration,
    /// The migration itself.
    pub(crate) run: Duration,
}

/// A task of any kind.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    /// The order in which tasks were made.
    pub(crate) number: u64,
    pub(crate) version: String,
    /// The name of its kind.
    pub(crate) kind: String,
    /// As it is written on the wire; any value, if a test says so.
    pub(crate) status: Value,
    pub(crate) status_since: Moment,
    pub(crate) billing: String,
    pub(crate) billing_since: Moment,
    /// Whether it moves by itself.
    pub(crate) moves: bool,
    /// The task that it belongs to.
    pub(crate) parent: Option<String>,
    /// What it was made and modified with.
    pub(crate) data: Map<String, Value>,
    pub(crate) created: Moment,
    /// When its last check began.
    pub(crate) checked: Option<Moment>,
    /// Whether it was taken up again after an error.
    pub(crate) resumed: bool,
    /// When the change of what it does while it runs came to its stage (`ModifyStage` of its data).
    pub(crate) staged: Moment,
    pub(crate) started: Option<Moment>,
    pub(crate) ended: Option<Moment>,
}

impl Task {
    /// Makes every move that is due; false if the task is gone.
    pub(crate) fn settle(&mut self, kind: &Kind, pace: Pace, now: Moment) -> bool {
        if !self.moves {
            return true;
        }
        while let Some((due, to)) = self.next_status(kind, pace).filter(|(due, _)| *due <= now) {
            let Some(to) = to else { return false };
            self.enter(kind, to, due);
        }
        while let Some((due, to)) = self.next_billing(kind, pace).filter(|(due, _)| *due <= now) {
            let Some(to) = to else { return false };
            self.enter_billing(to, due);
        }
        if self.text("/ModifyStage") == "checking" && self.staged.plus(pace.step) <= now {
            let verdict = if self.is(Condition::CheckFails, kind) { "failed" } else { "checked" };
            self.data.insert("ModifyStage".to_owned(), verdict.into());
        }
        true
    }

    /// Enters a status.
    pub(crate) fn enter(&mut self, kind: &Kind, status: Value, at: Moment) {
        match kind.status(&status).and_then(|status| status.marks) {
            Some(Mark::Check) => {
                self.checked = Some(at);
                self.resumed = false;
                self.data.remove("SkippedSteps");
            }
            // What goes on after a pause began long before.
            Some(Mark::Start) if self.ended.take().is_none() && self.started.is_some() => {}
            Some(Mark::Start) => self.started = Some(at),
            Some(Mark::Resume) => self.resumed = true,
            Some(Mark::End) => self.ended = Some(at),
            None => {}
        }
        self.status = status;
        self.status_since = at;
    }

    /// Enters a billing state.
    pub(crate) fn enter_billing(&mut self, billing: String, at: Moment) {
        self.billing = billing;
        self.billing_since = at;
    }

    /// Whether the task has a property.
    pub(crate) fn is(&self, condition: Condition, kind: &Kind) -> bool {
        let named = |part: &Option<String>| part.as_deref().is_some_and(|part| self.name(kind).contains(part));
        match condition {
            Condition::CheckFails => {
                let bad = kind.check_fails_address.as_deref();
                let places = ["/SrcInfo/Ip", "/SrcInfo/Info/0/Host", "/Endpoints/0/HostName", "/SourceEndpointIP"];
                named(&kind.check_fails_name) || places.into_iter().any(|place| bad == Some(self.text(place)))
            }
            Condition::RunFails => !self.resumed && named(&kind.run_fails_name),
            Condition::ResumeFails => named(&kind.resume_fails_name),
            Condition::Configured => kind.configured_by.as_ref().is_none_or(|member| self.data.contains_key(member)),
            Condition::Incremental => match self.at("/MigrateOption/MigrateType") {
                Some(Value::String(text)) => text != "full" && text != "structure",
                Some(number) => number.as_i64() == Some(3),
                None => kind.configured_by.is_some(), // 2021-12-06: everything, unless something else is said
            },
            Condition::Redis => {
                ["/SrcInfo/DatabaseType", "/SrcDatabaseType"].into_iter().any(|place| self.text(place) == "redis")
            }
            Condition::HourlyBilled => self.number_at("/PayType") == Some(1),
            Condition::Prepaid => self.text("/PayMode") == "PrePay",
            Condition::Postpaid => self.text("/PayMode") == "PostPay",
            Condition::Modified => !self.text("/ModifyStage").is_empty(),
            Condition::ModifyChecked => self.text("/ModifyStage") == "checked",
            Condition::AutoStart => self.at("/AutoStart").and_then(Value::as_bool) == Some(true),
            Condition::WithoutChanges => self.at("/DataSynchronization").and_then(Value::as_bool) == Some(false),
        }
    }

    /// Its name; empty if it has none.
    pub(crate) fn name(&self, kind: &Kind) -> &str {
        self.data.get(&kind.name_member).and_then(Value::as_str).unwrap_or("")
    }

    /// A text out of what it was made with; empty if there is none.
    pub(crate) fn text(&self, place: &str) -> &str {
        self.at(place).and_then(Value::as_str).unwrap_or("")
    }

    /// A number out of what it was made with.
    pub(crate) fn number_at(&self, place: &str) -> Option<i64> {
        self.at(place).and_then(Value::as_i64)
    }

    /// How far a step of that length has come, in percent, at most 99: the end is a status.
    pub(crate) fn percent(&self, length: Duration, now: Moment) -> u64 {
        let passed = now.since(self.status_since).as_millis() * 100 / length.as_millis().max(1);
        u64::try_from(passed.min(99)).unwrap_or(99)
    }

    fn at(&self, place: &str) -> Option<&Value> {
        let mut segments = place.split('/').skip(1);
        let first = self.data.get(segments.next()?)?;
        segments.try_fold(first, |value, segment| match value {
            Value::Array(elements) => elements.get(segment.parse::<usize>().ok()?),
            other => other.get(segment),
        })
    }

    fn next_status(&self, kind: &Kind, pace: Pace) -> Option<(Moment, Option<Value>)> {
        let step = kind
            .moves
            .iter()
            .find(|step| step.from == self.status && step.when.is_none_or(|condition| self.is(condition, kind)))?;
        Some((self.due(step.after, self.status_since, pace), step.to.clone()))
    }

    fn next_billing(&self, kind: &Kind, pace: Pace) -> Option<(Moment, Option<String>)> {
        let step = kind.billing_moves.iter().find(|step| step.from == *self.billing)?;
        let to = step.to.as_ref().and_then(Value::as_str).map(str::to_owned);
        Some((self.due(step.after, self.billing_since, pace), to))
    }

    fn due(&self, after: After, since: Moment, pace: Pace) -> Moment {
        match after {
            After::Step => since.plus(pace.step),
            After::Run => since.plus(pace.run),
            After::ExpectedTime => since.plus(pace.step).max(self.expected_start().unwrap_or_default()),
        }
    }

    /// The time that a timed task was given.
    fn expected_start(&self) -> Option<Moment> {
        let timed = self.number_at("/MigrateOption/RunMode") == Some(2);
        if timed {
            return beijing::read(self.text("/MigrateOption/ExpectTime"));
        }
        let timed = self.text("/RunMode").eq_ignore_ascii_case("timed"); // a sync writes it with a capital
        timed.then(|| beijing::read(self.text("/ExpectRunTime"))).flatten()
    }
}
