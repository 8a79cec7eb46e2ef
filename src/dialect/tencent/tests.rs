//! Reading what can be read one way, refusing what can be read two ways, and answers byte for byte.
#![allow(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::Tencent;
use crate::call::{Form, Reason, Refusal, Request, Wire};
use crate::dialect::{Dialect, Received};
use crate::provider::{Action, Providers};

fn wire(method: Method, target: &str, headers: &[(&str, &str)], body: &str) -> Wire {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let body = Bytes::from(body.to_owned());
    Wire { method, path: path.to_owned(), raw_query: query.to_owned(), headers: map, body, peer: None }
}

fn read(method: Method, target: &str, headers: &[(&str, &str)], body: &str) -> Result<Request, Reason> {
    Tencent.read(&wire(method, target, headers, body)).map_err(|unreadable| unreadable.refusal.reason())
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn the_three_forms_mean_the_same() {
    let json = read(
        Method::POST,
        "/",
        &[JSON, ("x-tc-action", "StopMigrateJob"), ("x-tc-version", "2018-03-30"), ("x-tc-region", "ap-guangzhou")],
        r#"{"JobId":"dts-a"}"#,
    );
    let query = "Action=StopMigrateJob&Version=2018-03-30&Region=ap-guangzhou&JobId=dts-a&Nonce=1";
    let form = read(Method::POST, "/", &[FORM], query);
    let get = read(Method::GET, &format!("/?{query}"), &[], "");
    for (request, expected) in [(json, Form::Json), (form, Form::FormBody), (get, Form::Query)] {
        let request = request.unwrap();
        assert_eq!((request.action.as_str(), request.version.as_str()), ("StopMigrateJob", "2018-03-30"));
        assert_eq!(request.region.as_deref(), Some("ap-guangzhou"));
        assert_eq!(request.form, expected);
        assert_eq!(request.parameters.get("JobId").unwrap().as_text(), Some("dts-a"));
        assert_eq!(request.parameters.get("Nonce"), None, "protocol, not business");
    }
}

#[test]
fn json_that_is_called_a_form_is_told_so() {
    let headers = [FORM, ("x-tc-action", "StopMigrateJob"), ("x-tc-version", "2018-03-30")];
    let refusal = Tencent.read(&wire(Method::POST, "/", &headers, r#"{"JobId":"dts-a"}"#)).unwrap_err().refusal;
    assert!(refusal.message().contains("Content-Type: application/json"), "{}", refusal.message());
}

#[test]
fn what_decides_must_not_be_said_twice_differently() {
    let headers = [JSON, ("x-tc-action", "StopMigrateJob"), ("x-tc-region", "ap-guangzhou")];
    let same = read(Method::POST, "/", &headers, r#"{"Action":"StopMigrateJob","Region":"ap-guangzhou"}"#).unwrap();
    assert_eq!(same.parameters.get("Action"), None);
    for body in [r#"{"Action":"StartMigrateJob"}"#, r#"{"Region":"ap-beijing"}"#, r#"{"Region":"a","Region":"a"}"#] {
        let reason = read(Method::POST, "/", &headers, body).unwrap_err();
        assert!(matches!(reason, Reason::ParameterConflict | Reason::RequestMalformed), "{body} {reason}");
    }
    let twice = read(Method::GET, "/?Action=A&Action=A", &[], "");
    assert_eq!(twice.unwrap_err(), Reason::ParameterConflict);
    let header_and_query = read(Method::GET, "/?Version=2018-03-30", &[("x-tc-version", "2021-12-06")], "");
    assert_eq!(header_and_query.unwrap_err(), Reason::ParameterConflict);
    let two_headers = read(Method::POST, "/", &[JSON, ("x-tc-action", "A"), ("x-tc-action", "A")], "{}");
    assert_eq!(two_headers.unwrap_err(), Reason::ParameterConflict);
}

#[test]
fn a_header_decides_nothing_that_a_v1_signature_does_not_cover() {
    let signed = "Action=A&Version=2018-03-30&Region=ap-guangzhou&SecretId=x&Signature=y";
    let without = |name: &str| signed.split('&').filter(|pair| !pair.starts_with(name)).collect::<Vec<_>>().join("&");
    for (name, header, value) in [
        ("Action", "x-tc-action", "A"),
        ("Version", "x-tc-version", "2018-03-30"),
        ("Region", "x-tc-region", "ap-guangzhou"),
    ] {
        let both = |parameters: &str, headers: &[(&str, &str)]| {
            let get = read(Method::GET, &format!("/?{parameters}"), headers, "");
            let post = read(Method::POST, "/", &[headers, &[FORM]].concat(), parameters);
            let told = |request: Result<Request, Reason>| request.map(|request| (request.action, request.region));
            assert_eq!(told(get.clone()), told(post), "{parameters}");
            get.map(|request| (request.action, request.region)).unwrap_or_else(|reason| {
                assert_eq!(reason, Reason::ParameterConflict, "{parameters}");
                (String::new(), None)
            })
        };
        let plain = both(signed, &[]);
        assert_eq!(plain, ("A".to_owned(), Some("ap-guangzhou".to_owned())));
        assert_eq!(both(signed, &[(header, value)]), plain, "the same is no contradiction");
        assert_eq!(both(signed, &[(header, "other")]).0, "", "{header}");
        assert_eq!(both(&without(name), &[(header, value)]).0, "", "{header} alone");
        // Empty is said as well: it is under the signature.
        assert_eq!(both(&format!("{}&{name}=", without(name)), &[(header, value)]).0, "", "{header}");
    }
    // A token's call says it where it likes, with what an SDK in v1 mode adds too.
    let token = [("authorization", "Bearer t"), ("x-tc-region", "ap-beijing")];
    let request = read(Method::GET, "/?Action=A&Version=2018-03-30&SecretId=x&Signature=y", &token, "").unwrap();
    assert_eq!(request.region.as_deref(), Some("ap-beijing"));
}

#[test]
fn a_v1_body_is_at_most_what_the_cloud_takes() {
    let body = |bytes: usize| {
        let start = "Action=A&SecretId=x&Signature=y&Name=";
        format!("{start}{}", "n".repeat(bytes - start.len()))
    };
    let token = ("authorization", "Bearer t");
    assert!(read(Method::POST, "/", &[FORM], &body(1 << 20)).is_ok());
    assert_eq!(read(Method::POST, "/", &[FORM], &body((1 << 20) + 1)).unwrap_err(), Reason::TooLarge);
    assert!(read(Method::POST, "/", &[FORM, token], &body((1 << 20) + 1)).is_ok());
}

#[test]
fn what_no_signature_covers_is_refused() {
    assert_eq!(read(Method::POST, "/?JobId=dts-a", &[JSON], "{}").unwrap_err(), Reason::RequestMalformed);
    assert_eq!(read(Method::GET, "/?Action=A", &[], "{}").unwrap_err(), Reason::RequestMalformed);
    for kind in ["multipart/form-data; boundary=x", "text/plain", "application/jsonp", ""] {
        let headers = [("content-type", kind)];
        assert_eq!(read(Method::POST, "/", &headers, "{}").unwrap_err(), Reason::RequestMalformed, "{kind}");
    }
    for body in ["[]", "1", "{\"a\":1,\"a\":2}", "\u{feff}{}", "{", "{\"a\":\"\\ud800\"}"] {
        assert_eq!(read(Method::POST, "/", &[JSON], body).unwrap_err(), Reason::RequestMalformed, "{body}");
    }
    assert!(read(Method::POST, "/", &[JSON], "null").is_ok(), "Ruby's SDK for no parameters");
}

#[test]
fn the_gateways_own_headers_are_read_strictly() {
    let wait = |text: &str| read(Method::GET, "/?Action=A", &[("x-dts-gateway-max-wait", text)], "");
    assert_eq!(wait("250").unwrap().max_wait.unwrap().as_millis(), 250);
    assert!(wait("99999999999999999999").unwrap().max_wait.unwrap().as_secs() > 20, "capped later");
    for text in ["", "-1", "1.5", "1s", "+1"] {
        assert_eq!(wait(text).unwrap_err(), Reason::RequestMalformed, "{text}");
    }
    let key = |text: &str| {
        let request = read(Method::GET, "/?Action=A", &[("idempotency-key", text)], "");
        request.map(|request| request.idempotency_key.unwrap())
    };
    for text in ["k", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", &"k".repeat(255)] {
        assert_eq!(key(text).unwrap(), text);
    }
    for text in ["", " ", "a b", "a\tb", "schl\u{fc}ssel", &"k".repeat(256)] {
        assert_eq!(key(text).unwrap_err(), Reason::RequestMalformed, "{text}");
    }
}

#[test]
fn a_refusal_has_the_envelope_that_sdks_parse() {
    let id = uuid::Uuid::nil();
    let written = Tencent.refuse(&Refusal::KeyUnknown, None, id, crate::call::AnswerForm::Json);
    assert_eq!((written.status, written.content_type), (StatusCode::OK, "application/json"));
    insta::assert_snapshot!(String::from_utf8(written.body.to_vec()).unwrap(), @r#"{"Response":{"Error":{"Code":"AuthFailure.SecretIdNotFound","Message":"[dts-gateway key-unknown]: this SecretId was not issued by the gateway. Use the key pair that the platform team gave you, not one of the cloud's."},"RequestId":"00000000-0000-0000-0000-000000000000"}}"#);
}

fn answered(action: &str, body: &str) -> Result<crate::call::Reply, String> {
    let providers = Providers::embedded().unwrap();
    let action: &Action = providers.version("2018-03-30").unwrap().action(action).unwrap();
    let received = Received { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::from(body.to_owned()) };
    Tencent.answer(action, &received)
}

#[test]
fn an_answer_passes_byte_for_byte_but_for_secrets() {
    let odd = "{ \"Response\" : {\"TotalCount\":1.0e0,\n \"JobList\":[], \"RequestId\":\"r-1\",\"x\":\"\\u8fc1\"} }";
    let reply = answered("DescribeMigrateJobs", odd).unwrap();
    assert_eq!((&reply.body[..], reply.upstream_request_id.as_deref()), (odd.as_bytes(), Some("r-1")));
    let telling = r#"{"Response":{"JobList":[{"JobId":"dts-a","SrcInfo":{"User":"root","Password":"p\"w","AccessKey":["k"]}},{"SrcInfo":{"Password":""}}],"RequestId":"r"}}"#;
    let blanked = r#"{"Response":{"JobList":[{"JobId":"dts-a","SrcInfo":{"User":"root","Password":"","AccessKey":""}},{"SrcInfo":{"Password":""}}],"RequestId":"r"}}"#;
    assert_eq!(&answered("DescribeMigrateJobs", telling).unwrap().body[..], blanked.as_bytes());
}

#[test]
fn what_is_no_answer_of_the_api_is_told_from_one() {
    let refused = answered("StopMigrateJob", r#"{"Response":{"Error":{"Code":"X.Y","Message":"m"},"RequestId":"r"}}"#);
    assert_eq!(refused.unwrap().upstream_code.as_deref(), Some("X.Y"));
    for body in ["", "<html>", "{}", r#"{"Response":1}"#, r#"{"Response":{"Error":{"Code":"X"#, "[]"] {
        assert!(answered("StopMigrateJob", body).is_err(), "{body}");
    }
}
