//! Requests in, requests out.

use http::Method;
use http_body_util::BodyExt;
use jiff::Timestamp;
use proptest::prelude::*;

use super::{FORM, version, wire};
use crate::call::{Account, AnswerForm, Credential, Form, Reason, Request, Signing, UpstreamSigning, Wire};
use crate::dialect::aliyun::Aliyun;
use crate::dialect::{Dialect, Dialects, Message};
use crate::parameters::Value;
use crate::provider::Family;
use crate::sign::{SecretKey, read_presented, verify};

fn read(request: &Wire) -> Result<Request, Reason> {
    Aliyun.read(request).map_err(|unreadable| unreadable.refusal.reason())
}

const V1: &str = "Action=DescribeDtsJobs&Version=2020-01-01&AccessKeyId=k&Signature=s&SignatureNonce=n&Format=JSON";
const ACS: [(&str, &str); 2] = [("x-acs-action", "DescribeDtsJobs"), ("x-acs-version", "2020-01-01")];

#[test]
fn the_places_of_parameters_mean_the_same() {
    let business = "DtsJobId=j&RegionId=cn-hangzhou&Tag.1.Key=a&SourceEndpoint.Password=p";
    let by_header = [ACS[0], ACS[1], FORM, ("authorization", "ACS3-HMAC-SHA256 x")];
    for (request, form, signing) in [
        (wire(Method::GET, &format!("{V1}&{business}"), &[], ""), Form::Query, Signing::InParameters),
        (wire(Method::POST, &format!("{V1}&{business}"), &[], ""), Form::Query, Signing::InParameters),
        (wire(Method::POST, V1, &[FORM], business), Form::FormBody, Signing::InParameters),
        (wire(Method::POST, "", &[FORM], &format!("{V1}&{business}")), Form::FormBody, Signing::InParameters),
        (wire(Method::POST, business, &by_header, ""), Form::Query, Signing::InHeaders),
        (wire(Method::POST, "RegionId=cn-hangzhou", &by_header, business), Form::FormBody, Signing::InHeaders),
    ] {
        let request = read(&request).unwrap();
        assert_eq!((request.action.as_str(), request.version.as_str()), ("DescribeDtsJobs", "2020-01-01"));
        assert_eq!((request.region.as_deref(), request.form), (None, form), "the action's row says which one decides");
        assert_eq!(request.parameters.get("RegionId").unwrap().as_text(), Some("cn-hangzhou"));
        assert_eq!((request.signing, request.answer_form), (signing, AnswerForm::Json));
        assert_eq!(request.family, Family::Aliyun);
        let Value::Object(members) = &request.parameters else { panic!() };
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["DtsJobId", "RegionId", "SourceEndpoint", "Tag"], "protocol is not business");
        assert!(request.unless_own.contains(&"RegionId"), "it is the protocol's unless the action has it");
    }
}

#[test]
fn what_decides_must_not_be_said_twice_differently() {
    let signed = |query: &str, headers: &[(&str, &str)], body: &str| {
        let headers = [headers, &[FORM]].concat();
        read(&wire(Method::POST, &format!("{V1}&{query}"), &headers, body))
    };
    assert_eq!(signed("", &[("x-acs-action", "StopDtsJob")], "").unwrap_err(), Reason::ParameterConflict);
    assert_eq!(signed("", &[("x-acs-version", "2018-08-01")], "").unwrap_err(), Reason::ParameterConflict);
    assert_eq!(signed("", &[("x-acs-action", "DescribeDtsJobs")], "").unwrap().action, "DescribeDtsJobs");
    for (query, body) in [
        ("Region=a", "Region=b"),
        ("RegionId=a", "RegionId=b"),
        ("Action=StopDtsJob", ""),
        ("", "Action=StopDtsJob"),
        ("DtsJobId=a&DtsJobId=a", ""),
    ] {
        assert_eq!(signed(query, &[], body).unwrap_err(), Reason::ParameterConflict, "{query} {body}");
    }
    // Old SDKs add their own region to every call: two names, two values.
    let both = signed("RegionId=cn-hangzhou", &[], "Region=cn-shanghai").unwrap();
    for (name, region) in [("Region", "cn-shanghai"), ("RegionId", "cn-hangzhou")] {
        assert_eq!(both.parameters.get(name).unwrap().as_text(), Some(region));
    }
    // In v1 the form's value is the one that is signed.
    assert_eq!(
        signed("DtsJobId=a", &[], "DtsJobId=b").unwrap().parameters.get("DtsJobId").unwrap().as_text(),
        Some("b")
    );
    let headers = [ACS[0], ACS[1], FORM];
    let by_header = |query: &str, body: &str| read(&wire(Method::POST, query, &headers, body));
    assert_eq!(by_header("DtsJobId=a", "DtsJobId=b").unwrap_err(), Reason::ParameterConflict);
    assert!(by_header("DtsJobId=a", "DtsJobId=a").is_ok());
    assert_eq!(by_header("Action=StopDtsJob", "").unwrap_err(), Reason::ParameterConflict);
    let twice = [ACS[0], ACS[0], ACS[1]];
    assert_eq!(read(&wire(Method::POST, "", &twice, "")).unwrap_err(), Reason::ParameterConflict);
}

