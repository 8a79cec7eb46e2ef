//! `/v1/me`: who the gateway takes the asker for.

use axum::Json;
use jiff::Timestamp;
use serde::Serialize;

use super::reader::Reader;

/// Who is asking.
#[derive(Debug, Serialize)]
pub(super) struct Me {
    caller: String,
    team: Option<String>,
    issuer: String,
    roles: Vec<String>,
    expires_at: Timestamp,
}

pub(super) async fn show(reader: Reader) -> Json<Me> {
    let token = reader.token;
    Json(Me {
        caller: token.caller.clone(),
        team: reader.team,
        issuer: token.issuer.clone(),
        roles: token.roles.clone(),
        expires_at: token.expires_at,
    })
}
