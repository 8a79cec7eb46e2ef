//! The code that an SDK sees for each reason.
//!
//! Sources: the common error table of API 3.0 and seed 004 ("Common Error Codes"), and for what is refused by state
//! the codes that the service itself uses. A task kind's table may hold a better documented one.

use crate::call::Reason;

/// The family's code for a reason. No wildcard: a new reason must be given its code here.
pub(super) fn code(reason: Reason) -> &'static str {
    match reason {
        Reason::CredentialsMissing | Reason::SignatureMismatch | Reason::NonceReused => "AuthFailure.SignatureFailure",
        Reason::KeyUnknown => "AuthFailure.SecretIdNotFound",
        Reason::KeyRevoked | Reason::KeyExpired => "AuthFailure.InvalidSecretId",
        Reason::SignatureExpired => "AuthFailure.SignatureExpire",
        Reason::TokenInvalid => "AuthFailure.TokenFailure",
        Reason::NotGranted | Reason::DangerousParameter => "AuthFailure.UnauthorizedOperation",
        Reason::ActionUnknown => "InvalidAction",
        Reason::VersionUnknown => "NoSuchVersion",
        Reason::RegionUnknown => "UnsupportedRegion",
        Reason::ParameterMissing => "MissingParameter",
        Reason::ParameterUnknown => "UnknownParameter",
        Reason::ParameterType => "InvalidParameterValue",
        Reason::RequestMalformed | Reason::ParameterConflict => "InvalidParameter",
        Reason::TooLarge => "RequestSizeLimitExceeded",
        // SDKs test this one for equality.
        Reason::RateLimited => "RequestLimitExceeded",
        Reason::StateForbids | Reason::StateUnknown => "FailedOperation.NotAllowOperation",
        Reason::TaskBusy => "ResourceInUse",
        Reason::StateUnavailable => "ResourceUnavailable",
        Reason::TaskNotFound => "ResourceNotFound",
        // No tested client repeats a call that failed with this one.
        Reason::PurchaseDuplicate | Reason::IdempotencyConflict | Reason::OutcomeUnknown => "FailedOperation",
        Reason::AuditUnavailable | Reason::Overloaded | Reason::Draining => "ServiceUnavailable",
        Reason::UpstreamUnreachable | Reason::CallerGone | Reason::Internal => "InternalError",
    }
}
