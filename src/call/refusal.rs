//! A refusal: a closed enum, each variant with the facts that its message needs.
//!
//! The families' codes and statuses are in `dialect`; what a caller reads is here, once for all families.

use std::time::Duration;

use super::{Duplicate, Reason};
use crate::provider::{KeyWords, UNKNOWN_MEMBER};

/// Why a call is not made, or why its outcome is not known.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "fields are named for what the message says of them")]
pub enum Refusal {
    CredentialsMissing,
    SignatureMismatch {
        why: String,
    },
    KeyUnknown,
    KeyRevoked,
    KeyExpired,
    SignatureExpired {
        signed: i64,
        now: i64,
    },
    NonceReused,
    /// `malformed`: it is no token at all, rather than one that is not accepted.
    TokenInvalid {
        why: String,
        malformed: bool,
    },
    NotGranted {
        why: String,
    },
    DangerousParameter {
        danger: String,
        parameter: String,
    },
    ActionUnknown {
        action: String,
        version: String,
    },
    VersionUnknown {
        version: String,
        served: Vec<String>,
    },
    RegionUnknown {
        region: String,
    },
    ParameterMissing {
        path: String,
    },
    ParameterUnknown {
        path: String,
    },
    ParameterType {
        path: String,
        expected: String,
    },
    RequestMalformed {
        why: String,
    },
    ParameterConflict {
        name: String,
    },
    TooLarge {
        what: String,
        limit: u64,
    },
    RateLimited {
        limit: Limit,
        retry_after: Duration,
    },
    StateForbids {
        task: TaskState,
        action: String,
    },
    StateUnknown {
        task: TaskState,
        action: String,
    },
    TaskBusy {
        task: String,
    },
    StateUnavailable {
        task: String,
        why: String,
    },
    TaskNotFound {
        task: String,
    },
    PurchaseDuplicate(Box<Duplicate>),
    IdempotencyConflict {
        why: String,
    },
    AuditUnavailable,
    Overloaded,
    Draining,
    UpstreamUnreachable {
        why: String,
    },
    OutcomeUnknown {
        why: String,
    },
    CallerGone,
    Internal,
}

/// The limit that a call ran into.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limit {
    /// `cloud` for the cloud's quota, `caller` for the caller's own.
    pub kind: &'static str,
    /// Its name, such as `DescribeMigrateJobs`.
    pub name: String,
    /// Calls in a window.
    pub quota: u32,
    /// The window.
    pub window: Duration,
}

/// What is known of a task that stands in the way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TaskState {
    /// The task's id.
    pub id: String,
    /// Its state, by name.
    pub state: String,
    /// A sentence without its full stop: in which states, or under what condition, the action is allowed.
    pub needed: String,
    /// The actions that are allowed in the state that it is in.
    pub legal: Vec<String>,
}

impl Refusal {
    /// The reason's slug.
    pub fn reason(&self) -> Reason {
        match self {
            Refusal::CredentialsMissing => Reason::CredentialsMissing,
            Refusal::SignatureMismatch { .. } => Reason::SignatureMismatch,
            Refusal::KeyUnknown => Reason::KeyUnknown,
            Refusal::KeyRevoked => Reason::KeyRevoked,
            Refusal::KeyExpired => Reason::KeyExpired,
            Refusal::SignatureExpired { .. } => Reason::SignatureExpired,
            Refusal::NonceReused => Reason::NonceReused,
            Refusal::TokenInvalid { .. } => Reason::TokenInvalid,
            Refusal::NotGranted { .. } => Reason::NotGranted,
            Refusal::DangerousParameter { .. } => Reason::DangerousParameter,
            Refusal::ActionUnknown { .. } => Reason::ActionUnknown,
            Refusal::VersionUnknown { .. } => Reason::VersionUnknown,
            Refusal::RegionUnknown { .. } => Reason::RegionUnknown,
            Refusal::ParameterMissing { .. } => Reason::ParameterMissing,
            Refusal::ParameterUnknown { .. } => Reason::ParameterUnknown,
            Refusal::ParameterType { .. } => Reason::ParameterType,
            Refusal::RequestMalformed { .. } => Reason::RequestMalformed,
            Refusal::ParameterConflict { .. } => Reason::ParameterConflict,
            Refusal::TooLarge { .. } => Reason::TooLarge,
            Refusal::RateLimited { .. } => Reason::RateLimited,
            Refusal::StateForbids { .. } => Reason::StateForbids,
            Refusal::StateUnknown { .. } => Reason::StateUnknown,
            Refusal::TaskBusy { .. } => Reason::TaskBusy,
            Refusal::StateUnavailable { .. } => Reason::StateUnavailable,
            Refusal::TaskNotFound { .. } => Reason::TaskNotFound,
            Refusal::PurchaseDuplicate(_) => Reason::PurchaseDuplicate,
            Refusal::IdempotencyConflict { .. } => Reason::IdempotencyConflict,
            Refusal::AuditUnavailable => Reason::AuditUnavailable,
            Refusal::Overloaded => Reason::Overloaded,
            Refusal::Draining => Reason::Draining,
            Refusal::UpstreamUnreachable { .. } => Reason::UpstreamUnreachable,
            Refusal::OutcomeUnknown { .. } => Reason::OutcomeUnknown,
            Refusal::CallerGone => Reason::CallerGone,
            Refusal::Internal => Reason::Internal,
        }
    }

