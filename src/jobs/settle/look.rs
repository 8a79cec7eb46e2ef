//! Looks at what a change was about, and says what that tells.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use super::Settle;
use super::ask::{Answer, Place};
use super::decide::{Case, Finding, Seen, shows_late, together};
use super::made::Sought;
use crate::call::{Outcome, Record, Settled};
use crate::parameters::{JsonLimits, read_json};
use crate::provider::{Action, Effect, TaskKind, TaskRef};
use crate::steps::{state_in, state_name};
use crate::store::{Filter, Made, Order, Unsettled};

/// For how long before a change another one of unknown outcome may still take effect.
const LINGERS: SignedDuration = SignedDuration::from_hours(1);

/// Records that are looked through for other changes.
pub(super) const OTHERS: u32 = 200;

/// What was found, and in which words.
pub(super) struct Looked {
    pub(super) finding: Finding,
    pub(super) seen: Json,
    pub(super) made: Option<Made>,
}

impl Looked {
    /// What can't be told, now or later.
    pub(super) fn never(why: &'static str) -> Looked {
        Looked { finding: Finding::Undetermined(why), seen: json!({}), made: None }
    }
}

impl Settle {
    /// Looks once.
    ///
    /// # Errors
    /// Why nothing can be said now; it can be tried again.
    pub(super) async fn look(&self, left: &Unsettled) -> Result<Looked, String> {
        let record = &left.record;
        let never = |why| Ok(Looked::never(why));
        let version = self.providers.version(&record.version);
        let Some((version, action)) = version.and_then(|version| Some((version, version.action(&record.action)?)))
        else {
            return never("the tables do not have the action any more");
        };
        let Some(account) = self.accounts.named(&record.account) else {
            return never("the account is not configured any more");
        };
        let Ok(host) = version.endpoint(&account.site, &record.region) else {
            return never("the region is not in the tables any more");
        };
        let Ok(parameters) = read_json(record.detail.parameters.as_bytes(), &JsonLimits::default()) else {
            return never("the record does not have the parameters whole");
        };
        let place = Place { version: version.clone(), region: record.region.clone(), host: host.to_owned(), account };
        let is_late = self.clock.now().duration_since(left.recorded_at) >= self.settle_after;
        let subjects: Vec<TaskRef> = action.task_ids(&parameters).into_iter().filter(TaskRef::is_subject).collect();
        match action.creates.as_ref().filter(|created| !created.unless_named || subjects.is_empty()) {
            Some(created) => {
                let sought = Sought { record, created, parameters: &parameters, ended: left.recorded_at, is_late };
                self.look_for_made(&place, &sought).await
            }
            None => self.look_at_tasks(&place, record, action, &subjects, is_late).await,
        }
    }

    async fn look_at_tasks(
        &self,
        place: &Place,
        record: &Record,
        action: &Action,
        subjects: &[TaskRef],
        is_late: bool,
    ) -> Result<Looked, String> {
        let effect = action.rule.as_ref().and_then(|rule| rule.effect.as_ref());
        let (mut findings, mut tasks) = (Vec::new(), Vec::new());
        let at = self.clock.now();
        for task in subjects.iter().filter(|task| task.kind == action.task) {
            let Some(kind) = place.version.task_kind(&task.kind) else { continue };
            let now = self.state(place, kind, task).await?;
            let before = record.detail.states.iter().find(|state| state.task == task.id).map(|state| &*state.state);
            let seen = |text| Seen { text, state: state_in(kind, text) };
            let (was, is) = (before.map(seen), now.as_deref().map(seen));
            let can_explain = |earlier: &Record| {
                earlier.time >= record.time.saturating_sub(self.settle_after).unwrap_or(Timestamp::MIN)
                    && effect_of(place, earlier).is_some_and(|effect| shows_late(effect, was, is))
            };
            let is_disturbed = self.is_disturbed(record, &task.id, can_explain).await?;
            let case = Case { effect, before: was, now: is, is_disturbed, is_late };
            findings.push(case.decide());
            tasks.push(json!({ "task": task.id, "before": before, "now": now.as_deref().unwrap_or("gone") }));
        }
        let finding = together(&findings);
        Ok(Looked { finding, seen: json!({ "at": at.to_string(), "tasks": tasks }), made: None })
    }

    /// What the cloud says of a task now, in a record's words; none: it is gone.
    async fn state(&self, place: &Place, kind: &TaskKind, task: &TaskRef) -> Result<Option<String>, String> {
        let source = &kind.read.source;
        match self.ask(place, &source.action, &kind.read.request(task)).await? {
            Answer::NoTask => Ok(None),
            Answer::Members(members) => {
                let mut observed = source.observe(&members).into_iter();
                Ok(observed.find(|seen| seen.id == task.id).map(|seen| state_name(Some(kind), &seen)))
            }
        }
    }

    /// Whether another change of the task came after this one, or one before it is of unknown outcome or `can_explain`.
    async fn is_disturbed(
        &self,
        record: &Record,
        task: &str,
        can_explain: impl Fn(&Record) -> bool,
    ) -> Result<bool, String> {
        let filter = Filter {
            account: Some(record.account.clone()),
            task_id: Some(task.to_owned()),
            outcome: vec![Outcome::Open, Outcome::Ok, Outcome::Unknown],
            kind: changes(),
            from: before(record.time, LINGERS),
            order: Order::Oldest,
            limit: OTHERS,
            ..Filter::default()
        };
        let page = self.store.records(&filter).await.map_err(|error| error.to_string())?;
        let disturbs = |other: &Record| {
            let came_later = other.id > record.id;
            let may_linger = other.outcome != Outcome::Ok || can_explain(other);
            other.id != record.id && (came_later || may_linger) && other.settled != Some(Settled::NotDone)
        };
        Ok(page.next.is_some() || page.records.iter().any(disturbs))
    }
}

/// What the tables say of what a change of the same version does.
fn effect_of<'a>(place: &'a Place, record: &Record) -> Option<&'a Effect> {
    let action = place.version.action(&record.action).filter(|_| place.version.version == record.version)?;
    action.rule.as_ref()?.effect.as_ref()
}

pub(super) fn changes() -> Vec<String> {
    ["change", "destructive", "purchase"].map(str::to_owned).to_vec()
}

pub(super) fn before(time: Timestamp, by: SignedDuration) -> Option<Timestamp> {
    time.checked_sub(by).ok()
}
