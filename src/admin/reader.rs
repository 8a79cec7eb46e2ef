//! Who is asking: the bearer token of a request, verified.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::problem::Problem;
use super::stamp::RequestId;
use super::{AUDITOR, Admin};
use crate::call::Refusal;
use crate::identity::VerifiedToken;

/// The peer's address; the listener puts it on every request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Who is asking.
#[derive(Debug)]
pub(super) struct Reader {
    /// Its token.
    pub(super) token: Arc<VerifiedToken>,
    /// Its team, if a team's file knows it.
    pub(super) team: Option<String>,
    /// Where it is.
    pub(super) address: String,
    /// The request.
    pub(super) request_id: RequestId,
}

impl Reader {
    /// Whether it may see records of others.
    pub(super) fn is_auditor(&self) -> bool {
        self.token.roles.iter().any(|role| role == AUDITOR)
    }
}

impl FromRequestParts<Admin> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Admin) -> Result<Reader, Problem> {
        let text = bearer(parts).map_err(|refusal| Problem::from(&refusal))?;
        let verified = admin.identity.tokens.verify(text, admin.clock.now()).await;
        let token = verified.map_err(|refusal| Problem::from(&refusal))?;
        let team = admin.identity.roster.get(&token.caller).map(|caller| caller.team.clone());
        let address = parts.extensions.get::<Peer>().map(|Peer(address)| address.to_string()).unwrap_or_default();
        let request_id = parts.extensions.get::<RequestId>().copied().unwrap_or(RequestId(uuid::Uuid::nil()));
        Ok(Reader { token, team, address, request_id })
    }
}

/// The one token of a request. Two headers are two people's claims.
fn bearer(parts: &Parts) -> Result<&str, Refusal> {
    let mut all = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (all.next(), all.next()) else { return Err(Refusal::CredentialsMissing) };
    let text = header.to_str().map_err(|_| Refusal::CredentialsMissing)?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => Ok(token.trim()),
        _ => Err(Refusal::CredentialsMissing),
    }
}
