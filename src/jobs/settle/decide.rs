//! What follows from what was seen: pure. `done` is said only of what cannot have come about otherwise, `not-done` only of
//! what would show, had it been done; everything else is `undetermined`, with the reason.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::provider::{Effect, Listed};

/// What was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Finding {
    /// It was carried out.
    Done,
    /// It was not.
    NotDone,
    /// That can't be told, and why.
    Undetermined(&'static str),
    /// It may still show: ask again later.
    Early,
}

/// A task that a change is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    /// What the tables say of the change.
    pub(super) effect: Option<&'a Effect>,
    /// What the record says that the task was like when the change was judged.
    pub(super) before: Option<Seen<'a>>,
    /// What it is like now; none: it is gone.
    pub(super) now: Option<Seen<'a>>,
    /// Another change can explain what is seen.
    pub(super) is_disturbed: bool,
    /// So much time has passed that the change would show.
    pub(super) is_late: bool,
}

/// What was seen of a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Seen<'a> {
    /// State and billing state, as records have them.
    pub(super) text: &'a str,
    /// The state's name; none if the tables do not know it.
    pub(super) state: Option<&'a str>,
}

/// A task that a creation may have made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search<'a> {
    /// The name that the call gave.
    pub(super) name: Option<&'a str>,
    /// The task cannot have been made before.
    pub(super) from: Timestamp,
    /// Nor after.
    pub(super) to: Timestamp,
    /// The newest tasks of each list in which it may stand.
    pub(super) pages: &'a [Page],
    /// Those of them that another call is known to have made.
    pub(super) others: &'a BTreeSet<String>,
    /// Another creation of unknown outcome could have made the same.
    pub(super) has_rival: bool,
    /// So much time has passed that the task would be listed.
    pub(super) is_late: bool,
}

/// The newest tasks of one list, the newest first.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) listed: Vec<Listed>,
    /// Nothing was left out of them.
    pub(super) is_whole: bool,
}

impl Case<'_> {
    /// What this task tells.
    pub(super) fn decide(&self) -> Finding {
        let Some(effect) = self.effect else {
            return Finding::Undetermined("no state of the task tells of this action");
        };
        if self.is_disturbed {
            return Finding::Undetermined("another change of the task can explain what is seen");
        }
        let Some(before) = self.before else {
            return Finding::Undetermined("the record does not have the state before");
        };
        let Some(now) = self.now else {
            return if effect.removes { Finding::Done } else { Finding::Undetermined("the task is gone") };
        };
        let is_one_of =
            |states: &[String], seen: Seen<'_>| seen.state.is_some_and(|state| states.iter().any(|one| one == state));
        let was_there = is_one_of(&effect.leads_to, before);
        if is_one_of(&effect.leads_to, now) && !was_there {
            return Finding::Done;
        }
        if !self.is_late {
            return Finding::Early;
        }
        if before.state.is_some() && now == before && !was_there && !is_one_of(&effect.ends_in, before) {
            return Finding::NotDone;
        }
        Finding::Undetermined("the task may have come into this state by itself")
    }
}

/// Whether an earlier change that was carried out, and that had this effect, can explain what is seen now: the state before
/// did not show it yet.
pub(super) fn shows_late(effect: &Effect, before: Option<Seen<'_>>, now: Option<Seen<'_>>) -> bool {
    let leaves = |state: &str| effect.leads_to.iter().chain(&effect.ends_in).any(|one| one == state);
    let showed = before.and_then(|before| before.state).is_some_and(leaves);
    let explains = now.map_or(effect.removes, |now| now.state.is_none_or(leaves));
    explains && !showed
}

impl Search<'_> {
    /// What the list tells, and the task that was made.
    pub(super) fn decide(&self) -> (Finding, Option<&str>) {
        if self.fitting().any(|task| task.created.is_none()) {
            return (Finding::Undetermined("the list does not say when a task was made"), None);
        }
        match self.candidates().as_slice() {
            [] if !self.is_late => (Finding::Early, None),
            [] | [_] if !self.reach_back() => (Finding::Undetermined("the list does not reach back to the call"), None),
            [] => (Finding::NotDone, None),
            [only] if !self.has_rival => (Finding::Done, Some(only)),
            [_] => (Finding::Undetermined("another call of unknown outcome can have made the task"), None),
            _ => (Finding::Undetermined("several tasks fit"), None),
        }
    }

    /// The tasks that the call can have made.
    pub(super) fn candidates(&self) -> Vec<&str> {
        let is_within = |task: &&Listed| task.created.is_some_and(|made| self.from <= made && made <= self.to);
        self.fitting().filter(is_within).map(|task| task.id.as_str()).collect()
    }

    fn fitting(&self) -> impl Iterator<Item = &Listed> {
        let fits = |task: &&Listed| self.name.is_none_or(|name| task.name == name) && !self.others.contains(&task.id);
        self.pages.iter().flat_map(|page| &page.listed).filter(fits)
    }

    fn reach_back(&self) -> bool {
        self.pages.iter().all(|page| page.reaches_back(self.from))
    }
}

impl Page {
    /// The newest are listed first, so whatever is older than the call ends what can be its.
    fn reaches_back(&self, to: Timestamp) -> bool {
        self.is_whole || self.listed.last().and_then(|oldest| oldest.created).is_some_and(|oldest| oldest < to)
    }
}

/// What all tasks of a change tell together.
pub(super) fn together(findings: &[Finding]) -> Finding {
    let Some(first) = findings.first() else {
        return Finding::Undetermined("the change names no task whose state tells of it");
    };
    if findings.contains(&Finding::Early) {
        return Finding::Early;
    }
    if let Some(why) = findings.iter().find(|finding| matches!(finding, Finding::Undetermined(_))) {
        return why.clone();
    }
    if findings.iter().all(|finding| finding == first) {
        first.clone()
    } else {
        Finding::Undetermined("its tasks differ")
    }
}
