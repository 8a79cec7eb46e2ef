//! What hyper lets pass and we do not: requests whose length, host or purpose can be read two ways.

use http::request::Parts;
use http::{Method, header};

use crate::call::Refusal;

/// A good head, or why it is none.
pub(super) fn refuse(head: &Parts) -> Result<(), Refusal> {
    let malformed = |why: &str| Err(Refusal::RequestMalformed { why: why.to_owned() });
    if head.method != Method::GET && head.method != Method::POST {
        return malformed("the method must be GET or POST");
    }
    let headers = &head.headers;
    if headers.get_all(header::HOST).iter().count() != 1 {
        return malformed("there must be one Host header");
    }
    if headers.contains_key(header::CONTENT_LENGTH) && headers.contains_key(header::TRANSFER_ENCODING) {
        return malformed("Content-Length and Transfer-Encoding exclude each other");
    }
    if headers.contains_key(header::UPGRADE) {
        return malformed("no protocol can be upgraded to");
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return malformed("the body must not be compressed");
    }
    Ok(())
}
