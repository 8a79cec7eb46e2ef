//! One issuer of tokens: what its tokens must say, and with which keys.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::jwks::{Fetch, Jwks};
use super::jws::{Compact, JwsFault};
use super::members::{Members, WrongType};
use super::verifying_key::{JwsAlgorithm, VerifyingKey};
use crate::call::Pattern;

/// The longest leeway for clocks that differ.
const LONGEST_LEEWAY: Duration = Duration::from_secs(60);

/// The media types of a token that says who somebody is (RFC 7519, 9068); others, such as `logout+jwt`, are not that.
const MEDIA_TYPES: [&str; 4] = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

/// The longest name of a caller or role, in bytes.
const LONGEST_NAME: usize = 256;

/// An issuer as configured.
#[derive(Debug)]
pub struct IssuerSettings {
    /// How the record calls it: `jwt:` and this.
    pub name: String,
    /// What `iss` must be, byte for byte.
    pub issuer: String,
    /// Of these `aud` must have one; at least one.
    pub audiences: Vec<String>,
    /// The algorithms that are accepted; at least one, and each must have a key or come from a JWKS.
    pub algorithms: Vec<JwsAlgorithm>,
    /// The claim that names the caller, such as `sub`.
    pub caller_claim: String,
    /// The claim with the roles on the admin listener, such as `roles`; none: its tokens carry no roles.
    pub roles_claim: Option<String>,
    /// The callers that it may speak for; `*` for all.
    pub callers: Vec<Pattern>,
    /// How much its clock and ours may differ: at most 60 s.
    pub leeway: Duration,
    /// Where its keys come from.
    pub keys: IssuerKeys,
}

/// Where an issuer's keys come from.
#[derive(Debug)]
pub enum IssuerKeys {
    /// Out of the configuration.
    Static(Vec<VerifyingKey>),
    /// A key set that the issuer publishes.
    Jwks {
        /// `https://…`, or `http://` on this machine.
        url: String,
        /// How often it is read: 5 min to 24 h.
        every: Duration,
    },
}

/// A token that was verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedToken {
    /// The configured name of its issuer.
    pub issuer: String,
    /// The caller that it names.
    pub caller: String,
    /// Its roles on the admin listener.
    pub roles: Vec<String>,
    /// When it stops to be accepted, leeway included.
    pub expires_at: Timestamp,
}

/// A mistake in an issuer's settings.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("issuer {issuer}: {why}")]
pub struct IssuerFault {
    /// The issuer's configured name.
    pub issuer: String,
    /// What is wrong.
    pub why: String,
}

/// An issuer at work.
#[derive(Debug)]
pub(super) struct Issuer {
    settings: IssuerSettings,
    jwks: Option<Arc<Jwks>>,
}

impl Issuer {
    pub(super) fn new(settings: IssuerSettings, fetch: &Arc<dyn Fetch>) -> Result<Issuer, IssuerFault> {
        let fault = |why: &str| IssuerFault { issuer: settings.name.clone(), why: why.to_owned() };
        check(&settings).map_err(fault)?;
        let jwks = match &settings.keys {
            IssuerKeys::Static(keys) => {
                check_static(keys, &settings.algorithms).map_err(fault)?;
                None
            }
            IssuerKeys::Jwks { url, every } => {
                Some(Arc::new(Jwks::new(&settings.name, url, *every, Arc::clone(fetch)).map_err(fault)?))
            }
        };
        Ok(Issuer { settings, jwks })
    }

    pub(super) fn iss(&self) -> &str {
        &self.settings.issuer
    }

    /// The issuer's key set, if it publishes one.
    pub(super) fn jwks(&self) -> Option<&Arc<Jwks>> {
        self.jwks.as_ref()
    }

    /// Changes when the keys change.
    pub(super) fn generation(&self) -> u64 {
        self.jwks.as_ref().map_or(0, |jwks| jwks.generation())
    }

    /// Verifies the signature. A key that is not in the set is looked for once more at its source.
    pub(super) async fn verify_signature(&self, token: &Compact<'_>) -> Result<(), JwsFault> {
        if !self.settings.algorithms.contains(&token.algorithm) {
            return Err(JwsFault("its alg is not accepted from its issuer"));
        }
        match (&self.settings.keys, &self.jwks) {
            (IssuerKeys::Static(keys), _) => token.verify(keys.iter()),
            (IssuerKeys::Jwks { .. }, Some(jwks)) => {
                let mut keys = jwks.keys();
                if !keys.iter().any(|key| token.may_be_by(key)) {
                    keys = jwks.look_again().await;
                }
                token.verify(keys.iter())
            }
            (IssuerKeys::Jwks { .. }, None) => Err(JwsFault("no key of its issuer verifies its signature")),
        }
    }

