//! `[audit]`: what happens when the audit log can't be written, how parameters are recognised in it, and who signs it.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;
use super::secret::Written;
use crate::evidence::Signer;
use crate::identity::VerifyingKey;
use crate::jobs::Limits;
use crate::proof::{KeyFault, SigningKey};
use crate::store::JournalOptions;

/// The audit log.
#[derive(Debug)]
pub struct Audit {
    /// What becomes of reads while the log can't be written.
    pub reads: Reads,
    /// What becomes of stops and pauses then.
    pub emergency: Emergency,
    /// Where entries go meanwhile.
    pub journal: Option<JournalOptions>,
    /// How much may wait to be written, in bytes; more than that and calls are refused.
    pub queue_bytes: usize,
    /// The key of the digests over parameters (HMAC-SHA256).
    pub digest_key: SecretString,
    /// What the log is of: `audit.proof.origin`, or the program's name.
    pub origin: String,
    /// How long records are kept.
    pub retain: Limits,
    /// How the log is signed; without it, it is hashed but nothing leaves the database.
    pub proof: Option<Proof>,
}

/// `[audit.proof]`: checkpoints.
#[derive(Debug)]
pub struct Proof {
    /// Who signs, and as what.
    pub signer: Signer,
    /// Where checkpoints are written to.
    pub folder: PathBuf,
    /// How often, while the log grows.
    pub every: Duration,
}

/// What becomes of reads while the audit log can't be written. Changes are refused then, but see [`Emergency`].
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reads {
    /// They are refused too.
    #[default]
    Refuse,
    /// They go on, and their records go to the journal.
    Spool,
}

/// What becomes of stops and pauses while the audit log can't be written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Emergency {
    /// They are refused, like every change.
    #[default]
    Off,
    /// They go on, after their intent is in the journal.
    Local,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    reads: Reads,
    emergency: Emergency,
    journal: Option<RawJournal>,
    queue_bytes: u64,
    #[serde(skip_serializing)]
    digest_key: Option<Written>,
    digest_key_file: Option<PathBuf>,
    retain: RawRetain,
    proof: Option<RawProof>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
