//! `docs/ERRORS.md` and `docs/POLICY.md` are generated: these tests write them anew and fail if they were out of date.
#![allow(clippy::expect_used, reason = "a test that can't go on should say so at once")]

mod policy;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use dts_gateway::call::{Duplicate, Limit, Reason, Refusal, TaskState};
use dts_gateway::dialect::{Dialects, problem_status};
use dts_gateway::provider::{Family, Providers, Version};

const HEAD: &str = "# Errors

<!-- Generated from the code by `cargo test --test documents`. Do not edit. -->

A refusal is the gateway's: the call was not forwarded (but for `outcome-unknown`). It comes in the cloud's own shape, so an SDK raises
its usual exception: `Code` and `RequestId` as below, and a `Message` that begins `[dts-gateway <reason>]`. Every answer bears
`X-Request-Id` and `X-DTS-Gateway-Origin`; `gateway` means that we refused, `upstream` that the cloud answered. With
`Accept: application/problem+json` the same refusal comes with its true HTTP status, in the last column but one.

Tencent's answers have HTTP status 200 for errors too, or its SDKs lose the code. Alibaba's have the status beside their code, JSON or
XML as the caller asked, and `x-acs-retry-after` in milliseconds when a limit is used up. What is no token at all is
`InvalidSecurityToken.Malformed` there.

| reason | Tencent code | Alibaba status and code | status | what the caller reads |
|---|---|---|---|---|
";

/// One refusal of each reason, as a caller meets it.
fn example(reason: Reason) -> Refusal {
    let text = str::to_owned;
    let task = || TaskState {
        id: text("dts-a1b2c3d4"),
        state: text("Running (7)"),
        needed: text("It is allowed in CheckPass"),
        legal: vec![text("StopMigrateJob")],
    };
    match reason {
        Reason::CredentialsMissing => Refusal::CredentialsMissing,
        Reason::SignatureMismatch => {
            Refusal::SignatureMismatch { why: text("the TC3-HMAC-SHA256 signature is another") }
        }
        Reason::KeyUnknown => Refusal::KeyUnknown,
        Reason::KeyRevoked => Refusal::KeyRevoked,
        Reason::KeyExpired => Refusal::KeyExpired,
        Reason::SignatureExpired => Refusal::SignatureExpired { signed: 1_795_241_258, now: 1_795_241_600 },
        Reason::NonceReused => Refusal::NonceReused,
        Reason::TokenInvalid => Refusal::TokenInvalid { why: text("it has expired"), malformed: false },
        Reason::NotGranted => Refusal::NotGranted { why: text("billing has no grant for StopMigrateJob") },
        Reason::DangerousParameter => {
            Refusal::DangerousParameter { danger: text("complete-immediately"), parameter: text("CompleteMode") }
        }
        Reason::ActionUnknown => Refusal::ActionUnknown { action: text("StopJob"), version: text("2018-03-30") },
        Reason::VersionUnknown => {
            Refusal::VersionUnknown { version: text("2017-01-01"), served: vec![text("2018-03-30")] }
        }
        Reason::RegionUnknown => Refusal::RegionUnknown { region: text("ap-nowhere") },
        Reason::ParameterMissing => Refusal::ParameterMissing { path: text("JobId") },
        Reason::ParameterUnknown => Refusal::ParameterUnknown { path: text("JobIdd") },
        Reason::ParameterType => Refusal::ParameterType { path: text("Limit"), expected: text("Integer") },
        Reason::RequestMalformed => Refusal::RequestMalformed { why: text("the body must be a JSON object") },
        Reason::ParameterConflict => Refusal::ParameterConflict { name: text("Region") },
        Reason::TooLarge => Refusal::TooLarge { what: text("the body in bytes"), limit: 10_485_760 },
        Reason::RateLimited => Refusal::RateLimited {
            limit: Limit { kind: "cloud", name: text("StopMigrateJob"), quota: 20, window: Duration::from_secs(1) },
            retry_after: Duration::from_millis(5200),
        },
        Reason::StateForbids => Refusal::StateForbids { task: task(), action: text("StartMigrateJob") },
        Reason::StateUnknown => Refusal::StateUnknown { task: task(), action: text("StartMigrateJob") },
        Reason::TaskBusy => Refusal::TaskBusy { task: text("dts-a1b2c3d4") },
        Reason::StateUnavailable => {
            Refusal::StateUnavailable { task: text("dts-a1b2c3d4"), why: text("no connection") }
        }
        Reason::TaskNotFound => Refusal::TaskNotFound { task: text("dts-a1b2c3d4") },
        Reason::PurchaseDuplicate => Refusal::PurchaseDuplicate(Box::new(Duplicate {
            first: "01a1fdb3-3182-746d-8f64-76ba8e3686e6".parse().expect("a UUID"),
            open: false,
            upstream_request_id: Some(text("f5a6d2c1-…")),
            window: Duration::from_secs(10),
            retry_after: Duration::from_millis(6400),
        })),
        Reason::IdempotencyConflict => Refusal::IdempotencyConflict {
            why: text(
                "this Idempotency-Key was used by request 01a1fd96-… for something else. For another change send a new one",
            ),
        },
        Reason::AuditUnavailable => Refusal::AuditUnavailable,
        Reason::Overloaded => Refusal::Overloaded,
        Reason::Draining => Refusal::Draining,
        Reason::UpstreamUnreachable => Refusal::UpstreamUnreachable { why: text("no connection") },
        Reason::OutcomeUnknown => Refusal::OutcomeUnknown { why: text("no answer came in 30 s") },
        Reason::CallerGone => Refusal::CallerGone,
        Reason::Internal => Refusal::Internal,
    }
}

