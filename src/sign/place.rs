//! Where a client may believe it sent its request: the host and path that real SDKs put under a signature.

use http::header::HOST;

use super::error::SignError;
use crate::call::Wire;

/// The path that almost every client signs, whatever it requests.
const ROOT: &str = "/";

/// A host and path to try, as one candidate for what was signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) host: &'a str,
    pub(super) path: &'a str,
}

/// The Host header as text.
pub(super) fn host_header(wire: &Wire) -> Result<&str, SignError> {
    let value = wire.headers.get(HOST).ok_or(SignError::Malformed("the request has no Host header"))?;
    value.to_str().map_err(|_| SignError::Malformed("the Host header is not printable ASCII"))
}

/// Candidates in the order of likelihood: our own names, then the cloud's own hosts (SDKs behind `ApigwEndpoint`, which
/// sign the path `/`).
pub(super) fn candidates<'a>(wire: &'a Wire, cloud_hosts: &[&'a str]) -> Result<Vec<Place<'a>>, SignError> {
    let mut places = ours(wire)?;
    for host in cloud_hosts.iter().copied() {
        let place = Place { host, path: ROOT };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

/// The names that we have: Host verbatim (tccli puts a whole URL into it), then Host without its port (Node's TC3 signs
/// `hostname`); each with the path `/` before the real one.
pub(super) fn ours(wire: &Wire) -> Result<Vec<Place<'_>>, SignError> {
    let verbatim = host_header(wire)?;
    let mut places = Vec::with_capacity(4);
    for host in [Some(verbatim), without_port(verbatim)].into_iter().flatten() {
        places.push(Place { host, path: ROOT });
        if wire.path != ROOT {
            places.push(Place { host, path: &wire.path });
        }
    }
    Ok(places)
}

fn without_port(host: &str) -> Option<&str> {
    let (name, port) = host.rsplit_once(':')?;
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    // `[::1]` has colons but no port; `[::1]:8080` has both.
    (is_port && !name.is_empty() && (!name.starts_with('[') || name.ends_with(']'))).then_some(name)
}
