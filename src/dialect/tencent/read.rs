//! What a Tencent request means. Whatever could be read two ways is refused.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};

use super::super::Unreadable;
use super::super::own_headers::{self, malformed};
use crate::call::{Form, Refusal, Request, Wire};
use crate::parameters::{JsonLimits, Value, read_json, unflatten};
use crate::provider::Family;
use crate::sign::encode::read_form;

/// Parameters that carry the protocol, not the action's business; they never go upstream as they came.
/// Source: API 3.0 "Common Params", for v1 requests.
const COMMON: [&str; 11] = [
    "Action",
    "Version",
    "Region",
    "Timestamp",
    "Nonce",
    "SecretId",
    "Signature",
    "SignatureMethod",
    "Token",
    "Language",
    "RequestClient",
];

/// Of the common parameters, those that decide where a call goes. A header and a parameter may both say them, if they
/// say the same: a signature covers only one of the two places.
const DECIDING: [(&str, &str); 3] = [("Action", "x-tc-action"), ("Version", "x-tc-version"), ("Region", "x-tc-region")];

/// Largest form body of a v1 request, in bytes. Source: API 3.0, structure of requests: a POST has at most 1 MB with
/// HmacSHA1 and HmacSHA256, 10 MB with TC3.
const LARGEST_V1_BODY: usize = 1 << 20;

type Pairs = Vec<(String, String)>;

/// Reads a request, as far as possible.
pub(super) fn read(wire: &Wire) -> Result<Request, Unreadable> {
    let mut request = Request::unread(Family::Tencent);
    match fill(wire, &mut request) {
        Ok(()) => Ok(request),
        Err(refusal) => Err(Unreadable { request: Box::new(request), refusal }),
    }
}

fn fill(wire: &Wire, request: &mut Request) -> Result<(), Refusal> {
    request.wants_problem = own_headers::wants_problem(&wire.headers);
    refuse_repeated_headers(&wire.headers)?;
    for (name, header) in DECIDING {
        decide(request, name, wire.header(header))?;
    }
    request.form = form_of(wire)?;
    request.parameters = match request.form {
        Form::Query => from_pairs(wire, wire.raw_query.as_bytes(), request)?,
        Form::FormBody => {
            refuse_large_v1(wire)?;
            from_pairs(wire, &wire.body, request)?
        }
        Form::Json => from_json(&wire.body, request)?,
    };
    request.account = own_headers::account(&wire.headers)?;
    request.max_wait = own_headers::max_wait(&wire.headers)?;
    request.idempotency_key = own_headers::idempotency_key(&wire.headers)?;
    Ok(())
}

/// Which form the parameters came in. A POST's query is covered by no signature, so it must be empty.
fn form_of(wire: &Wire) -> Result<Form, Refusal> {
    if wire.method == Method::GET {
        return match wire.body.is_empty() {
            true => Ok(Form::Query),
            false => Err(malformed("a GET carries no body")),
        };
    }
    if !wire.raw_query.is_empty() {
        return Err(malformed("a POST carries its parameters in the body, not in the query"));
    }
    match wire.media_type().as_str() {
        "application/json" => Ok(Form::Json),
        "application/x-www-form-urlencoded" => Ok(Form::FormBody),
        "" => Err(malformed("a POST needs a Content-Type, application/json or application/x-www-form-urlencoded")),
        "multipart/form-data" => Err(malformed("no action takes multipart/form-data")),
        _ => Err(malformed("the Content-Type must be application/json or application/x-www-form-urlencoded")),
    }
}

fn from_pairs(wire: &Wire, raw: &[u8], request: &mut Request) -> Result<Value, Refusal> {
    // curl calls every body a form unless told otherwise; no parameter's name begins like this.
    if raw.first() == Some(&b'{') {
        return Err(malformed(
            "it looks like JSON but its Content-Type says form, send Content-Type: application/json",
        ));
    }
    let pairs = read_form(raw).map_err(|fault| malformed(&fault.to_string()))?;
    let mut business: Pairs = Vec::with_capacity(pairs.len());
    let mut seen: Vec<String> = Vec::new();
    let is_v1 = !wire.headers.contains_key(AUTHORIZATION)
        && pairs.iter().any(|(name, _)| name == "Signature" || name == "SecretId");
    for (name, value) in pairs {
        if !COMMON.contains(&name.as_str()) {
            business.push((name, value));
            continue;
        }
        if seen.contains(&name) {
            return Err(Refusal::ParameterConflict { name });
        }
        decide(request, &name, Some(&value))?;
        seen.push(name);
    }
    if is_v1 {
        refuse_uncovered_headers(&wire.headers, &seen)?;
    }
    unflatten(&business).map_err(|fault| malformed(&fault.to_string()))
}

