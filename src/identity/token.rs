//! Tokens of several issuers: whose it is, that it is genuine and in time, and which caller and roles it names.
//!
//! The issuer is the configured one whose name stands in `iss`; only that issuer's keys and algorithms are tried. What
//! was verified is remembered by its SHA-256 until it expires or its issuer's keys change, because verifying costs about
//! 90 µs. Errors never repeat any of the token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::issuer::{Issuer, IssuerFault, IssuerSettings, VerifiedToken, check_media_type};
use super::jwks::Fetch;
use super::jws::{Compact, JwsFault};
use super::members::members;
use crate::call::Refusal;

/// How many verified tokens are remembered, about 2 MB.
const REMEMBERED: usize = 10_000;

/// Every issuer that is trusted.
#[derive(Debug)]
pub struct Tokens {
    issuers: Vec<Issuer>,
    verified: Mutex<HashMap<[u8; 32], Remembered>>,
}

#[derive(Debug)]
struct Remembered {
    issuer: usize,
    generation: u64,
    token: Arc<VerifiedToken>,
}

impl Tokens {
    /// The issuers as configured; `fetch` reads their key sets.
    ///
    /// # Errors
    /// Every mistake in the settings, two issuers with the same `iss` or name among them.
    pub fn new(settings: Vec<IssuerSettings>, fetch: &Arc<dyn Fetch>) -> Result<Tokens, Vec<IssuerFault>> {
        let mut faults = Vec::new();
        for (at, one) in settings.iter().enumerate() {
            if settings[..at].iter().any(|other| other.issuer == one.issuer || other.name == one.name) {
                let why = "another issuer has the same name or iss".to_owned();
                faults.push(IssuerFault { issuer: one.name.clone(), why });
            }
        }
        let mut issuers = Vec::with_capacity(settings.len());
        for one in settings {
            match Issuer::new(one, fetch) {
                Ok(issuer) => issuers.push(issuer),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(Tokens { issuers, verified: Mutex::default() }) } else { Err(faults) }
    }

    /// Verifies a token as it is at `now`. May wait for its issuer's key set: 5 s, 10 s at worst.
    ///
    /// # Errors
    /// `TokenInvalid`, saying what is wrong without any of the token.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<VerifiedToken>, Refusal> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(known) = self.recall(&digest, now) {
            return Ok(known);
        }
        let verified = self.verify_anew(token, now).await;
        let (issuer, generation, token) = verified.map_err(|fault| {
            let malformed = Compact::read(token).is_err();
            Refusal::TokenInvalid { why: fault.to_string(), malformed }
        })?;
        let token = Arc::new(token);
        self.remember(digest, Remembered { issuer, generation, token: Arc::clone(&token) }, now);
        Ok(token)
    }

    /// Reads the key sets that are due, all at once; takes at most 5 s. A job calls it every few seconds, and once before
    /// serving, so that the first token does not wait.
    pub async fn refresh(&self) {
        let mut all = JoinSet::new();
        for jwks in self.issuers.iter().filter_map(Issuer::jwks) {
            let jwks = Arc::clone(jwks);
            all.spawn(async move { jwks.refresh_if_due().await });
        }
        all.join_all().await;
    }

    /// Whether any issuer is trusted at all.
    pub fn is_empty(&self) -> bool {
        self.issuers.is_empty()
    }

    async fn verify_anew(&self, token: &str, now: Timestamp) -> Result<(usize, u64, VerifiedToken), JwsFault> {
        let compact = Compact::read(token)?;
        check_media_type(&compact)?;
        let claims =
            members(&compact.payload).map_err(|_| JwsFault("its claims are not an object with unique members"))?;
        let iss = claims.text("iss").map_err(|_| JwsFault("its iss is not text"))?;
        let iss = iss.ok_or(JwsFault("it has no iss"))?;
        let found = self.issuers.iter().enumerate().find(|(_, issuer)| issuer.iss() == iss);
        let (at, issuer) = found.ok_or(JwsFault("its issuer is not trusted here"))?;
        // Taken before: keys that change meanwhile make what is remembered worthless, not the reverse.
        let generation = issuer.generation();
        issuer.verify_signature(&compact).await?;
        Ok((at, generation, issuer.judge(&claims, now)?))
    }

    fn recall(&self, digest: &[u8; 32], now: Timestamp) -> Option<Arc<VerifiedToken>> {
        let mut verified = self.lock();
        let known = verified.get(digest)?;
        if known.token.expires_at > now && known.generation == self.issuers[known.issuer].generation() {
            return Some(Arc::clone(&known.token));
        }
        verified.remove(digest);
        None
    }

    fn remember(&self, digest: [u8; 32], entry: Remembered, now: Timestamp) {
        let mut verified = self.lock();
        if verified.len() >= REMEMBERED {
            verified.retain(|_, known| known.token.expires_at > now);
        }
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(digest, entry);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Remembered>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
