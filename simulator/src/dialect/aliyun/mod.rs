//! Alibaba Cloud's RPC style: an action and its flattened parameters in query and form, signed in one of two ways.

mod acs3;
mod nonces;
mod parameters;
mod rpc;
mod typed;
mod write;
mod xml;

#[cfg(test)]
mod tests;

use http::Method;
use http::header::AUTHORIZATION;
use jiff::Timestamp;

use super::{ApiError, Credential, Incoming, Reading};
use crate::clock::Moment;
use crate::table::{Action, Family, Provider, Tables};

pub(crate) use nonces::Nonces;
pub(crate) use typed::check_parameters;
pub(crate) use write::write;

use parameters::Parameters;

/// How far a signed time may be from the cloud's clock, in seconds (the usual 15 minutes; no page says it for DTS).
const CLOCK_SKEW: u64 = 900;

/// The longest nonce; the SDKs' own have 32 or 64 characters.
const LONGEST_NONCE: usize = 256;

/// What a request was signed with, once the signature was found genuine.
struct Signed<'a> {
    key_id: &'a str,
    nonce: &'a str,
    /// The signed time, in seconds since the Unix epoch.
    seconds: i64,
    token: &'a str,
}

/// Whether a request is in this dialect.
pub(crate) fn speaks(incoming: &Incoming) -> bool {
    let marked = |name: &str| ["AccessKeyId", "SignatureNonce"].contains(&name);
    incoming.headers.keys().any(|name| name.as_str().starts_with("x-acs-"))
        || is_acs3(incoming)
        || Parameters::names(incoming).any(|name| marked(&name))
}

/// Reads what can be read; what is wrong is noted in the reading.
pub(crate) fn read(incoming: &Incoming, tables: &Tables) -> Reading {
    let parameters = Parameters::of(incoming);
    let by_headers =
        is_acs3(incoming) || (!parameters.has("Signature") && incoming.headers.contains_key("x-acs-action"));
    let mut reading = Reading { family: Family::Aliyun, flat: true, ..Reading::default() };
    if by_headers {
        let text = |name: &str| header(incoming, name).ok().flatten().map(str::to_owned);
        reading.signature_method = Some(acs3::NAME.to_owned());
        reading.action = text("x-acs-action");
        reading.version = text("x-acs-version");
        reading.credential = text("authorization").and_then(|value| acs3::claimed_id(&value));
        reading.wants_xml = text("accept").is_some_and(|accepted| accepted.contains("/xml"));
    } else {
        let text = |name: &str| parameters.text(name).map(str::to_owned);
        reading.signature_method = text("SignatureMethod").or_else(|| text("Signature").map(|_| rpc::NAME.to_owned()));
        reading.action = text("Action");
        reading.version = text("Version");
        reading.credential = text("AccessKeyId");
        // The page of DTS: XML is what nobody has to ask for.
        reading.wants_xml = !parameters.text("Format").is_some_and(|format| format.eq_ignore_ascii_case("json"));
    }
    let row = row_of(&reading, tables).map(|(_, action)| action);
    let keeps_token = takes_token(row);
    let own = |name: &str| by_headers || !(rpc::COMMON.contains(&name) || (name == "SecurityToken" && !keeps_token));
    reading.parameters = parameters.pairs().filter(|(name, _)| own(name)).collect();
    reading.region = row.and_then(|row| region_of(row, &parameters)).map(str::to_owned);
    reading.parameters_problem = parameters.problem().cloned();
    if incoming.method != Method::GET && incoming.method != Method::POST {
        reading.problem = Some(ApiError::new("UnsupportedHTTPMethod", "Only GET and POST requests are supported."));
    } else if !incoming.path.trim_matches('/').is_empty() {
        reading.problem = Some(ApiError::new("InvalidAction.NotFound", "The path of a request is always `/`."));
    }
    reading
}