    /// When the same call is worth trying again, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Refusal::RateLimited { retry_after, .. } => Some(*retry_after),
            Refusal::PurchaseDuplicate(duplicate) => Some(duplicate.retry_after),
            Refusal::TaskBusy { .. } | Refusal::AuditUnavailable | Refusal::Overloaded | Refusal::Draining => {
                Some(Duration::from_secs(1))
            }
            _ => None,
        }
    }

    /// The limit to show in the answer's headers.
    pub fn limit(&self) -> Option<&Limit> {
        match self {
            Refusal::RateLimited { limit, .. } => Some(limit),
            _ => None,
        }
    }

    /// Whether the cloud may have received the call: then its slot of the quota is spent and its outcome is open.
    pub fn may_have_been_sent(&self) -> bool {
        matches!(self, Refusal::OutcomeUnknown { .. })
    }

    /// What the caller reads: `[dts-gateway <reason>]`, then what is wrong and what to do.
    pub fn message(&self) -> String {
        self.message_in(KeyWords::PLAIN)
    }

    /// The same, with a family's words for the halves of a key pair.
    pub fn message_in(&self, words: KeyWords) -> String {
        format!("[dts-gateway {}]: {}", self.reason(), self.advice(words))
    }

    /// The same for a record, without the names that the caller has made up: a password that was not escaped falls apart
    /// into names of parameters. The caller reads them, a record does not keep them.
    pub fn recorded_message(&self, words: KeyWords) -> String {
        let without_names = match self {
            Refusal::ParameterUnknown { .. } => Refusal::ParameterUnknown { path: UNKNOWN_MEMBER.to_owned() },
            Refusal::ParameterConflict { name } => Refusal::ParameterConflict { name: without_quoted(name) },
            Refusal::RequestMalformed { why } => Refusal::RequestMalformed { why: without_quoted(why) },
            _ => return self.message_in(words),
        };
        without_names.message_in(words)
    }

    fn advice(&self, words: KeyWords) -> String {
        let KeyWords { id, secret } = words;
        match self {
            Refusal::CredentialsMissing => {
                format!(
                    "the request carries no credentials. Sign it with the {id} and {secret} that the gateway issued, or send Authorization with a Bearer token."
                )
            }
            Refusal::SignatureMismatch { why } => format!(
                "the signature does not verify, {why}. Check the {secret}, and that nothing between you and the gateway rewrites Host, body or query."
            ),
            Refusal::KeyUnknown => format!(
                "this {id} was not issued by the gateway. Use the key pair that the platform team gave you, not one of the cloud's."
            ),
            Refusal::KeyRevoked => "this key pair was revoked. Ask the platform team for a new one.".to_owned(),
            Refusal::KeyExpired => "this key pair has expired. Ask the platform team to rotate it.".to_owned(),
            Refusal::SignatureExpired { signed, now } => format!(
                "the signature's timestamp {signed} is too far from the gateway's clock, {now}. Set your clock and sign again."
            ),
            Refusal::NonceReused => "this nonce was used before. Sign each request anew.".to_owned(),
            Refusal::TokenInvalid { why, .. } => {
                format!("the token is not accepted, {why}. Get a new one from its issuer.")
            }
            Refusal::NotGranted { why } => format!("{why}. Ask for a grant in your team's file."),
            Refusal::DangerousParameter { danger, parameter } => {
                format!("{parameter} needs a grant that names the danger {danger}.")
            }
            Refusal::ActionUnknown { action, version } => {
                format!("there is no action {action} in version {version}. Check its spelling, case counts.")
            }
            Refusal::VersionUnknown { version, served } => {
                format!("the gateway does not serve API version {version}. It serves {}.", list(served))
            }
            Refusal::RegionUnknown { region } => format!("the region {region} is not one that this account can use."),
            Refusal::ParameterMissing { path } => format!("the parameter {path} is required."),
            Refusal::ParameterUnknown { path } => format!("there is no parameter {path} in this action."),
            Refusal::ParameterType { path, expected } => format!("the parameter {path} must be {expected}."),
            Refusal::RequestMalformed { why } => format!("the request can't be read, {why}."),
            Refusal::ParameterConflict { name } => {
                format!("{name} is given more than once, or with different values. Give it once.")
            }
            Refusal::TooLarge { what, limit } => format!("{what} is larger than the {limit} allowed."),
            Refusal::RateLimited { limit, retry_after } => format!(
                "the {} limit {} of {} in {} s is used up, and the call would have to wait longer than it may. Try again in {} s.",
                limit.kind,
                limit.name,
                limit.quota,
                limit.window.as_secs_f64(),
                retry_after.as_secs_f64().ceil()
            ),
            Refusal::StateForbids { task, action } => format!(
                "{action} is not allowed while task {} is {}. {}. {}",
                task.id,
                task.state,
                task.needed,
                legal_now(&task.legal)
            ),
            Refusal::StateUnknown { task, action } => format!(
                "task {} is in the state {}, which the gateway does not know, so {action} is refused. Reads still pass.",
                task.id, task.state
            ),
            Refusal::TaskBusy { task } => {
                format!("another change of task {task} is under way. Wait for it, then look at the task again.")
            }
            Refusal::StateUnavailable { task, why } => {
                format!("the state of task {task} could not be read, {why}. Nothing was changed. Try again.")
            }
            Refusal::TaskNotFound { task } => format!("the cloud knows no task {task} in this account and region."),
            Refusal::PurchaseDuplicate(duplicate) => duplicate.advice(),
            Refusal::IdempotencyConflict { why } => format!("{why}."),
            Refusal::AuditUnavailable => {
                "the audit log can't be written, so nothing was sent. Try again shortly.".to_owned()
            }
            Refusal::Overloaded => "the gateway has too much to do, nothing was sent. Try again shortly.".to_owned(),
            Refusal::Draining => "this instance is shutting down, nothing was sent. Try again.".to_owned(),
            Refusal::UpstreamUnreachable { why } => {
                format!("the cloud did not answer, {why}. Nothing was changed. Try again.")
            }
            Refusal::OutcomeUnknown { why } => format!(
                "the call was sent but {why}. It may have been carried out, look at the task before you repeat it."
            ),
            Refusal::CallerGone => "the caller hung up before the call was sent.".to_owned(),
            Refusal::Internal => "the gateway failed, not you. Tell the platform team the RequestId.".to_owned(),
        }
    }
}

