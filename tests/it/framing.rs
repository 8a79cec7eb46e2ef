//! Requests that two readers could read two ways, byte by byte: refused or closed, never passed on, and nobody else is
//! affected.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::caller::until;
use crate::world::{Database, Options, World};

/// Sends bytes and reads until the gateway closes the connection.
async fn raw(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.public.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let closed = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    // A reset is a way of closing too.
    assert!(closed.is_ok(), "not closed: {}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// A good call's head, to which lines are added, and its body.
fn call(world: &World, target: &str, more: &str, body: &str) -> Vec<u8> {
    let token = world.token("all", &[]);
    let token = token.expose_secret();
    format!(
        "POST {target} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         X-TC-Action: DescribeMigrateJobs\r\nX-TC-Version: 2018-03-30\r\n{more}\r\n{body}"
    )
    .into_bytes()
}

async fn bad_frames(world: &World) {
    let chunked = "2\r\n{}\r\n0\r\n\r\n";
    let host = "Host: gateway\r\n";
    let frames = [
        ("two lengths", format!("{host}Content-Length: 2\r\nContent-Length: 3\r\nConnection: close\r\n"), "{}"),
        ("a strange encoding", format!("{host}Transfer-Encoding: xchunked\r\nConnection: close\r\n"), chunked),
        ("a signed length", format!("{host}Content-Length: +2\r\nConnection: close\r\n"), "{}"),
        ("a negative length", format!("{host}Content-Length: -2\r\nConnection: close\r\n"), "{}"),
        (
            "a length beyond counting",
            format!("{host}Content-Length: 99999999999999999999\r\nConnection: close\r\n"),
            "{}",
        ),
        ("a bad chunk", format!("{host}Transfer-Encoding: chunked\r\nConnection: close\r\n"), "zz\r\n{}\r\n0\r\n\r\n"),
        ("no Host", "Content-Length: 2\r\nConnection: close\r\n".to_owned(), "{}"),
        ("two Hosts", format!("{host}Host: other\r\nContent-Length: 2\r\nConnection: close\r\n"), "{}"),
        ("two types", format!("{host}Content-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n"), "{}"),
        ("two proofs", format!("{host}Authorization: Bearer x\r\nContent-Length: 2\r\nConnection: close\r\n"), "{}"),
        ("another protocol", format!("{host}Upgrade: h2c\r\nContent-Length: 2\r\nConnection: close\r\n"), "{}"),
        (
            "a space in a name",
            format!("{host}X-TC-Action : StopMigrateJob\r\nContent-Length: 2\r\nConnection: close\r\n"),
            "{}",
        ),
        (
            "a folded line",
            format!("{host}X-More: a\r\n  X-TC-Region: b\r\nContent-Length: 2\r\nConnection: close\r\n"),
            "{}",
        ),
    ];
    for (name, more, body) in &frames {
        let answer = raw(world, &call(world, "/", more, body)).await;
        println!("{name}: {}", answer.lines().next().unwrap_or("closed"));
        let refused = answer.starts_with("HTTP/1.1 400") || answer.contains("x-dts-gateway-origin: gateway");
        assert!(answer.is_empty() || refused, "{name}: {answer}");
    }
    for (name, bytes) in [
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00".as_slice()),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("a tunnel", b"CONNECT evil.invalid:443 HTTP/1.1\r\nHost: evil.invalid:443\r\nConnection: close\r\n\r\n"),
        ("a trace", b"TRACE / HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"),
    ] {
        let answer = raw(world, &[bytes, b"\r\n\r\n"].concat()).await;
        let refused = answer.starts_with("HTTP/1.1 400") || answer.contains("x-dts-gateway-origin: gateway");
        assert!(answer.is_empty() || refused, "{name}: {answer}");
    }
    assert!(world.requests().await.is_empty(), "nothing of it went to the cloud");
    world.with_token("all").act("DescribeMigrateJobs", json!({})).await.response();
}

/// With a length and with chunks there is one message, read as chunks, and the connection ends after it: what the length
/// would have made a second request is not one.
async fn smuggled(world: &World) {
    for more in [
        "Host: gateway\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Host: gateway\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Host: gateway\r\nTransfer-Encoding: chunked\r\nContent-Length: 900\r\n",
    ] {
        world.forget_requests().await;
        let second = call(world, "/", "Host: gateway\r\nContent-Length: 2\r\n", "{}");
        let first = call(world, "/", more, "2\r\n{}\r\n0\r\n\r\n");
        let answer = raw(world, &[first, second].concat()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{more}: {answer}");
        assert!(world.sent("DescribeMigrateJobs").await <= 1, "{more}");
    }
}

/// Two calls in one packet are two calls, each with its own proof.
async fn pipelined(world: &World) {
    let good = call(world, "/", "Host: gateway\r\nContent-Length: 2\r\n", "{}");
    let bare =
        b"POST / HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nX-TC-Action: DescribeMigrateJobs\r\n\
                 X-TC-Version: 2018-03-30\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    world.forget_requests().await;
    let answer = raw(world, &[good.as_slice(), bare].concat()).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    assert_eq!(answer.matches("credentials-missing").count(), 2, "in the head and the message of the second: {answer}");
    assert_eq!(world.sent("DescribeMigrateJobs").await, 1);
}

/// Where the caller wants it to go, and through whom it says it came, has no bearing.
async fn targets(world: &World) {
    let more = "Host: evil.invalid\r\nX-Forwarded-Host: evil.invalid\r\nX-Original-URL: /admin\r\n\
                X-HTTP-Method-Override: DELETE\r\nContent-Length: 2\r\nConnection: close\r\n";
    for target in ["/", "http://evil.invalid/", "//evil.invalid/", "/?"] {
        world.forget_requests().await;
        let answer = raw(world, &call(world, target, more, "{}")).await;
        assert!(answer.contains("x-dts-gateway-origin: "), "{target}: {answer}");
        for request in world.requests().await {
            assert_eq!((&request["method"], &request["action"]), (&json!("POST"), &json!("DescribeMigrateJobs")));
            assert_eq!(format!("http://{}", request["host"].as_str().unwrap()), world.simulator.url());
            assert!(!request["headers"].to_string().contains("evil"), "{request}");
        }
    }
}

/// Slow and silent clients are closed in their time, while others are served.
async fn slow_ones(world: &World) {
    let host = world.public.strip_prefix("http://").unwrap();
    let mut silent = Vec::new();
    for part in ["", "POST / HTTP/1.1\r\nHost: gate", "POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: 9\r\n\r\n{"]
    {
        for _ in 0..30 {
            let mut stream = TcpStream::connect(host).await.unwrap();
            stream.write_all(part.as_bytes()).await.unwrap();
            silent.push(stream);
        }
    }
    world.with_token("all").act("DescribeMigrateJobs", json!({})).await.response();
    for mut stream in silent {
        let mut answer = Vec::new();
        let closed = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "closed in its time");
    }
    until("no connection is held", || async {
        let metrics = world.with_token("all").at(&world.admin).get("/metrics").await.text();
        let line = metrics.lines().find(|line| line.starts_with("dts_gateway_connections ")).map(str::to_owned);
        line.is_some_and(|line| line.ends_with(" 1") || line.ends_with(" 0")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn ambiguous_requests_are_refused() {
    let world = World::start(Database::Sqlite).await;
    bad_frames(&world).await;
    smuggled(&world).await;
    pipelined(&world).await;
    targets(&world).await;
    world.end().await;
}

#[tokio::test]
async fn slow_clients_are_closed_while_others_are_served() {
    let head = "server.head_timeout = \"1s\"\nserver.body_timeout = \"1s\"\nserver.idle_timeout = \"1s\"";
    let world = World::start_with(Database::Sqlite, Options::head(head)).await;
    slow_ones(&world).await;
    world.end().await;
}
