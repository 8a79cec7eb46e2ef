//! What an Alibaba request means. Whatever could be read two ways is refused.
//!
//! A v1 signature covers the parameters and no header, so what it protects is read from there; ACS3 and token callers say
//! Action and Version in headers. Parameters stand in the query, in a form body, or in both.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};

use super::super::Unreadable;
use super::super::own_headers::{self, malformed};
use super::FIRST;
use crate::call::{AnswerForm, Form, Refusal, Request, Signing, Wire};
use crate::parameters::unflatten_from;
use crate::provider::Family;
use crate::sign::encode::read_form;

/// Parameters that carry the protocol, not the action's business; they never go upstream as they came.
/// Source: the common parameters of RPC requests, as the SDKs send them.
const COMMON: [&str; 10] = [
    "Action",
    "Version",
    "Format",
    "AccessKeyId",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "SignatureNonce",
    "SignatureType",
    "Timestamp",
];

/// The protocol's too, but for an action that has a parameter of this name.
const UNLESS_OWN: [&str; 2] = [REGION_ID, TOKEN];

/// Every old SDK adds it to every call.
const REGION_ID: &str = "RegionId";

/// A parameter of six actions, beside the one above.
const REGION: &str = "Region";

/// Proves the caller in v1, and goes no further. One action has a parameter of the same name, which others can send.
const TOKEN: &str = "SecurityToken";

const FORM: &str = "application/x-www-form-urlencoded";

type Pairs = Vec<(String, String)>;

/// Reads a request, as far as possible.
pub(super) fn read(wire: &Wire) -> Result<Request, Unreadable> {
    let mut request = Request::unread(Family::Aliyun);
    match fill(wire, &mut request) {
        Ok(()) => Ok(request),
        Err(refusal) => Err(Unreadable { request: Box::new(request), refusal }),
    }
}

fn fill(wire: &Wire, request: &mut Request) -> Result<(), Refusal> {
    request.wants_problem = own_headers::wants_problem(&wire.headers);
    let given = |raw: &[u8]| read_form(raw).map_err(|fault| malformed(&fault.to_string()));
    let query = given(wire.raw_query.as_bytes());
    let body = if wire.media_type() == FORM { given(&wire.body) } else { Ok(Vec::new()) };
    let has = |wanted: &str| [&query, &body].into_iter().flatten().any(|pairs| value(pairs, wanted).is_some());
    let has_authorization = wire.headers.contains_key(AUTHORIZATION);
    let is_v1 = !has_authorization && (has("Signature") || has("AccessKeyId"));
    request.signing = if is_v1 { Signing::InParameters } else { Signing::InHeaders };
    let format = [&query, &body].into_iter().flatten().find_map(|pairs| value(pairs, "Format"));
    request.answer_form = answer_form(format, wire.header("accept"), is_v1).unwrap_or_default();
    refuse_repeated_headers(&wire.headers)?;
    request.form = form_of(wire)?;
    let (query, body) = (query?, body?);
    answer_form(format_of(&query, &body), wire.header("accept"), is_v1)?;

    request.action = deciding("Action", wire, "x-acs-action", (&query, &body), is_v1)?;
    request.version = deciding("Version", wire, "x-acs-version", (&query, &body), is_v1)?;
    // Which of them decides is the action's row to say; both stay parameters.
    for name in [REGION, REGION_ID] {
        said_once(name, &query, &body)?;
    }
    let mut business = merge(query, body, is_v1)?;
    let is_protocol = |name: &str| COMMON.contains(&name) || is_v1 && name == TOKEN;
    business.retain(|(name, _)| !is_protocol(name));
    request.unless_own = &UNLESS_OWN;
    request.parameters = unflatten_from(&business, FIRST).map_err(|fault| malformed(&fault.to_string()))?;
    request.account = own_headers::account(&wire.headers)?;
    request.max_wait = own_headers::max_wait(&wire.headers)?;
    request.idempotency_key = own_headers::idempotency_key(&wire.headers)?;
    Ok(())
}

