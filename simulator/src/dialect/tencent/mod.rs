//! Tencent Cloud API 3.0: where a request says what it wants, and the shape of every answer.

mod flat;
mod hosts;
mod tc3;
mod typed;
mod v1;

#[cfg(test)]
mod tests;

use http::Method;
use serde_json::{Map, Value, json};

use super::{ApiError, Credential, Incoming, Reading};
use crate::clock::Moment;

pub(crate) use hosts::{access_region, is_cloud_host};
pub(crate) use typed::check_parameters;

/// How far a timestamp may be from the cloud's clock, in seconds ("cannot exceed 5 minutes", common error codes).
const CLOCK_SKEW: u64 = 300;

/// The longest query of a GET (Request Structure: 32 KB).
const QUERY_LIMIT: usize = 32 * 1024;

/// The longest form (Request Structure: 1 MB for v1).
const FORM_LIMIT: usize = 1024 * 1024;

/// Reads what can be read; what is wrong is noted in the reading.
pub(crate) fn read(incoming: &Incoming) -> Reading {
    let mut reading = Reading::default();
    if let Err(problem) = fill(incoming, &mut reading) {
        reading.problem = Some(problem);
    }
    reading
}

/// Whether the request is signed with a key that the cloud gave out, and lately.
pub(crate) fn verify(
    incoming: &Incoming,
    reading: &Reading,
    credentials: &[Credential],
    now: Moment,
) -> Result<(), ApiError> {
    if reading.signature_method.as_deref() == Some(tc3::NAME) {
        tc3::verify(incoming, credentials, now)
    } else {
        v1::verify(incoming, credentials, now)
    }
}

/// The body of an answer.
pub(crate) fn envelope(answer: &Result<Map<String, Value>, ApiError>, request_id: &str) -> Vec<u8> {
    let mut response = match answer {
        Ok(members) => members.clone(),
        Err(error) => Map::from_iter([("Error".to_owned(), json!({"Code": error.code, "Message": error.message}))]),
    };
    response.insert("RequestId".to_owned(), request_id.into());
    json!({ "Response": response }).to_string().into_bytes()
}

fn fill(incoming: &Incoming, reading: &mut Reading) -> Result<(), ApiError> {
    if incoming.method != Method::GET && incoming.method != Method::POST {
        return Err(ApiError::new("UnsupportedProtocol", "Only GET and POST requests are supported."));
    }
    let signed_in_headers =
        incoming.headers.contains_key("authorization") || incoming.headers.contains_key("x-tc-action");
    if signed_in_headers { fill_from_headers(incoming, reading) } else { fill_from_parameters(incoming, reading) }?;
    if incoming.path != "/" {
        return Err(ApiError::new("InvalidRequest", "The path of a request is always `/`."));
    }
    if incoming.method == Method::GET && incoming.query.len() > QUERY_LIMIT {
        return Err(ApiError::new("RequestSizeLimitExceeded", "A GET request may not exceed 32 KB."));
    }
    Ok(())
}

fn fill_from_headers(incoming: &Incoming, reading: &mut Reading) -> Result<(), ApiError> {
    reading.signature_method = Some(tc3::NAME.to_owned());
    let text = |name| header(incoming, name).map(|value| value.map(str::to_owned));
    reading.action = text("x-tc-action")?;
    reading.version = text("x-tc-version")?;
    reading.region = text("x-tc-region")?;
    reading.credential = text("authorization")?.and_then(|value| tc3::claimed_id(&value));
    if incoming.method == Method::GET {
        reading.flat = true;
        match flat::nest(form_urlencoded::parse(incoming.query.as_bytes())) {
            Ok(parameters) => reading.parameters = parameters,
            Err(problem) => reading.parameters_problem = Some(problem),
        }
        return Ok(());
    }
    match read_json(&incoming.body) {
        Ok(parameters) => reading.parameters = parameters,
        Err(problem) => reading.parameters_problem = Some(problem),
    }
    require_media_type(incoming, "application/json", reading)
}

