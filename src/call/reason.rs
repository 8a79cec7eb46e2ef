//! The closed list of reasons for which the gateway refuses.

use std::fmt;

/// Why a call was refused: the slug in `X-DTS-Gateway-Reason`, in the message, in the record and in the metrics.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "the slug says it; docs/ERRORS.md is generated from this list")]
pub enum Reason {
    CredentialsMissing,
    SignatureMismatch,
    KeyUnknown,
    KeyRevoked,
    KeyExpired,
    SignatureExpired,
    NonceReused,
    TokenInvalid,
    NotGranted,
    DangerousParameter,
    ActionUnknown,
    VersionUnknown,
    RegionUnknown,
    ParameterMissing,
    ParameterUnknown,
    ParameterType,
    RequestMalformed,
    ParameterConflict,
    TooLarge,
    RateLimited,
    StateForbids,
    StateUnknown,
    TaskBusy,
    StateUnavailable,
    TaskNotFound,
    PurchaseDuplicate,
    IdempotencyConflict,
    AuditUnavailable,
    Overloaded,
    Draining,
    UpstreamUnreachable,
    OutcomeUnknown,
    CallerGone,
    Internal,
}

impl Reason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Reason; 34] = [
        Reason::CredentialsMissing,
        Reason::SignatureMismatch,
        Reason::KeyUnknown,
        Reason::KeyRevoked,
        Reason::KeyExpired,
        Reason::SignatureExpired,
        Reason::NonceReused,
        Reason::TokenInvalid,
        Reason::NotGranted,
        Reason::DangerousParameter,
        Reason::ActionUnknown,
        Reason::VersionUnknown,
        Reason::RegionUnknown,
        Reason::ParameterMissing,
        Reason::ParameterUnknown,
        Reason::ParameterType,
        Reason::RequestMalformed,
        Reason::ParameterConflict,
        Reason::TooLarge,
        Reason::RateLimited,
        Reason::StateForbids,
        Reason::StateUnknown,
        Reason::TaskBusy,
        Reason::StateUnavailable,
        Reason::TaskNotFound,
        Reason::PurchaseDuplicate,
        Reason::IdempotencyConflict,
        Reason::AuditUnavailable,
        Reason::Overloaded,
        Reason::Draining,
        Reason::UpstreamUnreachable,
        Reason::OutcomeUnknown,
        Reason::CallerGone,
        Reason::Internal,
    ];

    /// The slug.
    pub fn slug(self) -> &'static str {
        match self {
            Reason::CredentialsMissing => "credentials-missing",
            Reason::SignatureMismatch => "signature-mismatch",
            Reason::KeyUnknown => "key-unknown",
            Reason::KeyRevoked => "key-revoked",
            Reason::KeyExpired => "key-expired",
            Reason::SignatureExpired => "signature-expired",
            Reason::NonceReused => "nonce-reused",
            Reason::TokenInvalid => "token-invalid",
            Reason::NotGranted => "not-granted",
            Reason::DangerousParameter => "dangerous-parameter",
            Reason::ActionUnknown => "action-unknown",
            Reason::VersionUnknown => "version-unknown",
            Reason::RegionUnknown => "region-unknown",
            Reason::ParameterMissing => "parameter-missing",
            Reason::ParameterUnknown => "parameter-unknown",
            Reason::ParameterType => "parameter-type",
            Reason::RequestMalformed => "request-malformed",
            Reason::ParameterConflict => "parameter-conflict",
            Reason::TooLarge => "too-large",
            Reason::RateLimited => "rate-limited",
            Reason::StateForbids => "state-forbids",
            Reason::StateUnknown => "state-unknown",
            Reason::TaskBusy => "task-busy",
            Reason::StateUnavailable => "state-unavailable",
            Reason::TaskNotFound => "task-not-found",
            Reason::PurchaseDuplicate => "purchase-duplicate",
            Reason::IdempotencyConflict => "idempotency-conflict",
            Reason::AuditUnavailable => "audit-unavailable",
            Reason::Overloaded => "overloaded",
            Reason::Draining => "draining",
            Reason::UpstreamUnreachable => "upstream-unreachable",
            Reason::OutcomeUnknown => "outcome-unknown",
            Reason::CallerGone => "caller-gone",
            Reason::Internal => "internal",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}
