//! What hyper lets pass and we do not: requests whose target, host or purpose can be read two ways. Lengths are the
//! listener's to check.

use http::request::Parts;
use http::{Method, header};

use crate::call::Refusal;

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

#[cfg(test)]
mod tests;
