//! One connection: its handshake, then one request after the other.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::conversation::Conversation;
use super::stream::TimedStream;
use super::{ListenerOptions, MAX_HEAD_BYTES, Responder};

/// An accepted connection. It counts as open until this is dropped, however that comes about.
pub(super) struct Connection<R: Responder> {
    responder: Arc<R>,
    peer: SocketAddr,
    options: ListenerOptions,
    accepted: Instant,
}

impl<R: Responder> Connection<R> {
    /// One that was accepted just now.
    pub(super) fn new(responder: Arc<R>, peer: SocketAddr, options: ListenerOptions) -> Connection<R> {
        responder.connections_changed(1);
        Connection { responder, peer, options, accepted: Instant::now() }
    }

    /// Serves it to its end.
    pub(super) async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>, watcher: Watcher) {
        // Answers are small and written whole: waiting to fill a packet only adds latency.
        let _ = stream.set_nodelay(true);
        match tls {
            None => self.speak(stream, watcher).await,
            Some(acceptor) => {
                // A handshake that fails or drips is the peer's matter; nothing was asked yet.
                let deadline = self.accepted + self.options.head_timeout;
                if let Ok(Ok(stream)) = timeout_at(deadline, acceptor.accept(stream)).await {
                    self.speak(stream, watcher).await;
                }
            }
        }
    }

    /// HTTP on a stream that is ready for it.
    pub(super) async fn speak<S>(self, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let conversation = Conversation::new(self.options, self.accepted);
        let stream = TimedStream::new(stream, conversation.clone(), self.options.write_timeout);
        let (responder, peer) = (Arc::clone(&self.responder), self.peer.ip());
        let service = service_fn(move |request| {
            let (responder, conversation) = (Arc::clone(&responder), conversation.clone());
            async move {
                let arrival = conversation.ask(peer);
                let response = responder.respond(request, arrival).await;
                conversation.answer();
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            // The stream keeps the time: hyper's own would cut an idle connection as early as a slow head.
            .header_read_timeout(None)
            // The buffer's size alone lets a head pass that came in one piece and is somewhat larger.
            .max_buf_size(MAX_HEAD_BYTES)
            .max_header_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        // What goes wrong on a connection was either answered or can't be; the peer sees it closed.
        let _ = watcher.watch(connection).await;
    }
}

impl<R: Responder> Drop for Connection<R> {
    fn drop(&mut self) {
        self.responder.connections_changed(-1);
    }
}
