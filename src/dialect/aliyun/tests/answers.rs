//! Refusals as SDKs parse them; answers in both languages, good and bad.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use uuid::Uuid;

use super::version;
use crate::call::{AnswerForm, Limit, Reason, Refusal, Reply};
use crate::dialect::aliyun::{Aliyun, XML, xml};
use crate::dialect::{Dialect, Received};
use crate::parameters::{read_json, write_json};

fn answered(action: &str, status: u16, body: &str) -> Result<Reply, String> {
    let received = Received {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from(body.to_owned()),
    };
    Aliyun.answer(version().action(action).unwrap(), &received)
}

#[test]
fn a_refusal_has_the_shape_that_sdks_parse() {
    let json = Aliyun.refuse(&Refusal::KeyUnknown, None, Uuid::nil(), AnswerForm::Json);
    assert_eq!((json.status, json.content_type), (StatusCode::NOT_FOUND, "application/json;charset=utf-8"));
    insta::assert_snapshot!(String::from_utf8(json.body.to_vec()).unwrap(), @r#"{"Code":"InvalidAccessKeyId.NotFound","Message":"[dts-gateway key-unknown]: this AccessKeyId was not issued by the gateway. Use the key pair that the platform team gave you, not one of the cloud's.","RequestId":"00000000-0000-0000-0000-000000000000","HostId":"dts-gateway"}"#);
    let why = "a <b> & \u{1}c".to_owned();
    let refusal = Refusal::RequestMalformed { why };
    let answer = Aliyun.refuse(&refusal, Some("Better"), Uuid::nil(), AnswerForm::Xml);
    assert_eq!((answer.status, answer.content_type), (StatusCode::BAD_REQUEST, "text/xml;charset=utf-8"));
    let root = xml::parse(&answer.body).unwrap();
    assert_eq!((root.name.as_str(), root.text_of("Code")), ("Error", Some("Better")));
    assert!(root.text_of("Message").unwrap().contains("a <b> & ?c"));
    assert_eq!(root.text_of("RequestId").unwrap().len(), 36);
}

#[test]
fn every_code_is_an_error_and_no_redirect_and_every_message_has_its_colon() {
    for reason in Reason::ALL {
        let (status, code) = Aliyun.code(reason);
        assert!(status.is_client_error() || status.is_server_error(), "{reason}");
        assert!(!code.is_empty() && !["200", "OK", "Success"].contains(&code));
    }
    for refusal in [Refusal::CredentialsMissing, Refusal::SignatureMismatch { why: "x".to_owned() }, Refusal::Draining]
    {
        assert!(refusal.message().starts_with(&format!("[dts-gateway {}]:", refusal.reason())));
    }
}

#[test]
fn what_is_no_token_has_another_code_than_one_that_is_not_accepted() {
    let code = |malformed| Aliyun.code_of(&Refusal::TokenInvalid { why: "x".to_owned(), malformed });
    assert_eq!(code(true), (StatusCode::FORBIDDEN, "InvalidSecurityToken.Malformed"));
    assert_eq!(code(false), (StatusCode::FORBIDDEN, "InvalidSecurityToken.Expired"));
}

#[test]
fn only_throttling_says_when_in_milliseconds() {
    let limit = Limit { kind: "cloud", name: "StopDtsJob".to_owned(), quota: 20, window: Duration::from_secs(1) };
    let refusal = Refusal::RateLimited { limit, retry_after: Duration::from_micros(1_200_100) };
    assert_eq!(Aliyun.headers(&refusal), [("x-acs-retry-after", "1201".to_owned())]);
    assert_eq!(Aliyun.headers(&Refusal::Draining), []);
}

#[test]
fn an_answer_passes_byte_for_byte_but_for_secrets() {
    let json = "{ \"DtsJobList\":[{\"DtsJobId\":\"j\",\"Password\":\"p\\\"w\"},{\"Password\":\"\"}], \"AdminPassword\":\"x\",\n\"Success\":true,\"RequestId\":\"r-1\",\"n\":1.0e0}";
    let blanked = "{ \"DtsJobList\":[{\"DtsJobId\":\"j\",\"Password\":\"\"},{\"Password\":\"\"}], \"AdminPassword\":\"\",\n\"Success\":true,\"RequestId\":\"r-1\",\"n\":1.0e0}";
    let reply = answered("DescribeDtsJobs", 200, json).unwrap();
    assert_eq!(String::from_utf8(reply.body.to_vec()).unwrap(), blanked);
    assert_eq!((reply.upstream_request_id.as_deref(), reply.upstream_code), (Some("r-1"), None));
    let xml = |first: &str, second: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeDtsJobsResponse><DtsJobList><DtsJobId>j</DtsJobId>\
             <Password>{first}</Password></DtsJobList><DtsJobList><Password/></DtsJobList>\
             <AdminPassword >{second}</AdminPassword ><RequestId>r-1</RequestId><Success>true</Success></DescribeDtsJobsResponse>\n"
        )
    };
    let reply = answered("DescribeDtsJobs", 200, &xml("p&lt;<![CDATA[w]]>", "<b>x</b>")).unwrap();
    assert_eq!(String::from_utf8(reply.body.to_vec()).unwrap(), xml("", ""));
    assert_eq!((reply.content_type, reply.upstream_request_id.as_deref()), (XML, Some("r-1")));
    let same = xml("p", "");
    assert_eq!(
        answered("ModifyDtsJob", 200, &same).unwrap().body,
        same.as_bytes(),
        "no secrets in this action's answer"
    );
}

