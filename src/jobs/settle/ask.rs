//! Asking the cloud, for nobody who waits: in turns of the background class.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::Settle;
use crate::call::{Account, AnswerForm, Caller, Form, Progress, Refusal, Signing};
use crate::cloud::{Message, Silence, TurnRequest};
use crate::parameters::Value;
use crate::provider::Version;
use crate::quota::Class;

/// How long a question waits for its turn: after that callers need the quota more, and it is asked again later.
const TURN: Duration = Duration::from_secs(5);

/// Where a change went.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) account: Arc<Account>,
    pub(super) version: Arc<Version>,
    pub(super) region: String,
    pub(super) host: String,
}

/// What the cloud said.
pub(super) enum Answer {
    /// The members of a good answer.
    Members(Value),
    /// There is no such task.
    NoTask,
}

impl Settle {
    /// Asks once.
    ///
    /// # Errors
    /// Why there is no answer that says anything; it can be asked again.
    pub(super) async fn ask(&self, place: &Place, action: &str, parameters: &Value) -> Result<Answer, String> {
        let Place { account, version, region, host } = place;
        let action = version.action(action).ok_or("the tables do not have the question any more")?;
        let caller = background();
        let wanted =
            TurnRequest { account, action, region, host, caller: &caller, class: Class::Background, max_wait: TURN };
        let progress = Progress::default();
        let _in_flight = self.cloud.turn(&wanted, progress.clone()).await.map_err(|refusal| refusal.message())?;
        let message = Message {
            account,
            version,
            action,
            region,
            host,
            form: Form::Json,
            answer_form: AnswerForm::Json,
            signing: Signing::InHeaders,
            parameters,
        };
        let heard = self.cloud.say(&message, &progress).await.map_err(why)?;
        match &heard.reply.upstream_code {
            Some(code) if version.is_task_not_found(code) => Ok(Answer::NoTask),
            Some(code) => Err(format!("the cloud answered {code}")),
            None => {
                let members = self.dialects.of(version.family).members(&heard.body);
                members.map(Answer::Members).ok_or_else(|| "the cloud's answer can't be read".to_owned())
            }
        }
    }
}

/// Who asks, for the quota's fair shares.
fn background() -> Caller {
    Caller {
        name: "settling".to_owned(),
        team: String::new(),
        accounts: Vec::new(),
        weight: NonZeroU32::MIN,
        require_signed_headers: Vec::new(),
        pace: None,
        grants: Vec::new(),
        policy: "".into(),
    }
}

fn why(silence: Silence) -> String {
    match silence {
        Silence::Unsent(why) | Silence::Unanswered(why) => why,
        Silence::Unsayable(refusal) => Refusal::message(&refusal),
    }
}