#[test]
fn a_header_that_v1_does_not_sign_says_nothing() {
    let query = "Version=2020-01-01&AccessKeyId=k&Signature=s&SignatureNonce=n";
    let request = read(&wire(Method::GET, query, &[ACS[0]], "")).unwrap();
    assert_eq!(request.action, "");
}

#[test]
fn what_is_no_query_and_no_form_is_refused() {
    let json = ("content-type", "application/json");
    for (method, headers, body) in [
        (Method::POST, [ACS[0], ACS[1], json], "{}"),
        (Method::POST, [ACS[0], ACS[1], FORM], "{\"DtsJobId\":1}"),
        (Method::POST, [ACS[0], ACS[1], ("content-type", "multipart/form-data; boundary=x")], "x"),
        (Method::GET, [ACS[0], ACS[1], FORM], "DtsJobId=a"),
        (Method::POST, [ACS[0], ACS[1], FORM], "a=%ff"),
        (Method::POST, [ACS[0], ACS[1], FORM], "Tag.2.Key=a"),
    ] {
        assert_eq!(read(&wire(method, "", &headers, body)).unwrap_err(), Reason::RequestMalformed, "{body}");
    }
}

#[test]
fn the_answers_language_is_the_callers() {
    let v1 = V1.replace("&Format=JSON", "");
    let asked = |query: &str, accept: Option<&str>| {
        let accept: Vec<_> = accept.map(|accept| ("accept", accept)).into_iter().collect();
        read(&wire(Method::GET, &format!("{v1}{query}"), &accept, "")).map(|request| request.answer_form)
    };
    assert_eq!(asked("&Format=json", Some("text/xml")), Ok(AnswerForm::Json));
    assert_eq!(asked("&Format=XML", None), Ok(AnswerForm::Xml));
    assert_eq!(asked("", None), Ok(AnswerForm::Xml), "as the API's page has it");
    assert_eq!(asked("", Some("application/json")), Ok(AnswerForm::Json));
    assert_eq!(asked("&Format=YAML", None), Err(Reason::ParameterType));
    let by_header =
        |accept: &str| read(&wire(Method::POST, "", &[ACS[0], ACS[1], ("accept", accept)], "")).unwrap().answer_form;
    assert_eq!((by_header("*/*"), by_header("application/xml")), (AnswerForm::Json, AnswerForm::Xml));
    // A request that can't be read is answered in its language all the same.
    let unreadable = Aliyun.read(&wire(Method::GET, &format!("{v1}&Format=XML&Action=Other"), &[], "")).unwrap_err();
    assert_eq!(unreadable.request.answer_form, AnswerForm::Xml);
}

#[test]
fn the_family_is_told_by_its_marks() {
    let dialects = Dialects::all();
    let family =
        |request: &Wire| dialects.of_wire(request).read(request).map_or_else(|e| e.request.family, |r| r.family);
    assert_eq!(family(&wire(Method::POST, "", &[("x-acs-action", "A")], "")), Family::Aliyun);
    assert_eq!(family(&wire(Method::GET, "Action=A&SignatureNonce=n", &[], "")), Family::Aliyun);
    assert_eq!(family(&wire(Method::POST, "", &[FORM], "AccessKeyId=n")), Family::Aliyun);
    assert_eq!(family(&wire(Method::POST, "", &[("authorization", "ACS3-RSA-SHA256 x")], "")), Family::Aliyun);
    assert_eq!(family(&wire(Method::GET, "Action=A&SecretId=n&Nonce=1", &[], "")), Family::Tencent);
    assert_eq!(family(&wire(Method::POST, "", &[("authorization", "Bearer x")], "{}")), Family::Tencent);
}