fn form_of(wire: &Wire) -> Result<Form, Refusal> {
    if wire.body.is_empty() {
        return Ok(Form::Query);
    }
    if wire.method == Method::GET {
        return Err(malformed("a GET carries no body"));
    }
    match wire.media_type().as_str() {
        FORM if wire.body.first() == Some(&b'{') => {
            Err(malformed("this looks like JSON, send the parameters as a form"))
        }
        FORM => Ok(Form::FormBody),
        _ => Err(malformed("parameters go into the query or a form body (application/x-www-form-urlencoded)")),
    }
}

/// XML where a v1 request does not say, as the API's page has it; JSON for those who speak through headers.
fn answer_form(format: Option<&str>, accept: Option<&str>, is_v1: bool) -> Result<AnswerForm, Refusal> {
    if let Some(format) = format.filter(|format| !format.is_empty()) {
        return match format.to_ascii_uppercase().as_str() {
            "JSON" => Ok(AnswerForm::Json),
            "XML" => Ok(AnswerForm::Xml),
            _ => Err(Refusal::ParameterType { path: "Format".to_owned(), expected: "JSON or XML".to_owned() }),
        };
    }
    let accept = accept.unwrap_or_default().to_ascii_lowercase();
    let is_xml = !accept.contains("json") && (accept.contains("xml") || is_v1);
    Ok(if is_xml { AnswerForm::Xml } else { AnswerForm::Json })
}

fn format_of<'a>(query: &'a Pairs, body: &'a Pairs) -> Option<&'a str> {
    value(body, "Format").or_else(|| value(query, "Format"))
}

/// Action or Version: said wherever, it must be the same. What no signature covers is compared and not believed.
fn deciding(
    name: &str,
    wire: &Wire,
    header: &str,
    (query, body): (&Pairs, &Pairs),
    is_v1: bool,
) -> Result<String, Refusal> {
    let parameter = said_once(name, query, body)?;
    let header = own_headers::text(&wire.headers, header)?;
    match (parameter, header) {
        (Some(parameter), Some(header)) if parameter != header => {
            Err(Refusal::ParameterConflict { name: name.to_owned() })
        }
        (None, Some(_)) if is_v1 => Ok(String::new()),
        (parameter, header) => Ok(parameter.or(header).unwrap_or_default()),
    }
}

/// A parameter's value, if query and form do not contradict each other. Empty is none.
fn said_once(name: &str, query: &Pairs, body: &Pairs) -> Result<Option<String>, Refusal> {
    match (value(query, name), value(body, name)) {
        (Some(one), Some(other)) if one != other => Err(Refusal::ParameterConflict { name: name.to_owned() }),
        (one, other) => Ok(other.or(one).filter(|value| !value.is_empty()).map(str::to_owned)),
    }
}

/// All parameters, each once. In v1 the form's value counts where query and form both have a name: it is the one that is
/// signed. Otherwise they must be equal.
fn merge(query: Pairs, mut body: Pairs, is_v1: bool) -> Result<Pairs, Refusal> {
    for place in [&query, &body] {
        let mut names: Vec<&str> = place.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Refusal::ParameterConflict { name: shown(pair[0]) });
        }
    }
    let in_body: std::collections::HashMap<String, String> = body.iter().cloned().collect();
    for (name, value) in query {
        match in_body.get(&name) {
            None => body.push((name, value)),
            Some(other) if is_v1 || *other == value => {}
            Some(_) => return Err(Refusal::ParameterConflict { name: shown(&name) }),
        }
    }
    Ok(body)
}

/// Headers of which a second one would make it a matter of taste what was signed.
fn refuse_repeated_headers(headers: &HeaderMap) -> Result<(), Refusal> {
    own_headers::refuse_repeated(headers, |name| name.starts_with("x-acs-"))
}

fn value<'a>(pairs: &'a Pairs, wanted: &str) -> Option<&'a str> {
    pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

/// A caller's text is told in quotation marks, which is how a record knows to leave it out.
fn shown(name: &str) -> String {
    format!("{:?}", name.chars().filter(|c| !c.is_control()).take(64).collect::<String>())
}
