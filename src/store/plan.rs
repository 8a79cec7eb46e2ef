//! What a batch of entries does to the database, decided without one.
//!
//! A database first says what it knows of the tasks, the keys and the ids that a batch touches ([`wanted`], under
//! locks that last until the commit), then [`decide`] walks through the entries in their order and says what came of
//! each and what is to be written, and the database writes it. So both databases decide alike, and a refused intent
//! leaves nothing behind because nothing is written before everything is decided.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::call::{Closed, Outcome, Record};

use super::{Entry, Intent, Remembered, Settlement, Verdict, clean};

/// An account's alias and a task in it.
pub(super) type TaskKey = (String, String);

/// What must be known of the database before entries can be judged.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Intents that may have been committed before.
    pub(super) intents: BTreeSet<Uuid>,
    /// Changes that end, whose leases are asked for.
    pub(super) ended: BTreeSet<Uuid>,
    /// Calls that have ended, changes and others; a commit that broke off may have come through.
    pub(super) closed: BTreeSet<Uuid>,
    /// Records that are settled; a commit that broke off may have come through.
    pub(super) settled: BTreeSet<Uuid>,
    /// Tasks whose leases and counters are asked for.
    pub(super) tasks: BTreeSet<TaskKey>,
    /// Tasks whose owner is written.
    pub(super) owned: BTreeSet<TaskKey>,
    /// Replay keys.
    pub(super) keys: BTreeSet<[u8; 32]>,
}

/// What the database knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Which of the intents exist.
    pub(super) committed: HashSet<Uuid>,
    /// Which of the calls that have ended have their final record.
    pub(super) recorded: HashSet<Uuid>,
    /// Which of the records are settled already.
    pub(super) settled: HashSet<Uuid>,
    /// The leases of the tasks, and those that the ended changes hold.
    pub(super) leases: Vec<Lease>,
    /// The counters of the tasks that were seen before.
    pub(super) changes: HashMap<TaskKey, i64>,
    /// What is remembered under the keys.
    pub(super) kept: HashMap<[u8; 32], Remembered>,
}

/// An open change's hold on a task, or its only row if it addresses none.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    /// The change.
    pub(super) intent: Uuid,
    /// The account's alias.
    pub(super) account: String,
    /// The task.
    pub(super) task: Option<String>,
    /// Its final record exists already: an intent whose commit came through after everybody had given it up.
    pub(super) ended: bool,
}

/// What is to be written, in the order of its fields.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// What came of each entry.
    pub(super) verdicts: Vec<Verdict>,
    /// Changes whose leases end.
    pub(super) release: Vec<Uuid>,
    /// Changes that are forgotten.
    pub(super) forget: Vec<Uuid>,
    /// Changes that have ended and of which more is remembered than at their beginning.
    pub(super) ends: Vec<End>,
    /// New intents.
    pub(super) intents: Vec<Record>,
    /// Final records.
    pub(super) records: Vec<Record>,
    /// New settlements.
    pub(super) settlements: Vec<Settlement>,
    /// New leases.
    pub(super) leases: Vec<Lease>,
    /// What changes about tasks, ordered so that two writers never wait for each other.
    pub(super) tasks: BTreeMap<TaskKey, TaskChange>,
    /// What is remembered from now on, by replay key.
    pub(super) remember: BTreeMap<[u8; 32], Remembered>,
}

/// What a change's end adds to what is remembered of it.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// The change.
    pub(super) id: Uuid,
    /// The cloud's answer, if there is one to remember.
    pub(super) answer: Option<Vec<u8>>,
    /// Until when it is remembered at least.
    pub(super) until: Option<Timestamp>,
}

/// What changes about a task.
#[derive(Debug, Default)]
pub(super) struct TaskChange {
    /// Its new owner.
    pub(super) team: Option<String>,
    /// How far its counter moves.
    pub(super) steps: i64,
}

/// What a change's end does to what is remembered of it.
pub(super) enum Memory {
    /// It is remembered, with this answer.
    Keep(Option<Vec<u8>>),
    /// As if it had never been.
    Forget,
}

