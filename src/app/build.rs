//! Turns sections of the configuration into the parts of the gateway.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use super::StartError;
use crate::admin::AdminState;
use crate::call::{Clock, Pattern};
use crate::cloud::{Client, ClientOptions, Cloud};
use crate::config::{self, Algorithm, Config, Database, IssuerKey};
use crate::dialect::Dialects;
use crate::edge::{Edge, EdgeLimits, Listener, ListenerOptions, server_tls};
use crate::identity::{
    Fetch, Identity, IssuerKeys, IssuerSettings, JwsAlgorithm, Keyring, KeyringLimits, Roster, SealingKeys,
    SignatureRules, Tokens, VerifyingKey, Vocabulary,
};
use crate::metrics::Metrics;
use crate::pipeline::{RequestPath, Steps, pipeline};
use crate::provider::{Mode, Providers};
use crate::quota::Quota;
use crate::steps::{
    Accounts, Audit, Authenticate, Authorize, Forward, Identify, Judge, Look, Owners, PaceCaller, RecordIntent, Replay,
    Replays, StateOptions, StateReader, States, TakeTurn,
};
use crate::store::{Postgres, Sqlite, Store, StoreError, Writer, WriterOptions};

/// Entries in one commit: 500 records were measured to take 3 to 11 ms on either database.
const MAX_BATCH: usize = 500;

/// How often issuers' key sets are read again.
const KEY_SETS_EVERY: Duration = Duration::from_secs(3600);

/// What the request path and the admin listener share.
pub(super) struct Parts {
    pub(super) providers: Arc<Providers>,
    pub(super) store: Arc<dyn Store>,
    pub(super) writer: Writer,
    pub(super) identity: Arc<Identity>,
    pub(super) client: Client,
    pub(super) metrics: Arc<Metrics>,
    pub(super) calls: TaskTracker,
    pub(super) clock: Clock,
}

pub(super) fn providers(config: &Config) -> Result<Arc<Providers>, StartError> {
    let providers = match &config.providers {
        Some(folder) => Providers::load(folder)?,
        None => Providers::embedded()?,
    };
    let unknown: Vec<String> = config.accounts.iter().filter_map(|account| misfit(account, &providers)).collect();
    if unknown.is_empty() { Ok(Arc::new(providers)) } else { Err(StartError::Config(unknown.join("\n"))) }
}

/// An account whose site or region is in none of its family's tables.
fn misfit(account: &crate::call::Account, providers: &Providers) -> Option<String> {
    let mut versions = providers.versions().filter(|version| version.family == account.family);
    let fits = versions.any(|version| {
        let mut regions = version.endpoints.regions(&account.site);
        version.endpoints.has_site(&account.site)
            && account.default_region.as_deref().is_none_or(|default| regions.any(|region| region == default))
    });
    let (alias, site) = (&account.alias, &account.site);
    (!fits).then(|| format!("  account.{alias}: the tables have no site {site}, or not its default_region"))
}

pub(super) fn store(database: &Database) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match database {
        Database::Sqlite(path) => Arc::new(Sqlite::open(path)?),
        Database::Postgres(url) => Arc::new(Postgres::connect(url)?),
    })
}

pub(super) fn writer(config: &Config, store: &Arc<dyn Store>) -> Writer {
    let options = WriterOptions { max_bytes: config.audit.queue_bytes, max_batch: MAX_BATCH, ..WriterOptions::default() };
    Writer::start(Arc::clone(store), options)
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
    config: &Config,
    providers: &Providers,
    store: &Arc<dyn Store>,
    client: &Client,
    clock: Clock,
) -> Result<Arc<Identity>, StartError> {
    let fetch: Arc<dyn Fetch> = Arc::new(client.clone());
    let limits = KeyringLimits { stale_for: config.keys.stale_for, ..KeyringLimits::default() };
    let keyring = Keyring::load(Arc::clone(store), Arc::new(sealing(&config.keys)?), clock, limits).await?;
    let derived = || providers.versions().flat_map(|version| version.endpoints.hosts()).map(str::to_owned).collect();
    let cloud_hosts: BTreeSet<String> =
        config.tencent.cloud_hosts.clone().map_or_else(derived, |hosts| hosts.into_iter().collect());
    Ok(Arc::new(Identity {
        keyring,
        tokens: Tokens::new(issuers(config)?, &fetch)?,
        roster: Arc::new(Roster::open(&config.teams, vocabulary(config, providers))?),
        signatures: SignatureRules {
            skew_seconds: i64::try_from(config.tencent.clock_skew.as_secs()).unwrap_or(i64::MAX),
            cloud_hosts: cloud_hosts.into_iter().collect(),
        },
    }))
}

