//! Turns sections of the configuration into the parts of the gateway.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use rustls::ServerConfig;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use crate::admin::{Admin, AdminResponder, Cursors, Limits};
use crate::call::Clock;
use crate::cloud::{Client, ClientOptions, Cloud, QuotaRules};
use crate::config::{self, Config};
use crate::coordinate::{Link, LinkOptions};
use crate::dialect::Dialects;
use crate::edge::{Edge, EdgeLimits};
use crate::evidence::Checkpoints;
use crate::identity::{Fetch, Identity, Keyring, KeyringLimits, Nonces, SignatureRules, Tokens};
use crate::jobs::Settle;
use crate::listener::{Listener, ListenerOptions, server_tls};
use crate::metrics::Metrics;
use crate::pipeline::{RequestPath, Steps, pipeline};
use crate::quota::Quota;
use crate::sign::CloudHosts;
use crate::steps::{
    Accounts, Audit, Authenticate, Authorize, AuthorizeOptions, Carry, Forward, Identify, Judge, Look, Owners,
    PaceCaller, RecordIntent, Recordable, Replay, ReplayOptions, Replays, Share, SharedReads, StateOptions,
    StateReader, States, TakeTurn, Tally,
};
use crate::store::{Demand, Journal, Spool, Store, StoreError, Tenancy, Writer, WriterOptions};

/// Entries in one commit: 500 records were measured to take 3 to 11 ms on either database.
const MAX_BATCH: usize = 500;

/// How long another replica may take to write that a change which it has answered has ended: some commits.
const ENDS_WITHIN: Duration = Duration::from_millis(250);

/// What the request path and the admin listener share.
pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) writer: Writer,
    pub(super) tally: Arc<Tally>,
    pub(super) identity: Arc<Identity>,
    pub(super) client: Client,
    pub(super) metrics: Arc<Metrics>,
    pub(super) calls: TaskTracker,
    pub(super) quota: Arc<Quota>,
    pub(super) reads: Arc<SharedReads>,
    pub(super) clock: Clock,
}

/// Whether there may be others on the database: only when they share the quota.
pub(super) fn tenancy(config: &Config) -> Tenancy {
    if config.redis.is_some() || config.quota.parts > 1 { Tenancy::Shared } else { Tenancy::Sole }
}

/// What replicas share over Redis.
pub(super) struct Shared {
    pub(super) quota: Arc<Quota>,
    pub(super) nonces: Nonces,
    pub(super) reads: Arc<SharedReads>,
    /// To the other replicas, if there are any.
    pub(super) link: Option<Link>,
}

/// The quota, the nonces and the reads, shared as the configuration says.
pub(super) async fn shared(config: &Config, leaving: &CancellationToken) -> Result<Shared, StartError> {
    let Some(redis) = &config.redis else {
        let reads = match config.quota.parts {
            1 => SharedReads::alone(config.share.fresh_for.clone()),
            _ => SharedReads::among_strangers(),
        };
        let quota = Arc::new(Quota::one_of(config.quota.parts));
        return Ok(Shared { quota, nonces: Nonces::default(), reads, link: None });
    };
    let limits =
        config.providers.versions().flat_map(|version| version.actions()).flat_map(|action| &action.bucket.limits);
    let options = LinkOptions {
        url: redis.url.clone(),
        prefix: redis.prefix.clone(),
        timeout: redis.timeout,
        windows: limits.map(|limit| limit.window).collect(),
    };
    let (link, messages) = Link::connect(options, leaving.clone()).await?;
    let reads = SharedReads::linked(config.share.fresh_for.clone(), link.clone(), messages.to_all);
    let quota = Arc::new(Quota::shared(link.clone(), messages.to_this));
    Ok(Shared { quota, nonces: Nonces::shared(link.clone()), reads, link: Some(link) })
}

pub(super) fn writer(
    audit: &mut config::Audit,
    tenancy: Tenancy,
    store: &Arc<dyn Store>,
) -> Result<Writer, StartError> {
    let options = WriterOptions {
        max_bytes: audit.queue_bytes,
        max_batch: MAX_BATCH,
        others_end_within: if tenancy == Tenancy::Shared { ENDS_WITHIN } else { Duration::ZERO },
        ..WriterOptions::default()
    };
    let spool = match audit.journal.take() {
        Some(journal) => Some(Spool {
            journal: Journal::open(journal)?,
            reads: audit.reads == config::Reads::Spool,
            emergencies: audit.emergency == config::Emergency::Local,
        }),
        None => None,
    };
    Ok(Writer::start_with(Arc::clone(store), options, spool))
}

pub(super) fn client(upstream: &config::Upstream) -> Result<Client, StartError> {
    let bounded = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(Client::new(ClientOptions {
        connect_timeout: upstream.connect_timeout,
        answer_timeout: upstream.read_timeout,
        max_answer_bytes: bounded(upstream.max_answer_bytes),
        idle_connections: bounded(upstream.idle_connections),
        idle_timeout: upstream.idle_timeout,
    })?)
}