/// What has to be known to judge `entries`.
pub(super) fn wanted(entries: &[Entry]) -> Wanted {
    let mut wanted = Wanted::default();
    for entry in entries {
        match entry {
            Entry::Intent(intent) => {
                wanted.intents.insert(intent.record.id);
                wanted.keys.extend(intent.replay.iter().map(|(key, _)| key.key));
                wanted.tasks.extend(intent.tasks.iter().map(|seen| task_key(&intent.record.account, &seen.id)));
            }
            Entry::Closed(closed) => {
                wanted.closed.insert(closed.record.id);
                wanted.ended.extend(closed.intended.then_some(closed.record.id));
            }
            Entry::Settled(settlement) => {
                wanted.settled.insert(settlement.id);
                wanted.owned.extend(settlement.made.iter().map(|made| task_key(&made.account, &made.task)));
            }
            Entry::Own { account, task, .. } => {
                wanted.owned.insert(task_key(account, task));
            }
        }
    }
    wanted
}

/// Judges `entries` in their order.
pub(super) fn decide(entries: &[Entry], known: Known) -> Plan {
    let mut batch = Batch::new(known);
    for entry in entries {
        let verdict = match entry {
            Entry::Intent(intent) => batch.intent(intent),
            Entry::Closed(closed) => batch.closed(closed),
            Entry::Settled(settlement) => batch.settled(settlement),
            Entry::Own { account, task, team } => batch.own(account, task, team),
        };
        batch.plan.verdicts.push(verdict);
    }
    batch.plan
}

struct Batch {
    known: Known,
    open: HashMap<TaskKey, Uuid>,
    plan: Plan,
}

impl Batch {
    fn new(mut known: Known) -> Batch {
        let mut plan = Plan::default();
        known.leases.retain(|lease| {
            if lease.ended && !plan.release.contains(&lease.intent) {
                plan.release.push(lease.intent);
            }
            !lease.ended
        });
        let open = known
            .leases
            .iter()
            .filter_map(|lease| Some(((lease.account.clone(), lease.task.clone()?), lease.intent)))
            .collect();
        Batch { known, open, plan }
    }

    fn intent(&mut self, intent: &Intent) -> Verdict {
        let id = intent.record.id;
        if self.known.committed.contains(&id) {
            return Verdict::Done;
        }
        // What was journaled has been sent: whatever else there is, it is recorded.
        let journaled = intent.record.detail.journaled;
        if let Some(refused) = self.objection(intent).filter(|_| !journaled) {
            return refused;
        }
        let account = &intent.record.account;
        let tasks: BTreeSet<TaskKey> = intent.tasks.iter().map(|seen| task_key(account, &seen.id)).collect();
        let leased: Vec<TaskKey> = tasks.iter().filter(|key| !self.open.contains_key(key)).cloned().collect();

        self.known.committed.insert(id);
        self.plan.intents.push(clean::intent(&intent.record));
        let none = leased.is_empty().then(|| (clean::text(account).into_owned(), None));
        let rows = leased.iter().cloned().map(|(account, task)| (account, Some(task))).chain(none);
        for (account, task) in rows {
            let lease = Lease { intent: id, account, task, ended: false };
            self.known.leases.push(lease.clone());
            self.plan.leases.push(lease);
        }
        for key in tasks {
            self.step(&key);
        }
        self.open.extend(leased.into_iter().map(|key| (key, id)));
        for (key, expires_at) in &intent.replay {
            let expires_at = clean::time(*expires_at);
            let kept = Remembered { id, key: key.clone(), answer: None, open: true, expires_at };
            self.known.kept.insert(key.key, kept.clone());
            self.plan.remember.insert(key.key, kept);
        }
        Verdict::Done
    }

    /// Why a change must not be made.
    fn objection(&self, intent: &Intent) -> Option<Verdict> {
        let mut kept = intent.replay.iter().filter_map(|(key, _)| self.known.kept.get(&key.key));
        if let Some(first) = kept.find(|kept| kept.open || kept.expires_at > intent.record.time) {
            return Some(Verdict::Replayed(first.clone()));
        }
        let account = &intent.record.account;
        let tasks: BTreeMap<TaskKey, i64> =
            intent.tasks.iter().map(|seen| (task_key(account, &seen.id), seen.changes)).collect();
        if let Some(key) = tasks.keys().find(|key| self.open.contains_key(*key)) {
            return Some(Verdict::Busy { task: key.1.clone() });
        }
        let stale = tasks.iter().find(|(key, seen)| self.changes(key) != **seen);
        stale.map(|(key, _)| Verdict::Stale { task: key.1.clone() })
    }

