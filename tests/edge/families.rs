//! One URL, two clouds: who bears Alibaba's marks is answered in Alibaba's shape, everybody else in Tencent's.

use crate::house::{House, Settings};

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
