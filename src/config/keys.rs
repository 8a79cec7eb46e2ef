//! `[keys]`: under what issued key pairs are sealed, and how long they are remembered.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::checker::Checker;
use super::duration;
use super::secret::Written;
use crate::identity::{SEALING_KEY_BYTES, SealingKeys};

/// How issued key pairs are kept.
#[derive(Debug)]
pub struct Keys {
    /// Newest first: the first seals, all of them open.
    pub sealing: Arc<SealingKeys>,
    /// How long issued keys serve without the store.
    pub stale_for: Duration,
    /// How often they are read again: how late a revocation may reach this instance.
    pub refresh: Duration,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    sealing: Vec<RawKey>,
    #[serde(with = "duration")]
    stale_for: Duration,
    #[serde(with = "duration")]
    refresh: Duration,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
struct RawKey {
    name: Option<String>,
    #[serde(skip_serializing)]
    key: Option<Written>,
    key_file: Option<PathBuf>,
}

impl Default for Raw {
    fn default() -> Raw {
        Raw { sealing: Vec::new(), stale_for: Duration::from_secs(600), refresh: Duration::from_secs(2) }
    }
}

impl Raw {
    pub(super) fn check(self, checker: &mut Checker) -> Option<Keys> {
        let none = self.sealing.is_empty();
        if none {
            let help =
                "add [[keys.sealing]] with a `name` and a `key_file`; `head -c 32 /dev/urandom | base64` makes a key";
            checker.wrong_help("keys.sealing", "there is no key to seal issued keys with", help);
        }
        let second = Duration::from_secs(1);
        checker.duration("keys.stale_for", self.stale_for, Duration::ZERO, 24 * 3600 * second);
        // A revocation must reach every replica within 5 s; the rest is for the query itself.
        checker.duration("keys.refresh", self.refresh, second / 10, 4 * second);
        let given = self.sealing.len();
        let mut names = BTreeSet::new();
        let mut sealing = Vec::new();
        for (index, raw) in self.sealing.into_iter().enumerate() {
            let path = format!("keys.sealing[{index}]");
            let name = checker.required(&format!("{path}.name"), raw.name, "any name, such as the day it was made");
            if let Some(name) = &name {
                checker.name(&format!("{path}.name"), name);
                if !names.insert(name.clone()) {
                    checker.wrong(&format!("{path}.name"), format!("there are two sealing keys named `{name}`"));
                    continue;
                }
            }
            let written = if raw.key_file.is_some() { "key_file" } else { "key" };
            let key = checker.secret(&format!("{path}.key"), raw.key, raw.key_file.as_deref());
            let key = key.and_then(|key| {
                let key = decode(key.expose_secret());
                if key.is_none() {
                    let help = "`head -c 32 /dev/urandom | base64` makes one";
                    checker.wrong_help(&format!("{path}.{written}"), "a sealing key is 32 bytes in base64", help);
                }
                key
            });
            if let (Some(name), Some(key)) = (name, key) {
                sealing.push((name, key));
            }
        }
        if none || sealing.len() < given {
            return None;
        }
        let sealing =
            SealingKeys::new(sealing).map_err(|error| checker.wrong("keys.sealing", error.to_string())).ok()?;
        Some(Keys { sealing: Arc::new(sealing), stale_for: self.stale_for, refresh: self.refresh })
    }
}

fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    (bytes.len() == SEALING_KEY_BYTES).then_some(bytes)
}
