//! Signatures, both ways: verifying what callers signed and signing what goes to the cloud.
//!
//! Pure: time is an argument, nothing is read, sent or logged. It knows requests, keys and schemes; it does not know
//! whose key it is, whether the caller may do anything, nor what an answer looks like. Both directions share one
//! canonical form per scheme. Clients sign in more ways than the documentation tells, so a signature is tried as real
//! SDKs make it: several hosts, two paths, header values as sent and in lower case.

pub mod acs3;
mod cloud_hosts;
pub mod encode;
mod error;
pub mod hmac_v1;
mod parts;
mod place;
mod presented;
mod read;
pub mod rpc_v1;
mod secret;
pub mod tc3;

pub use cloud_hosts::CloudHosts;
pub use error::SignError;
pub use presented::{Presented, Token, UnsignedPayload};
pub use read::{claimed_key_id, has_alibaba_marks, read_presented, read_presented_with};
pub use secret::SecretKey;

use crate::call::Wire;

/// Whether this proof, which was read from this request, was made with this key and about now.
///
/// `now` and `skew_seconds` are Unix seconds; a request exactly `skew_seconds` old or ahead still passes. `cloud_hosts`
/// are the hosts that a client behind `ApigwEndpoint` may have signed in place of ours. Signatures are compared in
/// constant time.
///
/// # Errors
/// `Expired`, `Mismatch`, or `Malformed` and `Repeated` for what turns out not to be verifiable.
pub fn verify(
    presented: &Presented,
    wire: &Wire,
    secret: &SecretKey,
    now: i64,
    skew_seconds: i64,
    cloud_hosts: &[&str],
) -> Result<(), SignError> {
    let not_a_signature = SignError::Malformed("a bearer token is not verified with a key pair");
    let signed = presented.timestamp().ok_or_else(|| not_a_signature.clone())?;
    if i128::from(now.abs_diff(signed)) > i128::from(skew_seconds) {
        return Err(SignError::Expired { signed, now });
    }
    match presented {
        Presented::Tc3(authorization) => authorization.verify(wire, secret, cloud_hosts),
        Presented::V1(signature) => signature.verify(wire, secret, cloud_hosts),
        Presented::Acs3(authorization) => authorization.verify(wire, secret, cloud_hosts),
        Presented::Rpc(signature) => signature.verify(wire, secret),
        Presented::Bearer(_) => Err(not_a_signature),
    }
}

#[cfg(test)]
mod tests;
