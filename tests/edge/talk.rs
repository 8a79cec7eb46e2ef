//! One connection of a caller, byte by byte.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub struct Talk {
    stream: Box<dyn Stream>,
    heard: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Talk {
    pub async fn with(address: SocketAddr) -> Talk {
        Talk::over(TcpStream::connect(address).await.unwrap())
    }

    pub fn over(stream: impl Stream + 'static) -> Talk {
        Talk { stream: Box::new(stream), heard: Vec::new() }
    }

    /// Says it; a gateway that has closed already does not hear it.
    pub async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await.expect("the gateway takes it");
        let _ = self.stream.flush().await;
    }

    /// The next answer, interim ones included; none when the connection ends instead.
    pub async fn hear(&mut self) -> Option<Answer> {
        self.hear_answer(true).await
    }

    /// The next answer, to HEAD: its body does not come.
    pub async fn hear_head(&mut self) -> Option<Answer> {
        self.hear_answer(false).await
    }

    async fn hear_answer(&mut self, with_body: bool) -> Option<Answer> {
        let end = loop {
            if let Some(end) = self.heard.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.heard.drain(..end).collect()).unwrap().to_ascii_lowercase();
        let status = head[9..12].parse().unwrap();
        let mut answer = Answer { status, head, body: String::new() };
        let length: usize = answer.header("content-length").parse().unwrap_or(0);
        if with_body {
            while self.heard.len() < length {
                self.more().await?;
            }
            answer.body = String::from_utf8(self.heard.drain(..length).collect()).unwrap();
        }
        Some(answer)
    }

    /// Whether the connection ends now, with nothing more said.
    pub async fn is_over(&mut self) -> bool {
        self.heard.is_empty() && self.more().await.is_none()
    }

    async fn more(&mut self) -> Option<()> {
        let mut piece = vec![0; 16 * 1024];
        let read = timeout(PATIENCE, self.stream.read(&mut piece)).await.expect("the gateway answers or closes");
        let length = read.unwrap_or(0);
        self.heard.extend_from_slice(&piece[..length]);
        (length > 0).then_some(())
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| *found == name).map(|(_, value)| value.trim()).next().unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Why the gateway refused, in the shape that SDKs read.
    pub fn reason(&self) -> String {
        assert_eq!((self.status, self.header("content-type")), (200, "application/json"), "{self:?}");
        let reason = self.header("x-dts-gateway-reason").to_owned();
        let response = &self.json()["Response"];
        assert!(response["Error"]["Code"].is_string(), "{self:?}");
        let message = response["Error"]["Message"].as_str().unwrap();
        assert!(message.starts_with(&format!("[dts-gateway {reason}]:")), "{message}");
        assert_eq!(response["RequestId"], self.header("x-request-id"), "{self:?}");
        reason
    }
}
