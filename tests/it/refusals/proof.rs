//! Signatures and tokens that prove nothing.

use dts_gateway::sign::hmac_v1::Algorithm;
use http::Method;
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::json;

use super::{Case, case, with_body, with_header};
use crate::caller::Caller;
use crate::tokens;
use crate::world::World;

/// Signatures that are wrong, old, or by a key that is not accepted.
pub(super) async fn of_signatures(world: &World) -> Vec<Case> {
    const CODE: &str = "AuthFailure.SignatureFailure";
    let (now, stop) = (Timestamp::now(), json!({"JobId": "dts-a"}).to_string());
    let seconds = now.as_second();
    let caller = world.with_key("all").await;
    let flat =
        |method, algorithm, at| caller.flat(method, algorithm, &[("Action", "StopMigrateJob"), ("JobId", "dts-a")], at);
    let tc3 = caller.request("StopMigrateJob", &[], &stop);
    let mut authorization = tc3.headers()["authorization"].to_str().unwrap().to_owned();
    let last = if authorization.pop() == Some('0') { '1' } else { '0' };
    authorization.push(last);
    let mut tampered_query = flat(Method::GET, Algorithm::HmacSha1, seconds);
    *tampered_query.uri_mut() = tampered_query.uri().to_string().replace("dts-a", "dts-b").parse().unwrap();
    let form = flat(Method::POST, Algorithm::HmacSha256, seconds);
    let form_body = { String::from_utf8(form.body().clone().collect().await.unwrap().to_bytes().to_vec()).unwrap() };
    let revoked = world.key("all", now, None).await;
    world.revoke(&revoked.key_id).await;
    let hour_ago = Timestamp::from_second(seconds - 3600).unwrap();
    let expired = world.key("all", hour_ago, Timestamp::from_second(seconds - 1).ok()).await;
    let (revoked, expired) = (world.signing(&revoked), world.signing(&expired));
    let unknown = Caller::with_key(&world.public, "AKIDnobodyHasEverIssuedThis", "whatever");
    let id = caller.key_id();
    vec![
        case(
            "tc3 with another body",
            CODE,
            "signature-mismatch",
            with_body(caller.request("StopMigrateJob", &[], &stop), r#"{"JobId":"dts-b"}"#),
        )
        .key(id),
        case(
            "tc3 with another signature",
            CODE,
            "signature-mismatch",
            with_header(tc3, "authorization", &authorization),
        )
        .key(id),
        case("v1 query with another parameter", CODE, "signature-mismatch", tampered_query).key(id),
        case(
            "v1 form with another parameter",
            CODE,
            "signature-mismatch",
            with_body(form, &form_body.replace("dts-a", "dts-b")),
        )
        .key(id),
        case(
            "unsigned payload",
            CODE,
            "signature-mismatch",
            with_header(caller.request("StopMigrateJob", &[], &stop), "x-tc-content-sha256", "UNSIGNED-PAYLOAD"),
        ),
        case(
            "skipped signature",
            CODE,
            "signature-mismatch",
            with_header(caller.request("StopMigrateJob", &[], &stop), "authorization", "SKIP"),
        ),
        case(
            "no credentials",
            CODE,
            "credentials-missing",
            Caller::stranger(&world.public).request("StopMigrateJob", &[], &stop),
        ),
        case(
            "unknown key",
            "AuthFailure.SecretIdNotFound",
            "key-unknown",
            unknown.request("StopMigrateJob", &[], &stop),
        )
        .key(unknown.key_id()),
        case(
            "revoked key",
            "AuthFailure.InvalidSecretId",
            "key-revoked",
            revoked.request("StopMigrateJob", &[], &stop),
        )
        .key(revoked.key_id()),
        case(
            "expired key",
            "AuthFailure.InvalidSecretId",
            "key-expired",
            expired.request("StopMigrateJob", &[], &stop),
        )
        .key(expired.key_id()),
        case(
            "old tc3",
            "AuthFailure.SignatureExpire",
            "signature-expired",
            caller.request_at("StopMigrateJob", &[], &stop, seconds - 400),
        )
        .key(id),
        case(
            "early tc3",
            "AuthFailure.SignatureExpire",
            "signature-expired",
            caller.request_at("StopMigrateJob", &[], &stop, seconds + 400),
        )
        .key(id),
        case(
            "old v1",
            "AuthFailure.SignatureExpire",
            "signature-expired",
            flat(Method::GET, Algorithm::HmacSha256, seconds - 400),
        )
        .key(id),
    ]
}

/// Tokens that prove nothing.
pub(super) fn of_tokens(world: &World) -> Vec<Case> {
    let now = Timestamp::now().as_second();
    let bad = |name, token: String| {
        let request = Caller::with_token(&world.public, &token).request("StopMigrateJob", &[], r#"{"JobId":"dts-a"}"#);
        case(name, "AuthFailure.TokenFailure", "token-invalid", request)
    };
    vec![
        bad(
            "token with another secret",
            tokens::hs256("another secret than the issuer's own", &tokens::claims(now, "all")),
        ),
        bad("expired token", tokens::hs256(tokens::SECRET, &tokens::claims(now - 7200, "all"))),
        bad("token without a signature", tokens::unsigned(&tokens::claims(now, "all"))),
        bad(
            "token for another audience",
            tokens::hs256(tokens::SECRET, &tokens::with(tokens::claims(now, "all"), "aud", "elsewhere")),
        ),
        bad(
            "token of another issuer",
            tokens::hs256(tokens::SECRET, &tokens::with(tokens::claims(now, "all"), "iss", "https://evil.invalid/")),
        ),
        bad("no token at all", "nonsense".to_owned()),
    ]
}
