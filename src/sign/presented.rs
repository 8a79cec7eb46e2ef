//! What a caller put forward as proof, read once: who it claims to be and the proof are parts of one parsed object, so
//! that nobody can check one place and believe another.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{acs3, hmac_v1, rpc_v1, tc3};
use crate::call::Wire;

/// How far Alibaba's two schemes let a clock be wrong, in seconds: fifteen minutes, as long as a nonce must not repeat.
const ALIBABA_SKEW_SECONDS: i64 = 900;

/// What a caller put forward as proof.
#[derive(Debug)]
pub enum Presented {
    /// `Authorization: TC3-HMAC-SHA256 …`.
    Tc3(tc3::Authorization),
    /// v1 parameters in the query or the form body.
    V1(hmac_v1::Signature),
    /// Alibaba's `Authorization: ACS3-HMAC-SHA256 …`.
    Acs3(acs3::Authorization),
    /// Alibaba's v1 parameters, in the query and the form body together.
    Rpc(rpc_v1::Signature),
    /// `Authorization: Bearer …`; nothing about it has been checked.
    Bearer(Token),
}

/// A bearer token as it was sent. It does not print, and its memory is wiped.
pub struct Token(Zeroizing<String>);

/// Whether a TC3 request may leave its body out of the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsignedPayload {
    /// The gateway's rule.
    Refuse,
    /// What the cloud itself does; for verifying known answers.
    Accept,
}

impl Presented {
    /// The scheme, as clients write it.
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::Tc3(_) => tc3::SCHEME,
            Self::V1(signature) => signature.algorithm().name(),
            Self::Acs3(_) => acs3::SCHEME,
            Self::Rpc(_) => rpc_v1::SCHEME,
            Self::Bearer(_) => "Bearer",
        }
    }

    /// The SecretId or AccessKeyId; none beside a bearer token.
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Self::Tc3(authorization) => Some(authorization.key_id()),
            Self::V1(signature) => Some(signature.key_id()),
            Self::Acs3(authorization) => Some(authorization.key_id()),
            Self::Rpc(signature) => Some(signature.key_id()),
            Self::Bearer(_) => None,
        }
    }

    /// When the client says it signed, Unix seconds; none for a bearer token.
    pub fn timestamp(&self) -> Option<i64> {
        match self {
            Self::Tc3(authorization) => Some(authorization.timestamp()),
            Self::V1(signature) => Some(signature.timestamp()),
            Self::Acs3(authorization) => Some(authorization.timestamp()),
            Self::Rpc(signature) => Some(signature.timestamp()),
            Self::Bearer(_) => None,
        }
    }

    /// How far the timestamp may be from the clock, in seconds: `configured` for the schemes where that is a setting.
    pub fn skew_seconds(&self, configured: i64) -> i64 {
        match self {
            Self::Acs3(_) | Self::Rpc(_) => ALIBABA_SKEW_SECONDS,
            Self::Tc3(_) | Self::V1(_) | Self::Bearer(_) => configured,
        }
    }

    /// The number that this key must not sign with again until the timestamp is too old. It is under the signature. None
    /// for the schemes that have none, or whose real clients repeat theirs.
    pub fn nonce(&self) -> Option<&str> {
        match self {
            Self::Acs3(authorization) => Some(authorization.nonce()),
            Self::Rpc(signature) => Some(signature.nonce()),
            Self::Tc3(_) | Self::V1(_) | Self::Bearer(_) => None,
        }
    }

    /// The token sent beside a signature (X-TC-Token, x-acs-security-token, or v1's Token or SecurityToken). Empty is not
    /// absent. A bearer token is no such.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Tc3(authorization) => authorization.token(),
            Self::V1(signature) => signature.token(),
            Self::Acs3(authorization) => authorization.token(),
            Self::Rpc(signature) => signature.token(),
            Self::Bearer(_) => None,
        }
    }

    /// The region that the request names, where a client may have signed a host of that region. Nothing is believed of it.
    pub fn region<'a>(&'a self, wire: &'a Wire) -> Option<&'a str> {
        let value = |pairs: &'a [(String, String)], wanted: &str| {
            pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        match self {
            Self::Tc3(_) => wire.header("x-tc-region"),
            Self::V1(signature) => value(signature.params(), "Region"),
            Self::Acs3(authorization) => value(authorization.query(), "RegionId"),
            // Its signature covers no host.
            Self::Rpc(_) | Self::Bearer(_) => None,
        }
    }

    /// The headers that a TC3 or ACS3 signature covers. Empty for both v1, which cover every parameter, Action among them.
    pub fn signed_headers(&self) -> &[String] {
        match self {
            Self::Tc3(authorization) => authorization.signed_headers(),
            Self::Acs3(authorization) => authorization.signed_headers(),
            Self::V1(_) | Self::Rpc(_) | Self::Bearer(_) => &[],
        }
    }

    /// SHA-256 over scheme, key id and the proof's bytes: equal for every way of writing the same signature.
    pub fn fingerprint(&self) -> [u8; 32] {
        let key_id = self.key_id().unwrap_or_default();
        let proof = match self {
            Self::Tc3(authorization) => authorization.proof(),
            Self::V1(signature) => signature.proof(),
            Self::Acs3(authorization) => authorization.proof(),
            Self::Rpc(signature) => signature.proof(),
            Self::Bearer(token) => token.expose().as_bytes(),
        };
        let mut hash = Sha256::new();
        for part in [self.scheme().as_bytes(), key_id.as_bytes(), proof] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

impl Token {
    pub(super) fn new(text: &str) -> Token {
        Token(Zeroizing::new(text.to_owned()))
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
