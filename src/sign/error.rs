//! Why a proof was not accepted. Messages say what to do about it and never repeat a signature, a key or a token.

/// Why a request's proof could not be read or did not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// No Authorization header and no v1 parameters of either family.
    #[error(
        "nothing in this request says who sent it; sign it (TC3-HMAC-SHA256, HmacSHA256, HmacSHA1, ACS3-HMAC-SHA256, HMAC-SHA1) or send Authorization with a Bearer token"
    )]
    Missing,
    /// The proof cannot be read; the text says which part of it.
    #[error("{0}")]
    Malformed(&'static str),
    /// The proof was read and does not belong to this request and this key.
    #[error(
        "the {scheme} signature does not match the request as it arrived for host `{host}`; check the SecretKey, and that nothing on the way rewrites Host, Content-Type, the query or the body"
    )]
    Mismatch {
        /// The signing scheme that was used.
        scheme: &'static str,
        /// The Host header, shortened and made printable.
        host: String,
    },
    /// Signed too long ago or too far in the future. Unix seconds.
    #[error(
        "the request was signed at {signed} and it is {now} here (Unix seconds, {} s apart); set the client's clock and sign again",
        .now.abs_diff(*.signed)
    )]
    Expired {
        /// When the client says it signed.
        signed: i64,
        /// The gateway's time.
        now: i64,
    },
    /// A SignatureMethod or Authorization scheme that is not served in such a request.
    #[error("{named} is not served {instead}")]
    UnknownMethod {
        /// What was named; shortened and made printable.
        named: String,
        /// In which place, and what is served there: `as Authorization, only Bearer is`.
        instead: &'static str,
    },
    /// `X-TC-Content-SHA256: UNSIGNED-PAYLOAD`, or the same in `x-acs-content-sha256`.
    #[error("UNSIGNED-PAYLOAD is not accepted, it would leave the body unprotected; sign the body")]
    UnsignedPayload,
    /// `Authorization: SKIP`.
    #[error("SkipSign (Authorization SKIP) is not accepted; sign the request")]
    Skipped,
    /// A header or parameter that must be single was sent more than once; its name, shortened and made printable.
    #[error("`{0}` was sent more than once; send it once")]
    Repeated(String),
}

/// Caller's text cut to `limit` characters with everything but visible ASCII replaced, safe in logs and answers.
pub(super) fn printable(text: &str, limit: usize) -> String {
    text.chars().take(limit).map(|c| if c.is_ascii_graphic() && c != '`' { c } else { '?' }).collect()
}