fn generated() -> String {
    let dialects = Dialects::all();
    let mut page = HEAD.to_owned();
    for reason in Reason::ALL {
        let (_, code) = dialects.of(Family::Tencent).code(reason);
        let (alibaba_status, alibaba) = dialects.of(Family::Aliyun).code(reason);
        let refusal = example(reason);
        assert_eq!(refusal.reason(), reason);
        let (status, message) = (problem_status(reason).as_u16(), refusal.message());
        let alibaba = format!("{} `{alibaba}`", alibaba_status.as_u16());
        writeln!(page, "| `{reason}` | `{code}` | {alibaba} | {status} | {message} |").expect("a String takes it");
    }
    page.push_str("\n## Better codes for some tasks\n\nWhere the cloud documents a better code for a kind of task, that one is used.\n\n");
    page.push_str("| version | task | reason | code | actions |\n|---|---|---|---|---|\n");
    let providers = Providers::embedded().expect("the committed tables load");
    for version in providers.versions() {
        for kind in version.task_kinds() {
            for reason in Reason::ALL {
                better_codes(&mut page, version, &kind.name, reason);
            }
        }
    }
    page
}

/// One row for each code; the actions are named, but for those of the most common code.
fn better_codes(page: &mut String, version: &Version, kind: &str, reason: Reason) {
    let mut codes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for action in version.actions().filter(|action| action.task == kind) {
        if let Some(code) = version.refusal_code(action, reason.slug()) {
            codes.entry(code).or_default().push(&action.name);
        }
    }
    let most = codes.values().map(Vec::len).max().unwrap_or_default();
    let only = codes.len() == 1;
    for (code, actions) in codes {
        let actions = match actions.len() == most {
            true if only => "all".to_owned(),
            true => "the others".to_owned(),
            false => actions.join(", "),
        };
        writeln!(page, "| {} | {kind} | `{reason}` | `{code}` | {actions} |", version.version)
            .expect("a String takes it");
    }
}

#[test]
fn the_page_of_errors_is_what_the_code_says() {
    assert_is_current("docs/ERRORS.md", &generated());
}

#[test]
fn the_page_of_the_policy_is_what_the_tables_say() {
    assert_is_current("docs/POLICY.md", &policy::page());
}

/// Writes a page that is out of date, and fails.
fn assert_is_current(page: &str, right: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    if std::fs::read_to_string(&path).unwrap_or_default() != right {
        std::fs::write(&path, right).expect("the page can be written");
        panic!("{page} was out of date; it has been written anew, look at it and commit it");
    }
}
