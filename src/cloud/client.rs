//! The HTTP client towards the cloud: pooled, timed, capped. Reads and changes have pools of their own, so that one
//! cannot use up the other's connections. Redirects are not followed; answers are not decompressed.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::{Authority, Scheme, Uri};
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{HttpConnector, capture_connection};
use hyper_util::client::legacy::{self, Error as HyperError};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tower::BoxError;
use tower::util::{BoxCloneSyncService, ServiceExt};

use super::Silence;
use crate::dialect::Received;

/// Interim answers (1xx) to one request. The cloud sends none; a proxy before it may send one or two.
const MOST_INFORMATIONAL: usize = 8;

type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;
type Pool = legacy::Client<Connector, Full<Bytes>>;

/// The client.
#[derive(Clone, Debug)]
pub struct Client {
    reads: Pool,
    changes: Pool,
    options: ClientOptions,
}

/// Its bounds.
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    /// For all that makes a connection: the name's address, the TCP and TLS handshakes.
    pub connect_timeout: Duration,
    /// From sending to the end of the answer.
    pub answer_timeout: Duration,
    /// Bytes of an answer's body.
    pub max_answer_bytes: usize,
    /// Idle connections kept for each host and pool.
    pub idle_connections: usize,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
}

/// No TLS connector could be made.
#[derive(Debug, thiserror::Error)]
#[error("the system's certificates can't be used ({0})")]
pub struct ConnectError(String);

/// Where a request goes, and what its `Host` says.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) uri: Uri,
    pub(super) authority: String,
}

impl Client {
    /// A client that trusts the system's certificate authorities.
    ///
    /// # Errors
    /// When there is no usable cryptography.
    pub fn new(options: ClientOptions) -> Result<Client, ConnectError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Split between the addresses that a name has; the connector's own, below, is for all of it.
        tcp.set_connect_timeout(Some(options.connect_timeout));
        let tls = match HttpsConnectorBuilder::new().with_native_roots() {
            Ok(builder) => builder,
            // A minimal container has no certificates of its own.
            Err(_) => HttpsConnectorBuilder::new().with_webpki_roots(),
        };
        let connect = tls.https_or_http().enable_http1().wrap_connector(tcp);
        let connector = Connector::new(connect.map_future(move |connecting| async move {
            timeout(options.connect_timeout, connecting).await.map_err(BoxError::from)?
        }));
        let pool = || {
            legacy::Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(options.idle_connections)
                .pool_idle_timeout(options.idle_timeout)
                .pool_timer(TokioTimer::new())
                .build(connector.clone())
        };
        Ok(Client { reads: pool(), changes: pool(), options })
    }

    /// Where a call goes: the account's own endpoint, else the cloud's host over TLS.
    pub(super) fn target(&self, endpoint: Option<&str>, host: &str) -> Result<Target, http::Error> {
        let base = match endpoint {
            Some(endpoint) => endpoint.parse::<Uri>()?,
            None => Uri::builder().scheme(Scheme::HTTPS).authority(host).path_and_query("/").build()?,
        };
        let authority = base.authority().map_or_else(String::new, Authority::to_string);
        let scheme = base.scheme().cloned().unwrap_or(Scheme::HTTPS);
        let uri = Uri::builder().scheme(scheme).authority(authority.as_str()).path_and_query("/").build()?;
        Ok(Target { uri, authority })
    }

    /// Sends a request and receives its answer whole.
    pub(super) async fn send(
        &self,
        uri: Uri,
        mut request: Request<Full<Bytes>>,
        is_change: bool,
        on_first_byte: impl FnOnce(Instant),
    ) -> Result<Received, Silence> {
        *request.uri_mut() = uri;
        self.exchange(request, is_change, on_first_byte).await
    }

    pub(super) async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        is_change: bool,
        on_first_byte: impl FnOnce(Instant),
    ) -> Result<Received, Silence> {
        let connection = capture_connection(&mut request);
        let too_many = count_informational(&mut request);
        let host = request.uri().host().unwrap_or_default().to_owned();
        let pool = if is_change { &self.changes } else { &self.reads };
        let exchange = async {
            let answer = pool.request(request).await.map_err(|error| unsent_or_unanswered(&error, &host))?;
            on_first_byte(Instant::now());
            let (head, body) = answer.into_parts();
            if is_ambiguous(&head.headers) {
                // Two ways to tell where the answer ends: neither it nor what follows on the connection is to be trusted.
                if let Some(connected) = connection.connection_metadata().as_ref() {
                    connected.poison();
                }
                return Err(Silence::Unanswered("its answer has two lengths".to_owned()));
            }
            let body = collect(body, self.options.max_answer_bytes).await?;
            Ok(Received { status: head.status, headers: head.headers, body })
        };
        let late = || match connection.connection_metadata().is_some() {
            true => Silence::Unanswered(format!("no answer came in {} s", self.options.answer_timeout.as_secs_f64())),
            // It is known before the request is handed to a connection.
            false => Silence::Unsent("no connection".to_owned()),
        };
        tokio::select! {
            heard = timeout(self.options.answer_timeout, exchange) => heard.unwrap_or_else(|_| Err(late())),
            () = too_many.notified() => Err(Silence::Unanswered("its answer never began".to_owned())),
        }
    }
}

/// Tells when more interim answers came than anybody would send. hyper reads any number of them.
fn count_informational<B>(request: &mut Request<B>) -> Arc<Notify> {
    let (too_many, left) = (Arc::new(Notify::new()), AtomicUsize::new(MOST_INFORMATIONAL));
    let tell = Arc::clone(&too_many);
    hyper::ext::on_informational(request, move |_interim| {
        if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err() {
            tell.notify_one();
        }
    });
    too_many
}

/// The cause goes to the log, for those who have to mend it; a caller is told only what follows for its call.
fn unsent_or_unanswered(error: &HyperError, host: &str) -> Silence {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    // hyper hands a request back with this error when its connection ended before it was taken up.
    let was_never_written =
        error.source().and_then(|source| source.downcast_ref::<hyper::Error>()).is_some_and(hyper::Error::is_canceled);
    let is_unsent = error.is_connect() || was_never_written;
    tracing::warn!(host, error = %cause, sent = !is_unsent, "no answer from the cloud");
    if is_unsent {
        return Silence::Unsent("no connection".to_owned());
    }
    Silence::Unanswered("the connection broke before the answer".to_owned())
}

/// Whether somebody else could see the answer's end elsewhere.
fn is_ambiguous(headers: &HeaderMap) -> bool {
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match codings.next() {
        None => lengths > 1,
        Some(only) => lengths > 0 || codings.next().is_some() || !only.as_bytes().eq_ignore_ascii_case(b"chunked"),
    }
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, Silence> {
    let too_large = || Silence::Unanswered(format!("its answer is larger than {limit} bytes"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Silence::Unanswered("the answer broke off".to_owned()))?;
        let Some(data) = frame.data_ref() else { continue };
        if whole.len() + data.len() > limit {
            return Err(too_large());
        }
        whole.extend_from_slice(data);
    }
    Ok(whole.freeze())
}
