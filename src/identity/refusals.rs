//! What a signature that is not accepted is to its caller: one match without a rest, so that a new fault in `sign` must be
//! given its place here.

use crate::call::Refusal;
use crate::sign::SignError;

/// The refusal for a fault of a signature. The message has its own advice, so this gives the facts.
pub(super) fn refusal_of(error: SignError) -> Refusal {
    let mismatch = |why: String| Refusal::SignatureMismatch { why };
    match error {
        SignError::Missing => Refusal::CredentialsMissing,
        SignError::Expired { signed, now } => Refusal::SignatureExpired { signed, now },
        // Two of these are two claims of who it is: the clouds' SDKs know the code of a signature for that.
        SignError::Repeated(name) if name.eq_ignore_ascii_case("authorization") => {
            mismatch("Authorization was sent more than once".to_owned())
        }
        // In quotation marks: it is the caller's own text.
        SignError::Repeated(name) => Refusal::ParameterConflict { name: format!("{name:?}") },
        SignError::Mismatch { scheme, host } => {
            mismatch(format!("the {scheme} signature is not that of the request as it arrived for host {host}"))
        }
        SignError::Malformed(why) => mismatch(why.to_owned()),
        SignError::UnknownMethod { named, instead } => mismatch(format!("{named} is not served {instead}")),
        SignError::UnsignedPayload => mismatch("UNSIGNED-PAYLOAD would leave the body unprotected".to_owned()),
        SignError::Skipped => mismatch("SkipSign (Authorization SKIP) is not accepted".to_owned()),
    }
}