/// The ring that seals issued secrets.
pub(crate) fn sealing(keys: &config::Keys) -> Result<SealingKeys, StartError> {
    let ring = keys.sealing.iter().map(|key| (key.name.clone(), Zeroizing::new(key.key.expose_secret().to_vec())));
    Ok(SealingKeys::new(ring.collect())?)
}

/// The names that a team's file may use.
pub(crate) fn vocabulary(config: &Config, providers: &Providers) -> Vocabulary {
    let actions = || providers.versions().flat_map(|version| version.actions());
    let regions = |version: &crate::provider::Version| -> Vec<String> {
        let sites: Vec<&str> = version.endpoints.sites().collect();
        sites.into_iter().flat_map(|site| version.endpoints.regions(site)).map(str::to_owned).collect()
    };
    Vocabulary {
        accounts: Some(config.accounts.iter().map(|account| account.alias.clone()).collect()),
        versions: Some(providers.versions().map(|version| version.version.clone()).collect()),
        actions: Some(actions().map(|action| action.name.clone()).collect()),
        regions: Some(providers.versions().flat_map(|version| regions(version)).collect()),
        dangers: Some(actions().flat_map(|action| action.dangerous.iter()).map(|danger| danger.name.clone()).collect()),
    }
}

fn issuers(config: &Config) -> Result<Vec<IssuerSettings>, StartError> {
    let settings = |issuer: &config::Issuer| -> Result<IssuerSettings, StartError> {
        let algorithms: Vec<JwsAlgorithm> = issuer.algorithms.iter().copied().map(algorithm).collect();
        let keys = match &issuer.key {
            IssuerKey::Secret(secret) => {
                IssuerKeys::Static(vec![VerifyingKey::from_secret(secret.expose_secret().as_bytes(), None)?])
            }
            IssuerKey::Pem(pem) => IssuerKeys::Static(
                algorithms
                    .iter()
                    .map(|algorithm| VerifyingKey::from_pem(pem.expose_secret(), *algorithm, None))
                    .collect::<Result<_, _>>()?,
            ),
            IssuerKey::Jwks(url) => IssuerKeys::Jwks { url: url.clone(), every: KEY_SETS_EVERY },
        };
        Ok(IssuerSettings {
            name: issuer.name.clone(),
            issuer: issuer.issuer.clone(),
            audiences: vec![issuer.audience.clone()],
            algorithms,
            caller_claim: issuer.caller_claim.clone(),
            roles_claim: Some(issuer.roles_claim.clone()),
            callers: vec![Pattern::any()],
            leeway: issuer.leeway,
            keys,
        })
    };
    config.issuers.iter().map(settings).collect()
}

fn algorithm(algorithm: Algorithm) -> JwsAlgorithm {
    match algorithm {
        Algorithm::HS256 => JwsAlgorithm::Hs256,
        Algorithm::RS256 => JwsAlgorithm::Rs256,
        Algorithm::ES256 => JwsAlgorithm::Es256,
        Algorithm::EdDSA => JwsAlgorithm::EdDsa,
    }
}

pub(super) fn tls(tls: &Option<config::Tls>) -> Result<Option<ServerConfig>, StartError> {
    let server = |tls: &config::Tls| server_tls(&tls.certificate_file, &tls.key, tls.client_ca_file.as_deref());
    Ok(tls.as_ref().map(server).transpose()?)
}