fn fill_from_parameters(incoming: &Incoming, reading: &mut Reading) -> Result<(), ApiError> {
    reading.flat = true;
    let pairs = v1::pairs(incoming);
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    reading.action = value("Action");
    reading.version = value("Version");
    reading.region = value("Region");
    reading.credential = value("SecretId");
    if value("Signature").is_some() || reading.credential.is_some() {
        reading.signature_method = Some(value("SignatureMethod").unwrap_or_else(|| "HmacSHA1".to_owned()));
    }
    let own = pairs.iter().filter(|(name, _)| !v1::COMMON.contains(&name.as_str()));
    match flat::nest(own.map(|(name, value)| (name.as_str(), value.as_str()))) {
        Ok(parameters) => reading.parameters = parameters,
        Err(problem) => reading.parameters_problem = Some(problem),
    }
    if incoming.method == Method::POST {
        if incoming.body.len() > FORM_LIMIT {
            return Err(ApiError::new("RequestSizeLimitExceeded", "A form may not exceed 1 MB."));
        }
        if !incoming.body.is_empty() {
            require_media_type(incoming, "application/x-www-form-urlencoded", reading)?;
        }
    }
    Ok(())
}

fn read_json(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(Value::Null) => Ok(Map::new()), // the Ruby SDK's body without parameters
        Ok(_) => Err(ApiError::new("InvalidParameter", "The request body must be a JSON object.")),
        Err(error) => Err(ApiError::new("InvalidParameter", format!("The request body is not JSON: {error}."))),
    }
}

/// Another media type is told only to who signed it: with a wrong one the signature is usually wrong as well.
fn require_media_type(incoming: &Incoming, wanted: &str, reading: &mut Reading) -> Result<(), ApiError> {
    let given = header(incoming, "content-type")?.unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case(wanted) {
        let message = format!("The Content-Type of this request must be {wanted}.");
        reading.parameters_problem = Some(ApiError::new("InvalidRequest", message));
    }
    Ok(())
}

/// A header that says something about the signature or the call, so that it must not be there twice.
fn header<'a>(incoming: &'a Incoming, name: &str) -> Result<Option<&'a str>, ApiError> {
    let mut values = incoming.headers.get_all(name).iter();
    let first = values.next();
    match first.map(|value| std::str::from_utf8(value.as_bytes())) {
        None => Ok(None),
        Some(Ok(text)) if values.next().is_none() => Ok(Some(text)),
        Some(_) => Err(mismatch()), // which of the two was signed?
    }
}

fn secret_key<'a>(credentials: &'a [Credential], id: &str) -> Result<&'a str, ApiError> {
    credentials
        .iter()
        .find(|(known, _)| known == id)
        .map(|(_, key)| key.as_str())
        .ok_or_else(|| ApiError::new("AuthFailure.SecretIdNotFound", "The SecretId is not found."))
}

fn check_time(timestamp: &str, now: Moment) -> Result<i64, ApiError> {
    let seconds: i64 = timestamp.parse().map_err(|_| {
        ApiError::new("InvalidParameterValue", "The parameter `Timestamp` must be an integer of seconds.")
    })?;
    if seconds.abs_diff(now.seconds()) > CLOCK_SKEW {
        return Err(ApiError::new(
            "AuthFailure.SignatureExpire",
            "The difference between the Timestamp and the server time exceeds five minutes.",
        ));
    }
    Ok(seconds)
}

fn refuse_token(token: &str) -> Result<(), ApiError> {
    if token.is_empty() {
        return Ok(());
    }
    Err(ApiError::new("AuthFailure.TokenFailure", "A permanent key is used without a token; this token is not valid."))
}

fn missing(name: &str) -> ApiError {
    ApiError::new("MissingParameter", format!("The request is missing a required parameter `{name}`."))
}

fn mismatch() -> ApiError {
    ApiError::new(
        "AuthFailure.SignatureFailure",
        "The provided credentials could not be validated. Please check your signature is correct.",
    )
}