struct RawJournal {
    folder: PathBuf,
    max_bytes: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
struct RawRetain {
    changes: String,
    reads: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
struct RawProof {
    origin: Option<String>,
    #[serde(skip_serializing)]
    key: Option<Written>,
    key_file: Option<PathBuf>,
    #[serde(skip_serializing)]
    previous_key: Option<Written>,
    previous_key_file: Option<PathBuf>,
    folder: PathBuf,
    #[serde(with = "duration")]
    every: Duration,
}

impl Default for Raw {
    fn default() -> Raw {
        Raw {
            reads: Reads::Refuse,
            emergency: Emergency::Off,
            journal: None,
            queue_bytes: 64 * 1024 * 1024,
            digest_key: None,
            digest_key_file: None,
            retain: RawRetain::default(),
            proof: None,
        }
    }
}

impl Default for RawJournal {
    /// 256 MiB are about 150,000 reads of 1.7 KiB, an hour of 40 a second.
    fn default() -> RawJournal {
        RawJournal { folder: PathBuf::from("journal"), max_bytes: 256 * 1024 * 1024 }
    }
}

impl RawJournal {
    /// What is put into a journal is sealed with the key that signs checkpoints.
    fn check(self, checker: &mut Checker, proof: Option<&Proof>) -> Option<JournalOptions> {
        // Less would be full before anybody has noticed an outage; more takes a start minutes to import.
        checker.number("audit.journal.max_bytes", self.max_bytes, 1024 * 1024, 16 * 1024 * 1024 * 1024);
        let Some(Proof { signer, .. }) = proof else {
            checker.wrong_help(
                "audit.journal",
                "a journal is sealed with the key of the checkpoints, and there is none",
                "add [audit.proof] with `origin` and `key_file`",
            );
            return None;
        };
        Some(JournalOptions {
            folder: checker.resolve(&self.folder),
            max_bytes: self.max_bytes,
            origin: signer.origin.clone(),
            keys: signer.keys.clone(),
        })
    }
}

impl Default for RawRetain {
    /// A year, and a month to look into it.
    fn default() -> RawRetain {
        RawRetain { changes: "400d".to_owned(), reads: "400d".to_owned() }
    }
}

impl RawRetain {
    fn check(self, checker: &mut Checker) -> Limits {
        let mut limit = |path: &str, text: &str| {
            if text == "forever" {
                return None;
            }
            let days = SpanRelativeTo::days_are_24_hours();
            let kept = text.parse::<Span>().ok().and_then(|span| span.to_duration(days).ok());
            let kept = kept.filter(|kept| (1..=36_500).contains(&(kept.as_secs() / 86_400)));
            if kept.is_none() {
                checker.wrong_help(
                    path,
                    format!("`{text}` is no time to keep records"),
                    "write 1d or more, such as \"400d\", or \"forever\"",
                );
            }
            kept.and_then(|kept| Duration::try_from(kept).ok())
        };
        Limits {
            changes: limit("audit.retain.changes", &self.changes),
            reads: limit("audit.retain.reads", &self.reads),
        }
    }
}

impl Default for RawProof {
    /// A minute: 1,440 checkpoints of 300 bytes a day and log, and at most a minute's records that nothing proves yet.
    fn default() -> RawProof {
        RawProof {
            origin: None,
            key: None,
            key_file: None,
            previous_key: None,
            previous_key_file: None,
            folder: PathBuf::from("checkpoints"),
            every: Duration::from_secs(60),
        }
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
        let proof = match self.proof {
            Some(proof) => Some(proof.check(checker)?),
            None => None,
        };
        let origin = proof.as_ref().map_or("dts-gateway", |proof| &proof.signer.origin).to_owned();
        let uses =
            [("audit.reads", self.reads == Reads::Spool), ("audit.emergency", self.emergency == Emergency::Local)];
        for (path, _) in uses.into_iter().filter(|(_, uses)| *uses && self.journal.is_none()) {
            checker.wrong_help(path, "this needs a journal, and there is none", "add [audit.journal] with a `folder`");
        }
        let journal = match self.journal {
            Some(journal) => Some(journal.check(checker, proof.as_ref())?),
            None => None,
        };
        let retain = self.retain.check(checker);
        let queue_bytes = usize::try_from(self.queue_bytes).ok()?;
        Some(Audit {
            reads: self.reads,
            emergency: self.emergency,
            journal,
            queue_bytes,
            digest_key,
            origin,
            retain,
            proof,
        })
    }
}

impl RawProof {
    fn check(self, checker: &mut Checker) -> Option<Proof> {
        checker.duration("audit.proof.every", self.every, Duration::from_secs(1), Duration::from_secs(86_400));
        let help = "a name of this deployment that nobody else uses, such as \"gateway.example.com/audit\"";
        let origin = checker.required("audit.proof.origin", self.origin, help);
        let key = checker.secret("audit.proof.key", self.key, self.key_file.as_deref());
        let path = "audit.proof.previous_key";
        let previous = checker.optional_secret(path, self.previous_key, self.previous_key_file.as_deref());
        let origin = origin?;
        let mut keys = Vec::new();
        for (path, text) in [("audit.proof.key", Some(key?)), (path, previous)] {
            let Some(text) = text else { continue };
            match SigningKey::from_pem(&origin, text.expose_secret()) {
                Ok(key) => keys.push(key),
                Err(KeyFault::Name) => checker.wrong("audit.proof.origin", KeyFault::Name.to_string()),
                Err(fault) => {
                    let help = "make one with `dts-gateway audit key --new FILE --origin ORIGIN`";
                    checker.wrong_help(path, fault.to_string(), help);
                }
            }
        }
        let folder = checker.resolve(&self.folder);
        Some(Proof { signer: Signer { origin, keys }, folder, every: self.every })
    }
}