/// What stands in quotation marks is the caller's own text, as `{:?}` writes it.
fn without_quoted(text: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    while let Some((before, quoted)) = rest.split_once('"') {
        kept.push_str(before);
        kept.push_str(UNKNOWN_MEMBER);
        let mut escaped = false;
        let end = quoted.find(|c| {
            let is_end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        rest = end.and_then(|end| quoted.get(end + 1..)).unwrap_or_default();
    }
    kept + rest
}

fn legal_now(actions: &[String]) -> String {
    match actions {
        [] => "No change is allowed now, wait for the next state.".to_owned(),
        _ => format!("Allowed now: {}.", actions.join(", ")),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_does_not_keep_names_that_the_caller_made_up() {
        let told = |refusal: Refusal| refusal.recorded_message(KeyWords::PLAIN);
        let name = "tail \" of\\ a password";
        for refusal in [
            Refusal::ParameterUnknown { path: format!("SrcInfo.{name}") },
            Refusal::ParameterConflict { name: format!("{name:?}") },
            Refusal::RequestMalformed { why: format!("the parameters {name:?} and {name:?} are given twice") },
            Refusal::RequestMalformed { why: "the end is missing of \"tail of a password".to_owned() },
        ] {
            assert!(refusal.message().contains("password"));
            let kept = told(refusal);
            assert!(kept.contains(UNKNOWN_MEMBER) && !kept.contains("password") && !kept.contains("tail"), "{kept}");
        }
        let header = Refusal::ParameterConflict { name: "the header host".to_owned() };
        assert_eq!(told(header.clone()), header.message());
        let twice = Refusal::RequestMalformed { why: "\"a\" is given twice, \"b\" too (line 1)".to_owned() };
        assert!(told(twice).contains("[unknown] is given twice, [unknown] too (line 1)"));
    }
}