/// What our verifier, and then our reader, make of what we send.
fn sent(
    action: &str,
    parameters: Value,
    signing: UpstreamSigning,
    called: Signing,
    form: AnswerForm,
) -> (Wire, Request) {
    let account = Account {
        alias: "main".to_owned(),
        family: Family::Aliyun,
        site: "mainland".to_owned(),
        identity: "main".to_owned(),
        default_region: None,
        endpoint: None,
        signing,
        credential: Credential { secret_id: "LTAIreal".to_owned(), secret_key: "real-secret".to_owned().into() },
    };
    let version = version();
    let message = Message {
        account: &account,
        version: &version,
        action: version.action(action).unwrap(),
        region: "cn-hangzhou",
        host: "dts.aliyuncs.com",
        form: Form::Query,
        answer_form: form,
        signing: called,
        parameters: &parameters,
    };
    let now = Timestamp::from_second(1_795_241_258).unwrap();
    let request = Aliyun.outgoing(&message, now, 7).unwrap();
    let (head, body) = request.into_parts();
    let body = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(body.collect()).unwrap();
    let wire = Wire {
        method: head.method,
        path: head.uri.path().to_owned(),
        raw_query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
        peer: None,
    };
    let presented = read_presented(&wire).unwrap();
    assert_eq!((presented.key_id(), presented.nonce().unwrap().len()), (Some("LTAIreal"), 32));
    let secret = SecretKey::from("real-secret".to_owned());
    verify(&presented, &wire, &secret, now.as_second(), 0, &[]).unwrap();
    let request = Aliyun.read(&wire).unwrap();
    assert_eq!((request.action.as_str(), request.version.as_str()), (action, "2020-01-01"));
    let region = |name: &str| request.parameters.get(name).and_then(Value::as_text) == Some("cn-hangzhou");
    assert!(region("Region") || region("RegionId"), "{:?}", request.parameters);
    (wire, request)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_call_goes_out_as_it_was_judged_in_the_callers_scheme_or_the_accounts() {
    let tag = Value::Object(vec![("Key".to_owned(), text("k v+&"))]);
    let parameters = Value::Object(vec![
        ("DtsJobId".to_owned(), text("j")),
        ("Tag".to_owned(), Value::List(vec![tag])),
        ("Region".to_owned(), text("cn-hangzhou")),
    ]);
    use UpstreamSigning::{AsCalled, Tc3, V1};
    for (signing, called, expected) in [
        (AsCalled, Signing::InHeaders, Signing::InHeaders),
        (AsCalled, Signing::InParameters, Signing::InParameters),
        (Tc3, Signing::InParameters, Signing::InHeaders),
        (V1, Signing::InHeaders, Signing::InParameters),
    ] {
        for form in [AnswerForm::Json, AnswerForm::Xml] {
            let (wire, request) = sent("DescribeDtsJobs", parameters.clone(), signing, called, form);
            assert_eq!((request.signing, request.answer_form, request.form), (expected, form, Form::FormBody));
            assert_eq!(wire.raw_query, "", "nothing stands in an access log");
            for name in ["DtsJobId", "Tag", "Region"] {
                assert_eq!(request.parameters.get(name), parameters.get(name), "{name}");
            }
            assert_eq!(request.parameters.get("ClientToken"), None);
        }
    }
}

#[test]
fn a_change_bears_a_client_token_and_keeps_its_callers() {
    let change = |parameters: Vec<(String, Value)>| {
        let parameters = Value::Object(parameters);
        let (_, request) =
            sent("ModifyDtsJob", parameters, UpstreamSigning::AsCalled, Signing::InHeaders, AnswerForm::Json);
        let token = request.parameters.get("ClientToken").unwrap().as_text().unwrap().to_owned();
        assert_eq!(request.parameters.get("Region"), None, "no parameter of this action");
        token
    };
    let job = || ("DtsJobId".to_owned(), text("j"));
    assert_eq!(change(vec![job()]).len(), 32);
    assert_eq!(change(vec![job(), ("ClientToken".to_owned(), text(""))]).len(), 32);
    assert_eq!(change(vec![job(), ("ClientToken".to_owned(), text("mine"))]), "mine");
}

#[test]
fn the_region_is_said_under_the_name_that_the_action_has_for_it() {
    let parameters = Value::Object(vec![("DtsJobId".to_owned(), text("j"))]);
    let (_, request) =
        sent("DescribeDtsJobs", parameters, UpstreamSigning::AsCalled, Signing::InHeaders, AnswerForm::Json);
    assert_eq!(request.parameters.get("RegionId"), Some(&text("cn-hangzhou")), "no row says otherwise");
    assert_eq!(request.parameters.get("Region"), None, "a parameter of its own, which the caller left out");
}

proptest! {
    /// Whatever was judged arrives at the cloud as it was, in both schemes.
    #[test]
    fn parameters_go_out_as_they_were_judged(value in any::<String>(), key in any::<String>(), by_headers in any::<bool>()) {
        let tag = Value::Object(vec![("Key".to_owned(), text(&key))]);
        let tags = Value::List(vec![tag.clone(), tag]);
        let parameters = Value::Object(vec![("DtsJobId".to_owned(), text(&value)), ("Tag".to_owned(), tags)]);
        let called = if by_headers { Signing::InHeaders } else { Signing::InParameters };
        let (_, request) =
            sent("DescribeDtsJobs", parameters.clone(), UpstreamSigning::AsCalled, called, AnswerForm::Json);
        for name in ["DtsJobId", "Tag"] {
            prop_assert_eq!(request.parameters.get(name), parameters.get(name));
        }
    }

    #[test]
    fn reading_a_request_never_panics(
        query in "(Action=|Version=|Region=|RegionId=|Tag\\.[0-9]\\.|=|&|%[0-9a-f]{2}|\\.|[ -~]){0,20}",
        body in "(Action=|Format=|SecurityToken=|=|&|[ -~]){0,20}",
        is_form in any::<bool>(),
    ) {
        let headers = if is_form { vec![ACS[0], FORM] } else { vec![ACS[0]] };
        let _ = Aliyun.read(&wire(Method::POST, &query, &headers, &body));
    }
}
