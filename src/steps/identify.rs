//! Which action of which version? And nothing else: who is calling, and whether the parameters are right, comes later,
//! so that a stranger learns no more than the public documentation says.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::call::{Call, Identified, Refusal, Request};
use crate::gate::Gate;
use crate::parameters::write_json;
use crate::provider::{Action, Providers, Version};
use crate::sign::claimed_key_id;

/// Longest text of parameters in a record, in bytes; the digest covers all of them.
const LONGEST_PARAMETERS: usize = 16 * 1024;

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
        call.record.update(|record| {
            record.detail.kind = action.kind.name().to_owned();
            record.detail.table = version.digest().to_owned();
            record.detail.parameters = bounded(write_json(&action.redacted(&call.request.parameters)));
            record.detail.parameters_digest = self.parameters_digest(&call.request);
            record.task_ids = action.task_ids(&call.request.parameters).into_iter().map(|task| task.id).collect();
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
    let version = providers.version(&request.version);
    let version = version.ok_or_else(|| Refusal::VersionUnknown {
        version: printable(&request.version),
        served: providers.versions().map(|version| version.version.clone()).collect(),
    })?;
    let unknown = || Refusal::ActionUnknown { action: printable(&request.action), version: version.version.clone() };
    let action = version.action(&request.action).ok_or_else(unknown)?;
    Ok((Arc::clone(version), Arc::clone(action)))
}

/// A caller's text, short and without control characters, for a message.
fn printable(text: &str) -> String {
    text.chars().take(64).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

fn bounded(mut text: String) -> String {
    if text.len() > LONGEST_PARAMETERS {
        text.truncate(text.floor_char_boundary(LONGEST_PARAMETERS));
        text.push('…');
    }
    text
}
