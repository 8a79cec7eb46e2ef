//! Before a change leaves, its intent is durable: the record, the lease of its tasks and its replay keys, in one
//! transaction. A change whose intent can't be had is not sent.
//!
//! The lease of a task is its open change. It ends when the record is closed, which the last holder of the record does.

use std::sync::Arc;

use super::authorize::Owners;
use super::replay::Replays;
use super::share::{self, SharedReads};
use super::state::States;
use crate::call::{Authorized, Outcome, Refusal, Reply};
use crate::dialect::Dialects;
use crate::gate::{Around, Next};
use crate::provider::Created;
use crate::store::{Entry, Intent, Verdict, Writer};

/// The step.
pub struct RecordIntent {
    writer: Writer,
    states: Arc<States>,
    owners: Arc<Owners>,
    replays: Arc<Replays>,
    reads: Arc<SharedReads>,
    dialects: Arc<Dialects>,
}

impl RecordIntent {
    /// Writes intents to `writer`.
    pub fn new(
        writer: Writer,
        states: Arc<States>,
        owners: Arc<Owners>,
        replays: Arc<Replays>,
        reads: Arc<SharedReads>,
        dialects: Arc<Dialects>,
    ) -> RecordIntent {
        RecordIntent { writer, states, owners, replays, reads, dialects }
    }

    /// The tasks that a creation made belong to the team whose call it was, durably, before their ids are told.
    async fn take_ownership(&self, created: &Creation, reply: &Reply) {
        let members = self.dialects.of(created.family).members(&reply.body);
        for id in members.iter().flat_map(|members| created.created.ids(members)) {
            created.record.update(|record| record.task_ids.push(id.clone()));
            if !created.is_owned {
                continue;
            }
            let own = || Entry::Own { account: created.account.clone(), task: id.clone(), team: created.team.clone() };
            self.owners.learn(&created.account, &id, &created.team);
            if self.writer.commit(own()).await.is_err() {
                tracing::warn!(
                    audit.task = id,
                    "the owner of a new task could not be stored yet; it waits for the database"
                );
                self.writer.submit(own());
            }
        }
    }
}

/// What has to be known of a creation after the call has gone on.
struct Creation {
    family: crate::provider::Family,
    created: Created,
    /// Tasks that belong to another task are owned through it.
    is_owned: bool,
    account: String,
    team: String,
    record: crate::call::RecordHandle,
}

impl Around for RecordIntent {
    type In = Authorized;
    type Out = Authorized;

    async fn around<N: Next<Authorized>>(&self, call: Authorized, next: N) -> Result<Reply, Refusal> {
        call.call.progress.commit();
        if !call.action.kind.is_change() {
            return next.run(call).await;
        }
        let record = call.call.record.clone();
        let mut intended = record.snapshot();
        intended.outcome = Outcome::Open;
        let intent = Intent {
            record: intended,
            tasks: call.seen.clone(),
            replay: self.replays.keys(&call),
            emergency: call.action.emergency,
        };
        match self.writer.commit(Entry::Intent(intent)).await {
            Err(_) => return Err(Refusal::AuditUnavailable),
            Ok(Verdict::Done) => record.mark_intended(self.replays.window(&call)),
            Ok(Verdict::Busy { task }) => return Err(Refusal::TaskBusy { task }),
            Ok(Verdict::Stale { task }) => {
                self.states.forget(&call.account.alias, &task);
                return Err(Refusal::TaskBusy { task });
            }
            Ok(Verdict::Replayed(first)) => return Err(self.replays.after(&call, &first)),
        }
        let names_one = call.subjects().next().is_some();
        let creates = call.action.creates.as_ref().filter(|created| !(created.unless_named && names_one));
        let created = creates.map(|created| Creation {
            family: call.version.family,
            created: created.clone(),
            is_owned: call.version.task_kind(&created.task).is_none_or(|kind| kind.parent.is_none()),
            account: call.account.alias.clone(),
            team: call.caller.team.clone(),
            record: record.clone(),
        });
        let _changing = self.states.change(&call.account.alias, &call.seen);
        let passing = self.reads.passing(&call.account.identity, share::tasks(&call));
        let reply = next.run(call).await;
        passing.ended().await;
        let reply = reply?;
        if let Some(created) = created.filter(|_| reply.upstream_code.is_none()) {
            self.take_ownership(&created, &reply).await;
        }
        record.remember(reply.body.clone());
        Ok(reply)
    }
}
