//! What hyper lets pass and we do not: requests whose target, host or purpose can be read two ways. Lengths are the
//! listener's to check.

use http::request::Parts;
use http::{Method, header};

use crate::call::Refusal;

/// The media type of a form.
const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// A good head, or why it is none.
pub(super) fn refuse(head: &Parts) -> Result<(), Refusal> {
    let headers = &head.headers;
    let malformed = |why: &str| Err(Refusal::RequestMalformed { why: why.to_owned() });
    match () {
        () if head.method != Method::GET && head.method != Method::POST => malformed("the method must be GET or POST"),
        // `http://host/` as a target is for proxies, and would name a second host.
        () if head.uri.authority().is_some() => malformed("the target must be a path"),
        () if headers.get_all(header::HOST).iter().count() != 1 => malformed("there must be one Host header"),
        () if headers.contains_key(header::UPGRADE) => malformed("no protocol can be upgraded to"),
        () if headers.contains_key(header::CONTENT_ENCODING) => malformed("the body must not be compressed"),
        () => Ok(()),
    }
}

/// Whether a request may bear its family's marks in its body alone, and sends that without being asked to.
pub(super) fn only_body_tells_family(head: &Parts) -> bool {
    let media_type = head.headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes().trim_ascii_start());
    let start = media_type.and_then(|media_type| media_type.get(..FORM.len()));
    start.is_some_and(|start| start.eq_ignore_ascii_case(FORM)) && !head.headers.contains_key(header::EXPECT)
}

#[cfg(test)]
mod tests;
