//! A token of a development issuer, for the command `token` and for quickstart. Production issuers mint their own.

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::verifying_key::{KeyFault, check_secret};

/// What a token is to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claims {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// The claim that names the caller, and the caller.
    pub caller: (String, String),
    /// The claim that holds the roles, and the roles; left out when there is none.
    pub roles: (String, Vec<String>),
    /// How long it is valid from `now` on.
    pub lifetime: Duration,
}

/// Signs a token with HS256.
///
/// # Errors
/// The secret is weak; see [`super::VerifyingKey::from_secret`].
pub fn mint(secret: &[u8], claims: &Claims, now: Timestamp) -> Result<SecretString, KeyFault> {
    check_secret(secret)?;
    let issued = now.as_second();
    let expires = issued.saturating_add_unsigned(claims.lifetime.as_secs());
    let mut members = Map::new();
    members.insert("iss".to_owned(), json!(claims.issuer));
    members.insert("aud".to_owned(), json!(claims.audience));
    members.insert("iat".to_owned(), json!(issued));
    members.insert("exp".to_owned(), json!(expires));
    members.insert(claims.caller.0.clone(), json!(claims.caller.1));
    if !claims.roles.1.is_empty() {
        members.insert(claims.roles.0.clone(), json!(claims.roles.1));
    }
    let key = EncodingKey::from_secret(secret);
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &Value::Object(members), &key);
    token.map(SecretString::from).map_err(|_| KeyFault("it does not sign"))
}
