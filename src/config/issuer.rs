//! `[issuer.NAME]`: who may issue tokens, and how they are checked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;
use super::secret::{Written, weakness};

/// An issuer of tokens.
#[derive(Debug)]
pub struct Issuer {
    /// What records call it.
    pub name: String,
    /// The claim `iss`.
    pub issuer: String,
    /// What the claim `aud` must hold.
    pub audience: String,
    /// What a token may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Where its keys come from.
    pub key: IssuerKey,
    /// The claim that names the caller.
    pub caller_claim: String,
    /// The claim that lists the roles on the admin listener.
    pub roles_claim: String,
    /// How far the issuer's clock may be off.
    pub leeway: Duration,
    /// Whether `dts-gateway token` may mint tokens of this issuer: it holds the secret.
    pub development: bool,
}

/// What a token's signature is checked with.
#[derive(Debug)]
pub enum IssuerKey {
    /// A shared secret (HS256).
    Secret(SecretString),
    /// A public key in PEM.
    Pem(SecretString),
    /// A JSON Web Key Set, fetched.
    Jwks(String),
}

/// What a token may be signed with.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[expect(missing_docs, reason = "the names of RFC 7518 and RFC 8037")]
pub enum Algorithm {
    HS256,
    RS256,
    ES256,
    EdDSA,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    issuer: Option<String>,
    audience: Option<String>,
    algorithms: Vec<Algorithm>,
    #[serde(skip_serializing)]
    key: Option<Written>,
    key_file: Option<PathBuf>,
    jwks_url: Option<String>,
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
    fn check(self, name: String, path: &str, checker: &mut Checker) -> Option<Issuer> {
        let at = |key: &str| format!("{path}.{key}");
        let issuer = checker.required(&at("issuer"), self.issuer, "what the tokens say in `iss`");
        let audience = checker.required(&at("audience"), self.audience, "what the tokens say in `aud`");
        if self.algorithms.is_empty() {
            let help = "list what this issuer signs with, out of HS256, RS256, ES256 and EdDSA";
            checker.wrong_help(&at("algorithms"), "no algorithm is allowed", help);
        }
        for (key, claim) in [("caller_claim", &self.caller_claim), ("roles_claim", &self.roles_claim)] {
            if claim.is_empty() {
                checker.wrong(&at(key), "a claim's name can't be empty");
            }
        }
        // Five minutes is what callers' signatures get.
        checker.duration(&at("leeway"), self.leeway, Duration::ZERO, Duration::from_secs(300));
        let shared = self.algorithms.contains(&Algorithm::HS256);
        if shared && self.algorithms.len() > 1 {
            let why = "HS256 can't stand beside the others: a public key would serve as its secret";
            checker.wrong(&at("algorithms"), why);
        }
        if self.development && !shared {
            checker.wrong(
                &at("development"),
                "a development issuer signs with HS256, or nobody here could mint its tokens",
            );
        }
        let written = if self.key_file.is_some() { "key_file" } else { "key" };
        let key = checker.optional_secret(&at("key"), self.key, self.key_file.as_deref());
        let key = match (key, self.jwks_url) {
            (Some(_), Some(_)) => {
                checker.wrong(
                    &at("jwks_url"),
                    "there are two sources of keys, this one and a static key; keep one of them",
                );
                None
            }
            (Some(key), None) if shared => {
                if let Some(weakness) = weakness(key.expose_secret()) {
                    checker.wrong(&at(written), weakness);
                }
                Some(IssuerKey::Secret(key))
            }
            (Some(key), None) => {
                if !self.algorithms.is_empty() && !key.expose_secret().contains("-----BEGIN") {
                    checker.wrong(&at(written), "there is no key in PEM in it");
                }
                Some(IssuerKey::Pem(key))
            }
            (None, Some(url)) => {
                if shared {
                    checker.wrong(&at("jwks_url"), "HS256 has no public keys to fetch; give `key_file`");
                }
                if let Some(why) = bad_url(&url) {
                    checker.wrong(&at("jwks_url"), why);
                }
                Some(IssuerKey::Jwks(url))
            }
            (None, None) => {
                if !shared && written == "key" {
                    checker.wrong_help(
                        &at("key"),
                        "there is no key to check tokens with",
                        "set one of `key_file`, `key` and `jwks_url`",
                    );
                } else if written == "key" {
                    checker.wrong_help(
                        &at("key"),
                        "there is no secret to check tokens with",
                        "set `key_file` or `key`",
                    );
                }
                None
            }
        };
        Some(Issuer {
            name,
            issuer: issuer?,
            audience: audience?,
            algorithms: self.algorithms,
            key: key?,
            caller_claim: self.caller_claim,
            roles_claim: self.roles_claim,
            leeway: self.leeway,
            development: self.development,
        })
    }
}

/// Keys that come over plaintext are anybody's keys, except from this very machine.
fn bad_url(url: &str) -> Option<&'static str> {
    let parsed: Option<http::Uri> = url.parse().ok();
    let Some((uri, host)) = parsed.as_ref().and_then(|uri| Some((uri, uri.host()?))) else {
        return Some("this is not a URL");
    };
    let local = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => None,
        Some("http") if local => None,
        _ => Some("keys are fetched over https only"),
    }
}
