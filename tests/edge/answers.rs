//! A cloud that answers wrongly: the caller gets an error, a change is sent once, and the next call gets its own answer.

use std::time::Duration;

use crate::cloud::{Manner, Then, good, sized};
use crate::house::{House, Settings};

const UPSTREAM: &str = "read_timeout = \"700ms\"\nmax_answer_bytes = 1000000";

async fn house() -> House {
    House::open(Settings { upstream: UPSTREAM, ..Settings::default() }).await
}

/// Answers that are none, and whether their connection may be used again.
fn wrong_answers() -> Vec<(&'static str, Manner)> {
    let body = r#"{"Response":{"RequestId":"r"}}"#;
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{more}\r\n");
    let listen = |text: String| Manner::say(text, Then::Listen);
    let close = |text: String| Manner::say(text, Then::Close);
    let stall = |text: String| Manner::say(text, Then::Stall);
    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let length = format!("Content-Length: {}\r\n", body.len());
    let chunked = head("Transfer-Encoding: chunked\r\n");
    let of_status = |status: &str, body: &str| sized(body).replace("200 OK", status);
    vec![
        ("CL.TE", listen(head(&format!("{length}Transfer-Encoding: chunked\r\n")) + &chunk)),
        ("TE.CL", listen(head(&format!("Transfer-Encoding: chunked\r\n{length}")) + &chunk)),
        ("CL twice", listen(head(&format!("{length}{length}")) + body)),
        ("CL twice, other", listen(head(&format!("{length}Content-Length: 3\r\n")) + body)),
        ("CL +", listen(head("Content-Length: +30\r\n") + body)),
        ("TE list", listen(head("Transfer-Encoding: gzip, chunked\r\n") + &chunk)),
        ("TE twice", listen(head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") + &chunk)),
        ("TE of 1.0", close(chunked.replace("/1.1", "/1.0") + &chunk)),
        ("1xx flood", Manner { times: 100_000, ..stall("HTTP/1.1 100 Continue\r\n\r\n".to_owned()) }),
        ("200 headers", listen(head(&("A: b\r\n".repeat(200) + &length)) + body)),
        ("a header of 1 MB", listen(head(&format!("A: {}\r\n{length}", "b".repeat(1_000_000))) + body)),
        (
            "headers without end",
            Manner { times: 100_000, ..stall("HTTP/1.1 200 OK\r\nA: b\r\nA: b\r\nA: b\r\n".to_owned()) },
        ),
        ("bad chunk size", listen(format!("{chunked}xyz\r\n{body}\r\n0\r\n\r\n"))),
        ("chunk longer than it says", listen(format!("{chunked}1\r\n{body}\r\n0\r\n\r\n"))),
        ("chunks that break off", close(format!("{chunked}{:x}\r\n{body}\r\n", body.len()))),
        ("short body", close(head("Content-Length: 100\r\n") + body)),
        ("no length, half a document", close(head("") + &body[..20])),
        (
            "gzip",
            listen(sized("\u{1f}\u{8b}\u{8}\0").replace("Content-Type", "Content-Encoding: gzip\r\nContent-Type")),
        ),
        ("100 MB announced", stall(head("Content-Length: 100000000\r\n"))),
        ("100 MB in chunks", Manner { times: 10_000, ..stall(format!("2710\r\n{}\r\n", " ".repeat(10_000))) }),
        ("nesting without end", listen(sized(&format!("{{\"Response\":{}", "[".repeat(500_000))))),
        ("HTML", listen(sized("<html>ok</html>"))),
        ("HTML 502", listen(of_status("502 Bad Gateway", "<html>bad gateway</html>"))),
        ("500 with an envelope", listen(of_status("500 Internal Server Error", body))),
        (
            "redirect",
            listen(of_status("307 Temporary Redirect", "").replace("Content-Type", "Location: /other\r\nContent-Type")),
        ),
        ("204", listen("HTTP/1.1 204 No Content\r\n\r\n".to_owned())),
        ("101", stall("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_owned())),
        ("empty", listen(sized(""))),
        ("null", listen(sized("null"))),
        ("no envelope", listen(sized("{}"))),
        ("half a head", close("HTTP/1.1 200 OK\r\nContent-Ty".to_owned())),
        ("no HTTP", listen("hello\r\n\r\n".to_owned())),
        ("HTTP/0.9", close(body.to_owned())),
        ("nothing", close(String::new())),
        ("a stalled head", stall("HTTP/1.1 200 OK\r\n".to_owned())),
        ("a stalled body", stall(head("Content-Length: 100\r\n") + body)),
        ("a dripping body", Manner { drip: Some(Duration::from_millis(20)), ..listen(sized(body)) }),
    ]
}

/// Of those, the ones that leave a connection whose next bytes are certain.
const REUSABLE: [&str; 10] = [
    "gzip",
    "nesting without end",
    "HTML",
    "HTML 502",
    "500 with an envelope",
    "redirect",
    "204",
    "empty",
    "null",
    "no envelope",
];

#[tokio::test]
async fn a_change_whose_answer_is_wrong_is_unknown_and_sent_once() {
    let house = house().await;
    for (name, manner) in wrong_answers() {
        let before = house.cloud.heard().len();
        house.cloud.answer_next([manner]);
        let answer = house.ask(&house.change()).await;
        assert_eq!(answer.reason(), "outcome-unknown", "{name}: {answer:?}");
        assert_eq!(answer.json()["Response"]["Error"]["Code"], "FailedOperation", "{name}");
        assert_eq!(house.cloud.heard().len(), before + 1, "{name}");
        let connection = house.cloud.heard()[before].connection;
        house.is_answered(house.change(), name).await;
        let next = house.cloud.heard().pop().unwrap().connection;
        assert!(next != connection || REUSABLE.contains(&name), "{name}: the connection was used again");
    }
    house.close().await;
}

#[tokio::test]
async fn a_read_whose_answer_is_wrong_is_asked_again_once() {
    let house = house().await;
    for (name, manner) in wrong_answers() {
        let before = house.cloud.heard().len();
        house.cloud.answer_next([manner.clone(), manner.clone()]);
        let answer = house.ask(&house.read()).await;
        assert_eq!(answer.reason(), "upstream-unreachable", "{name}: {answer:?}");
        assert_eq!(house.cloud.heard().len(), before + 2, "{name}");
        house.cloud.answer_next([manner]);
        house.is_answered(house.read(), name).await;
    }
    house.close().await;
}

#[tokio::test]
async fn bytes_after_an_answer_answer_nothing() {
    let house = house().await;
    let planted = sized(r#"{"Response":{"JobList":[],"JobId":"planted","RequestId":"planted"}}"#);
    for round in 0..20 {
        let number = house.cloud.heard().len() + 1;
        house.cloud.answer_next([Manner::say(good(number) + &planted, Then::Listen)]);
        let request = if round % 2 == 0 { house.change() } else { house.read() };
        house.is_answered(request.clone(), "bytes too many").await;
        let connection = house.cloud.heard().pop().unwrap().connection;
        house.is_answered(request, "bytes too many").await;
        assert_ne!(house.cloud.heard().pop().unwrap().connection, connection);
    }
    house.close().await;
}

#[tokio::test]
async fn a_few_interim_answers_are_nothing_unusual() {
    let house = house().await;
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    house.cloud.answer_next([Manner::say(format!("{interim}{}", good(1)), Then::Listen)]);
    house.is_answered(house.change(), "nothing").await;
    house.close().await;
}

#[tokio::test]
async fn a_connection_that_the_cloud_closes_between_calls_costs_no_change() {
    let house = house().await;
    for round in 1..=50 {
        house.cloud.answer_next([Manner::say(good(round), Then::Close)]);
        house.is_answered(house.change(), "a closed connection").await;
        assert_eq!(house.cloud.heard().len(), round, "each is sent once");
    }
    house.close().await;
}

#[tokio::test]
async fn a_cloud_that_is_not_there_was_sent_nothing() {
    let house = house().await;
    let change = house.change().replace("Account: main", "Account: gone");
    assert_eq!(house.ask(&change).await.reason(), "upstream-unreachable");
    house.close().await;
}
