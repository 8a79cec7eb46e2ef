//! What a change is recognised by: digests only.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::call::{Authorized, Mark, Proof, Recognition, ReplayKey};
use crate::parameters::{Value, write_json};
use crate::provider::Kind;

/// Twice the longest clock skew that any scheme accepts, 900 s: a signature dated into the future is accepted no longer
/// than that.
const REMEMBER_SIGNATURE: Duration = Duration::from_secs(1800);

/// A day, as long as a caller's own retries may reasonably take.
const REMEMBER_IDEMPOTENCY_KEY: Duration = Duration::from_secs(24 * 3600);

/// Under what a second arrival of a change is found, at the time `now`, and how long. Only signed changes and those with
/// an `Idempotency-Key` can be.
///
/// No SDK's signature covers that header, so it does not stand in for the signature: whoever captured a request could
/// write another key beside it, or leave it out, and have the change made again. The key counts first, since a retry
/// that is signed anew is the same change by its key alone.
pub(super) fn replay(call: &Authorized, now: Timestamp) -> Vec<Recognition> {
    if !call.action.kind.is_change() {
        return Vec::new();
    }
    let parameters = &call.call.request.parameters;
    let idempotency_key = call.call.request.idempotency_key.as_deref();
    let by_key = idempotency_key.map(|key| {
        let key = digest([b"idempotency-key", call.caller.name.as_bytes(), key.as_bytes()]);
        // A client may write the members of the same change in another order each time.
        let content = content(call, &write_json(&plain(parameters)));
        Recognition {
            mark: Mark::IdempotencyKey,
            key: ReplayKey { key, content },
            until: now + REMEMBER_IDEMPOTENCY_KEY,
        }
    });
    let by_signature = match &call.proof {
        Proof::Token { .. } => None,
        // The same signature is the same key then, which is remembered for longer.
        Proof::Signature { covers_idempotency_key: true, .. } if by_key.is_some() => None,
        Proof::Signature { fingerprint, .. } => {
            let content = content(call, &write_json(parameters));
            let key = digest([b"signature".as_slice(), fingerprint, &content]);
            let content = idempotency_key.map_or(content, |key| digest([content.as_slice(), key.as_bytes()]));
            let key = ReplayKey { key, content };
            Some(Recognition { mark: Mark::Signature, key, until: now + REMEMBER_SIGNATURE })
        }
    };
    by_key.into_iter().chain(by_signature).collect()
}

/// Under what an equal purchase of the same caller is found. An `Idempotency-Key` says which purchases are one, and a
/// grant may say that equal ones are meant: neither needs this guess.
pub(super) fn purchase(call: &Authorized) -> Option<ReplayKey> {
    let guessed = call.call.request.idempotency_key.is_none() && !call.repeat_purchases;
    if call.action.kind != Kind::Purchase || !guessed {
        return None;
    }
    let content = content(call, &write_json(&plain(&call.call.request.parameters)));
    let key = digest([b"purchase".as_slice(), call.caller.name.as_bytes(), &content]);
    Some(ReplayKey { key, content })
}

fn content(call: &Authorized, parameters: &str) -> [u8; 32] {
    let what = [call.account.alias.as_str(), &call.version.version, &call.action.name, &call.region, parameters];
    digest(what.map(str::as_bytes))
}

/// The same for all ways of writing the same parameters: members in the order of their names, scalars as texts (a form
/// has nothing else), null left out. What is bought does not depend on how it was written.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let there = members.iter().filter(|(_, value)| *value != Value::Null);
            let mut members: Vec<_> = there.map(|(name, value)| (name.clone(), plain(value))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members)
        }
        Value::List(items) => Value::List(items.iter().map(plain).collect()),
        scalar => scalar.as_text().map_or(Value::Null, |text| Value::String(text.to_owned())),
    }
}

/// SHA-256 over parts, each preceded by its length, so that no two lists of parts have the same input.
fn digest<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::{JsonLimits, read_json, unflatten};

    fn json(text: &str) -> String {
        write_json(&plain(&read_json(text.as_bytes(), &JsonLimits::default()).unwrap()))
    }

    #[test]
    fn parameters_are_equal_however_they_are_written() {
        let written = json(r#"{"Product":"mysql","Count":1,"Tags":[{"Key":"a","Value":"b"}],"Auto":true}"#);
        assert_eq!(
            written,
            json(r#"{"Auto":true, "Tags":[{"Value":"b","Key":"a"}], "Name":null, "Count":1,"Product":"mysql"}"#)
        );
        let pairs =
            [("Count", "1"), ("Product", "mysql"), ("Auto", "true"), ("Tags.0.Key", "a"), ("Tags.0.Value", "b")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(written, write_json(&plain(&unflatten(&pairs).unwrap())));
    }

    #[test]
    fn other_parameters_are_other_purchases() {
        let texts = [
            r#"{}"#,
            r#"{"A":1}"#,
            r#"{"A":2}"#,
            r#"{"B":1}"#,
            r#"{"A":[1]}"#,
            r#"{"A":[1,2]}"#,
            r#"{"A":[2,1]}"#,
            r#"{"A":{"B":1}}"#,
        ];
        for (at, one) in texts.iter().enumerate() {
            for other in &texts[at + 1..] {
                assert_ne!(json(one), json(other));
            }
        }
    }
}
