//! Builds the long-lived things from the configuration, once, in order, and takes them down again.

mod build;
mod error;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::StartError;

use crate::call::Clock;
use crate::config::Config;
use crate::coordinate::Link;
use crate::evidence::Checkpoints;
use crate::identity::{KeyIssuer, SystemRandom};
use crate::jobs::{
    Refresh, Retention, close_left_open, close_those_of_the_dead, forget_answers, make_partitions, note_reloads,
    note_rotation, prepare_partitions, publish, publish_checkpoints, retain,
};
use crate::listener::Listener;
use crate::steps::Tally;
use crate::store::{self, Store, Tenancy, Writer};

/// How long a start waits for the instance that it replaces to let go of the database.
const PREDECESSOR_PATIENCE: Duration = Duration::from_secs(10);

/// A gateway that is running.
pub struct Running {
    public: SocketAddr,
    admin: SocketAddr,
    store: Arc<dyn Store>,
    tally: Arc<Tally>,
    writer: Writer,
    checkpoints: Option<Arc<Checkpoints>>,
    calls: TaskTracker,
    stopping: CancellationToken,
    /// For the other replicas, which count on this one as long as it has calls.
    leaving: (CancellationToken, Option<Link>),
    serving: Vec<JoinHandle<()>>,
    drained: CancellationToken,
    administration: JoinHandle<()>,
    drain_timeout: Duration,
}

