//! Who is asking: the bearer token of a request, verified; or whoever sits at the command line.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use jiff::Timestamp;

use super::desk::{Desk, Door};
use super::problem::Problem;
use super::stamp::RequestId;
use super::{AUDITOR, COMMAND_LINE};
use crate::call::Refusal;
use crate::identity::Identity;
use crate::store::Filter;

/// The peer's address; the listener puts it on every request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Who is asking.
#[derive(Debug)]
pub(super) struct Reader {
    /// Its name.
    pub(super) caller: String,
    /// Its team, if a team's file knows it.
    pub(super) team: Option<String>,
    /// Who has issued its token; empty at the command line.
    pub(super) issuer: String,
    /// What its token says that it may do.
    pub(super) roles: Vec<String>,
    /// When its token ends.
    pub(super) expires_at: Option<Timestamp>,
    /// Where it is.
    pub(super) address: String,
    /// The request.
    pub(super) request_id: RequestId,
}

impl Reader {
    /// What it has shown, for its record.
    pub(super) fn key_id(&self) -> String {
        if self.issuer.is_empty() { String::new() } else { format!("jwt:{}", self.issuer) }
    }

    /// Whether it may see what was recorded of a caller.
    pub(super) fn may_see(&self, caller: &str) -> bool {
        caller == self.caller || self.roles.iter().any(|role| role == AUDITOR)
    }

    /// What it may see of what it asks for.
    pub(super) fn restrict(&self, filter: Filter) -> Result<Filter, Problem> {
        let own = &self.caller;
        match &filter.caller {
            _ if self.roles.iter().any(|role| role == AUDITOR) => Ok(filter),
            Some(other) if other != own => Err(Problem::forbidden(format!(
                "without the role {AUDITOR} you see your own records only, those of {own}"
            ))),
            _ => Ok(Filter { caller: Some(own.clone()), ..filter }),
        }
    }

    async fn by_token(parts: &Parts, identity: &Identity, now: Timestamp) -> Result<Reader, Refusal> {
        let token = identity.tokens.verify(bearer(parts)?, now).await?;
        Ok(Reader {
            caller: token.caller.clone(),
            team: identity.roster.get(&token.caller).map(|caller| caller.team.clone()),
            issuer: token.issuer.clone(),
            roles: token.roles.clone(),
            expires_at: Some(token.expires_at),
            address: parts.extensions.get::<Peer>().map(|Peer(address)| address.to_string()).unwrap_or_default(),
            request_id: request_id(parts),
        })
    }

    fn at_the_command_line(parts: &Parts) -> Reader {
        Reader {
            caller: COMMAND_LINE.to_owned(),
            team: None,
            issuer: String::new(),
            roles: vec![AUDITOR.to_owned()],
            expires_at: None,
            address: String::new(),
            request_id: request_id(parts),
        }
    }
}

impl FromRequestParts<Desk> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Reader, Problem> {
        match &desk.door {
            Door::CommandLine => Ok(Reader::at_the_command_line(parts)),
            Door::Tokens(identity) => {
                let known = Reader::by_token(parts, identity, desk.clock.now()).await;
                known.map_err(|refusal| Problem::from(&refusal))
            }
        }
    }
}

fn request_id(parts: &Parts) -> RequestId {
    parts.extensions.get::<RequestId>().copied().unwrap_or(RequestId(uuid::Uuid::nil()))
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
