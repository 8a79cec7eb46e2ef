//! A listening socket: accepts connections, bounded in number, timed from the first instant, plain or TLS, and drained at the end.
//!
//! HTTP/1.1 only: every official SDK speaks it, and what is not spoken cannot be attacked.

mod connection;
mod conversation;
mod framing;
mod stream;
#[cfg(test)]
mod tests;
mod tls;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper_util::server::graceful::GracefulShutdown;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub use conversation::Arrival;
pub use tls::{TlsError, server_tls};

use connection::Connection;

/// A head is at most this large, in bytes: a v1 GET may have 32 KiB of parameters (API 3.0, "Request Structure").
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Pause after a failed accept, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers the requests of a listener.
pub trait Responder: Send + Sync + 'static {
    /// The bodies that it answers with.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;

    /// Answers one request. hyper has accepted it; whether it can be read in only one way, its arrival says.
    fn respond(
        &self,
        request: Request<Incoming>,
        arrival: Arrival,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// A connection was opened (1) or closed (-1).
    fn connections_changed(&self, by: i64);

    /// From now on what arrives on open connections should be refused.
    fn drain(&self);
}

/// A bound listener.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    options: ListenerOptions,
}

/// Its bounds.
#[derive(Clone, Copy, Debug)]
pub struct ListenerOptions {
    /// Connections at once; more wait in the kernel's queue.
    pub max_connections: usize,
    /// From accepting a connection, TLS handshake included, or from the first byte of a further request, to the end of
    /// the head.
    pub head_timeout: Duration,
    /// How long a connection may be silent after an answer.
    pub idle_timeout: Duration,
    /// How long a peer may take nothing of what it is sent.
    pub write_timeout: Duration,
    /// How long open connections may take to finish at shutdown.
    pub drain_timeout: Duration,
}

impl Listener {
    /// Binds; `127.0.0.1:0` picks a free port.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<ServerConfig>,
        options: ListenerOptions,
    ) -> io::Result<Listener> {
        let tcp = TcpListener::bind(address).await?;
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        Ok(Listener { tcp, tls, options })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `shutdown`, then lets open connections finish.
    pub async fn serve<R: Responder>(self, responder: Arc<R>, shutdown: CancellationToken) {
        let room = Arc::new(Semaphore::new(self.options.max_connections));
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = accept(&self.tcp, &room) => accepted,
            };
            let (stream, peer, permit) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let connection = Connection::new(Arc::clone(&responder), peer, self.options);
            let (tls, watcher) = (self.tls.clone(), graceful.watcher());
            tokio::spawn(async move {
                connection.serve(stream, tls, watcher).await;
                drop(permit);
            });
        }
        responder.drain();
        drop(self.tcp);
        if timeout(self.options.drain_timeout, graceful.shutdown()).await.is_err() {
            tracing::warn!("connections were still open after the drain time-out");
        }
    }
}

/// Waits for room before it takes a connection out of the kernel's queue.
async fn accept(tcp: &TcpListener, room: &Arc<Semaphore>) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = tcp.accept().await?;
    Ok((stream, peer, permit))
}
