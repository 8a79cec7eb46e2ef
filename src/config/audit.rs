//! `[audit]`: what happens when the audit log can't be written, how parameters are recognised in it, and who signs it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;
use super::secret::Written;
use super::store::address;
use crate::call::Clock;
use crate::evidence::{Checkpoints, Folder, Signer};
use crate::identity::VerifyingKey;
use crate::jobs::Limits;
use crate::proof::{KeyFault, SigningKey};
use crate::steps::TallyOptions;
use crate::store::{JournalOptions, Store, StoreError, open_notes};

/// The most records of refused strangers in a second that may be asked for; more than any database takes.
const MOST_ANONYMOUS: u64 = 1_000_000;

/// The longest time that reads are counted for: what is counted is lost when the process is killed.
const LONGEST_COUNT: Duration = Duration::from_secs(3600);

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
    /// Of which calls only the number is recorded.
    pub tally: TallyOptions,
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
    /// The address of the second place that they are written to.
    pub second: Option<SecretString>,
    /// How often, while the log grows.
    pub every: Duration,
}

impl Proof {
    /// What signs the logs in `store`. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// The second place's address is none.
    pub fn checkpoints(self, store: &Arc<dyn Store>, clock: &Clock) -> Result<Arc<Checkpoints>, StoreError> {
        let folder = Folder::new(self.folder);
        let checkpoints = Checkpoints::new(Arc::clone(store), self.signer, folder, clock.clone());
        Ok(Arc::new(match &self.second {
            Some(url) => checkpoints.also_to(open_notes(url)?),
            None => checkpoints,
        }))
    }
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
    anonymous_per_second: u32,
    #[serde(with = "duration")]
    count_reads: Duration,
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
    #[serde(skip_serializing)]
    second_url: Option<Written>,
    second_url_file: Option<PathBuf>,
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
            // 864,000 records of a day-long flood, about 1 GB; a client that is set up wrongly is below it.
            anonymous_per_second: 10,
            count_reads: Duration::ZERO,
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
            second_url: None,
            second_url_file: None,
            every: Duration::from_secs(60),
        }
    }
}

impl Raw {
    pub(super) fn check(self, checker: &mut Checker) -> Option<Audit> {
        // Less than one large record would refuse every call; more than 4 GiB is nobody's intention.
        checker.number("audit.queue_bytes", self.queue_bytes, 1024 * 1024, 4 * 1024 * 1024 * 1024);
        checker.number("audit.anonymous_per_second", u64::from(self.anonymous_per_second), 0, MOST_ANONYMOUS);
        checker.duration("audit.count_reads", self.count_reads, Duration::ZERO, LONGEST_COUNT);
        let tally = TallyOptions { anonymous_per_second: self.anonymous_per_second, count_reads: self.count_reads };
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
            tally,
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
        let place =
            if self.second_url_file.is_some() { "audit.proof.second_url_file" } else { "audit.proof.second_url" };
        let second =
            checker.optional_secret("audit.proof.second_url", self.second_url, self.second_url_file.as_deref());
        let second = second.and_then(|second| address(second, place, checker));
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
        Some(Proof { signer: Signer { origin, keys }, folder, second, every: self.every })
    }
}
