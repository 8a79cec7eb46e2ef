//! Requests that bend HTTP: none reaches the cloud, and the next good call is answered.

use crate::house::{House, Settings};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// It is answered as a call, with an error in the cloud's shape.
    Refused,
    /// hyper answers it with this status and no body.
    Status(u16),
    /// The connection is closed.
    Closed,
    /// It is sent to the cloud.
    Sent,
}

use End::{Closed, Refused, Sent, Status};

async fn end(house: &House, request: &[u8]) -> End {
    let mut talk = house.talk().await;
    talk.say(request).await;
    let Some(answer) = talk.hear().await else { return Closed };
    if answer.body.is_empty() {
        assert!(talk.is_over().await, "{answer:?}");
        return Status(answer.status);
    }
    if answer.header("x-dts-gateway-origin") == "upstream" {
        return Sent;
    }
    assert!(["request-malformed", "parameter-conflict"].contains(&answer.reason().as_str()), "{answer:?}");
    Refused
}

/// Each ends as it should, and none reaches the cloud.
async fn ends(cases: &[(&str, End, Vec<u8>)], house: &House) {
    let before = house.cloud.heard().len();
    let mut wrong = Vec::new();
    for (name, expected, request) in cases {
        let found = end(house, request).await;
        if found != *expected {
            wrong.push(format!("{name}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(house.cloud.heard().len(), before, "nothing reached the cloud");
    house.is_answered(house.read(), "all of them").await;
}

#[tokio::test]
async fn lengths_that_can_be_read_in_two_ways() {
    let house = House::open(Settings::default()).await;
    let sized = |length: &str| house.bare_call("all", "DescribeMigrateJobs", length, "{}").into_bytes();
    let chunked = |coding: &str, body: &str| {
        house.bare_call("all", "DescribeMigrateJobs", &format!("{coding}\r\n"), body).into_bytes()
    };
    let te = "Transfer-Encoding: chunked";
    let good = "2\r\n{}\r\n0\r\n\r\n";
    let cases = [
        ("CL.TE", Refused, chunked(&format!("Content-Length: 2\r\n{te}"), good)),
        ("TE.CL", Refused, chunked(&format!("{te}\r\nContent-Length: 2"), good)),
        ("CL.TE with 0", Refused, chunked(&format!("Content-Length: 0\r\n{te}"), good)),
        ("TE list", Refused, chunked("Transfer-Encoding: gzip, chunked", good)),
        ("TE list the other way", Status(400), chunked("Transfer-Encoding: chunked, gzip", good)),
        ("TE twice", Refused, chunked(&format!("{te}\r\n{te}"), good)),
        ("TE twice, other", Status(400), chunked(&format!("{te}\r\nTransfer-Encoding: identity"), good)),
        ("TE x", Status(400), chunked("Transfer-Encoding: xchunked", good)),
        ("TE parameter", Status(400), chunked("Transfer-Encoding: chunked;a", good)),
        ("TE with a vertical tab", Status(400), chunked("Transfer-Encoding: \u{b}chunked", good)),
        ("TE with a space before the colon", Status(400), chunked("Transfer-Encoding : chunked", good)),
        ("TE folded", Status(400), chunked("Transfer-Encoding:\r\n chunked", good)),
        ("TE of 1.0", Status(400), String::from_utf8(chunked(te, good)).unwrap().replace("/1.1", "/1.0").into_bytes()),
        ("CL +", Status(400), sized("Content-Length: +2\r\n")),
        ("CL -", Status(400), sized("Content-Length: -2\r\n")),
        ("CL hex", Status(400), sized("Content-Length: 0x2\r\n")),
        ("CL empty", Status(400), sized("Content-Length:\r\n")),
        ("CL list", Status(400), sized("Content-Length: 2, 2\r\n")),
        ("CL overflow", Status(400), sized("Content-Length: 18446744073709551618\r\n")),
        ("CL twice, equal", Refused, sized("Content-Length: 2\r\nContent-Length: 2\r\n")),
        ("CL twice, other", Status(400), sized("Content-Length: 2\r\nContent-Length: 3\r\n")),
        ("chunk extension", Refused, chunked(te, "2;a=b\r\n{}\r\n0\r\n\r\n")),
        ("chunk extension with a bare LF", Refused, chunked(te, "2;\n{}\r\n0\r\n\r\n")),
        ("chunk size 0x", Refused, chunked(te, "0x2\r\n{}\r\n0\r\n\r\n")),
        ("chunk size +", Refused, chunked(te, "+2\r\n{}\r\n0\r\n\r\n")),
        ("chunk size with a space", Refused, chunked(te, "2 \r\n{}\r\n0\r\n\r\n")),
        ("chunk size overflow", Refused, chunked(te, "10000000000000002\r\n{}\r\n0\r\n\r\n")),
        ("chunk with a bare LF", Refused, chunked(te, "2\n{}\r\n0\r\n\r\n")),
        ("chunk longer than it says", Refused, chunked(te, "1\r\n{}\r\n0\r\n\r\n")),
        ("trailer naming a real header", Refused, chunked(te, "2\r\n{}\r\n0\r\nX-TC-Action: StopMigrateJob\r\n\r\n")),
    ];
    ends(&cases, &house).await;
    let answer = house.ask(&String::from_utf8(chunked(te, "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")).unwrap()).await;
    assert_eq!(answer.header("x-dts-gateway-origin"), "upstream", "good chunks are taken: {answer:?}");
    house.close().await;
}

#[tokio::test]
async fn lines_heads_and_targets() {
    let house = House::open(Settings::default()).await;
    let read = house.read();
    let host = format!("Host: {}\r\n", house.public);
    let with = |more: &str| house.call("all", "DescribeMigrateJobs", more, "{}").into_bytes();
    let target = |line: &str| read.replace("POST / HTTP/1.1", line).into_bytes();
    let cases = [
        ("bare LF", Refused, read.replace("\r\n", "\n").into_bytes()),
        ("one bare LF", Refused, with("A: b\nC: d\r\n")),
        ("bare CR", Status(400), with("A: b\rC: d\r\n")),
        ("obs-fold", Status(400), with("A: b\r\n c\r\n")),
        ("NUL", Status(400), with("A: b\0\r\n")),
        ("no colon", Status(400), with("A\r\n")),
        ("empty name", Status(400), with(": a\r\n")),
        ("no host", Refused, read.replace(&host, "").into_bytes()),
        ("two hosts", Refused, with(&host)),
        ("two content types", Refused, with("Content-Type: text/plain\r\n")),
        ("two authorizations", Refused, with("Authorization: Bearer x\r\n")),
        ("compressed", Refused, with("Content-Encoding: gzip\r\n")),
        ("h2c", Refused, with("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n")),
        ("websocket", Refused, with("Upgrade: websocket\r\nConnection: Upgrade\r\n")),
        ("absolute", Refused, target("POST http://other.example/ HTTP/1.1")),
        ("authority", Refused, target("POST other.example:80 HTTP/1.1")),
        ("asterisk", Refused, target("OPTIONS * HTTP/1.1")),
        ("TRACE", Refused, target("TRACE / HTTP/1.1")),
        ("PUT", Refused, target("PUT / HTTP/1.1")),
        ("lower case", Refused, target("post / HTTP/1.1")),
        ("fragment", Status(400), target("POST /\u{7f} HTTP/1.1")),
        ("0.9", Status(400), b"GET /\r\n\r\n".to_vec()),
        ("2.0", Status(400), target("POST / HTTP/2.0")),
        ("h2 preface", Closed, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec()),
        ("TLS", Status(400), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("101 headers", Status(431), with(&"A: b\r\n".repeat(101))),
        ("a head of 70 KiB", Status(431), with(&format!("A: {}\r\n", "b".repeat(70 * 1024)))),
        ("many long headers", Status(431), with(&format!("A: {}\r\n", "b".repeat(2000)).repeat(40))),
        ("a target of 70 KiB", Status(431), target(&format!("POST /?{} HTTP/1.1", "a".repeat(70 * 1024)))),
    ];
    ends(&cases, &house).await;
    for path in ["//other.example/", "/%00", "/../..//a%2fb"] {
        let answer = house.ask(&read.replace("POST / ", &format!("POST {path} "))).await;
        assert_eq!(answer.header("x-dts-gateway-origin"), "upstream", "{path}: {answer:?}");
        assert_eq!(house.cloud.heard().last().unwrap().line.trim(), "POST / HTTP/1.1");
    }
    let answer = house.ask(&String::from_utf8(with(&format!("A: {}\r\n", "b".repeat(60 * 1024)))).unwrap()).await;
    assert_eq!(answer.header("x-dts-gateway-origin"), "upstream", "60 KiB are taken: {}", answer.head);
    house.close().await;
}

#[tokio::test]
async fn connect_opens_no_tunnel_and_head_gets_no_body() {
    let house = House::open(Settings::default()).await;
    let mut talk = house.talk().await;
    talk.say("CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n").await;
    let answer = talk.hear().await.unwrap();
    assert_eq!((answer.status, answer.header("x-dts-gateway-reason")), (405, "request-malformed"));
    assert!(talk.is_over().await);

    let mut talk = house.talk().await;
    talk.say(format!("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n{}", house.read())).await;
    assert_eq!(talk.hear_head().await.unwrap().header("x-dts-gateway-reason"), "request-malformed");
    assert_eq!(talk.hear().await.unwrap().header("x-dts-gateway-origin"), "upstream", "nothing was left over");
    house.close().await;
}

#[tokio::test]
async fn expectations() {
    let house = House::open(Settings::default()).await;
    let head = house.bare_call("all", "DescribeMigrateJobs", "Content-Length: 2\r\nExpect: 100-Continue\r\n", "");
    let mut talk = house.talk().await;
    talk.say(&head).await;
    assert_eq!(talk.hear().await.unwrap().status, 100);
    talk.say("{}").await;
    assert_eq!(talk.hear().await.unwrap().header("x-dts-gateway-origin"), "upstream");

    let mut talk = house.talk().await;
    talk.say(head.replace("Content-Length: 2", "Content-Length: 99999999999")).await;
    assert_eq!(talk.hear().await.unwrap().reason(), "too-large", "told before the body is asked for");
    assert!(talk.is_over().await);

    for expectation in ["Expect: 200-ok\r\n", "Expect: 100-continue\r\nExpect: 100-continue\r\n", "Expect:\r\n"] {
        let request = house.call("all", "DescribeMigrateJobs", expectation, "{}");
        let mut talk = house.talk().await;
        talk.say(&request).await;
        let mut answer = talk.hear().await.unwrap();
        if answer.status == 100 {
            answer = talk.hear().await.unwrap();
        }
        assert_eq!(answer.header("x-dts-gateway-origin"), "upstream", "{expectation}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_body_that_nobody_wants_is_no_request() {
    let house = House::open(Settings { server: "max_body_bytes = 100000", ..Settings::default() }).await;
    let (read, host) = (house.read(), format!("Host: {}\r\n", house.public));
    let smuggled = |head: &str| format!("{head}Content-Length: {}\r\n\r\n{read}", read.len());
    for head in [format!("PUT / HTTP/1.1\r\n{host}"), "POST / HTTP/1.1\r\n".to_owned()] {
        let mut talk = house.talk().await;
        talk.say(smuggled(&head)).await;
        assert_eq!(talk.hear().await.unwrap().reason(), "request-malformed");
        talk.say("no request\r\n\r\n").await;
        assert!(talk.hear().await.is_none_or(|answer| answer.status == 400), "{head}");
    }
    assert_eq!(house.cloud.heard().len(), 0);

    // The answer arrives, though the caller speaks on and on before it listens.
    for length in ["Content-Length: 20000000", "Transfer-Encoding: chunked"] {
        let mut talk = house.talk().await;
        talk.say(house.bare_call("all", "DescribeMigrateJobs", &format!("{length}\r\n"), "")).await;
        for _ in 0..200 {
            talk.say(format!("186A0\r\n{}\r\n", "x".repeat(100_000))).await;
        }
        assert_eq!(talk.hear().await.unwrap().reason(), "too-large", "{length}");
        assert!(talk.is_over().await);
    }
    house.is_well("bodies too large").await;
    house.close().await;
}

#[tokio::test]
async fn pipelined_requests_are_judged_one_by_one() {
    let house = House::open(Settings::default()).await;
    let requests = [
        (house.read(), ""),
        (house.change().replace("Authorization", "X-Authorization"), "credentials-missing"),
        (house.call("reader", "DescribeMigrateJobs", "", "{}"), ""),
        (house.call("nobody", "DescribeMigrateJobs", "", "{}"), "not-granted"),
        (house.call("all", "DescribeMigrateJobs", "", "{"), "request-malformed"),
        (house.call("reader", "StopMigrateJob", "", "{\"JobId\":\"dts-a\"}"), "not-granted"),
        (house.read(), ""),
    ];
    let mut talk = house.talk().await;
    talk.say(requests.iter().map(|(request, _)| request.as_str()).collect::<String>()).await;
    for (request, reason) in &requests {
        let answer = talk.hear().await.unwrap();
        assert_eq!(answer.header("x-dts-gateway-reason"), *reason, "{request}");
    }
    house.close().await;
}

#[tokio::test]
async fn the_admin_listener_reads_as_strictly() {
    let house = House::open(Settings::default()).await;
    let mut talk = crate::talk::Talk::with(house.admin).await;
    talk.say("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nGET /healthz HTTP/1.1\nHost: h\r\n\r\n").await;
    assert_eq!(talk.hear().await.unwrap().status, 200);
    assert_eq!(talk.hear().await.unwrap().status, 400);
    assert!(talk.is_over().await);
    house.close().await;
}
