//! `[issuer.NAME]`: who may issue tokens, and how they are checked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;
use super::secret::Written;
use crate::call::Pattern;
use crate::identity::{IssuerKeys, IssuerSettings, JwsAlgorithm, VerifyingKey};

/// An issuer of tokens.
#[derive(Debug)]
pub struct Issuer {
    /// How its tokens are checked.
    pub settings: IssuerSettings,
    /// The secret of a development issuer: with it tokens can be minted here.
    pub development: Option<SecretString>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    issuer: Option<String>,
    audience: Option<String>,
    algorithms: Vec<JwsAlgorithm>,
    #[serde(skip_serializing)]
    key: Option<Written>,
    key_file: Option<PathBuf>,
    jwks_url: Option<String>,
    #[serde(with = "duration")]
    jwks_refresh: Duration,
    callers: Vec<String>,
    caller_claim: String,
    roles_claim: String,
    #[serde(with = "duration")]
    leeway: Duration,
    development: bool,
}

impl Default for Raw {
    fn default() -> Raw {
        Raw {
            issuer: None,
            audience: None,
            algorithms: Vec::new(),
            key: None,
            key_file: None,
            jwks_url: None,
            jwks_refresh: Duration::from_secs(3600),
            callers: vec!["*".to_owned()],
            caller_claim: "sub".to_owned(),
            roles_claim: "roles".to_owned(),
            leeway: Duration::from_secs(30),
            development: false,
        }
    }
}

/// All issuers; two that say the same of themselves can't be told apart.
pub(super) fn check(raws: BTreeMap<String, Raw>, checker: &mut Checker) -> Vec<Issuer> {
    let mut seen = BTreeMap::new();
    let mut issuers = Vec::new();
    for (name, raw) in raws {
        let path = format!("issuer.{name}");
        checker.name(&path, &name);
        if let Some(other) = raw.issuer.as_ref().and_then(|issuer| seen.insert(issuer.clone(), name.clone())) {
            checker.wrong(&format!("{path}.issuer"), format!("the issuer `{other}` has the same"));
        }
        issuers.extend(raw.check(name, &path, checker));
    }
    issuers
}

impl Raw {
    fn check(mut self, name: String, path: &str, checker: &mut Checker) -> Option<Issuer> {
        let at = |key: &str| format!("{path}.{key}");
        let written = if self.key_file.is_some() { "key_file" } else { "key" };
        let key = checker.optional_secret(&at("key"), self.key.take(), self.key_file.as_deref());
        let issuer = checker.required(&at("issuer"), self.issuer.take(), "what the tokens say in `iss`");
        let audience = checker.required(&at("audience"), self.audience.take(), "what the tokens say in `aud`");
        for (key, text) in [("issuer", issuer.as_ref()), ("audience", audience.as_ref())] {
            if text.is_some_and(String::is_empty) {
                checker.wrong(&at(key), "this can't be empty");
            }
        }
        self.check_plain(path, checker);
        let keys = match (key.as_ref(), self.jwks_url.take()) {
            (Some(_), Some(_)) => {
                checker.wrong(
                    &at("jwks_url"),
                    "there are two sources of keys, this one and a static key; keep one of them",
                );
                None
            }
            (Some(key), None) => self.static_keys(key, &at(written), checker),
            (None, Some(url)) => self.published_keys(url, &at("jwks_url"), checker),
            (None, None) if self.key_file.is_none() => {
                let help = "set one of `key_file`, `key` and `jwks_url`";
                checker.wrong_help(&at("key"), "there is no key to check tokens with", help);
                None
            }
            // A file that could not be read was reported.
            (None, None) => None,
        };
        let settings = IssuerSettings {
            name,
            issuer: issuer?,
            audiences: vec![audience?],
            algorithms: self.algorithms,
            caller_claim: self.caller_claim,
            roles_claim: Some(self.roles_claim),
            callers: self.callers.into_iter().map(Pattern::new).collect(),
            leeway: self.leeway,
            keys: keys?,
        };
        Some(Issuer { settings, development: key.filter(|_| self.development) })
    }

    /// What depends on no key.
    fn check_plain(&self, path: &str, checker: &mut Checker) {
        let at = |key: &str| format!("{path}.{key}");
        if self.algorithms.is_empty() {
            let help = "list what this issuer signs with, out of HS256, RS256, ES256 and EdDSA";
            checker.wrong_help(&at("algorithms"), "no algorithm is allowed", help);
        }
        let shared = self.algorithms.contains(&JwsAlgorithm::Hs256);
        if shared && self.algorithms.iter().any(|algorithm| *algorithm != JwsAlgorithm::Hs256) {
            let why = "HS256 can't stand beside the others: a public key would serve as its secret";
            checker.wrong(&at("algorithms"), why);
        }
        if self.development && !shared {
            checker.wrong(
                &at("development"),
                "a development issuer signs with HS256, or nobody here could mint its tokens",
            );
        }
        if self.callers.is_empty() || self.callers.iter().any(String::is_empty) {
            checker.wrong_help(
                &at("callers"),
                "this issuer may speak for nobody",
                "list names or patterns, or [\"*\"]",
            );
        }
        for (key, claim) in [("caller_claim", &self.caller_claim), ("roles_claim", &self.roles_claim)] {
            if claim.is_empty() {
                checker.wrong(&at(key), "a claim's name can't be empty");
            }
        }
        let minute = Duration::from_secs(60);
        checker.duration(&at("leeway"), self.leeway, Duration::ZERO, minute);
        checker.duration(&at("jwks_refresh"), self.jwks_refresh, 5 * minute, 24 * 60 * minute);
    }

    /// A secret for HS256, or one public key in PEM for the one algorithm that is allowed.
    fn static_keys(&self, key: &SecretString, path: &str, checker: &mut Checker) -> Option<IssuerKeys> {
        let text = key.expose_secret();
        let verifying = match self.algorithms.as_slice() {
            [] => return None,
            [JwsAlgorithm::Hs256] => VerifyingKey::from_secret(text.as_bytes(), None),
            [one] => VerifyingKey::from_pem(text, *one, None),
            _ => {
                checker.wrong(path, "one key serves one algorithm: allow one, or use `jwks_url`");
                return None;
            }
        };
        let verifying = verifying.map_err(|fault| checker.wrong(path, fault.to_string())).ok()?;
        Some(IssuerKeys::Static(vec![verifying]))
    }

    /// A key set that is fetched.
    fn published_keys(&self, url: String, path: &str, checker: &mut Checker) -> Option<IssuerKeys> {
        if self.algorithms.contains(&JwsAlgorithm::Hs256) {
            checker.wrong(path, "HS256 has no public keys to fetch; give `key_file`");
            return None;
        }
        if let Some(why) = bad_url(&url) {
            checker.wrong(path, why);
            return None;
        }
        Some(IssuerKeys::Jwks { url, every: self.jwks_refresh })
    }
}

/// Keys that come over plaintext are anybody's keys, except from this very machine.
fn bad_url(url: &str) -> Option<&'static str> {
    let Ok(uri) = url.parse::<http::Uri>() else { return Some("this is not a URL") };
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("https") if !host.is_empty() => None,
        Some("http") if ["localhost", "127.0.0.1", "[::1]"].contains(&host) => None,
        _ => Some("keys are fetched over https only"),
    }
}
