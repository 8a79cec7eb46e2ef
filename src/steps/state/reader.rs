//! Learns the state of a task: from memory where that is fresh, else from the cloud, in a turn of the quota that waits
//! in the class of the call that needs it. Many who need the same task ask once.

use std::sync::Arc;

use tokio::time::Instant;

use super::super::turn::{class_of, note_granted, note_refused};
use super::decide::{Verdict, decide, mode_name, state_name};
use super::{Known, StateOptions, States};
use crate::call::{AnswerForm, Authorized, Form, Progress, Refusal, SeenTask, Signing, StateSeen};
use crate::cloud::{Cloud, Message, Silence, TurnRequest};
use crate::dialect::Dialects;
use crate::provider::{Action, TaskKind, TaskRef};
use crate::store::Writer;

/// Reads and judges states.
pub struct StateReader {
    states: Arc<States>,
    cloud: Arc<Cloud>,
    writer: Writer,
    dialects: Arc<Dialects>,
    options: StateOptions,
}

impl StateReader {
    /// A reader that remembers in `states`.
    pub fn new(
        states: Arc<States>,
        cloud: Arc<Cloud>,
        writer: Writer,
        dialects: Arc<Dialects>,
        options: StateOptions,
    ) -> StateReader {
        StateReader { states, cloud, writer, dialects, options }
    }

    /// Whether the states of a call's tasks allow it, each read if it has to be.
    pub(super) async fn judge(&self, call: &Authorized) -> Result<Vec<SeenTask>, Refusal> {
        let mut seen = Vec::with_capacity(call.tasks.len());
        let mut states = Vec::with_capacity(call.tasks.len());
        let mut observed = Vec::new();
        for task in call.subjects() {
            let known = self.read(call, task).await?;
            states.push(StateSeen {
                task: task.id.clone(),
                state: state_name(call.version.task_kind(&task.kind).map(|kind| &**kind), &known.observed),
                age_ms: i64::try_from(known.asked_at.elapsed().as_millis()).unwrap_or(i64::MAX),
                mode: mode_name(call, task, &self.options).to_owned(),
            });
            let verdict = decide(call, task, &known.observed, &self.options);
            if let Verdict::Observed(refusal) = &verdict {
                observed.push(refusal.message());
            }
            call.call.record.update(|record| {
                record.detail.states.clone_from(&states);
                record.detail.observed.clone_from(&observed);
            });
            if let Verdict::Refused(refusal) = verdict {
                return Err(refusal);
            }
            seen.push(SeenTask { id: task.id.clone(), changes: known.changes });
        }
        // Leases are taken in one order by everybody.
        seen.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(seen)
    }

    /// Whether every state that the call depends on is known already.
    pub(super) fn knows(&self, call: &Authorized) -> bool {
        let alias = &call.account.alias;
        call.subjects().all(|task| self.states.known(alias, &task.id, self.options.max_age).is_some())
    }

    async fn read(&self, call: &Authorized, task: &TaskRef) -> Result<Known, Refusal> {
        let alias = &call.account.alias;
        let fresh = || self.states.known(alias, &task.id, self.options.max_age);
        if let Some(known) = fresh() {
            return Ok(known);
        }
        let asking = self.states.asking(alias, &task.id);
        let _one_asks = asking.lock().await;
        match fresh() {
            Some(known) => Ok(known),
            None => self.ask(call, task).await,
        }
    }

    async fn ask(&self, call: &Authorized, task: &TaskRef) -> Result<Known, Refusal> {
        let unavailable = |why: &str| Refusal::StateUnavailable { task: task.id.clone(), why: why.to_owned() };
        let kind = call.version.task_kind(&task.kind).ok_or(Refusal::Internal)?;
        let action = call.version.action(&kind.read.source.action).ok_or(Refusal::Internal)?;
        let id = [task.id.clone()];
        let rows = self.writer.tasks(&call.account.alias, &id).await.map_err(|_| Refusal::AuditUnavailable)?;
        let changes = rows.first().map(|row| row.changes).unwrap_or_default();
        let progress = Progress::default();
        let record = &call.call.record;
        let in_flight = self.cloud.turn(&wanted(call, action), progress.clone()).await;
        let in_flight = in_flight.inspect_err(|refusal| note_refused(record, action, refusal))?;
        note_granted(record, action, in_flight.waited());
        let asked_at = Instant::now();
        let parameters = kind.read.request(task);
        let message = Message {
            account: &call.account,
            version: &call.version,
            action,
            region: &call.region,
            host: &call.host,
            form: Form::Json,
            answer_form: AnswerForm::Json,
            signing: Signing::InHeaders,
            parameters: &parameters,
        };
        let heard = self.cloud.say(&message, &progress).await;
        drop(in_flight);
        let heard = heard.map_err(|silence| match silence {
            Silence::Unsent(why) | Silence::Unanswered(why) => unavailable(&why),
            Silence::Unsayable(refusal) => refusal,
        })?;
        match &heard.reply.upstream_code {
            Some(code) if call.version.is_task_not_found(code) => Err(Refusal::TaskNotFound { task: task.id.clone() }),
            Some(code) => Err(unavailable(&format!("the cloud answered {code}"))),
            None => self.understand(call, kind, task, &heard.body, asked_at, changes),
        }
    }

    fn understand(
        &self,
        call: &Authorized,
        kind: &TaskKind,
        task: &TaskRef,
        body: &[u8],
        asked_at: Instant,
        changes: i64,
    ) -> Result<Known, Refusal> {
        let unreadable = || Refusal::StateUnavailable {
            task: task.id.clone(),
            why: "the cloud's answer does not say it".to_owned(),
        };
        let members = self.dialects.of(call.version.family).members(body).ok_or_else(unreadable)?;
        let observed = kind.read.source.observe(&members).into_iter().find(|observation| observation.id == task.id);
        let observation = observed.ok_or_else(|| Refusal::TaskNotFound { task: task.id.clone() })?;
        Ok(self.states.learn(&call.account.alias, observation, asked_at, changes))
    }
}

fn wanted<'a>(call: &'a Authorized, action: &'a Action) -> TurnRequest<'a> {
    TurnRequest {
        account: &call.account,
        action,
        region: &call.region,
        host: &call.host,
        caller: &call.caller,
        class: class_of(&call.action),
        max_wait: call.wait_until.saturating_duration_since(Instant::now()),
    }
}
