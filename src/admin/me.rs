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
    expires_at: Option<Timestamp>,
}

pub(super) async fn show(reader: Reader) -> Json<Me> {
    Json(Me {
        caller: reader.caller,
        team: reader.team,
        issuer: reader.issuer,
        roles: reader.roles,
        expires_at: reader.expires_at,
    })
}