pub(super) async fn identity(
    config: &mut Config,
    store: &Arc<dyn Store>,
    client: &Client,
    nonces: Nonces,
    clock: Clock,
) -> Result<Arc<Identity>, StartError> {
    let fetch: Arc<dyn Fetch> = Arc::new(client.clone());
    let limits = KeyringLimits { stale_for: config.keys.stale_for, ..KeyringLimits::default() };
    let sealing = Arc::clone(&config.keys.sealing);
    let keyring = Keyring::load(Arc::clone(store), sealing, clock, limits).await?;
    let of_tables = || CloudHosts::OfTables(Arc::clone(&config.providers));
    let cloud_hosts = config.signatures.cloud_hosts.clone().map_or_else(of_tables, CloudHosts::Listed);
    let issuers = std::mem::take(&mut config.issuers).into_iter().map(|issuer| issuer.settings).collect();
    Ok(Arc::new(Identity {
        keyring,
        tokens: Tokens::new(issuers, &fetch)?,
        roster: Arc::clone(&config.roster),
        signatures: SignatureRules {
            skew_seconds: i64::try_from(config.signatures.clock_skew.as_secs()).unwrap_or(i64::MAX),
            cloud_hosts,
        },
        nonces,
    }))
}

/// What signs the log, if the configuration says so.
pub(super) fn checkpoints(
    audit: &mut config::Audit,
    store: &Arc<dyn Store>,
    clock: &Clock,
) -> Result<Option<(Arc<Checkpoints>, Duration)>, StoreError> {
    let Some(proof) = audit.proof.take() else { return Ok(None) };
    let every = proof.every;
    Ok(Some((proof.checkpoints(store, clock)?, every)))
}

/// The metrics, with what the writer, the keyring and the checkpoints know of themselves.
pub(super) fn metrics(
    writer: &Writer,
    identity: &Arc<Identity>,
    checkpoints: Option<&Arc<Checkpoints>>,
) -> Arc<Metrics> {
    let mut metrics = Metrics::default();
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let (entries, bytes, lost) = (writer.clone(), writer.clone(), writer.clone());
    let help = "Records that are not durable yet";
    metrics.watch("audit_queue_entries", help, move || whole(entries.backlog().entries));
    metrics.watch("audit_queue_bytes", "Size of the records that are not durable yet", move || {
        whole(bytes.backlog().bytes)
    });
    let help = "Records given up since the start";
    metrics.watch("audit_lost", help, move || i64::try_from(lost.backlog().lost).unwrap_or(i64::MAX));
    if writer.journaling().is_some() {
        let view = || {
            let writer = writer.clone();
            move || writer.journaling().unwrap_or_default()
        };
        let (entries, bytes, active) = (view(), view(), view());
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        metrics.watch("audit_journal_entries", "Entries in the journal", move || whole(entries().size.entries));
        metrics.watch("audit_journal_bytes", "Size of the journal", move || whole(bytes().size.bytes));
        let help = "Whether records go to the journal instead of the database";
        metrics.watch("audit_journaling", help, move || i64::from(active().is_active));
    }
    if let Some(checkpoints) = checkpoints.cloned() {
        let help = "Seconds since every audit log was last found signed";
        if checkpoints.has_second() {
            let help = "Seconds since the second place last had every checkpoint";
            let second = Arc::clone(&checkpoints);
            metrics.watch("audit_second_checkpoint_age_seconds", help, move || second.second_age_seconds());
        }
        metrics.watch("audit_checkpoint_age_seconds", help, move || checkpoints.age_seconds());
    }
    let identity = Arc::clone(identity);
    let help = "Seconds since the issued keys were last read";
    metrics
        .watch("keys_age_seconds", help, move || i64::try_from(identity.keyring.age().as_secs()).unwrap_or(i64::MAX));
    Arc::new(metrics)
}

pub(super) fn tls(tls: &Option<config::Tls>) -> Result<Option<ServerConfig>, StartError> {
    let server = |tls: &config::Tls| server_tls(&tls.certificate_file, &tls.key_file, tls.client_ca_file.as_deref());
    Ok(tls.as_ref().map(server).transpose()?)
}

pub(super) fn bounds(server: &config::Server) -> ListenerOptions {
    ListenerOptions {
        max_connections: server.max_connections,
        head_timeout: server.head_timeout,
        idle_timeout: server.idle_timeout,
        // A body takes as long in either direction.
        write_timeout: server.body_timeout,
        drain_timeout: server.drain_timeout,
    }
}

pub(super) fn address(listener: &Listener) -> Result<SocketAddr, StartError> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    listener.local_addr().map_err(|error| StartError::listen(unknown, &error))
}

