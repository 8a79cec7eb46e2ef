//! Looks for the task that a creation has made, in the lists of the newest tasks, and sees to it that it is no other call's.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Settle;
use super::ask::{Answer, Place};
use super::decide::{Page, Search};
use super::look::{Looked, OTHERS, before, changes};
use crate::call::{Outcome, Record, Settled};
use crate::parameters::{JsonLimits, Value, read_json};
use crate::provider::{Created, Listed, Newest};
use crate::store::{Filter, Made, Order};

/// How far the cloud's clock may be from ours, and a second that its times are cut to.
const CLOCKS: SignedDuration = SignedDuration::from_secs(60);

/// Tasks that are looked up one by one.
const CANDIDATES: usize = 20;

/// A creation of unknown outcome.
pub(super) struct Sought<'a> {
    pub(super) record: &'a Record,
    pub(super) created: &'a Created,
    pub(super) parameters: &'a Value,
    /// When its end was recorded.
    pub(super) ended: Timestamp,
    pub(super) is_late: bool,
}

/// What a task that was made looks like in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Looks {
    name: Option<String>,
    /// The word of the list.
    list: Option<String>,
}

/// A call that made a task, or would have: its kind, what it looks like if that is known, and the tasks that it only names.
struct Creation {
    kind: String,
    looks: Option<Looks>,
    named: BTreeSet<String>,
}

impl Settle {
    pub(super) async fn look_for_made(&self, place: &Place, sought: &Sought<'_>) -> Result<Looked, String> {
        let Sought { record, created, parameters, ended, is_late } = *sought;
        let kind = place.version.task_kind(&created.task);
        let Some(newest) = kind.filter(|kind| kind.parent.is_none()).and_then(|kind| kind.newest.as_ref()) else {
            return Ok(Looked::never("the tables do not say where such tasks are listed"));
        };
        let looks = Looks::of(newest, created, parameters);
        if newest.typed.is_some() && looks.list.is_none() {
            return Ok(Looked::never("the tables do not say in which list such a task stands"));
        }
        let Some(places) = places(place, created, parameters) else {
            return Ok(Looked::never("a region that the call names is not in the tables"));
        };
        let at = self.clock.now();
        let mut pages = Vec::with_capacity(places.len());
        for place in &places {
            pages.push(self.page(place, newest, created, &looks).await?);
        }
        let unclaimed = BTreeSet::new();
        let search = Search {
            name: looks.name.as_deref(),
            from: before(record.time, CLOCKS).unwrap_or(record.time),
            to: ended.checked_add(CLOCKS).unwrap_or(ended),
            pages: &pages,
            others: &unclaimed,
            // Asked before whose the tasks are: a call that ends in between is found by one of the two.
            has_rival: self.has_rival(sought, &looks).await?,
            is_late,
        };
        let others = self.made_by_others(record, &search.candidates()).await?;
        let search = Search { others: &others, ..search };
        let (finding, made) = search.decide();
        let listed: usize = pages.iter().map(|page| page.listed.len()).sum();
        let seen = json!({
            "at": at.to_string(), "asked": newest.action, "name": looks.name, "listed": listed, "made": made,
        });
        let made = match made {
            Some(task) => Some(self.owned(record, task).await?),
            None => None,
        };
        Ok(Looked { finding, seen, made })
    }

    async fn page(&self, place: &Place, newest: &Newest, created: &Created, looks: &Looks) -> Result<Page, String> {
        let request = newest.request(looks.name.as_deref(), looks.list.as_deref());
        let listed = match self.ask(place, &newest.action, &request).await? {
            Answer::NoTask => Vec::new(),
            Answer::Members(members) => newest.tasks(&members),
        };
        let is_whole = listed.len() < newest.most as usize;
        let named = |task: Listed| Listed { id: created.canonical(&task.id), ..task };
        Ok(Page { listed: listed.into_iter().map(named).collect(), is_whole })
    }

