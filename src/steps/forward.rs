//! The end of the path: says the call to the cloud and brings its answer back. What was judged is what is said.

use std::sync::Arc;
use std::time::Duration;

use super::state::States;
use super::turn::wanted;
use crate::call::{Authorized, Outcome, Progress, Reason, Refusal, Reply};
use crate::cloud::{Cloud, Heard, Message, Silence};
use crate::dialect::Dialects;
use crate::gate::Answer;
use crate::provider::TaskRef;

/// A read is asked again only if its connection broke this soon. A cloud that stalls would stall the second time too,
/// and the caller's own client gives up after a minute (the Python SDK's default).
const SOON: Duration = Duration::from_secs(5);

/// The innermost service.
#[derive(Clone)]
pub struct Forward {
    cloud: Arc<Cloud>,
    states: Arc<States>,
    dialects: Arc<Dialects>,
}

impl Forward {
    /// Forwards through `cloud`; what answers tell of tasks goes to `states`.
    pub fn new(cloud: Arc<Cloud>, states: Arc<States>, dialects: Arc<Dialects>) -> Forward {
        Forward { cloud, states, dialects }
    }

    async fn forward(&self, call: Authorized) -> Result<Reply, Refusal> {
        let asked_at = tokio::time::Instant::now();
        if call.action.kind.is_change() {
            // From here on a record that nobody completes must say so.
            call.call.record.update(|record| {
                record.outcome = Outcome::Unknown;
                record.reason = Some(Reason::OutcomeUnknown.slug().to_owned());
            });
        }
        let heard = match self.say(&call, &call.call.progress).await {
            Err(Silence::Unanswered(why)) if !call.action.kind.is_change() && asked_at.elapsed() < SOON => {
                self.ask_again(&call, why).await?
            }
            other => other.map_err(|silence| refusal(silence, call.action.kind.is_change()))?,
        };
        self.learn(&call, &heard, asked_at);
        Ok(heard.reply)
    }

    /// A read whose connection broke may be asked once more, in a turn of its own: the first may have been counted. Without
    /// one it stays unanswered; `rate-limited` would say that it was never sent.
    async fn ask_again(&self, call: &Authorized, why: String) -> Result<Heard, Refusal> {
        let progress = Progress::default();
        let turn = self.cloud.turn(&wanted(call), progress.clone()).await;
        let _in_flight = turn.map_err(|_no_turn| refusal(Silence::Unanswered(why), false))?;
        self.say(call, &progress).await.map_err(|silence| refusal(silence, false))
    }

    async fn say(&self, call: &Authorized, progress: &Progress) -> Result<Heard, Silence> {
        let message = Message {
            account: &call.account,
            version: &call.version,
            action: &call.action,
            region: &call.region,
            host: &call.host,
            form: call.call.request.form,
            answer_form: call.call.request.answer_form,
            signing: call.call.request.signing,
            parameters: &call.call.request.parameters,
        };
        self.cloud.say(&message, progress).await
    }

    fn learn(&self, call: &Authorized, heard: &Heard, asked_at: tokio::time::Instant) {
        let code = heard.reply.upstream_code.as_deref();
        let is_throttled = code.is_some_and(|code| call.version.is_throttled(code));
        call.call.record.update(|record| {
            record.detail.upstream_status = Some(heard.reply.status.as_u16());
            record.detail.upstream_ms = Some(milliseconds(heard.took));
            record.detail.throttled = is_throttled;
        });
        if heard.reply.upstream_code.is_some() || call.version.state_sources(&call.action.name).next().is_none() {
            return;
        }
        let Some(members) = self.dialects.of(call.version.family).members(&heard.body) else { return };
        let alias = &call.account.alias;
        for (kind, source) in call.version.state_sources(&call.action.name) {
            let observed = source.observe(&members);
            let is_lacking = |task: &&TaskRef| task.kind == kind.name && observed.iter().all(|seen| seen.id != task.id);
            for task in call.tasks.iter().filter(is_lacking) {
                self.states.missed(alias, &task.id);
            }
            for observation in observed {
                self.states.overheard(alias, observation, asked_at);
            }
        }
    }
}

impl tower::Service<Authorized> for Forward {
    type Response = Reply;
    type Error = Refusal;
    type Future = Answer;

    fn poll_ready(&mut self, _context: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Refusal>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Authorized) -> Answer {
        let forward = self.clone();
        Box::pin(async move { forward.forward(call).await })
    }
}

/// A change without an answer is open, whatever the reason; it is never sent again.
fn refusal(silence: Silence, is_change: bool) -> Refusal {
    match silence {
        Silence::Unsayable(refusal) => refusal,
        Silence::Unanswered(why) if is_change => Refusal::OutcomeUnknown { why },
        Silence::Unsent(why) => Refusal::UpstreamUnreachable { why: format!("{why}, so nothing was sent") },
        Silence::Unanswered(why) => Refusal::UpstreamUnreachable { why },
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