pub(super) fn admin(
    config: &Config,
    parts: &Parts,
    checkpoints: Option<Arc<Checkpoints>>,
    stopping: CancellationToken,
) -> Arc<AdminResponder> {
    let writer = parts.writer.clone();
    let ending = stopping.clone();
    let complaints = move || {
        let stopping = ending.is_cancelled().then(|| "this instance is shutting down".to_owned());
        let is_failing = !writer.healthy() && goes_on(&writer).is_none();
        let failing = is_failing.then(|| "the audit log can't be written".to_owned());
        stopping.into_iter().chain(failing).collect()
    };
    let writer = parts.writer.clone();
    let accounts = config.accounts.iter().map(|account| (account.identity.clone(), account.alias.clone()));
    Arc::new(AdminResponder::new(Admin {
        store: Arc::clone(&parts.store),
        identity: Arc::clone(&parts.identity),
        metrics: Arc::clone(&parts.metrics),
        limits: Limits::new(Arc::clone(&parts.quota), accounts.collect::<Vec<_>>()),
        writer: parts.writer.clone(),
        cursors: Cursors::new(&config.audit.digest_key),
        origin: config.audit.origin.clone(),
        checkpoints,
        stopping: stopping.clone(),
        clock: parts.clock.clone(),
        complaints: Arc::new(complaints),
        makeshift: Arc::new(move || goes_on(&writer)),
    }))
}

/// What goes on while the store is away.
fn goes_on(writer: &Writer) -> Option<String> {
    let goes_on = match Demand::ALL.map(|demand| writer.takes_without_store(demand)) {
        [true, true, _] => "reads, stops and pauses go on",
        [true, false, _] => "reads go on",
        [false, true, _] => "stops and pauses go on",
        [false, false, _] => return None,
    };
    Some(format!("{goes_on} and are recorded in the journal, everything else is refused"))
}

/// The steps, each given what it needs and nothing else, the edge in front of them, and the job that asks the cloud the
/// same way.
pub(super) fn edge(config: Config, parts: Parts) -> (Arc<Edge<impl RequestPath>>, Settle) {
    let Parts { store, writer, tally, identity, client, metrics, calls, quota, reads, clock } = parts;
    let limits = EdgeLimits {
        max_body_bytes: config.server.max_body_bytes,
        max_buffered_bytes: config.server.max_buffered_bytes,
        body_timeout: config.server.body_timeout,
    };
    let dialects = Arc::new(Dialects::all());
    let rules = QuotaRules { reserve: config.quota.reserve, learn: config.quota.learn };
    let cloud = Cloud::new(client, Arc::clone(&dialects), quota, clock.clone(), nonce).ruled_by(rules);
    let cloud = Arc::new(cloud);
    let states = Arc::new(States::default());
    let owners = Arc::new(Owners::new(Arc::clone(&store)));
    let remember = ReplayOptions { patience: config.upstream.read_timeout, purchase_window: config.purchases.window };
    let replays = Arc::new(Replays::new(writer.clone(), Arc::clone(&dialects), clock.clone(), remember));
    let reader = Arc::new(StateReader::new(
        Arc::clone(&states),
        Arc::clone(&cloud),
        writer.clone(),
        Arc::clone(&dialects),
        StateOptions { max_age: config.state.max_age, modes: config.state.modes },
    ));
    let providers = config.providers;
    let accounts = Arc::new(Accounts::new(config.accounts));
    let authorize_options = AuthorizeOptions {
        max_wait: config.quota.max_wait,
        max_wait_cap: config::WAIT_CAP,
        check_parents: config.state.check_parents,
    };
    let settle = Settle {
        store,
        writer: writer.clone(),
        cloud: Arc::clone(&cloud),
        dialects: Arc::clone(&dialects),
        providers: Arc::clone(&providers),
        accounts: Arc::clone(&accounts),
        states: Arc::clone(&states),
        owners: Arc::clone(&owners),
        reads: Arc::clone(&reads),
        metrics: Arc::clone(&metrics),
        clock: clock.clone(),
        settle_after: SignedDuration::try_from(config.state.settle_after).unwrap_or(SignedDuration::MAX),
    };
    let path = pipeline(Steps {
        audit: Audit::new(writer.clone(), Arc::clone(&metrics), calls),
        identify: Identify::new(Arc::clone(&providers), &bytes_of(&config.audit.digest_key)),
        recordable: Recordable::new(writer.clone()),
        authenticate: Authenticate::new(identity, clock.clone()),
        authorize: Authorize::new(accounts, Arc::clone(&owners), authorize_options),
        pace: PaceCaller::default(),
        replay: Replay::new(Arc::clone(&replays), clock.clone()),
        share: Share::new(Arc::clone(&reads)),
        look: Look::new(Arc::clone(&reader), Arc::clone(&cloud)),
        turn: TakeTurn::new(Arc::clone(&cloud)),
        carry: Carry,
        judge: Judge::new(reader),
        intent: RecordIntent::new(writer, Arc::clone(&states), owners, replays, reads, Arc::clone(&dialects)),
        forward: Forward::new(cloud, states, Arc::clone(&dialects)),
    });
    let edge = Edge::new(path, dialects, providers, tally, metrics, clock, limits);
    (Arc::new(edge), settle)
}

fn bytes_of(secret: &SecretString) -> SecretSlice<u8> {
    SecretSlice::from(secret.expose_secret().as_bytes().to_vec())
}

/// The random number of a v1 request: positive and below 2^31, as every SDK sends it.
fn nonce() -> u64 {
    (uuid::Uuid::new_v4().as_u128() as u64 & 0x7fff_fffe) + 1
}
