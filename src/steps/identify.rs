//! Which action of which version? And nothing else: who is calling, and whether the parameters are right, comes later,
//! so that a stranger learns no more than the public documentation says.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::call::{Call, Identified, Refusal, Request};
use crate::gate::Gate;
use crate::parameters::{Value, write_json};
use crate::provider::{Action, Providers, REDACTION, Version};
use crate::sign::claimed_key_id;

/// Longest text of parameters in a record, in bytes; the digest covers all of them.
const LONGEST_PARAMETERS: usize = 16 * 1024;

/// How many tasks the record names of a call whose caller has proven nothing yet; `authorize` adds the others.
const MOST_UNPROVEN_TASKS: usize = 100;

/// Longest id of such a task in a record, in bytes: many times the longest that a cloud makes.
const LONGEST_UNPROVEN_ID: usize = 256;

/// The step.
pub struct Identify {
    providers: Arc<Providers>,
    digest: Hmac<Sha256>,
}

impl Identify {
    /// Identifies by `providers`; digests of parameters are keyed with `digest_key`.
    pub fn new(providers: Arc<Providers>, digest_key: &SecretSlice<u8>) -> Identify {
        Identify { providers, digest: keyed(digest_key.expose_secret()) }
    }

    fn parameters_digest(&self, request: &Request) -> String {
        let mac = self.digest.clone().chain_update(write_json(&request.parameters));
        hex::encode(mac.finalize().into_bytes())
    }
}

impl Gate for Identify {
    type In = Call;
    type Out = Identified;

    async fn check(&self, mut call: Call) -> Result<Identified, Refusal> {
        if let Some(refusal) = call.unreadable.take() {
            note_claim(&call);
            return Err(refusal);
        }
        let (version, action) = rows(&self.providers, &call.request).inspect_err(|_| note_claim(&call))?;
        leave_to_the_protocol(&mut call.request, &action);
        call.record.update(|record| {
            record.detail.kind = action.kind.name().to_owned();
            record.detail.table = version.digest().to_owned();
            record.detail.redaction = REDACTION;
            record.detail.parameters =
                bounded(write_json(&action.redacted(&call.request.parameters)), LONGEST_PARAMETERS);
            record.detail.parameters_digest = self.parameters_digest(&call.request);
            let tasks = action.task_ids(&call.request.parameters).into_iter().take(MOST_UNPROVEN_TASKS);
            record.task_ids = tasks.map(|task| bounded(task.id, LONGEST_UNPROVEN_ID)).collect();
        });
        Ok(Identified { call, version, action })
    }
}

/// Nobody has proven anything yet, but whose key was claimed is worth knowing of a call that ends here.
fn note_claim(call: &Call) {
    call.record.update(|record| record.key_id = claimed_key_id(&call.wire).unwrap_or_default());
}

/// An HMAC that is ready for its first byte.
#[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length; the crate's error is its trait's")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn rows(providers: &Providers, request: &Request) -> Result<(Arc<Version>, Arc<Action>), Refusal> {
    let missing = |path: &str| Refusal::ParameterMissing { path: path.to_owned() };
    if request.action.is_empty() {
        return Err(missing("Action"));
    }
    if request.version.is_empty() {
        return Err(missing("Version"));
    }
    // A version of another family is none here: it would be judged by one dialect and answered in another.
    let is_familys = |version: &&Arc<Version>| version.family == request.family;
    let version = providers.version(&request.version).filter(is_familys);
    let version = version.ok_or_else(|| Refusal::VersionUnknown {
        version: printable(&request.version),
        served: providers.versions().filter(is_familys).map(|version| version.version.clone()).collect(),
    })?;
    let unknown = || Refusal::ActionUnknown { action: printable(&request.action), version: version.version.clone() };
    let action = version.action(&request.action).ok_or_else(unknown)?;
    Ok((Arc::clone(version), Arc::clone(action)))
}

/// Takes out the parameters that turn out to be the protocol's, now that the action is known.
fn leave_to_the_protocol(request: &mut Request, action: &Action) {
    let unless_own = request.unless_own;
    if let Value::Object(members) = &mut request.parameters {
        members.retain(|(name, _)| !unless_own.contains(&name.as_str()) || action.parameters.field(name).is_some());
    }
}

/// A caller's text, short and without control characters, for a message.
fn printable(text: &str) -> String {
    text.chars().take(64).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// At most so many bytes of a text, and a sign that there was more.
fn bounded(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_of_the_requests_own_family() {
        let providers = Providers::embedded().unwrap();
        let family = |version: &str| providers.version(version).unwrap().family;
        let mut request = Request::unread(family("2018-03-30"));
        (request.version, request.action) = ("2018-03-30".to_owned(), "StopMigrateJob".to_owned());
        assert!(rows(&providers, &request).is_ok());
        request.family = family("2020-01-01");
        let Err(Refusal::VersionUnknown { served, .. }) = rows(&providers, &request) else { panic!("it was found") };
        assert!(!served.contains(&request.version), "{served:?}");
    }

    #[test]
    fn a_parameter_is_the_protocols_unless_the_action_has_it() {
        let providers = Providers::embedded().unwrap();
        let version = providers.version("2018-03-30").unwrap();
        let action = version.action("StopMigrateJob").unwrap();
        let mut request = Request::unread(version.family);
        request.unless_own = &["JobId", "RegionId"];
        let member = |name: &str| (name.to_owned(), Value::Text("x".to_owned()));
        request.parameters = Value::Object(vec![member("JobId"), member("RegionId"), member("Other")]);
        leave_to_the_protocol(&mut request, action);
        assert_eq!(request.parameters, Value::Object(vec![member("JobId"), member("Other")]));
    }
}
