//! The gateway's own headers, the same in every family, and those that may come only once.

use std::time::Duration;

use http::HeaderMap;

use crate::call::Refusal;

/// Longest accepted `Idempotency-Key`, in characters.
const LONGEST_IDEMPOTENCY_KEY: usize = 255;

/// Whether the caller prefers `application/problem+json` over the cloud's own shape.
pub(super) fn wants_problem(headers: &HeaderMap) -> bool {
    let accept = headers.get("accept").and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/problem+json"))
}

/// `X-DTS-Gateway-Account`.
pub(super) fn account(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    text(headers, "x-dts-gateway-account")
}

/// `X-DTS-Gateway-Max-Wait`.
pub(super) fn max_wait(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let Some(text) = text(headers, "x-dts-gateway-max-wait")? else { return Ok(None) };
    let whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let milliseconds = whole.then(|| text.parse::<u64>().unwrap_or(u64::MAX));
    milliseconds
        .map(|milliseconds| Some(Duration::from_millis(milliseconds)))
        .ok_or_else(|| malformed("X-DTS-Gateway-Max-Wait must be whole milliseconds"))
}

/// `Idempotency-Key`.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    match text(headers, "idempotency-key")? {
        Some(key)
            if !(1..=LONGEST_IDEMPOTENCY_KEY).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Err(malformed(
                "Idempotency-Key must have 1 to 255 characters, letters, digits and signs of ASCII without spaces",
            ))
        }
        key => Ok(key),
    }
}

/// A header's text without surrounding blanks.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().map_err(|_| malformed(&format!("the header {name} is not printable ASCII")))?;
    Ok(Some(text.trim().to_owned()))
}

/// Refuses a second one of the headers that every family signs or believes, and of those that `is_familys`.
pub(super) fn refuse_repeated(headers: &HeaderMap, is_familys: fn(&str) -> bool) -> Result<(), Refusal> {
    for name in headers.keys() {
        let single = matches!(name.as_str(), "host" | "authorization" | "content-type" | "content-length")
            || is_familys(name.as_str())
            || name.as_str().starts_with("x-dts-gateway-")
            || name == "idempotency-key";
        if single && headers.get_all(name).iter().nth(1).is_some() {
            return Err(Refusal::ParameterConflict { name: format!("the header {name}") });
        }
    }
    Ok(())
}

/// A request that can't be read, and why.
pub(super) fn malformed(why: &str) -> Refusal {
    Refusal::RequestMalformed { why: why.to_owned() }
}