    /// Checks what a token says whose signature was verified.
    pub(super) fn judge(&self, claims: &Members<'_>, now: Timestamp) -> Result<VerifiedToken, JwsFault> {
        let settings = &self.settings;
        let leeway = i64::try_from(settings.leeway.as_secs()).unwrap_or(0);
        let now = now.as_second();
        let wrong_type = |what| move |WrongType| JwsFault(what);

        let audiences = claims.texts("aud").map_err(wrong_type("its aud is not text or a list of texts"))?;
        let audiences = audiences.ok_or(JwsFault("it has no aud"))?;
        if !audiences.iter().any(|audience| settings.audiences.contains(audience)) {
            return Err(JwsFault("its aud does not name this gateway"));
        }
        let expires = claims.seconds("exp").map_err(wrong_type("its exp is not a number of seconds"))?;
        let expires = expires.ok_or(JwsFault("it has no exp"))?.saturating_add(leeway);
        if expires <= now {
            return Err(JwsFault("it has expired"));
        }
        let not_before = claims.seconds("nbf").map_err(wrong_type("its nbf is not a number of seconds"))?;
        if not_before.is_some_and(|from| from > now.saturating_add(leeway)) {
            return Err(JwsFault("it is not valid yet"));
        }
        let issued = claims.seconds("iat").map_err(wrong_type("its iat is not a number of seconds"))?;
        if issued.is_some_and(|at| at > now.saturating_add(leeway)) {
            return Err(JwsFault("it was issued in the future"));
        }
        // `sub` is checked even where another claim names the caller: a token with a wrong one is not a sound token.
        claims.text("sub").map_err(wrong_type("its sub is not text"))?;
        let caller = claims.text(&settings.caller_claim).map_err(wrong_type("the claim of its caller is not text"))?;
        let caller = caller.filter(|name| is_name(name)).ok_or(JwsFault("it does not name a caller"))?;
        if !settings.callers.iter().any(|allowed| allowed.matches(&caller)) {
            return Err(JwsFault("its issuer may not speak for this caller"));
        }
        let roles = match &settings.roles_claim {
            Some(claim) => claims.texts(claim).map_err(wrong_type("its roles are not texts"))?.unwrap_or_default(),
            None => Vec::new(),
        };
        let expires_at = Timestamp::from_second(expires).unwrap_or(Timestamp::MAX);
        Ok(VerifiedToken { issuer: settings.name.clone(), caller, roles, expires_at })
    }
}

/// Whether a token is of a kind that says who somebody is.
pub(super) fn check_media_type(token: &Compact<'_>) -> Result<(), JwsFault> {
    let is_known = |name: &String| MEDIA_TYPES.iter().any(|known| name.eq_ignore_ascii_case(known));
    if token.media_type.as_ref().is_none_or(is_known) { Ok(()) } else { Err(JwsFault("its typ is not JWT or at+jwt")) }
}

/// What the record and the log can carry as one word.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn check(settings: &IssuerSettings) -> Result<(), &'static str> {
    let is_empty = |texts: &[String]| texts.is_empty() || texts.iter().any(String::is_empty);
    if settings.name.is_empty() || settings.issuer.is_empty() || settings.caller_claim.is_empty() {
        return Err("name, issuer and caller_claim must not be empty");
    }
    if is_empty(&settings.audiences) {
        return Err("it needs at least one audience, none of them empty");
    }
    if settings.algorithms.is_empty() {
        return Err("it needs at least one algorithm");
    }
    if settings.callers.is_empty() {
        return Err("it needs at least one pattern of callers, such as *");
    }
    if settings.leeway > LONGEST_LEEWAY {
        return Err("its leeway is more than 60 s");
    }
    if matches!(settings.keys, IssuerKeys::Jwks { .. }) && settings.algorithms.contains(&JwsAlgorithm::Hs256) {
        return Err("HS256 needs a secret, it can't be used with a JWKS");
    }
    Ok(())
}

/// Keys that can't be told apart, or that mix secrets with public keys, are how tokens come to be verified with the
/// wrong one.
fn check_static(keys: &[VerifyingKey], algorithms: &[JwsAlgorithm]) -> Result<(), &'static str> {
    let is_secret = |key: &VerifyingKey| key.algorithm() == JwsAlgorithm::Hs256;
    if keys.iter().any(is_secret) && !keys.iter().all(is_secret) {
        return Err("secrets and public keys can't be mixed, configure two issuers");
    }
    if algorithms.iter().any(|algorithm| !keys.iter().any(|key| key.algorithm() == *algorithm)) {
        return Err("it accepts an algorithm for which it has no key");
    }
    if keys.iter().any(|key| !algorithms.contains(&key.algorithm())) {
        return Err("it has a key for an algorithm that it does not accept");
    }
    if has_twins(keys) { Err("two of its keys have the same id") } else { Ok(()) }
}

/// Whether two keys of one algorithm have one id, so that an id names no key.
pub(super) fn has_twins(keys: &[VerifyingKey]) -> bool {
    let named: Vec<_> = keys.iter().filter_map(|key| Some((key.key_id()?, key.algorithm()))).collect();
    let distinct: std::collections::HashSet<_> = named.iter().collect();
    distinct.len() < named.len()
}
