//! Issued key pairs as rows. The secret half is sealed before it comes here and opened elsewhere.

use jiff::Timestamp;

/// An issued key pair.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyRow {
    /// The public half (SecretId, AccessKeyId).
    pub key_id: String,
    /// The caller that it was issued to.
    pub caller: String,
    /// The secret half, sealed.
    pub sealed_secret: Vec<u8>,
    /// Which sealing key sealed it.
    pub sealed_with: String,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it stops to be accepted.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// How a key's life ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// Accepted until then.
    Expires(Timestamp),
    /// Refused from then on.
    Revoked(Timestamp),
}
