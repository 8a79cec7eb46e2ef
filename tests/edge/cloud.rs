//! A cloud that answers each request as it was told to, to the byte.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What to answer instead of a good answer.
#[derive(Clone, Debug)]
pub struct Manner {
    pub bytes: Vec<u8>,
    /// How often `bytes` is said.
    pub times: usize,
    /// Between each byte.
    pub drip: Option<Duration>,
    pub then: Then,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Then {
    Listen,
    Close,
    Stall,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Of the connection, counted from 1.
    pub connection: usize,
    pub line: String,
    pub action: String,
    pub body: String,
}

/// The cloud.
#[derive(Clone)]
pub struct Cloud {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    manners: VecDeque<Manner>,
    heard: Vec<Heard>,
    connections: usize,
}

impl Manner {
    pub fn say(bytes: impl Into<Vec<u8>>, then: Then) -> Manner {
        Manner { bytes: bytes.into(), times: 1, drip: None, then }
    }
}

impl Cloud {
    pub async fn start() -> Cloud {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cloud = Cloud { address: listener.local_addr().unwrap(), state: Arc::default() };
        let serving = cloud.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serving.state.lock().unwrap().connections += 1;
                let connection = serving.state.lock().unwrap().connections;
                let cloud = serving.clone();
                tokio::spawn(async move { cloud.serve(stream, connection).await });
            }
        });
        cloud
    }

    /// The next answers.
    pub fn answer_next(&self, manners: impl IntoIterator<Item = Manner>) {
        self.state.lock().unwrap().manners = manners.into_iter().collect();
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.state.lock().unwrap().heard.clone()
    }

    /// Ends when the gateway hangs up, or when a manner says so.
    async fn serve(&self, stream: TcpStream, connection: usize) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let heard = hear(&mut stream, connection).await?;
            let (manner, number) = {
                let mut state = self.state.lock().unwrap();
                state.heard.push(heard);
                (state.manners.pop_front(), state.heard.len())
            };
            let manner = manner.unwrap_or_else(|| Manner::say(good(number), Then::Listen));
            for _ in 0..manner.times {
                match manner.drip {
                    None => stream.write_all(&manner.bytes).await.ok()?,
                    Some(pause) => {
                        for byte in &manner.bytes {
                            stream.write_all(&[*byte]).await.ok()?;
                            tokio::time::sleep(pause).await;
                        }
                    }
                }
            }
            match manner.then {
                Then::Listen => {}
                Then::Close => return None,
                Then::Stall => {
                    stream.read_to_end(&mut Vec::new()).await.ok()?;
                    return None;
                }
            }
        }
    }
}

/// A good answer to a read as well as to a creation; the RequestId counts the requests that the cloud has heard.
pub fn good(number: usize) -> String {
    sized(&format!(r#"{{"Response":{{"TotalCount":0,"JobList":[],"JobId":"dts-{number}","RequestId":"r-{number}"}}}}"#))
}

pub fn sized(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn hear(stream: &mut BufReader<TcpStream>, connection: usize) -> Option<Heard> {
    let mut heard = Heard { connection, line: String::new(), action: String::new(), body: String::new() };
    stream.read_line(&mut heard.line).await.ok().filter(|length| *length > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "x-tc-action" => value.trim().clone_into(&mut heard.action),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    heard.body = String::from_utf8(body).unwrap();
    Some(heard)
}