pub(super) fn bounds(server: &config::Server) -> ListenerOptions {
    ListenerOptions {
        max_connections: server.max_connections,
        head_timeout: server.head_timeout,
        idle_timeout: server.idle_timeout,
        drain_timeout: server.drain_timeout,
    }
}

pub(super) fn address(listener: &Listener) -> Result<SocketAddr, StartError> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    listener.local_addr().map_err(|error| StartError::listen(unknown, &error))
}

pub(super) fn admin(parts: &Parts, stopping: CancellationToken) -> AdminState {
    AdminState {
        store: Arc::clone(&parts.store),
        writer: parts.writer.clone(),
        identity: Arc::clone(&parts.identity),
        metrics: Arc::clone(&parts.metrics),
        clock: parts.clock.clone(),
        stopping,
    }
}

/// The steps, each given what it needs and nothing else, and the edge in front of them.
pub(super) fn edge(config: Config, parts: Parts) -> Arc<Edge<impl RequestPath>> {
    let Parts { providers, store, writer, identity, client, metrics, calls, clock } = parts;
    let limits =
        EdgeLimits { max_body_bytes: config.server.max_body_bytes, body_timeout: config.server.body_timeout };
    let dialects = Arc::new(Dialects::all());
    let quota = Arc::new(Quota::new());
    let cloud = Arc::new(Cloud::new(client, Arc::clone(&dialects), quota, clock.clone(), nonce));
    let states = Arc::new(States::default());
    let owners = Arc::new(Owners::new(Arc::clone(&store)));
    let patience = config.upstream.read_timeout;
    let replays = Arc::new(Replays::new(Arc::clone(&store), Arc::clone(&dialects), clock.clone(), patience));
    let reader = Arc::new(StateReader::new(
        Arc::clone(&states),
        Arc::clone(&cloud),
        store,
        Arc::clone(&dialects),
        state_options(&config.state),
    ));
    let accounts = Arc::new(Accounts::new(config.accounts));
    let path = pipeline(Steps {
        audit: Audit::new(writer.clone(), Arc::clone(&metrics), calls),
        identify: Identify::new(Arc::clone(&providers), bytes_of(&config.audit.digest_key)),
        authenticate: Authenticate::new(identity, clock.clone()),
        authorize: Authorize::new(accounts, Arc::clone(&owners), config.quota.max_wait, config::WAIT_CAP),
        pace: PaceCaller::default(),
        replay: Replay::new(Arc::clone(&replays), clock.clone()),
        look: Look::new(Arc::clone(&reader), Arc::clone(&cloud)),
        turn: TakeTurn::new(Arc::clone(&cloud)),
        judge: Judge::new(reader),
        intent: RecordIntent::new(writer.clone(), Arc::clone(&states), owners, replays, Arc::clone(&dialects)),
        forward: Forward::new(cloud, states, Arc::clone(&dialects)),
    });
    Arc::new(Edge::new(path, dialects, providers, Arc::new(writer), metrics, clock, limits))
}

fn state_options(state: &config::State) -> StateOptions {
    let mode = |mode: config::Mode| match mode {
        config::Mode::Enforce => Mode::Enforce,
        config::Mode::Observe => Mode::Observe,
        config::Mode::Off => Mode::Off,
    };
    StateOptions {
        max_age: state.max_age,
        // `enforce` for all means as strict as the tables say.
        mode: Some(mode(state.mode)).filter(|mode| *mode != Mode::Enforce),
        actions: state.actions.iter().map(|(action, chosen)| (action.clone(), mode(*chosen))).collect(),
    }
}

fn bytes_of(secret: &SecretString) -> SecretSlice<u8> {
    SecretSlice::from(secret.expose_secret().as_bytes().to_vec())
}

/// The random number of a v1 request: positive and below 2^31, as every SDK sends it.
fn nonce() -> u64 {
    (uuid::Uuid::new_v4().as_u128() as u64 & 0x7fff_fffe) + 1
}
