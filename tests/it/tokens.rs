//! Tokens as somebody would forge them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

pub use crate::settings::TOKEN_SECRET as SECRET;

/// The claims of a good token, issued at `now` (Unix seconds) for an hour.
pub fn claims(now: i64, caller: &str) -> Value {
    json!({
        "iss": "https://development.invalid/", "aud": "dts-gateway", "sub": caller,
        "iat": now, "nbf": now, "exp": now + 3600,
    })
}

/// With another value of one claim.
pub fn with(mut claims: Value, name: &str, value: &str) -> Value {
    claims[name] = json!(value);
    claims
}

/// A token signed with HS256.
pub fn hs256(secret: &str, claims: &Value) -> String {
    let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// A token that says it needs no signature.
pub fn unsigned(claims: &Value) -> String {
    format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(claims))
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
