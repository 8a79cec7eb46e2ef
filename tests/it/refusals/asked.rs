//! What is asked for may not be had, is not there, or can't be read.

use http::{HeaderValue, Method};

use super::{Case, case, with_header};
use crate::world::World;

/// Proven callers who ask for what they may not.
pub(super) fn of_grants(world: &World) -> Vec<Case> {
    const CODE: &str = "AuthFailure.UnauthorizedOperation";
    let stop = r#"{"JobId":"dts-a"}"#;
    let as_caller = |name: &str| world.with_token(name);
    let at_once = r#"{"JobId":"dts-a","CompleteMode":"immediately"}"#;
    vec![
        case("no grant for the action", CODE, "not-granted", as_caller("reader").request("StopMigrateJob", &[], stop))
            .by("reader"),
        case("another team's task", CODE, "not-granted", as_caller("own").request("StopMigrateJob", &[], stop))
            .by("own"),
        case(
            "a list of everybody's tasks",
            CODE,
            "not-granted",
            as_caller("own").request("DescribeMigrateJobs", &[], "{}"),
        )
        .by("own"),
        case("in no team's file", CODE, "not-granted", as_caller("nobody").request("StopMigrateJob", &[], stop)),
        case(
            "another account",
            CODE,
            "not-granted",
            as_caller("all").request("StopMigrateJob", &[("x-dts-gateway-account", "other")], stop),
        )
        .by("all"),
        case(
            "dangerous parameter",
            CODE,
            "dangerous-parameter",
            as_caller("careful").request("CompleteMigrateJob", &[], at_once),
        )
        .by("careful"),
    ]
}

/// Requests that name what is not there.
pub(super) fn of_names(world: &World) -> Vec<Case> {
    let all = world.with_token("all");
    let stop = r#"{"JobId":"dts-a"}"#;
    let nested = r#"{"JobId":"dts-a","MigrateOption":{"RunMode":"soon"}}"#;
    vec![
        case("unknown action", "InvalidAction", "action-unknown", all.request("DropMigrateJob", &[], stop)),
        case("action in other letters", "InvalidAction", "action-unknown", all.request("stopmigratejob", &[], stop)),
        case("no action", "MissingParameter", "parameter-missing", all.request("", &[], stop)),
        case(
            "unknown version",
            "NoSuchVersion",
            "version-unknown",
            all.request("StopMigrateJob", &[("x-tc-version", "2017-01-01")], stop),
        ),
        case(
            "unknown region",
            "UnsupportedRegion",
            "region-unknown",
            all.request("StopMigrateJob", &[("x-tc-region", "ap-nowhere")], stop),
        )
        .by("all"),
        case(
            "region as a host",
            "UnsupportedRegion",
            "region-unknown",
            all.request("StopMigrateJob", &[("x-tc-region", "evil.invalid/")], stop),
        )
        .by("all"),
        case("missing parameter", "MissingParameter", "parameter-missing", all.request("StopMigrateJob", &[], "{}"))
            .by("all"),
        case(
            "unknown parameter",
            "UnknownParameter",
            "parameter-unknown",
            all.request("StopMigrateJob", &[], r#"{"JobId":"dts-a","Force":true}"#),
        )
        .by("all"),
        case(
            "wrong type",
            "InvalidParameterValue",
            "parameter-type",
            all.request("StopMigrateJob", &[], r#"{"JobId":5}"#),
        )
        .by("all"),
        case(
            "wrong type inside",
            "InvalidParameterValue",
            "parameter-type",
            all.request("ModifyMigrateJob", &[], nested),
        )
        .by("all"),
    ]
}

/// Requests that can't be read, or in two ways.
pub(super) fn of_forms(world: &World) -> Vec<Case> {
    const CODE: &str = "InvalidParameter";
    let all = world.with_token("all");
    let stop = r#"{"JobId":"dts-a"}"#;
    let request = |body: &str| all.request("StopMigrateJob", &[], body);
    let mut put = request(stop);
    *put.method_mut() = Method::PUT;
    let mut query = request(stop);
    *query.uri_mut() = format!("{}/?JobId=dts-b", world.public).parse().unwrap();
    let mut repeated = request(stop);
    repeated.headers_mut().append("x-tc-action", HeaderValue::from_static("DescribeMigrateJobs"));
    vec![
        case("broken JSON", CODE, "request-malformed", request(r#"{"JobId":"#)),
        case("JSON that is no object", CODE, "request-malformed", request("[1]")),
        case("member given twice", CODE, "request-malformed", request(r#"{"JobId":"dts-a","JobId":"dts-b"}"#)),
        case(
            "action said twice",
            CODE,
            "parameter-conflict",
            request(r#"{"JobId":"dts-a","Action":"StartMigrateJob"}"#),
        ),
        case("region said twice", CODE, "parameter-conflict", request(r#"{"JobId":"dts-a","Region":"ap-beijing"}"#)),
        case("header given twice", CODE, "parameter-conflict", repeated),
        case("query beside a body", CODE, "request-malformed", query),
        case("other media type", CODE, "request-malformed", with_header(request(stop), "content-type", "text/xml")),
        case("compressed body", CODE, "request-malformed", with_header(request(stop), "content-encoding", "gzip")),
        case("other method", CODE, "request-malformed", put),
        case(
            "time to wait in words",
            CODE,
            "request-malformed",
            with_header(request(stop), "x-dts-gateway-max-wait", "soon"),
        ),
        case(
            "too large",
            "RequestSizeLimitExceeded",
            "too-large",
            request(&format!(r#"{{"JobId":"{}"}}"#, "a".repeat(100_000))),
        ),
    ]
}