    /// Those of the tasks that the record of another call names as made by it. That a task has an owner says nothing: the
    /// gateway may have died between storing the owner and the end of this very call.
    async fn made_by_others(&self, record: &Record, tasks: &[&str]) -> Result<BTreeSet<String>, String> {
        let mut others = BTreeSet::new();
        // With more candidates it can't be told whatever they are.
        for task in tasks.iter().take(CANDIDATES) {
            let filter = Filter {
                account: Some(record.account.clone()),
                task_id: Some((*task).to_owned()),
                kind: changes(),
                order: Order::Oldest,
                limit: OTHERS,
                ..Filter::default()
            };
            let page = self.store.records(&filter).await.map_err(|error| error.to_string())?;
            let made = |other: &Record| {
                other.id != record.id && self.creation(other).is_some_and(|other| !other.named.contains(*task))
            };
            if page.records.iter().any(made) {
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
    async fn has_rival(&self, sought: &Sought<'_>, looks: &Looks) -> Result<bool, String> {
        let record = sought.record;
        let filter = Filter {
            account: Some(record.account.clone()),
            kind: changes(),
            outcome: vec![Outcome::Open, Outcome::Unknown],
            from: before(record.time, CLOCKS + CLOCKS),
            to: sought.ended.checked_add(CLOCKS + CLOCKS).ok(),
            limit: OTHERS,
            ..Filter::default()
        };
        let page = self.store.records(&filter).await.map_err(|error| error.to_string())?;
        let is_rival = |other: &Record| {
            let has_its_own = matches!(other.settled, Some(Settled::Done | Settled::NotDone));
            let could_be = || {
                self.creation(other).is_some_and(|made| {
                    // Tasks of another version may stand in the same lists, whatever it calls them.
                    let is_listed_there = other.version != record.version || made.kind == sought.created.task;
                    is_listed_there && made.looks.is_none_or(|other| looks.fit(&other))
                })
            };
            other.id != record.id && !has_its_own && could_be()
        };
        Ok(page.next.is_some() || page.records.iter().any(is_rival))
    }

    /// What a call makes; none if it makes nothing.
    fn creation(&self, record: &Record) -> Option<Creation> {
        let version = self.providers.version(&record.version)?;
        let action = version.action(&record.action)?;
        let created = action.creates.as_ref()?;
        let parameters = read_json(record.detail.parameters.as_bytes(), &JsonLimits::default()).ok();
        let subjects = parameters.iter().flat_map(|parameters| action.task_ids(parameters));
        let named: BTreeSet<String> = subjects.filter(|task| task.is_subject()).map(|task| task.id).collect();
        if created.unless_named && !named.is_empty() {
            return None;
        }
        let newest = version.task_kind(&created.task).and_then(|kind| kind.newest.as_ref());
        let looks = parameters.as_ref().map(|parameters| match newest {
            Some(newest) => Looks::of(newest, created, parameters),
            None => Looks { name: None, list: None },
        });
        Some(Creation { kind: created.task.clone(), looks, named })
    }
}

impl Looks {
    fn of(newest: &Newest, created: &Created, parameters: &Value) -> Looks {
        let word = created.list(parameters);
        Looks {
            name: newest.name_in(parameters),
            list: word.as_deref().and_then(|word| newest.list_called(word)).map(str::to_owned),
        }
    }

    /// Whether what another call makes can be taken for this: what bears no name is looked for among all names.
    fn fit(&self, other: &Looks) -> bool {
        let is_in_another_list = self.list.is_some() && other.list.is_some() && self.list != other.list;
        !is_in_another_list && (self.name.is_none() || self.name == other.name)
    }
}

/// The call's own region and the further ones in which the task may stand; none if one of them is not known.
fn places(place: &Place, created: &Created, parameters: &Value) -> Option<Vec<Place>> {
    let mut places = vec![place.clone()];
    for region in created.further_regions(parameters) {
        if places.iter().all(|known| known.region != region) {
            let host = place.version.endpoint(&place.account.site, region).ok()?.to_owned();
            places.push(Place { region: region.to_owned(), host, ..place.clone() });
        }
    }
    Some(places)
}
