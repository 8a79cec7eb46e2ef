//! `[audit]`: what happens when the audit log can't be written, and how parameters are recognised in it.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::secret::Written;
use crate::identity::VerifyingKey;

/// The audit log.
#[derive(Debug)]
pub struct Audit {
    /// What becomes of reads while the log can't be written.
    pub reads: Reads,
    /// How much may wait to be written, in bytes; more than that and calls are refused.
    pub queue_bytes: usize,
    /// The key of the digests over parameters (HMAC-SHA256).
    pub digest_key: SecretString,
}

/// What becomes of reads while the audit log can't be written. Changes are always refused then.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reads {
    /// They are refused too.
    #[default]
    Refuse,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    reads: Reads,
    queue_bytes: u64,
    #[serde(skip_serializing)]
    digest_key: Option<Written>,
    digest_key_file: Option<PathBuf>,
}

impl Default for Raw {
    fn default() -> Raw {
        Raw { reads: Reads::Refuse, queue_bytes: 64 * 1024 * 1024, digest_key: None, digest_key_file: None }
    }
}

impl Raw {
    pub(super) fn check(self, checker: &mut Checker) -> Option<Audit> {
        // Less than one large record would refuse every call; more than 4 GiB is nobody's intention.
        checker.number("audit.queue_bytes", self.queue_bytes, 1024 * 1024, 4 * 1024 * 1024 * 1024);
        let from_file = self.digest_key_file.is_some();
        let digest_key = checker.secret("audit.digest_key", self.digest_key, self.digest_key_file.as_deref())?;
        // The digests are HMAC-SHA256, as HS256 is: what is too weak for one is too weak for the other.
        if let Err(fault) = VerifyingKey::from_secret(digest_key.expose_secret().as_bytes(), None) {
            checker.wrong(if from_file { "audit.digest_key_file" } else { "audit.digest_key" }, fault.to_string());
        }
        Some(Audit { reads: self.reads, queue_bytes: usize::try_from(self.queue_bytes).ok()?, digest_key })
    }
}