fn from_json(body: &[u8], request: &mut Request) -> Result<Value, Refusal> {
    if body.is_empty() {
        return Ok(Value::Object(Vec::new()));
    }
    let members = match read_json(body, &JsonLimits::default()) {
        Ok(Value::Object(members)) => members,
        // Ruby's SDK sends `null` for no parameters.
        Ok(Value::Null) => Vec::new(),
        Ok(_) => return Err(malformed("the body must be a JSON object")),
        Err(fault) => return Err(malformed(&format!("the body is not acceptable JSON, {fault}"))),
    };
    let mut business = Vec::with_capacity(members.len());
    for (name, value) in members {
        if !DECIDING.iter().any(|(deciding, _)| *deciding == name) {
            business.push((name, value));
            continue;
        }
        match &value {
            Value::String(text) => decide(request, &name, Some(text))?,
            _ => return Err(Refusal::ParameterType { path: name, expected: "a string".to_owned() }),
        }
    }
    Ok(Value::Object(business))
}

/// Takes note of a deciding parameter. Said twice, it must say the same.
fn decide(request: &mut Request, name: &str, value: Option<&str>) -> Result<(), Refusal> {
    let Some(value) = value else { return Ok(()) };
    let conflict = || Refusal::ParameterConflict { name: name.to_owned() };
    let place = match name {
        "Action" => &mut request.action,
        "Version" => &mut request.version,
        "Region" => {
            if request.region.as_deref().is_some_and(|said| said != value) {
                return Err(conflict());
            }
            // Go's SDK sends an empty Region for none.
            request.region = Some(value.to_owned()).filter(|region| !region.is_empty());
            return Ok(());
        }
        _ => return Ok(()),
    };
    if !place.is_empty() && place != value {
        return Err(conflict());
    }
    value.clone_into(place);
    Ok(())
}

/// A form without Authorization is v1 or nothing. Its signature is computed over the whole body for every host that may
/// have been signed, so it costs more to verify than to send.
fn refuse_large_v1(wire: &Wire) -> Result<(), Refusal> {
    if wire.headers.contains_key(AUTHORIZATION) || wire.body.len() <= LARGEST_V1_BODY {
        return Ok(());
    }
    let what = "the form body, in bytes, of a request that is signed with v1".to_owned();
    Err(Refusal::TooLarge { what, limit: LARGEST_V1_BODY as u64 })
}

/// A v1 signature covers the parameters and no header, so what only a header says was signed by nobody. No SDK that signs
/// with v1 sends one of these.
fn refuse_uncovered_headers(headers: &HeaderMap, parameters: &[String]) -> Result<(), Refusal> {
    let is_uncovered = |(name, header): &(&str, &str)| {
        headers.get(*header).is_some_and(|value| !value.is_empty()) && parameters.iter().all(|there| there != name)
    };
    match DECIDING.iter().find(|deciding| is_uncovered(deciding)) {
        Some((name, header)) => Err(Refusal::ParameterConflict {
            name: format!("{name}, in the header {header} that v1 does not sign and not so among the parameters,"),
        }),
        None => Ok(()),
    }
}

/// Headers of which a second one would make it a matter of taste what was signed.
fn refuse_repeated_headers(headers: &HeaderMap) -> Result<(), Refusal> {
    own_headers::refuse_repeated(headers, |name| name.starts_with("x-tc-"))?;
    for (name, header) in DECIDING {
        if headers.get(header).is_some_and(|value| value.to_str().is_err()) {
            return Err(malformed(&format!("the header of {name} is not printable ASCII")));
        }
    }
    Ok(())
}
