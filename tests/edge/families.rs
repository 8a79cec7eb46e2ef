//! One URL, two clouds: who bears Alibaba's marks is answered in Alibaba's shape, everybody else in Tencent's.

use std::time::Duration;

use tokio::time::timeout;

use crate::house::{House, Settings, token};
use crate::talk::Talk;

const HEADERS: &str = "X-Acs-Action: DescribeDtsJobs\r\nX-Acs-Version: 1999-01-01\r\n";

fn request(target: &str, headers: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_refusal_has_the_shape_of_the_family_whose_marks_the_request_bears() {
    let house = House::open(Settings::default()).await;
    let by_parameters = "/?Action=DescribeDtsJobs&Version=1999-01-01&SignatureNonce=1&AccessKeyId=k&Signature=s";
    for (target, headers) in [("/", HEADERS), (&format!("{by_parameters}&Format=JSON"), "")] {
        let answer = house.ask(&request(target, headers)).await;
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/json;charset=utf-8"));
        let body = answer.json();
        assert_eq!((body["Code"].as_str(), body["HostId"].is_string()), (Some("InvalidVersion"), true));
        assert_eq!(body["RequestId"], answer.header("x-request-id"));
        assert!(body["Message"].as_str().unwrap().starts_with("[dts-gateway version-unknown]: "), "{body}");
    }
    let xml = house.ask(&request(by_parameters, "")).await;
    assert_eq!((xml.status, xml.header("content-type")), (400, "text/xml;charset=utf-8"));
    assert!(xml.body.contains("<Error><RequestId>") && xml.body.contains("<Code>InvalidVersion</Code>"), "{xml:?}");
    // A version of the other family is none of this one's.
    let other = house.ask(&request("/", &HEADERS.replace("1999-01-01", "2018-03-30"))).await;
    assert_eq!(other.json()["Code"], "InvalidVersion");
    // JSON is no form of this family.
    let json = "POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\nContent-Type: application/json\r\n";
    let answer = house.ask(&format!("{json}{HEADERS}\r\n{{}}")).await;
    assert_eq!(answer.json()["Code"], "InvalidParameter");
    let tencent = house.ask(&request("/?Action=DescribeMigrateJobs&Version=1999-01-01&Nonce=1", "")).await;
    assert!(tencent.json()["Response"]["Error"]["Code"].is_string());
    house.is_well("requests of two families").await;
    house.close().await;
}

#[tokio::test]
async fn a_stranger_who_names_thousands_of_tasks_leaves_a_short_record() {
    let house = House::open(Settings::default()).await;
    let ids = (0..5_000).map(|id| format!("job{id}")).collect::<Vec<_>>().join(",");
    let body = format!("DtsJobIds={ids}");
    let headers = HEADERS.replace("DescribeDtsJobs", "StopDtsJobs").replace("1999-01-01", "2020-01-01");
    let form = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}", body.len());
    let answer = house.ask(&format!("POST / HTTP/1.1\r\nHost: gateway\r\n{form}\r\n{headers}\r\n{body}")).await;
    assert_eq!(answer.header("x-dts-gateway-reason"), "credentials-missing", "{answer:?}");
    let token = token("auditor");
    let question = format!(
        "GET /v1/audit/records?action=StopDtsJobs HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let written = async {
        let mut talk = Talk::with(house.admin).await;
        loop {
            talk.say(&question).await;
            let page = talk.hear().await.unwrap().json();
            if let Some(record) = page["records"].get(0) {
                return record.clone();
            }
        }
    };
    let record = timeout(Duration::from_secs(30), written).await.expect("a record of it");
    let named = record["task_ids"].as_array().unwrap();
    assert_eq!((named.len(), named[0].as_str()), (100, Some("dtsjob0")));
    house.close().await;
}

/// A client of this family takes HTTP 200 without a `Code` for success.
#[tokio::test]
async fn a_form_that_is_not_read_to_its_end_is_refused_in_its_familys_shape() {
    let server = "max_body_bytes = 100000\nbody_timeout = \"500ms\"";
    let house = House::open(Settings { server, ..Settings::default() }).await;
    let head = "POST / HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let (marks, filling) = ("AccessKeyId=a&Action=DescribeDtsJobs&Filling=", "x".repeat(200_000));
    let (length, whole) = (marks.len() + filling.len(), format!("{marks}{filling}"));
    for (reason, request) in [
        ("too-large", format!("{head}Content-Length: {length}\r\n\r\n{whole}")),
        ("too-large", format!("{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{whole}\r\n0\r\n\r\n")),
        ("too-large", format!("{head}Content-Length: 99999999\r\n\r\n{marks}")),
        ("request-malformed", format!("{head}Content-Length: 100\r\n\r\n{marks}")),
        (
            "request-malformed",
            format!("{head}Content-Encoding: identity\r\nContent-Length: {}\r\n\r\n{marks}", marks.len()),
        ),
    ] {
        let answer = house.ask(&request).await;
        assert_eq!((answer.status, answer.header("x-dts-gateway-reason")), (400, reason), "{answer:?}");
        let body = answer.json();
        assert!(body["Code"].is_string() && body["Response"].is_null(), "{body}");
    }
    house.is_well("forms that were not read").await;
    house.close().await;
}
