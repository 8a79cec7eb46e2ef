//! `[server]`: the public listener.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;
use super::tls::{self, Tls};

/// The public listener.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// TLS, if it is the gateway that ends it.
    pub tls: Option<Tls>,
    /// Largest body that is read, in bytes.
    pub max_body_bytes: usize,
    /// Bytes of all connections' bodies together that are held at once.
    pub max_buffered_bytes: usize,
    /// From accepting a connection, or from the first byte of a further request, to the end of the head.
    pub head_timeout: Duration,
    /// From the end of the head to the end of the body.
    pub body_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// Connections held at once.
    pub max_connections: usize,
    /// How long calls under way may take after a signal to stop.
    pub drain_timeout: Duration,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    listen: SocketAddr,
    allow_plaintext: bool,
    max_body_bytes: u64,
    max_buffered_bytes: u64,
    #[serde(with = "duration")]
    head_timeout: Duration,
    #[serde(with = "duration")]
    body_timeout: Duration,
    #[serde(with = "duration")]
    idle_timeout: Duration,
    max_connections: u64,
    #[serde(with = "duration")]
    drain_timeout: Duration,
    tls: Option<tls::Raw>,
}

impl Default for Raw {
    /// Time-outs and sizes are those of the threat model: what a slow or silent client may hold, and for how long.
    fn default() -> Raw {
        Raw {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            allow_plaintext: false,
            max_body_bytes: 10 * 1024 * 1024,
            max_buffered_bytes: 256 * 1024 * 1024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            max_connections: 4096,
            drain_timeout: Duration::from_secs(30),
            tls: None,
        }
    }
}

impl Raw {
    pub(super) fn check(self, checker: &mut Checker) -> Option<Server> {
        plaintext("server", self.listen, self.tls.is_some(), self.allow_plaintext, checker);
        let second = Duration::from_secs(1);
        let hour = Duration::from_secs(3600);
        checker.duration("server.head_timeout", self.head_timeout, Duration::from_millis(100), hour);
        checker.duration("server.body_timeout", self.body_timeout, Duration::from_millis(100), hour);
        checker.duration("server.idle_timeout", self.idle_timeout, second, hour);
        checker.duration("server.drain_timeout", self.drain_timeout, Duration::ZERO, hour);
        // The cloud accepts at most 10 MB; below 1 KiB no call of an SDK fits.
        checker.number("server.max_body_bytes", self.max_body_bytes, 1024, 64 * 1024 * 1024);
        checker.number("server.max_buffered_bytes", self.max_buffered_bytes, 64 * 1024, 1 << 40);
        if self.max_buffered_bytes < self.max_body_bytes {
            checker.wrong_help(
                "server.max_buffered_bytes",
                "not even one body of `max_body_bytes` would have room",
                "make it several times as large as `max_body_bytes`, or that one smaller",
            );
        }
        checker.number("server.max_connections", self.max_connections, 1, 1_000_000);
        let tls = match self.tls {
            Some(raw) => Some(raw.check("server.tls", checker)?),
            None => None,
        };
        Some(Server {
            listen: self.listen,
            tls,
            max_body_bytes: usize::try_from(self.max_body_bytes).ok()?,
            max_buffered_bytes: usize::try_from(self.max_buffered_bytes).ok()?,
            head_timeout: self.head_timeout,
            body_timeout: self.body_timeout,
            idle_timeout: self.idle_timeout,
            max_connections: usize::try_from(self.max_connections).ok()?,
            drain_timeout: self.drain_timeout,
        })
    }
}

/// Reports a listener that others can reach and that is not encrypted.
pub(super) fn plaintext(section: &str, listen: SocketAddr, tls: bool, allowed: bool, checker: &mut Checker) {
    if !listen.ip().is_loopback() && !tls && !allowed {
        checker.wrong_help(
            &format!("{section}.listen"),
            format!("{listen} can be reached from outside and would be plaintext"),
            format!(
                "add [{section}.tls], or say `allow_plaintext = true` in [{section}] if something in front ends TLS"
            ),
        );
    }
}
