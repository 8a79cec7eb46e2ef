//! What this room's tests share: a clock that is set, a store in memory that can go away, issuers with fresh keys, and a
//! network that says what it is told.
#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use jsonwebtoken::{DecodingKey, EncodingKey};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use zeroize::Zeroizing;

use super::{Fetch, FetchError, IssuerKeys, IssuerSettings, JwsAlgorithm, SealingKeys, VerifyingKey};
use crate::call::{Clock, Pattern, Record, Wall};
use crate::store::{
    By, Count, Entry, Filter, KeyRow, KeyState, LogStore, Page, Per, Phases, Remembered, ReplayKey, Store, StoreError,
    TaskRow, Tenancy, Verdict,
};

/// 2026-11-21T09:00:00Z.
pub(super) const NOW: i64 = 1_795_251_600;

pub(super) const SECRET: &[u8] = b"K7vQ2mXw9ZpL4sTnB8rYc3HdJ6fGaE1u";

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// A clock that stands until it is set.
pub(super) struct SetClock(Mutex<Timestamp>);

impl SetClock {
    pub(super) fn at(seconds: i64) -> Arc<SetClock> {
        Arc::new(SetClock(Mutex::new(at(seconds))))
    }

    pub(super) fn set(&self, seconds: i64) {
        *self.0.lock().unwrap() = at(seconds);
    }

    pub(super) fn clock(self: &Arc<Self>) -> Clock {
        Clock::from_wall(Arc::clone(self) as Arc<dyn Wall>)
    }
}

impl Wall for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A ring of sealing keys of these names, each name's key always the same.
pub(super) fn sealing(names: &[&str]) -> Arc<SealingKeys> {
    use sha2::Digest;
    let key = |name: &&str| (name.to_string(), Zeroizing::new(sha2::Sha256::digest(name.as_bytes()).to_vec()));
    Arc::new(SealingKeys::new(names.iter().map(key).collect()).unwrap())
}

/// The key rows of a store, in memory.
#[derive(Default)]
pub(super) struct MemoryStore {
    pub(super) rows: Mutex<BTreeMap<String, KeyRow>>,
    pub(super) is_away: AtomicBool,
    pub(super) single_reads: AtomicUsize,
    pub(super) touches: Mutex<Vec<(String, Timestamp)>>,
}

impl MemoryStore {
    fn here(&self) -> Result<(), StoreError> {
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable("gone".to_owned())),
            false => Ok(()),
        }
    }

    pub(super) fn reads(&self) -> usize {
        self.single_reads.load(Ordering::SeqCst)
    }

    pub(super) fn go_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn migrate(&self) -> Result<(), StoreError> {
        self.here()
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.here()
    }
    async fn commit(&self, _: &[Entry]) -> Result<Vec<Verdict>, StoreError> {
        unreachable!("no records here")
    }
    async fn records(&self, _: &Filter) -> Result<Page, StoreError> {
        unreachable!("no records here")
    }
    async fn phases(&self, _: uuid::Uuid) -> Result<Phases, StoreError> {
        unreachable!("no records here")
    }
    async fn summary(&self, _: &Filter, _: Per, _: By, _: u32) -> Result<Vec<Count>, StoreError> {
        unreachable!("no records here")
    }
    async fn tasks(&self, _: &str, _: &[String]) -> Result<Vec<TaskRow>, StoreError> {
        unreachable!("no tasks here")
    }
    async fn tasks_of(&self, _: &str, _: &str, _: u32) -> Result<Vec<String>, StoreError> {
        unreachable!("no tasks here")
    }
    async fn remembered(&self, _: &ReplayKey, _: Timestamp) -> Result<Option<Remembered>, StoreError> {
        unreachable!("no changes here")
    }
    async fn all_remembered(&self, _: Timestamp) -> Result<Vec<Remembered>, StoreError> {
        unreachable!("no changes here")
    }
    async fn forget(&self, _: Timestamp) -> Result<u64, StoreError> {
        unreachable!("no changes here")
    }
    async fn open_changes(&self, _: bool) -> Result<Vec<Record>, StoreError> {
        unreachable!("no changes here")
    }
    async fn unsettled(&self, _: Timestamp, _: u32) -> Result<Vec<crate::store::Unsettled>, StoreError> {
        unreachable!("no changes here")
    }
    async fn insert_key(&self, key: &KeyRow) -> Result<(), StoreError> {
        self.here()?;
        let mut rows = self.rows.lock().unwrap();
        if rows.contains_key(&key.key_id) {
            return Err(StoreError::Exists(key.key_id.clone()));
        }
        rows.insert(key.key_id.clone(), key.clone());
        Ok(())
    }
    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.here()?;
        Ok(self.rows.lock().unwrap().values().cloned().collect())
    }
    async fn key(&self, key_id: &str) -> Result<Option<KeyRow>, StoreError> {
        self.single_reads.fetch_add(1, Ordering::SeqCst);
        // As a database would: others get to run before the answer is there.
        tokio::task::yield_now().await;
        self.here()?;
        Ok(self.rows.lock().unwrap().get(key_id).cloned())
    }
    async fn end_key(&self, key_id: &str, state: KeyState) -> Result<bool, StoreError> {
        self.here()?;
        let mut rows = self.rows.lock().unwrap();
        let Some(row) = rows.get_mut(key_id) else { return Ok(false) };
        match state {
            KeyState::Expires(at) => row.expires_at = Some(at),
            KeyState::Revoked(at) => row.revoked_at = Some(at),
        }
        Ok(true)
    }
    async fn reseal_key(&self, key: &KeyRow, sealed_secret: &[u8], sealed_with: &str) -> Result<bool, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let Some(row) = rows.get_mut(&key.key_id).filter(|row| row.sealed_with == key.sealed_with) else {
            return Ok(false);
        };
        row.sealed_secret = sealed_secret.to_vec();
        row.sealed_with = sealed_with.to_owned();
        Ok(true)
    }
    async fn touch_keys(&self, used: &[(String, Timestamp)]) -> Result<(), StoreError> {
        self.here()?;
        self.touches.lock().unwrap().extend_from_slice(used);
        for (key_id, at) in used {
            self.rows.lock().unwrap().get_mut(key_id).unwrap().last_used_at = Some(*at);
        }
        Ok(())
    }
    async fn claim(&self, _: Tenancy, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }
    fn log(&self) -> &dyn LogStore {
        unreachable!("no log here")
    }
    async fn close(&self) {}
}

