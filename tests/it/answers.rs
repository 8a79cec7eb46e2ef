//! The cloud's answer comes back byte for byte, secrets apart; what is no answer is not passed on.

use serde_json::{Value, json};

use crate::caller::Answer;
use crate::upstream::Upstream;
use crate::world::Options;
use crate::world::{World, on_both};

/// An account whose cloud is `upstream`, and a caller who may do everything on it.
fn options(upstream: &Upstream) -> Options {
    let config = format!(
        r#"
[account.odd]
family = "tencent"
site = "mainland"
secret_id = "AKIDodd"
secret_key = "the odd account's secret key"
default_region = "ap-guangzhou"
endpoint = "{}"
"#,
        upstream.url()
    );
    let team = "team = \"odd\"\n[[caller]]\nname = \"odd\"\naccounts = [\"odd\"]\n[[grant]]\nactions = [\"*\"]\n";
    let head = "upstream.max_answer_bytes = 65536".to_owned();
    Options { head, config, teams: vec![("odd".to_owned(), team.to_owned())], ..Options::default() }
}

async fn read(world: &World) -> Answer {
    world.with_token("odd").act("DescribeMigrateJobs", json!({})).await
}

/// Bodies that a parser that writes them again would change.
const ODD: [&str; 7] = [
    r#"{"Response":{"RequestId":"r-1","TotalCount":1.0e400,"Big":123456789012345678901234567890}}"#,
    "{ \"Response\" :\n\t{\"RequestId\":\"r-1\" , \"JobList\" : [ ] }\r\n}\n",
    r#"{"Response":{"JobList":[{"JobName":"\u0041\/\ud83d\ude00 😀 </script>"}],"RequestId":"r-1"}}"#,
    r#"{"Response":{"RequestId":"r-1","Zebra":1,"Alpha":2,"zebra":null,"":{}}}"#,
    r#"{"Response":{"RequestId":"r-1","JobList":[{"JobId":"dts-1","Status":-0,"SrcInfo":{"Password":""}}]}}"#,
    r#"{"Before":[],"Response":{"RequestId":"r-1","JobList":null},"After":{"a":[[[]]]}}"#,
    r#"{"Response":{"Error":{"Code":"InternalError.Новый","Message":"…","More":1},"RequestId":"r-1"}}"#,
];

async fn byte_for_byte(world: &World, upstream: &Upstream) {
    for body in ODD {
        upstream.say("200 OK", body.as_bytes());
        let answer = read(world).await;
        assert_eq!((answer.text().as_str(), answer.status), (body, 200));
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("x-dts-gateway-origin"), "upstream");
        let record = world.record_of(&answer).await;
        assert_eq!(record["upstream_request_id"], "r-1");
        assert_eq!(record["outcome"], if body.contains("Error") { "failed" } else { "ok" });
    }
}

/// Secret members are emptied, and nothing else is touched.
async fn secrets_are_blanked(world: &World, upstream: &Upstream) {
    let secret = r#"{"Response": {"JobList":[ {"JobId":"dts-1","SrcInfo":{"Password": "p\"1" ,"AccessKey":"k1","User":"u"},
        "SrcInfoMulti":[{"Password":"p2"},{"Password":""},{"Password":["p3"]}],"DstInfo":{"Password":{"a":"p4"}}} ],
        "Password":"not a secret's place", "RequestId":"r-1"}}"#;
    let blanked = r#"{"Response": {"JobList":[ {"JobId":"dts-1","SrcInfo":{"Password": "" ,"AccessKey":"","User":"u"},
        "SrcInfoMulti":[{"Password":""},{"Password":""},{"Password":""}],"DstInfo":{"Password":""}} ],
        "Password":"not a secret's place", "RequestId":"r-1"}}"#;
    upstream.say("200 OK", secret.as_bytes());
    assert_eq!(read(world).await.text(), blanked);
}