/// Whether the request is signed with a key that the cloud gave out, lately, and for the first time.
pub(crate) fn verify(
    incoming: &Incoming,
    reading: &Reading,
    tables: &Tables,
    credentials: &[Credential],
    nonces: &Nonces,
    now: Moment,
) -> Result<(), ApiError> {
    let parameters = Parameters::of(incoming);
    let by_headers = reading.signature_method.as_deref() == Some(acs3::NAME);
    let mut signed = if by_headers {
        acs3::verify(incoming, &parameters, credentials, now)?
    } else {
        rpc::verify(incoming, &parameters, credentials, now)?
    };
    if !by_headers && takes_token(row_of(reading, tables).map(|(_, action)| action)) {
        signed.token = ""; // a parameter of the action by the same name
    }
    if !signed.token.is_empty() {
        let message = "A permanent key is used without a token and this token is not valid.";
        return Err(ApiError::new("InvalidSecurityToken.Malformed", message));
    }
    if signed.nonce.is_empty() || signed.nonce.len() > LONGEST_NONCE {
        return Err(incomplete("SignatureNonce"));
    }
    if !nonces.take(signed.key_id, signed.nonce, signed.seconds, now) {
        return Err(ApiError::new("SignatureNonceUsed", "Specified signature nonce was used already."));
    }
    Ok(())
}

/// The region that a call is for, if it exists.
pub(crate) fn check_region<'a>(reading: &'a Reading, provider: &'a Provider) -> Result<&'a str, ApiError> {
    let said = reading.region.as_deref().filter(|region| !region.is_empty());
    let region = said.or(provider.default_region.as_deref()).unwrap_or("");
    if provider.regions.iter().any(|known| known == region) {
        return Ok(region);
    }
    Err(ApiError::new("InvalidRegionId", format!("The region {region} does not exist.")))
}

fn is_acs3(incoming: &Incoming) -> bool {
    incoming.headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"ACS3-"))
}

fn row_of<'a>(reading: &Reading, tables: &'a Tables) -> Option<(&'a Provider, &'a Action)> {
    let provider = tables.of_family(Family::Aliyun, reading.version.as_deref()?)?;
    provider.actions.get(reading.action.as_deref()?).map(|action| (provider, action))
}

/// Whether SecurityToken is a parameter of the action itself.
fn takes_token(row: Option<&Action>) -> bool {
    row.is_some_and(|row| row.parameters.iter().any(|member| member.name == "SecurityToken"))
}

/// The region out of the parameter that the action has for it, or else out of the other one of the two.
fn region_of<'a>(row: &Action, parameters: &'a Parameters) -> Option<&'a str> {
    match row.region.as_deref() {
        Some(own) => parameters.text(own),
        None => parameters.text("RegionId").or_else(|| parameters.text("Region")),
    }
}

/// A header that says something about the signature or the call, so that it must not be there twice.
fn header<'a>(incoming: &'a Incoming, name: &str) -> Result<Option<&'a str>, ApiError> {
    let mut values = incoming.headers.get_all(name).iter();
    match (values.next().map(|value| std::str::from_utf8(value.as_bytes())), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text)),
        (Some(_), _) => Err(incomplete(name)), // which of the two was signed?
    }
}

fn secret_key<'a>(credentials: &'a [Credential], id: &str) -> Result<&'a str, ApiError> {
    credentials
        .iter()
        .find(|(known, _)| known == id)
        .map(|(_, key)| key.as_str())
        .ok_or_else(|| ApiError::new("InvalidAccessKeyId.NotFound", "Specified access key is not found."))
}

/// The seconds of a time like `2026-03-15T02:26:58Z`, if it is near enough.
fn check_time(text: &str, now: Moment) -> Result<i64, ApiError> {
    let wrong =
        || ApiError::new("IllegalTimestamp", "The input parameter Timestamp is not a time of the last minutes.");
    let shaped = text.len() == "yyyy-MM-ddTHH:mm:ssZ".len() && text.ends_with('Z');
    let time: Timestamp = text.parse().ok().filter(|_| shaped).ok_or_else(wrong)?;
    let seconds = time.as_second();
    if seconds.abs_diff(now.seconds()) > CLOCK_SKEW { Err(wrong()) } else { Ok(seconds) }
}

fn incomplete(what: &str) -> ApiError {
    let message = format!("The request signature does not conform to Aliyun standards, see {what}.");
    ApiError::new("IncompleteSignature", message)
}

fn mismatch(text: &str) -> ApiError {
    // The colon is the cloud's: a client of 2016 splits on it.
    let message = format!("Specified signature is not matched with our calculation. server string to sign is:{text}");
    ApiError::new("SignatureDoesNotMatch", message)
}