    fn closed(&mut self, closed: &Closed) -> Verdict {
        let record = clean::ended(&closed.record);
        let id = record.id;
        let memory = memory(closed);
        if self.known.recorded.insert(id) {
            self.plan.records.push(record);
        }
        if !closed.intended {
            return Verdict::Done;
        }
        let (held, others) = std::mem::take(&mut self.known.leases).into_iter().partition(|lease| lease.intent == id);
        self.known.leases = others;
        let held: Vec<Lease> = held;
        if held.is_empty() {
            // Its end was committed before, and everything that goes with it.
            return Verdict::Done;
        }
        let before = self.plan.leases.len();
        self.plan.leases.retain(|lease| lease.intent != id);
        if self.plan.leases.len() == before {
            self.plan.release.push(id);
        }
        for lease in held {
            if let Some(task) = lease.task {
                let key = (lease.account, task);
                self.open.remove(&key);
                // A state that was read while the change was open may be from before its effect.
                self.step(&key);
            }
        }
        self.conclude(id, memory, until(closed));
        Verdict::Done
    }

    fn own(&mut self, account: &str, task: &str, team: &str) -> Verdict {
        let team = clean::text(team).into_owned();
        self.plan.tasks.entry(task_key(account, task)).or_default().team = Some(team);
        Verdict::Done
    }

    fn settled(&mut self, settlement: &Settlement) -> Verdict {
        if !self.known.settled.insert(settlement.id) {
            return Verdict::Done;
        }
        self.plan.settlements.push(clean::settlement(settlement));
        match &settlement.made {
            Some(made) => self.own(&made.account, &made.task, &made.team),
            None => Verdict::Done,
        }
    }

    fn conclude(&mut self, id: Uuid, memory: Memory, until: Option<Timestamp>) {
        match memory {
            Memory::Forget => {
                self.known.kept.retain(|_, kept| kept.id != id);
                self.plan.remember.retain(|_, kept| kept.id != id);
                self.plan.forget.push(id);
            }
            Memory::Keep(answer) => {
                let all = self.plan.remember.values_mut().chain(self.known.kept.values_mut());
                for kept in all.filter(|kept| kept.id == id) {
                    kept.open = false;
                    kept.answer.clone_from(&answer);
                    kept.expires_at = until.map_or(kept.expires_at, |until| until.max(kept.expires_at));
                }
                if answer.is_some() || until.is_some() {
                    self.plan.ends.push(End { id, answer, until });
                }
            }
        }
    }

    fn changes(&self, key: &TaskKey) -> i64 {
        self.known.changes.get(key).copied().unwrap_or(0)
    }

    fn step(&mut self, key: &TaskKey) {
        *self.known.changes.entry(key.clone()).or_default() += 1;
        self.plan.tasks.entry(key.clone()).or_default().steps += 1;
    }
}

/// Until when a change is remembered for what it bought: the window counts from its end, so that a purchase whose answer
/// was long in coming, or never came, is guarded as long as any other.
pub(super) fn until(closed: &Closed) -> Option<Timestamp> {
    let window = closed.window?;
    let took = SignedDuration::from_millis(closed.record.detail.total_ms);
    let end = closed.record.time.checked_add(took).ok()?;
    end.checked_add(window).ok().map(clean::time)
}

/// What was not carried out is forgotten: a refusal of ours, and the cloud's throttling, which says "later". Of what
/// nobody knows the outcome of, only that it happened is kept, so that nobody does it again.
pub(super) fn memory(closed: &Closed) -> Memory {
    match closed.record.outcome {
        Outcome::Refused => Memory::Forget,
        Outcome::Failed if closed.record.detail.throttled => Memory::Forget,
        Outcome::Ok | Outcome::Failed => Memory::Keep(closed.answer.as_ref().map(|answer| answer.to_vec())),
        Outcome::Unknown | Outcome::Open => Memory::Keep(None),
    }
}

/// A task's key as both databases have it.
pub(super) fn task_key(account: &str, task: &str) -> TaskKey {
    (clean::text(account).into_owned(), clean::text(task).into_owned())
}