/// What is not the API's answer is not passed on as one.
async fn no_answers(world: &World, upstream: &Upstream) {
    let good = r#"{"Response":{"RequestId":"r-1"}}"#;
    let large = format!(r#"{{"Response":{{"RequestId":"{}"}}}}"#, "r".repeat(70_000));
    let raw = |head: &str| format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{good}").into_bytes();
    let length = good.len();
    let answers: [(&str, Vec<u8>); 8] = [
        ("an error page", whole("502 Bad Gateway", "<html>secret-page</html>")),
        ("another status", whole("500 Internal Server Error", good)),
        ("a redirect", raw(&format!("302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: {length}"))),
        ("no JSON", whole("200 OK", "secret-page")),
        ("no envelope", whole("200 OK", r#"{"RequestId":"r-1"}"#)),
        ("too large", whole("200 OK", &large)),
        ("two lengths", raw(&format!("200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: {length}"))),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()),
    ];
    for (name, answer) in answers {
        upstream.say_raw(&answer);
        let answer = read(world).await;
        let message = answer.refused("InternalError", "upstream-unreachable");
        assert!(!message.contains("secret-page"), "{name}: {message}");
        let creation = world.with_token("odd").act("CreateMigrateJob", crate::smoke::creation()).await;
        creation.refused("FailedOperation", "outcome-unknown");
        assert_eq!(world.record_of(&creation).await["outcome"], "unknown", "{name}");
    }
    upstream.say("200 OK", good.as_bytes());
    assert_eq!(read(world).await.text(), good, "the next good answer passes");
}

fn whole(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

/// Upstream gets what was judged, built anew: nothing of the caller's own proof, headers or order of headers.
async fn built_anew(world: &World, upstream: &Upstream) {
    upstream.say("200 OK", br#"{"Response":{"RequestId":"r-1"}}"#);
    let body = r#"{ "Limit":20,"JobName" : "\u0041 😀", "TagFilters":[{"TagKey":"k","TagValue":["v"]}] }"#;
    let more =
        [("x-forwarded-for", "192.0.2.1"), ("x-tc-traceid", "trace-7"), ("x-tc-language", "zh-CN"), ("cookie", "a=b")];
    let answer = world.with_token("odd").act_with("DescribeMigrateJobs", &more, body).await;
    answer.response();
    assert_eq!(answer.header("x-tc-traceid"), "trace-7", "clients put it into their reports");
    assert_eq!(answer.header("cache-control"), "no-store");
    let asked = upstream.asked().pop().unwrap();
    let (head, sent) = asked.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post / http/1.1\r\n"), "{head}");
    let of_us = [
        "authorization: tc3-hmac-sha256 credential=akidodd/",
        "x-tc-action: describemigratejobs",
        "x-tc-version: 2018-03-30",
        "signedheaders=content-type;host;x-tc-action,",
    ];
    assert!(of_us.iter().all(|line| head.contains(line)), "{head}");
    for foreign in ["bearer", "192.0.2.1", "cookie", "x-dts-gateway", "x-forwarded"] {
        assert!(!head.contains(foreign), "{foreign}: {head}");
    }
    let sent: Value = serde_json::from_str(sent).unwrap();
    assert_eq!(sent, serde_json::from_str::<Value>(body).unwrap());
}

#[tokio::test]
async fn an_answer_comes_back_byte_for_byte() {
    let upstream = Upstream::start().await;
    on_both(options(&upstream), async |world| byte_for_byte(world, &upstream).await).await;
}

#[tokio::test]
async fn secrets_in_an_answer_are_blanked() {
    let upstream = Upstream::start().await;
    on_both(options(&upstream), async |world| secrets_are_blanked(world, &upstream).await).await;
}

#[tokio::test]
async fn what_is_no_answer_is_not_passed_on() {
    let upstream = Upstream::start().await;
    on_both(options(&upstream), async |world| no_answers(world, &upstream).await).await;
}

#[tokio::test]
async fn a_request_is_built_anew() {
    let upstream = Upstream::start().await;
    on_both(options(&upstream), async |world| built_anew(world, &upstream).await).await;
}
