//! Alibaba's vectors: RPC v1 and ACS3, as SDKs wrote them to the socket, and edits of them with a verdict.

use std::collections::BTreeMap;

use base64::Engine;
use dts_gateway::call::Wire;
use dts_gateway::sign::{SecretKey, acs3, read_presented, rpc_v1, verify};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;

use super::Tally;

#[derive(Deserialize)]
pub(super) struct File {
    #[serde(default)]
    vectors: Vec<Vector>,
    #[serde(default)]
    mutations: Vec<Mutation>,
}

/// A request that an SDK signed; the fields of other uses are ignored.
#[derive(Deserialize)]
struct Vector {
    id: String,
    scheme: Scheme,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
    timestamp: String,
    nonce: String,
    signature: String,
    signed_headers: Option<Vec<String>>,
    authorization: Option<String>,
    wire: Sent,
}

/// An edited request.
#[derive(Deserialize)]
struct Mutation {
    base_id: String,
    change: String,
    expect_valid: bool,
    access_key_secret: String,
    wire: Sent,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Scheme {
    V1,
    V3,
}

#[derive(Deserialize)]
struct Sent {
    request_line: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_base64: Option<String>,
}

impl File {
    /// Every vector and every edit against the verifier.
    pub(super) fn verify(&self, tally: &mut Tally) {
        for vector in &self.vectors {
            match vector.check() {
                Ok(()) => tally.verified += 1,
                Err(why) => tally.fail(&vector.id, &why),
            }
        }
        for mutation in &self.mutations {
            let name = format!("{}, {}", mutation.base_id, mutation.change);
            match (mutation.expect_valid, check(&mutation.wire, &mutation.access_key_secret)) {
                (true, Ok(_)) => tally.verified += 1,
                (false, Err(_)) => tally.refused += 1,
                (true, Err(why)) => tally.fail(&name, &why),
                (false, Ok(_)) => tally.fail(&name, "verified, must be refused"),
            }
        }
    }

    /// Every vector against our own signer.
    pub(super) fn sign(&self, tally: &mut Tally) {
        for vector in &self.vectors {
            let (made, expected) = match vector.scheme {
                Scheme::V1 => (vector.sign_v1(), &vector.signature),
                Scheme::V3 => (vector.sign_v3(), vector.authorization.as_ref().expect("a v3 vector has its header")),
            };
            match made == *expected {
                true => tally.verified += 1,
                false => tally.fail(&vector.id, &format!("{made}, expected {expected}")),
            }
        }
    }
}

impl Vector {
    /// Verified, and read as what it is.
    fn check(&self) -> Result<(), String> {
        let presented = check(&self.wire, &self.access_key_secret)?;
        let read = (presented.key_id(), presented.nonce(), presented.token());
        let sent = (Some(self.access_key_id.as_str()), Some(self.nonce.as_str()), self.security_token.as_deref());
        if read != sent || rpc_v1::timestamp(presented.timestamp().unwrap()).unwrap() != self.timestamp {
            return Err(format!("read as {read:?}"));
        }
        Ok(())
    }

    fn sign_v1(&self) -> String {
        // The form's value counts where both have a name.
        let params: BTreeMap<&str, &str> =
            self.query.iter().chain(&self.form).map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let params: Vec<_> = params.into_iter().filter(|(name, _)| *name != "Signature").collect();
        rpc_v1::sign(&self.method(), &params, &self.secret())
    }

    fn sign_v3(&self) -> String {
        let listed = self.signed_headers.as_ref().expect("a v3 vector has its signed headers");
        let lower = |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.clone());
        let headers: Vec<(String, String)> = self.wire.headers.iter().map(lower).collect();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let headers: Vec<_> =
            headers.into_iter().filter(|(name, _)| listed.iter().any(|listed| listed == name)).collect();
        let query: Vec<_> = self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let outgoing = acs3::Outgoing {
            method: &self.method(),
            path: &self.path,
            query: &query,
            headers: &headers,
            body: &self.wire.body(),
        };
        acs3::sign(&self.access_key_id, &self.secret(), outgoing).unwrap()
    }

    fn method(&self) -> Method {
        self.method.parse().unwrap()
    }

    fn secret(&self) -> SecretKey {
        SecretKey::from(self.access_key_secret.clone())
    }
}

/// The verifier, at the time that the request names; that times out of bounds are refused is tested elsewhere.
fn check(sent: &Sent, secret: &str) -> Result<dts_gateway::sign::Presented, String> {
    let wire = sent.wire();
    let presented = read_presented(&wire).map_err(|error| error.to_string())?;
    let now = presented.timestamp().unwrap_or_default();
    let secret = SecretKey::from(secret.to_owned());
    verify(&presented, &wire, &secret, now, 0, &[]).map_err(|error| error.to_string())?;
    Ok(presented)
}

impl Sent {
    fn body(&self) -> Vec<u8> {
        match &self.body_base64 {
            Some(text) => base64::engine::general_purpose::STANDARD.decode(text).unwrap(),
            None => self.body.clone().unwrap_or_default().into_bytes(),
        }
    }

    fn wire(&self) -> Wire {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        let mut line = self.request_line.split(' ');
        let (method, target) = (line.next().unwrap(), line.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Wire {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            raw_query: query.to_owned(),
            headers,
            body: self.body().into(),
            peer: None,
        }
    }
}
