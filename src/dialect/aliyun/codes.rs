//! The status and code that an SDK sees for each reason.
//!
//! Sources: the codes that the front of the API and the service were seen to answer, and the page of DescribeDtsJobs
//! (Throttling.User, InvalidSecurityToken.Expired, ServiceUnavailable). Those marked `assumed` were seen in no source. A
//! task kind's table may hold a better documented one.

use http::StatusCode;

use crate::call::Reason;

/// For what is no token at all, where an expired one and any other has the code of its reason. Assumed.
pub(super) const TOKEN_MALFORMED: (StatusCode, &str) = (StatusCode::FORBIDDEN, "InvalidSecurityToken.Malformed");

/// The family's status and code for a reason. No wildcard: a new reason must be given its code here.
pub(super) fn code(reason: Reason) -> (StatusCode, &'static str) {
    match reason {
        Reason::CredentialsMissing => (StatusCode::BAD_REQUEST, "IncompleteSignature"),
        Reason::SignatureMismatch => (StatusCode::BAD_REQUEST, "SignatureDoesNotMatch"),
        Reason::KeyUnknown => (StatusCode::NOT_FOUND, "InvalidAccessKeyId.NotFound"),
        // Assumed.
        Reason::KeyRevoked | Reason::KeyExpired => (StatusCode::FORBIDDEN, "InvalidAccessKeyId.Inactive"),
        Reason::SignatureExpired => (StatusCode::BAD_REQUEST, "IllegalTimestamp"),
        Reason::NonceReused => (StatusCode::BAD_REQUEST, "SignatureNonceUsed"),
        Reason::TokenInvalid => (StatusCode::FORBIDDEN, "InvalidSecurityToken.Expired"),
        // Assumed.
        Reason::NotGranted | Reason::DangerousParameter => (StatusCode::FORBIDDEN, "Forbidden.RAM"),
        Reason::ActionUnknown => (StatusCode::NOT_FOUND, "InvalidAction.NotFound"),
        // Assumed, and so the five below.
        Reason::VersionUnknown => (StatusCode::BAD_REQUEST, "InvalidVersion"),
        Reason::RegionUnknown => (StatusCode::BAD_REQUEST, "InvalidRegionId"),
        Reason::ParameterMissing => (StatusCode::BAD_REQUEST, "MissingParameter"),
        Reason::ParameterUnknown
        | Reason::ParameterType
        | Reason::RequestMalformed
        | Reason::ParameterConflict
        | Reason::TooLarge => (StatusCode::BAD_REQUEST, "InvalidParameter"),
        // Throttling has the status 400 here, not 429.
        Reason::RateLimited => (StatusCode::BAD_REQUEST, "Throttling.User"),
        Reason::StateForbids | Reason::StateUnknown | Reason::StateUnavailable => {
            (StatusCode::BAD_REQUEST, "OperationDenied.JobStatus")
        }
        Reason::TaskBusy => (StatusCode::BAD_REQUEST, "DTS.Msg.OperationDenied.JobStatusModifying"),
        Reason::TaskNotFound => (StatusCode::BAD_REQUEST, "InvalidJobId"),
        // Assumed.
        Reason::PurchaseDuplicate | Reason::IdempotencyConflict => {
            (StatusCode::BAD_REQUEST, "IdempotentParameterMismatch")
        }
        Reason::AuditUnavailable | Reason::Overloaded | Reason::Draining | Reason::UpstreamUnreachable => {
            (StatusCode::INTERNAL_SERVER_ERROR, "ServiceUnavailable")
        }
        // Ours, and no 5xx: no client repeats a call for it.
        Reason::OutcomeUnknown => (StatusCode::BAD_REQUEST, "OperationDenied.OutcomeUnknown"),
        Reason::CallerGone | Reason::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
    }
}
