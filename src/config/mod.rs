//! The configuration: one TOML file, environment variables over it, secrets in files of their own; read whole, every
//! mistake reported with its place.
//!
//! A file for each section holds its keys, their defaults and their checks; the result is plain values. This room
//! knows what keys mean, not what is done with them: `app` hands each part its own. The environment is an argument.

mod account;
mod admin;
mod audit;
mod checker;
mod document;
mod duration;
mod folders;
mod issuer;
mod keys;
mod log;
mod mask;
mod mistake;
mod overlay;
mod places;
mod purchases;
mod quota;
mod redis;
mod secret;
mod server;
mod share;
mod signatures;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod upstream;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub use admin::Admin;
pub use audit::{Audit, Emergency, Proof, Reads};
pub use issuer::Issuer;
pub use keys::Keys;
pub use log::{Format, Log};
pub use mistake::{Mistake, Mistakes, Place};
pub use purchases::Purchases;
pub use quota::{Quota, WAIT_CAP};
pub use redis::Redis;
pub use server::Server;
pub use share::Share;
pub use signatures::Signatures;
pub use state::State;
pub use tls::Tls;
pub use upstream::Upstream;

use crate::call::Account;
use crate::identity::Roster;
use crate::provider::Providers;
use checker::Checker;

/// A configuration that was checked.
pub struct Config {
    /// The public listener.
    pub server: Server,
    /// The admin listener.
    pub admin: Admin,
    /// The database's URL, for `store::open`.
    pub store: SecretString,
    /// The URL of the user who owns its tables, if it is another one: `store.migrate_url`.
    pub store_owner: Option<SecretString>,
    /// The audit log.
    pub audit: Audit,
    /// Issued keys.
    pub keys: Keys,
    /// Issuers of tokens, by name.
    pub issuers: Vec<Issuer>,
    /// The folder with a file for each team.
    pub teams: PathBuf,
    /// What those files say.
    pub roster: Arc<Roster>,
    /// The tables.
    pub providers: Arc<Providers>,
    /// Accounts, by alias.
    pub accounts: Vec<Account>,
    /// Waiting for the cloud's quota.
    pub quota: Quota,
    /// What replicas share; without it there is one instance, or each has its part.
    pub redis: Option<Redis>,
    /// Shared reads.
    pub share: Share,
    /// Equal purchases.
    pub purchases: Purchases,
    /// The state policy.
    pub state: State,
    /// Connections to the clouds.
    pub upstream: Upstream,
    /// Verification of callers' signatures.
    pub signatures: Signatures,
    /// The process's own log.
    pub log: Log,
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
struct Raw {
    server: server::Raw,
    admin: admin::Raw,
    store: store::Raw,
    audit: audit::Raw,
    keys: keys::Raw,
    issuer: BTreeMap<String, issuer::Raw>,
    teams: folders::RawTeams,
    providers: folders::RawProviders,
    account: BTreeMap<String, account::Raw>,
    quota: Quota,
    redis: redis::Raw,
    share: share::Raw,
    purchases: Purchases,
    state: state::Raw,
    upstream: Upstream,
    signatures: Signatures,
    log: Log,
}

impl Config {
    /// Reads the file at `path` under the environment `variables`; relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first mistake.
    pub fn load(path: &Path, variables: impl IntoIterator<Item = (String, String)>) -> Result<Config, Mistakes> {
        let name = path.display().to_string();
        let unreadable = |why: String| {
            let place = Place::File { line: 1, column: 1, span: 0..0 };
            let mistake =
                Mistake { key: String::new(), place, message: format!("the file can't be read, {why}"), help: None };
            Mistakes::new(&name, String::new(), vec![mistake])
        };
        let bytes = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(format!("it is not UTF-8 at byte {}", error.utf8_error().valid_up_to())))?;
        Config::read(&text, &name, path.parent().unwrap_or(Path::new("")), variables)
    }

    /// Reads `text`, which reports call `name`; relative paths in it are relative to `folder`.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first mistake.
    pub fn read(
        text: &str,
        name: &str,
        folder: &Path,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, Mistakes> {
        let variables: Vec<_> = variables.into_iter().collect();
        let document = document::read::<Raw>(text, &variables);
        let mut checker = Checker::new(document.places, folder, document.mistakes);
        let config = document.value.and_then(|raw| raw.check(&mut checker));
        let mistakes = checker.into_mistakes();
        match config {
            Some(config) if mistakes.is_empty() => Ok(config),
            _ => Err(Mistakes::new(name, mask::mask(text, &document.hidden), mistakes)),
        }
    }
}

impl Raw {
    /// Checks every section before it gives up.
    fn check(self, checker: &mut Checker) -> Option<Config> {
        let server = self.server.check(checker);
        let admin = self.admin.check(checker);
        let store = self.store.check(checker);
        let audit = self.audit.check(checker);
        let keys = self.keys.check(checker);
        let issuers = issuer::check(self.issuer, checker);
        let providers = self.providers.check(checker);
        // An account that is wrong must not make the grants that name it wrong too.
        let aliases = self.account.len();
        let accounts = account::check(self.account, providers.as_deref(), checker);
        let known = Some(accounts.as_slice()).filter(|accounts| accounts.len() == aliases);
        let teams = self.teams.check(folders::vocabulary(known, providers.as_ref()), checker);
        let redis = self.redis.check(checker);
        let is_deaf = redis.is_none() && self.quota.parts > 1;
        let is_one_of_several = redis.is_some() || is_deaf;
        if is_one_of_several && audit.as_ref().is_some_and(|audit| audit.emergency == Emergency::Local) {
            let help = "leave it out, or run one instance alone, without redis.url and quota.parts";
            let why = "while the database is away no instance knows which tasks the others are stopping";
            checker.wrong_help("audit.emergency", why, help);
        }
        let quota = self.quota.check(redis.is_some(), providers.as_deref(), checker);
        let share = self.share.check(is_deaf, providers.as_deref(), checker);
        let purchases = self.purchases.check(checker);
        let state = self.state.check(providers.as_deref(), checker);
        let upstream = self.upstream.check(checker);
        let signatures = self.signatures.check(checker);
        let log = self.log.check(checker);
        let (teams, roster) = teams?;
        let (store, store_owner) = store?;
        Some(Config {
            server: server?,
            admin: admin?,
            store,
            store_owner,
            audit: audit?,
            keys: keys?,
            issuers,
            teams,
            roster,
            providers: providers?,
            accounts,
            quota: quota?,
            redis,
            share: share?,
            purchases: purchases?,
            state: state?,
            upstream: upstream?,
            signatures: signatures?,
            log: log?,
        })
    }
}
