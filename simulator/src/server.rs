//! Listening and stopping: the simulator as a thing that a program starts and a test shuts down.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::chance;
use crate::clock::Clock;
use crate::cloud::{Cloud, Pace};
use crate::dialect::Nonces;
use crate::exchange::Exchange;
use crate::faults::Faults;
use crate::ledger::Ledger;
use crate::rates::Rates;
use crate::table::{TableError, Tables};
use crate::wire::Wire;

/// How long running answers may take once the simulator was told to stop.
const GRACE: Duration = Duration::from_millis(500);

/// How long to wait when no connection can be accepted, for example for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How a simulator is to run.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 picks a free one. Default `127.0.0.1:8088`.
    pub listen: SocketAddr,
    /// The SecretId and SecretKey that it accepts; fresh ones if nothing is said.
    pub credential: Option<(String, String)>,
    /// How long creating, checking, preparing, stopping and completing take. Default 300 ms.
    pub step: Duration,
    /// How long a migration runs. Default 2 s.
    pub run: Duration,
    /// How many requests `GET /_sim/requests` remembers; older ones are forgotten. Default 500,000.
    pub requests_kept: usize,
    /// Where it reads the time.
    pub clock: Clock,
}

/// The simulated cloud.
#[derive(Debug)]
pub struct Simulator;

/// A simulator that runs; dropping it stops it without grace.
pub struct Running {
    address: SocketAddr,
    secret_id: String,
    secret_key: String,
    stop: watch::Sender<bool>,
    acceptor: JoinHandle<()>,
}

/// Why a simulator did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A built-in table contradicts itself: a mistake of this program.
    #[error("a built-in table cannot be used: {0}")]
    Table(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8088)),
            credential: None,
            step: Duration::from_millis(300),
            run: Duration::from_secs(2),
            requests_kept: 500_000,
            clock: Clock::system(),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Options").field("listen", &self.listen).field("step", &self.step).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

impl From<TableError> for StartError {
    fn from(error: TableError) -> Self {
        Self::Table(error.to_string())
    }
}

impl Simulator {
    /// Listens and serves until [`Running::shutdown`].
    ///
    /// # Errors
    /// The address cannot be listened on, or a built-in table is broken.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let (secret_id, secret_key) =
            options.credential.unwrap_or_else(|| (format!("AKID{}", chance::letters(32)), chance::letters(32)));
        let exchange = Arc::new(Exchange {
            tables: Tables::built_in()?,
            credentials: vec![(secret_id.clone(), secret_key.clone())],
            nonces: Nonces::default(),
            clock: options.clock,
            ledger: Ledger::new(options.requests_kept),
            rates: Rates::default(),
            faults: Faults::default(),
            cloud: Cloud::new(Pace { step: options.step, run: options.run }),
        });
        let failed = |source| StartError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = watch::channel(false);
        let acceptor = tokio::spawn(accept(listener, exchange, stopped));
        Ok(Running { address, secret_id, secret_key, stop, acceptor })
    }
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a URL without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of the key that it accepts.
    #[must_use]
    pub fn secret_id(&self) -> &str {
        &self.secret_id
    }

    /// The key that it accepts.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// Stops listening, lets running answers finish for half a second, and ends.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        let _aborted_or_done = (&mut self.acceptor).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn accept(listener: TcpListener, exchange: Arc<Exchange>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&exchange), stopped.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    let all_done = async { while connections.join_next().await.is_some() {} };
    let _cut_off = tokio::time::timeout(GRACE, all_done).await;
}

async fn serve(stream: TcpStream, exchange: Arc<Exchange>, mut stopped: watch::Receiver<bool>) {
    let _slower_at_worst = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let wire = Wire::new(stream, Arc::clone(&reset));
    let service = service_fn(move |request| {
        let (exchange, reset) = (Arc::clone(&exchange), Arc::clone(&reset));
        async move { exchange.handle(request, &reset).await }
    });
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(wire), service);
    let mut connection = std::pin::pin!(connection);
    // How a connection ended is the peer's business, or a fault's.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ended = connection.await;
        }
    }
}
