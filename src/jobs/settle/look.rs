//! Looks at what a change was about, and says what that tells.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use super::Settle;
use super::ask::{Answer, Place};
use super::decide::{Case, Finding, Search, Seen, together};
use crate::call::{Outcome, Record, Settled};
use crate::parameters::{JsonLimits, Value, read_json};
use crate::provider::{Action, Created, Listed, TaskKind, TaskRef};
use crate::steps::{state_in, state_name};
use crate::store::{Filter, Made, Order, Unsettled};

/// How far the cloud's clock may be from ours, and a second that its times are cut to.
const CLOCKS: SignedDuration = SignedDuration::from_secs(60);

/// For how long before a change another one of unknown outcome may still take effect.
const LINGERS: SignedDuration = SignedDuration::from_hours(1);

/// Records that are looked through for other changes.
const OTHERS: u32 = 200;

/// Tasks that are looked up one by one.
const CANDIDATES: usize = 20;

/// What was found, and in which words.
pub(super) struct Looked {
    pub(super) finding: Finding,
    pub(super) seen: Json,
    pub(super) made: Option<Made>,
}

impl Settle {
    /// Looks once.
    ///
    /// # Errors
    /// Why nothing can be said now; it can be tried again.
    pub(super) async fn look(&self, left: &Unsettled) -> Result<Looked, String> {
        let record = &left.record;
        let never = |why| Ok(Looked { finding: Finding::Undetermined(why), seen: json!({}), made: None });
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
                self.look_for_made(&place, record, created, &parameters, (left.recorded_at, is_late)).await
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
            let is_disturbed = self.is_disturbed(record, &task.id).await?;
            let before = record.detail.states.iter().find(|state| state.task == task.id).map(|state| &*state.state);
            let seen = |text| Seen { text, state: state_in(kind, text) };
            let case = Case { effect, before: before.map(seen), now: now.as_deref().map(seen), is_disturbed, is_late };
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

    /// Whether another change of the task came after this one, or one of unknown outcome before it.
    async fn is_disturbed(&self, record: &Record, task: &str) -> Result<bool, String> {
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
            let may_linger = other.outcome != Outcome::Ok && other.settled != Some(Settled::NotDone);
            other.id != record.id && (came_later || may_linger) && other.settled != Some(Settled::NotDone)
        };
        Ok(page.next.is_some() || page.records.iter().any(disturbs))
    }

    async fn look_for_made(
        &self,
        place: &Place,
        record: &Record,
        created: &Created,
        parameters: &Value,
        (ended, is_late): (Timestamp, bool),
    ) -> Result<Looked, String> {
        let kind = place.version.task_kind(&created.task);
        let Some(newest) = kind.filter(|kind| kind.parent.is_none()).and_then(|kind| kind.newest.as_ref()) else {
            let finding = Finding::Undetermined("the tables do not say where such tasks are listed");
            return Ok(Looked { finding, seen: json!({}), made: None });
        };
        let name = newest.name_in(parameters);
        let at = self.clock.now();
        let listed = match self.ask(place, &newest.action, &newest.request(name.as_deref())).await? {
            Answer::NoTask => Vec::new(),
            Answer::Members(members) => newest.tasks(&members),
        };
        let named = |task: Listed| Listed { id: created.canonical(&task.id), ..task };
        let listed: Vec<Listed> = listed.into_iter().map(named).collect();
        let unclaimed = BTreeSet::new();
        let search = Search {
            name: name.as_deref(),
            from: before(record.time, CLOCKS).unwrap_or(record.time),
            to: ended.checked_add(CLOCKS).unwrap_or(ended),
            listed: &listed,
            is_whole: listed.len() < newest.most as usize,
            others: &unclaimed,
            // Asked before whose the tasks are: a call that ends in between is found by one of the two.
            has_rival: self.has_rival(record, name.as_deref(), ended, |other| newest.name_in(other)).await?,
            is_late,
        };
        let others = self.made_by_others(record, &search.candidates()).await?;
        let search = Search { others: &others, ..search };
        let (finding, made) = search.decide();
        let seen = json!({
            "at": at.to_string(), "asked": newest.action, "name": name, "listed": listed.len(), "made": made,
        });
        let made = match made {
            Some(task) => Some(self.owned(record, task).await?),
            None => None,
        };
        Ok(Looked { finding, seen, made })
    }

    /// Those of the tasks that the record of another call names as made by it. That a task has an owner says nothing: the
    /// gateway may have died between storing the owner and the end of this very call.
    async fn made_by_others(&self, record: &Record, tasks: &[&str]) -> Result<BTreeSet<String>, String> {
        let mut others = BTreeSet::new();
        // With more candidates it can't be told whatever they are.
        for task in tasks.iter().take(CANDIDATES) {
            let filter = Filter {
                account: Some(record.account.clone()),
                action: Some(record.action.clone()),
                version: Some(record.version.clone()),
                task_id: Some((*task).to_owned()),
                limit: 2,
                ..Filter::default()
            };
            let page = self.store.records(&filter).await.map_err(|error| error.to_string())?;
            if page.records.iter().any(|other| other.id != record.id) {
                others.insert((*task).to_owned());
            }
        }
        Ok(others)
    }

    /// A task that was made, with its owner if it has one already.
    async fn owned(&self, record: &Record, task: &str) -> Result<Made, String> {
        let rows = self.store.tasks(&record.account, &[task.to_owned()]).await.map_err(|error| error.to_string())?;
        let owner = rows.into_iter().next().and_then(|row| row.team);
        Ok(Made {
            account: record.account.clone(),
            task: task.to_owned(),
            team: owner.unwrap_or_else(|| record.team.clone()),
        })
    }

    /// Whether another creation, at the time of this one, could have made a task that looks the same.
    async fn has_rival(
        &self,
        record: &Record,
        name: Option<&str>,
        ended: Timestamp,
        name_in: impl Fn(&Value) -> Option<String>,
    ) -> Result<bool, String> {
        let filter = Filter {
            account: Some(record.account.clone()),
            action: Some(record.action.clone()),
            version: Some(record.version.clone()),
            outcome: vec![Outcome::Open, Outcome::Unknown],
            from: before(record.time, CLOCKS + CLOCKS),
            to: ended.checked_add(CLOCKS + CLOCKS).ok(),
            limit: OTHERS,
            ..Filter::default()
        };
        let page = self.store.records(&filter).await.map_err(|error| error.to_string())?;
        let looks_the_same = |other: &Record| {
            let parameters = read_json(other.detail.parameters.as_bytes(), &JsonLimits::default());
            parameters.map_or(true, |parameters| name_in(&parameters).as_deref() == name)
        };
        let is_rival = |other: &Record| {
            let has_its_own = matches!(other.settled, Some(Settled::Done | Settled::NotDone));
            other.id != record.id && !has_its_own && looks_the_same(other)
        };
        Ok(page.next.is_some() || page.records.iter().any(is_rival))
    }
}

fn changes() -> Vec<String> {
    ["change", "destructive", "purchase"].map(str::to_owned).to_vec()
}

fn before(time: Timestamp, by: SignedDuration) -> Option<Timestamp> {
    time.checked_sub(by).ok()
}
