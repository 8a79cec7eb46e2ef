//! Silence, dripping and idleness on a paused clock, over a pipe in memory.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::{Arrival, ListenerOptions, Responder};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Answers with the body, or with as many bytes as the path says; `/slow` takes its time, `/deaf` reads no body.
#[derive(Default)]
struct Echo {
    open: AtomicI64,
}

impl Responder for Echo {
    type Body = Full<Bytes>;

    async fn respond(&self, request: Request<Incoming>, arrival: Arrival) -> Response<Full<Bytes>> {
        let path = request.uri().path()[1..].to_owned();
        let body = match path.as_str() {
            "deaf" => Bytes::from_static(b"deaf"),
            "slow" => {
                sleep(Duration::from_secs(3600)).await;
                Bytes::new()
            }
            number if !number.is_empty() => Bytes::from(vec![b'x'; number.parse().unwrap()]),
            _ => request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default(),
        };
        let mut response = Response::new(Full::new(body));
        if arrival.whole().is_err() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn connections_changed(&self, by: i64) {
        self.open.fetch_add(by, Ordering::SeqCst);
    }

    fn drain(&self) {}
}

struct Talk {
    peer: DuplexStream,
    began: Instant,
    serving: JoinHandle<()>,
    echo: Arc<Echo>,
    shutdown: GracefulShutdown,
}

impl Talk {
    /// A connection over a pipe that holds `room` bytes.
    fn begin(room: usize) -> Talk {
        let options = ListenerOptions {
            max_connections: 1,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::ZERO,
        };
        let (peer, ours) = duplex(room);
        let echo = Arc::new(Echo::default());
        let connection = Connection::new(Arc::clone(&echo), SocketAddr::from(([127, 0, 0, 1], 1)), options);
        let shutdown = GracefulShutdown::new();
        let serving = tokio::spawn(connection.speak(ours, shutdown.watcher()));
        Talk { peer, began: Instant::now(), serving, echo, shutdown }
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.peer.write_all(bytes).await.unwrap();
    }

    /// Reads one answer of a few bytes.
    async fn hear(&mut self) -> String {
        let mut answer = vec![0; 4096];
        let length = self.peer.read(&mut answer).await.unwrap();
        assert!(length > 0, "the connection was closed");
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    /// Whole seconds from now until the connection is closed.
    async fn closed_after(self) -> u64 {
        let before = Instant::now();
        self.serving.await.unwrap();
        assert_eq!(self.echo.open.load(Ordering::SeqCst), 0);
        before.elapsed().as_secs()
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_let_go() {
    assert_eq!(Talk::begin(4096).closed_after().await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_cut_off() {
    let mut talk = Talk::begin(4096);
    for byte in b"\r\nGET / " {
        talk.say(&[*byte]).await;
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(talk.began.elapsed().as_secs(), 8);
    assert_eq!(talk.closed_after().await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_idle_peer_may_stay_longer_but_its_next_head_may_not() {
    let mut talk = Talk::begin(4096);
    talk.say(REQUEST).await;
    assert!(talk.hear().await.starts_with("HTTP/1.1 200"));
    sleep(Duration::from_secs(74)).await;
    talk.say(REQUEST).await;
    assert!(talk.hear().await.starts_with("HTTP/1.1 200"));
    sleep(Duration::from_secs(60)).await;
    // An empty line is no request.
    talk.say(b"\r\n").await;
    assert_eq!(talk.closed_after().await, 15);

    let mut talk = Talk::begin(4096);
    talk.say(REQUEST).await;
    talk.hear().await;
    sleep(Duration::from_secs(60)).await;
    talk.say(b"GET / HTTP/1.1\r\n").await;
    assert_eq!(talk.closed_after().await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_waits_for_us_is_not_idle() {
    let mut talk = Talk::begin(4096);
    talk.say(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await;
    sleep(Duration::from_secs(3599)).await;
    assert!(!talk.serving.is_finished());
    assert!(talk.hear().await.starts_with("HTTP/1.1 200"));
    assert_eq!(talk.closed_after().await, 75);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_let_go() {
    let mut talk = Talk::begin(4096);
    talk.say(b"GET /100000 HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(talk.closed_after().await, 30);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_slowly_but_takes_is_served() {
    let mut talk = Talk::begin(4096);
    talk.say(b"GET /20000 HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let mut taken = 0;
    while taken < 20_000 {
        sleep(Duration::from_secs(20)).await;
        taken += talk.hear().await.len();
    }
    talk.say(REQUEST).await;
    assert!(talk.hear().await.ends_with("\r\n\r\n"), "the rest, or the next answer");
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_answered_one_by_one() {
    let mut talk = Talk::begin(4096);
    talk.say(
        &[REQUEST, b"GET /3 HTTP/1.1\r\nHost: h\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"].concat(),
    )
    .await;
    let mut heard = String::new();
    while !heard.ends_with("ab") {
        heard += &talk.hear().await;
    }
    assert_eq!(heard.matches("HTTP/1.1 200").count(), 3);
    assert!(heard.contains("\r\n\r\nxxx"), "{heard}");
    assert_eq!(talk.closed_after().await, 75);
}

#[tokio::test(start_paused = true)]
async fn an_answer_arrives_though_much_of_the_body_is_never_read() {
    let mut talk = Talk::begin(4096);
    talk.say(b"POST /deaf HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n").await;
    for _ in 0..1000 {
        talk.say(&[b'x'; 1000]).await;
    }
    let mut answer = String::new();
    talk.peer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("deaf"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    drop(talk.peer);
    talk.serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_answers_not_for_the_silent() {
    let silent = Talk::begin(4096);
    let mut idle = Talk::begin(4096);
    idle.say(REQUEST).await;
    idle.hear().await;
    let mut busy = Talk::begin(4096);
    busy.say(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await;
    sleep(Duration::from_secs(1)).await;
    for talk in [silent, idle] {
        let before = Instant::now();
        talk.shutdown.shutdown().await;
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
    busy.shutdown.shutdown().await;
    assert_eq!(busy.began.elapsed().as_secs(), 3600);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_body_is_not_waited_for_for_ever() {
    let mut talk = Talk::begin(4096);
    talk.say(b"POST /deaf HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n").await;
    assert!(talk.hear().await.ends_with("deaf"));
    assert_eq!(talk.closed_after().await, 5);
}