#[test]
fn both_ways_of_failing_are_failures() {
    let front =
        r#"{"RequestId":"r","HostId":"dts.aliyuncs.com","Code":"Throttling.User","Message":"m","Recommend":"u"}"#;
    let behind = r#"{"RequestId":"r","Success":false,"ErrCode":"InvalidJobStatus","ErrMessage":"%s","DynamicMessage":"d","HttpStatusCode":500}"#;
    let legacy = r#"{"RequestId":"r","Success":"false","ErrCode":"X"}"#;
    let front_xml = "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>r</RequestId><HostId>h</HostId><Code>Forbidden.RAM</Code><Message>m</Message></Error>";
    let behind_xml = "<R><Success>false</Success><ErrCode>X</ErrCode></R>".replace('R', "ModifyDtsJobResponse");
    for (status, body, code, seen) in [
        (400, front, "Throttling.User", 400),
        (503, front, "Throttling.User", 503),
        (403, front_xml, "Forbidden.RAM", 403),
        (200, behind, "InvalidJobStatus", 200),
        (200, legacy, "X", 200),
        (200, &behind_xml, "X", 200),
        (200, r#"{"RequestId":"r","Success":false}"#, "Success=false", 200),
        // Remembered without its status.
        (200, front, "Throttling.User", 400),
        (200, front_xml, "Forbidden.RAM", 400),
    ] {
        let reply = answered("ModifyDtsJob", status, body).unwrap();
        assert_eq!((reply.upstream_code.as_deref(), reply.status.as_u16()), (Some(code), seen), "{body}");
        assert_eq!(reply.body, body.as_bytes());
    }
    // The documentation's own sample of a success.
    let fine = r#"{"RequestId":"r","Success":true,"ErrCode":"InternalError","Code":"200"}"#;
    assert_eq!(answered("ModifyDtsJob", 200, fine).unwrap().upstream_code, None);
}

#[test]
fn what_is_no_answer_of_the_api_is_told_from_one() {
    for (status, body) in [
        (200, ""),
        (200, "{}"),
        (200, "[]"),
        (200, "{\"RequestId\":\"r\""),
        (200, "<html><body>hello</body></html>"),
        (200, "<!DOCTYPE html><html/>"),
        (
            200,
            "<!DOCTYPE a [<!ENTITY x \"y\">]><ModifyDtsJobResponse><RequestId>&x;</RequestId></ModifyDtsJobResponse>",
        ),
        (200, "<ModifyDtsJobResponse><RequestId>r</RequestId>"),
        (200, "<ModifyDtsJobResponse><RequestId>r</RequestId></ModifyDtsJobResponse><More/>"),
        (200, "<ModifyDtsJobResponse><RequestId>r</Request></ModifyDtsJobResponse>"),
        (302, r#"{"RequestId":"r"}"#),
        (502, "<html>Bad gateway</html>"),
        (500, r#"{"RequestId":"r"}"#),
        (404, ""),
    ] {
        assert!(answered("ModifyDtsJob", status, body).is_err(), "{status} {body}");
    }
    let deep = format!("{}{}", "<aResponse>".repeat(100), "</aResponse>".repeat(100));
    assert!(answered("ModifyDtsJob", 200, &deep).is_err());
}

/// The documentation's own sample, shortened: both languages mean the same, a list of one element aside.
#[test]
fn members_are_the_same_in_both_languages() {
    let xml = "<DescribeDtsJobsResponse>\n  <DtsJobList>\n    <Status>Migrating</Status>\n    <DtsJobId>a&amp;b</DtsJobId>\n    <PrecheckStatus/>\n  </DtsJobList>\n  <DtsJobList><Status>&#x5168;</Status></DtsJobList>\n  <RequestId>621BB4F8</RequestId>\n  <Success>true</Success>\n</DescribeDtsJobsResponse>";
    let json = r#"{"DtsJobList":[{"Status":"Migrating","DtsJobId":"a&b","PrecheckStatus":""},{"Status":"全"}],"RequestId":"621BB4F8","Success":"true"}"#;
    let tree = Aliyun.members(xml.as_bytes()).unwrap();
    assert_eq!(write_json(&tree), json);
    assert_eq!(Aliyun.members(json.as_bytes()), read_json(json.as_bytes(), &Default::default()).ok());
    let version = version();
    let (_, source) = version.state_sources("DescribeDtsJobs").next().unwrap();
    let seen = source.observe(&tree);
    assert_eq!((seen[0].id.as_str(), seen[0].state.as_str()), ("a&b", "Migrating"));
    assert_eq!(Aliyun.members(b"<html/>"), None);
    assert_eq!(Aliyun.members(b"[]"), None);
}

proptest! {
    /// However a secret is written, it does not come through, and what is around it does.
    #[test]
    fn no_secret_text_comes_through(
        secret in "[a-zA-Z0-9]{6,20}",
        wrap in prop_oneof![Just(("", "")), Just(("<![CDATA[", "]]>")), Just(("<!-- -->", "&amp;")), Just(("<p>", "</p>"))],
        around in "[ \n]{0,3}",
    ) {
        let inside = format!("{}{secret}{}", wrap.0, wrap.1);
        let body = format!(
            "<DescribeDtsJobsResponse>{around}<DtsJobList><Status>s</Status><Password x=\"1\">{inside}</Password></DtsJobList>\
             <AdminPassword>{inside}</AdminPassword>{around}<RequestId>r</RequestId></DescribeDtsJobsResponse>"
        );
        let reply = answered("DescribeDtsJobs", 200, &body).unwrap();
        let blanked = String::from_utf8(reply.body.to_vec()).unwrap();
        prop_assert_eq!(&blanked, &body.replace(&inside, ""));
    }

    #[test]
    fn reading_an_answer_never_panics(
        status in 100..600_u16,
        body in "(<\\?xml \\?>|<Error>|</Error>|<Code>|</Code>|<AResponse>|</AResponse>|<Password/>|&lt;|&#x0;|&x;|<!--|-->|\\{|\\}|\"|:|[ -~]|[\u{80}-\u{ffff}]){0,20}",
    ) {
        let _ = answered("DescribeDtsJobs", status, &body);
        let _ = Aliyun.members(body.as_bytes());
    }
}