/// The gateway stopped by itself.
#[derive(Debug, thiserror::Error)]
#[error("the gateway stopped because {0}")]
pub struct Died(&'static str);

impl Running {
    /// Starts a gateway: when this returns, both listeners accept and the log can be written.
    ///
    /// # Errors
    /// What is missing or wrong, in words for the one who starts it.
    pub async fn start(mut config: Config, clock: Clock) -> Result<Running, StartError> {
        let store = store::open_as(&config.store, config.store_owner.as_ref(), clock.clone())?;
        let tenancy = build::tenancy(&config);
        store.claim(tenancy, PREDECESSOR_PATIENCE).await?;
        store.migrate().await?;
        // Before anything is asked or written: making partitions shuts the log's tables for a moment.
        make_partitions(&*store).await;
        for warning in store.warnings().await? {
            tracing::warn!("{warning}");
        }
        let writer = build::writer(&mut config.audit, tenancy, &store)?;
        // First of all: what was journaled was before everything that is still to come.
        writer.imported().await;
        let left_open = close_left_open(&*store, &writer).await?;
        if left_open > 0 {
            tracing::warn!(changes = left_open, "changes that a previous run left open were closed as unknown");
        }
        writer.recall(clock.now()).await?;
        match KeyIssuer::new(&*store, &config.keys.sealing, &SystemRandom).reseal_all().await {
            Ok(0) => {}
            Ok(keys) => tracing::info!(keys, "issued keys were sealed anew with the first sealing key"),
            Err(error) => {
                tracing::error!(error = %error, "issued keys could not be sealed anew; keep the old sealing key")
            }
        }
        let stopping = CancellationToken::new();
        let leaving = CancellationToken::new();
        let build::Shared { quota, nonces, reads, link } = build::shared(&config, &leaving).await?;
        let client = build::client(&config.upstream)?;
        let checkpoints = build::checkpoints(&mut config.audit, &store, &clock)?;
        if let Some((checkpoints, _)) = &checkpoints
            && note_rotation(&*store, checkpoints, &clock).await?
        {
            tracing::info!("other keys sign the audit log than before; a record says which");
        }
        let identity = build::identity(&mut config, &store, &client, nonces, clock.clone()).await?;
        let calls = TaskTracker::new();
        let tally = Arc::new(Tally::new(Arc::new(writer.clone()), config.audit.tally));
        let parts = build::Parts {
            store: Arc::clone(&store),
            writer: writer.clone(),
            tally: Arc::clone(&tally),
            identity: Arc::clone(&identity),
            client,
            metrics: build::metrics(&writer, &identity, checkpoints.as_ref().map(|(checkpoints, _)| checkpoints)),
            calls: calls.clone(),
            quota,
            reads,
            clock: clock.clone(),
        };
        let listener =
            Listener::bind(config.server.listen, build::tls(&config.server.tls)?, build::bounds(&config.server));
        let listener = listener.await.map_err(|error| StartError::listen(config.server.listen, &error))?;
        let admin = Listener::bind(config.admin.listen, build::tls(&config.admin.tls)?, build::bounds(&config.server));
        let admin = admin.await.map_err(|error| StartError::listen(config.admin.listen, &error))?;
        let (public_addr, admin_addr) = (build::address(&listener)?, build::address(&admin)?);

        let drain_timeout = config.server.drain_timeout;
        let signing = checkpoints.as_ref().map(|(checkpoints, _)| Arc::clone(checkpoints));
        let administration = build::admin(&config, &parts, signing, stopping.clone());
        let retention = Retention {
            store: Arc::clone(&store),
            checkpoints: checkpoints.as_ref().map(|(checkpoints, _)| Arc::clone(checkpoints)),
            limits: config.audit.retain,
            who: "retention".to_owned(),
            clock: clock.clone(),
        };
        let readings = identity.roster.readings();
        let refresh = Refresh { identity, every: config.keys.refresh };
        let settles = config.state.settle;
        let (edge, settle) = build::edge(config, parts);
        let drained = CancellationToken::new();
        let administration = tokio::spawn(admin.serve(administration, drained.clone()));
        let mut serving = vec![
            tokio::spawn(listener.serve(edge, stopping.clone())),
            tokio::spawn(refresh.run(stopping.clone())),
            tokio::spawn(Arc::clone(&tally).run(stopping.clone())),
            tokio::spawn(note_reloads(readings, writer.clone(), clock.clone(), stopping.clone())),
            tokio::spawn(forget_answers(Arc::clone(&store), clock, stopping.clone())),
            tokio::spawn(prepare_partitions(Arc::clone(&store), stopping.clone())),
            tokio::spawn(retain(retention, stopping.clone())),
        ];
        if tenancy == Tenancy::Shared {
            serving.push(tokio::spawn(close_those_of_the_dead(Arc::clone(&store), writer.clone(), stopping.clone())));
        }
        if settles {
            serving.push(tokio::spawn(settle.run(stopping.clone())));
        }
        let checkpoints = checkpoints.map(|(checkpoints, every)| {
            serving.push(tokio::spawn(publish_checkpoints(
                Arc::clone(&store),
                Arc::clone(&checkpoints),
                every,
                stopping.clone(),
            )));
            checkpoints
        });
        Ok(Running {
            public: public_addr,
            admin: admin_addr,
            store,
            tally,
            writer,
            checkpoints,
            calls,
            stopping,
            leaving: (leaving, link),
            serving,
            drained,
            administration,
            drain_timeout,
        })
    }

    /// The public listener's address.
    pub fn public_addr(&self) -> SocketAddr {
        self.public
    }

    /// The admin listener's address.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin
    }

    /// Runs until `shutdown`, then drains: no new calls, those under way are finished, everything is written.
    ///
    /// # Errors
    /// A part that the gateway cannot do without has died.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) -> Result<(), Died> {
        let end = tokio::select! {
            () = shutdown => Ok(()),
            () = self.writer.stopped() => Err(Died("the writer of the audit log ended")),
        };
        self.stopping.cancel();
        for task in self.serving {
            // A listener ends by itself within its drain time-out.
            let _ = task.await;
        }
        self.calls.close();
        if tokio::time::timeout(self.drain_timeout, self.calls.wait()).await.is_err() {
            tracing::error!("calls were still under way after the drain time-out; their records say unknown");
        }
        let (leaving, link) = self.leaving;
        leaving.cancel();
        if let Some(link) = link {
            link.left().await;
        }
        self.tally.drain();
        let lost = self.writer.drain(self.drain_timeout).await;
        if lost > 0 {
            tracing::error!(records = lost, "records could not be written before the end");
        }
        if let Some(checkpoints) = &self.checkpoints {
            publish(checkpoints).await;
        }
        // Last, so that health and metrics tell of the drain as long as it lasts.
        self.drained.cancel();
        let _ = self.administration.await;
        self.store.close().await;
        end
    }
}
