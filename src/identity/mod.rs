//! Who may call, and how that is proven: key pairs that the gateway issued, tokens of issuers that are trusted, and the
//! teams' files that say who there is.
//!
//! The room answers one question, [`Identity::prove`]. It does not know what a caller may do with which call (that is
//! judged from its grants, elsewhere), what the answer looks like, nor where settings, keys and time come from.

mod issue;
mod issuer;
mod jwks;
mod jws;
mod keyring;
mod members;
mod mint;
mod nonces;
mod random;
mod refusals;
mod roster;
mod seal;
mod token;
mod verifying_key;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;

pub use self::issue::{IssueError, IssuedPair, KeyIssuer, KeyListing, KeyStatus};
pub use self::issuer::{IssuerFault, IssuerKeys, IssuerSettings, VerifiedToken};
pub use self::jwks::{Fetch, FetchError, LARGEST_KEY_SET};
pub use self::jws::{JwsFault, LONGEST_TOKEN, verify_jws};
pub use self::keyring::{IssuedKey, Keyring, KeyringLimits};
pub use self::mint::{Claims, mint};
pub use self::nonces::Nonces;
pub use self::random::{Random, RandomUnavailable, SystemRandom};
pub use self::roster::{
    AddCallerError, Added, Changes, Fault, Names, NewCaller, Reading, Reloaded, Roster, Vocabulary, add_caller,
};
pub use self::seal::{SEALING_KEY_BYTES, SealError, Sealed, SealingKeys};
pub use self::token::Tokens;
pub use self::verifying_key::{JwsAlgorithm, KeyFault, SHORTEST_SECRET, VerifyingKey};

use self::refusals::refusal_of;
use crate::call::{Caller, Proof, Refusal, Wire};
use crate::sign::{CloudHosts, Presented, read_presented, verify};

/// Everything that it takes to say who is calling.
pub struct Identity {
    /// The keys that the gateway issued.
    pub keyring: Keyring,
    /// The issuers of tokens.
    pub tokens: Tokens,
    /// Teams and callers.
    pub roster: Arc<Roster>,
    /// What is accepted of signatures.
    pub signatures: SignatureRules,
    /// Nonces that were seen.
    pub nonces: Nonces,
}

/// What is accepted of signatures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignatureRules {
    /// How old a signature may be, and how far ahead, in seconds; the schemes whose cloud allows another time have
    /// their own.
    pub skew_seconds: i64,
    /// Hosts of the cloud that a client behind `ApigwEndpoint` may have signed in place of ours.
    pub cloud_hosts: CloudHosts,
}

impl Identity {
    /// What a request puts forward as proof; nothing is believed yet. Its key id is what the record calls the key while
    /// it is unproven.
    ///
    /// # Errors
    /// `CredentialsMissing`, or why the proof can't be read.
    pub fn presented(wire: &Wire) -> Result<Presented, Refusal> {
        read_presented(wire).map_err(refusal_of)
    }

    /// Who sent a request: [`Identity::presented`] and [`Identity::prove`].
    ///
    /// # Errors
    /// As both.
    pub async fn authenticate(&self, wire: &Wire, now: Timestamp) -> Result<(Arc<Caller>, Proof), Refusal> {
        self.prove(&Self::presented(wire)?, wire, now).await
    }

    /// Whether the proof that was read from a request holds, and whose it is.
    ///
    /// The cheap comes first: an id that was never issued, is revoked or expired is told before any signature is
    /// computed, and a timestamp out of bounds before the signature over it. Whom a team's file lacks has proven
    /// nothing that helps.
    ///
    /// # Errors
    /// `KeyUnknown`, `KeyRevoked`, `KeyExpired`, `SignatureExpired`, `SignatureMismatch`, `NonceReused`, `TokenInvalid`,
    /// `NotGranted` for a caller that is in no team's file, `AuditUnavailable` when the store is away for too long.
    pub async fn prove(
        &self,
        presented: &Presented,
        wire: &Wire,
        now: Timestamp,
    ) -> Result<(Arc<Caller>, Proof), Refusal> {
        match presented {
            Presented::Bearer(token) => {
                let verified = self.tokens.verify(token.expose(), now).await?;
                let caller = self.caller(&verified.caller).await?;
                Ok((caller, Proof::Token { issuer: verified.issuer.clone() }))
            }
            Presented::Tc3(_) | Presented::V1(_) | Presented::Acs3(_) | Presented::Rpc(_) => {
                self.prove_signature(presented, wire, now).await
            }
        }
    }

    async fn prove_signature(
        &self,
        presented: &Presented,
        wire: &Wire,
        now: Timestamp,
    ) -> Result<(Arc<Caller>, Proof), Refusal> {
        let key_id = presented.key_id().ok_or(Refusal::CredentialsMissing)?;
        let key = self.keyring.find(key_id).await?;
        let cloud_hosts = self.signatures.cloud_hosts.to_try(presented, wire);
        let skew = presented.skew_seconds(self.signatures.skew_seconds);
        verify(presented, wire, &key.secret, now.as_second(), skew, &cloud_hosts).map_err(refusal_of)?;
        self.keyring.note_use(key_id);
        if let Some(token) = presented.token().filter(|token| !token.is_empty()) {
            self.check_companion(token, &key.caller, now).await?;
        }
        let caller = self.caller(&key.caller).await?;
        if matches!(presented, Presented::Tc3(_)) {
            check_coverage(presented.signed_headers(), &caller)?;
        }
        if let (Some(nonce), Some(signed)) = (presented.nonce(), presented.timestamp()) {
            self.nonces.burn(key_id, nonce, signed.saturating_add(skew), now.as_second()).await?;
        }
        let covers_idempotency_key = presented.signed_headers().iter().any(|name| name == "idempotency-key");
        let fingerprint = presented.fingerprint();
        let proof = Proof::Signature { key_id: key.key_id, fingerprint, covers_idempotency_key };
        Ok((caller, proof))
    }

    /// A token beside a signature proves nothing on its own, but one that is another's, or not genuine, is a mistake that
    /// must not pass unseen.
    async fn check_companion(&self, token: &str, caller: &str, now: Timestamp) -> Result<(), Refusal> {
        let verified = self.tokens.verify(token, now).await?;
        if verified.caller == caller {
            return Ok(());
        }
        let why = "it names another caller than the key that signed the request".to_owned();
        Err(Refusal::TokenInvalid { why, malformed: false })
    }

    async fn caller(&self, name: &str) -> Result<Arc<Caller>, Refusal> {
        let why = || format!("the caller {name} is in no team's file");
        self.roster.caller(name).await.ok_or_else(|| Refusal::NotGranted { why: why() })
    }
}

impl Default for SignatureRules {
    fn default() -> SignatureRules {
        SignatureRules { skew_seconds: 300, cloud_hosts: CloudHosts::Listed(Vec::new()) }
    }
}

/// TC3 covers the headers that it lists and no others; a caller can be held to list more of them.
fn check_coverage(signed: &[String], caller: &Caller) -> Result<(), Refusal> {
    match caller.require_signed_headers.iter().find(|required| !signed.contains(required)) {
        Some(header) => Err(Refusal::SignatureMismatch { why: format!("it does not cover the header {header}") }),
        None => Ok(()),
    }
}