/// A network with one page, and how often it was asked for.
#[derive(Default)]
pub(super) struct FakeFetch {
    pub(super) page: Mutex<Option<Bytes>>,
    pub(super) fetches: AtomicUsize,
}

impl FakeFetch {
    pub(super) fn show(&self, page: impl Into<Bytes>) {
        *self.page.lock().unwrap() = Some(page.into());
    }

    pub(super) fn fail(&self) {
        *self.page.lock().unwrap() = None;
    }

    pub(super) fn count(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Fetch for FakeFetch {
    async fn fetch(&self, _: &str, _: usize) -> Result<Bytes, FetchError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.page.lock().unwrap().clone().ok_or_else(|| FetchError("503".to_owned()))
    }
}

pub(super) fn no_network() -> Arc<dyn Fetch> {
    Arc::new(FakeFetch::default())
}

/// An issuer's key pair.
pub(super) struct Signer {
    pub(super) algorithm: JwsAlgorithm,
    pair: Option<KeyPair>,
}

impl Signer {
    pub(super) fn new(algorithm: JwsAlgorithm) -> Signer {
        let pair = match algorithm {
            JwsAlgorithm::Hs256 => None,
            JwsAlgorithm::Rs256 => Some(KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap()),
            JwsAlgorithm::Es256 => Some(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()),
            JwsAlgorithm::EdDsa => Some(KeyPair::generate_for(&PKCS_ED25519).unwrap()),
        };
        Signer { algorithm, pair }
    }

    pub(super) fn public_pem(&self) -> String {
        self.pair.as_ref().unwrap().public_key_pem()
    }

    pub(super) fn private_pem(&self) -> String {
        self.pair.as_ref().unwrap().serialize_pem()
    }

    pub(super) fn verifying(&self, key_id: Option<&str>) -> VerifyingKey {
        let key_id = key_id.map(str::to_owned);
        match &self.pair {
            None => VerifyingKey::from_secret(SECRET, key_id).unwrap(),
            Some(pair) => VerifyingKey::from_pem(&pair.public_key_pem(), self.algorithm, key_id).unwrap(),
        }
    }

    /// The public key as a JWK.
    pub(super) fn jwk(&self, key_id: &str) -> serde_json::Value {
        let key = match self.algorithm {
            JwsAlgorithm::Hs256 => Ok(DecodingKey::from_secret(SECRET)),
            JwsAlgorithm::Rs256 => DecodingKey::from_rsa_pem(self.public_pem().as_bytes()),
            JwsAlgorithm::Es256 => DecodingKey::from_ec_pem(self.public_pem().as_bytes()),
            JwsAlgorithm::EdDsa => DecodingKey::from_ed_pem(self.public_pem().as_bytes()),
        };
        let algorithm = Some(self.algorithm.of_library());
        let jwk = jsonwebtoken::jwk::Jwk::from_decoding_key(&key.unwrap(), algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = key_id.into();
        jwk["use"] = "sig".into();
        jwk
    }

    fn encoding(&self) -> EncodingKey {
        match &self.pair {
            None => EncodingKey::from_secret(SECRET),
            Some(pair) => {
                let pem = pair.serialize_pem();
                match self.algorithm {
                    JwsAlgorithm::Rs256 => EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
                    JwsAlgorithm::Es256 => EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
                    _ => EncodingKey::from_ed_pem(pem.as_bytes()).unwrap(),
                }
            }
        }
    }

    /// Signs exactly this header and payload, whatever they are.
    pub(super) fn sign(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.encoding(), self.algorithm.of_library()).unwrap();
        format!("{message}.{signature}")
    }

    /// Signs claims under a plain header.
    pub(super) fn token(&self, claims: &serde_json::Value) -> String {
        self.sign(&format!(r#"{{"alg":"{}","typ":"JWT"}}"#, self.algorithm.name()), &claims.to_string())
    }
}

pub(super) fn encode(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

/// Claims that the issuer below accepts for `caller`.
pub(super) fn claims(caller: &str) -> serde_json::Value {
    serde_json::json!({"iss": "https://issuer.example", "aud": "dts-gateway", "sub": caller, "iat": NOW, "exp": NOW + 600})
}

pub(super) fn settings(algorithms: &[JwsAlgorithm], keys: IssuerKeys) -> IssuerSettings {
    IssuerSettings {
        name: "example".to_owned(),
        issuer: "https://issuer.example".to_owned(),
        audiences: vec!["dts-gateway".to_owned()],
        algorithms: algorithms.to_vec(),
        caller_claim: "sub".to_owned(),
        roles_claim: Some("roles".to_owned()),
        callers: vec![Pattern::any()],
        leeway: Duration::from_secs(30),
        keys,
    }
}
