//! Load: so many connections, each of which says the same thing again as soon as it was answered.
//!
//! Plain sockets and a reader that looks for two things only, so that the load takes little of the machine.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::messages::Script;

/// What came back.
pub(super) struct Load {
    /// Good answers.
    pub(super) calls: u64,
    /// Others.
    pub(super) refused: u64,
    /// From the first to the last.
    pub(super) took: Duration,
    /// Of good answers, sorted.
    pub(super) latencies: Vec<Duration>,
}

/// Runs `script` on `connections` for so long.
pub(super) async fn run(address: SocketAddr, script: &Script, connections: usize, duration: Duration) -> Load {
    let started = Instant::now();
    let until = started + duration;
    let mut all = JoinSet::new();
    for connection in 0..connections {
        let request = script(connection, &address.to_string());
        all.spawn(talk(address, request, until));
    }
    let mut load = Load { calls: 0, refused: 0, took: Duration::ZERO, latencies: Vec::new() };
    while let Some(one) = all.join_next().await {
        let (latencies, refused) = one.unwrap();
        load.calls += latencies.len() as u64;
        load.refused += refused;
        load.latencies.extend(latencies);
    }
    load.took = started.elapsed();
    load.latencies.sort_unstable();
    load
}

async fn talk(address: SocketAddr, request: Bytes, until: Instant) -> (Vec<Duration>, u64) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut latencies, mut refused, mut buffer) = (Vec::new(), 0, Vec::with_capacity(16 * 1024));
    while Instant::now() < until {
        let asked = Instant::now();
        stream.write_all(&request).await.unwrap();
        match answer(&mut stream, &mut buffer).await {
            true => latencies.push(asked.elapsed()),
            false => {
                if refused == 0 {
                    eprintln!("refused: {}", String::from_utf8_lossy(&buffer));
                }
                refused += 1;
            }
        }
    }
    (latencies, refused)
}

/// Reads one answer whole; false when it is a refusal.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    loop {
        assert!(stream.read_buf(buffer).await.unwrap() > 0, "the peer closed the connection");
        let Some(head) = find(buffer, b"\r\n\r\n") else { continue };
        let length = find(&buffer[..head], b"content-length: ").expect("an answer with a length");
        let digits = buffer[length + 16..head].iter().take_while(|byte| byte.is_ascii_digit());
        let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
        if buffer.len() >= head + 4 + length {
            return buffer.starts_with(b"HTTP/1.1 200") && find(&buffer[head..], b"\"Error\"").is_none();
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
