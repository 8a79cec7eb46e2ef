//! Who is calling.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::Grant;

/// An internal service that may call, as its team's file says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    /// The name that keys and tokens carry; unique over all teams.
    pub name: String,
    /// The team that it belongs to, which owns the tasks that it creates.
    pub team: String,
    /// Aliases of the accounts that it may use; the first is the one it gets when it names none.
    pub accounts: Vec<String>,
    /// Its share of a contended quota, relative to others'.
    pub weight: NonZeroU32,
    /// Headers that its TC3 signatures must cover, in lower case, such as that of the action.
    pub require_signed_headers: Vec<String>,
    /// How often it may call, if that is limited.
    pub pace: Option<Pace>,
    /// What it may do: its own grants and its team's.
    pub grants: Vec<Grant>,
    /// SHA-256 of all team files that this was read from, for the record of what it calls.
    pub policy: Arc<str>,
}

/// A caller's own limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub struct Pace {
    /// Calls in a second, on average.
    pub per_second: NonZeroU32,
    /// Calls at once.
    pub burst: NonZeroU32,
}

/// A team, as one file describes it.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its name.
    pub name: String,
    /// Its members.
    pub callers: Vec<Caller>,
}

/// How a caller proved who it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Proof {
    /// A signature with a key pair that the gateway issued.
    Signature {
        /// The key's public half.
        key_id: String,
        /// SHA-256 over the signature and the key id: equal for the same bytes sent twice.
        fingerprint: [u8; 32],
        /// It covers the header `Idempotency-Key`, which no SDK's does.
        covers_idempotency_key: bool,
    },
    /// A token of an issuer that is trusted.
    Token {
        /// The issuer's configured name.
        issuer: String,
    },
}

impl Proof {
    /// What the record calls the key: the key's id, or `jwt:` and the issuer.
    pub fn key_id(&self) -> String {
        match self {
            Proof::Signature { key_id, .. } => key_id.clone(),
            Proof::Token { issuer } => format!("jwt:{issuer}"),
        }
    }
}
