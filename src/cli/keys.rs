//! `keys`: callers' key pairs. A secret is shown once, when it is made.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::json;

use super::settings::{Settings, duration, open_store};
use super::{Surroundings, act, table};
use crate::call::Pattern;
use crate::config::Config;
use crate::identity::{Added, IssuedPair, KeyIssuer, KeyListing, NewCaller, SystemRandom, add_caller};
use crate::store::Store;

/// The team of a caller that `keys create` adds to a folder of quickstart.
const TEAM: &str = "quickstart";

/// Arguments of `keys`.
#[derive(Args, Debug)]
pub(super) struct Keys {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a key pair for a caller
    Create(Create),
    /// List all key pairs, without their secrets
    List(Common),
    /// Make a new pair for the caller of a key; the old one is accepted for a while
    Rotate(Rotate),
    /// Refuse a key from now on
    Revoke(Revoke),
}

#[derive(Args, Debug)]
struct Common {
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Create {
    /// The caller that the key is for
    caller: String,
    /// With --data-dir: the team of a caller that is new there [default: quickstart]
    #[arg(long)]
    team: Option<String>,
    /// With --data-dir: what a new caller may do, a pattern of actions such as Describe*, or `all` for every action and
    /// every danger; may be repeated [default: all]
    #[arg(long = "grant", value_name = "PATTERN")]
    grants: Vec<String>,
    /// With --data-dir: a new caller's share of a contended quota, 1 to 1000 [default: 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    weight: Option<u32>,
    /// How long the key is accepted, such as 90d; for ever if nothing is said
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires_in: Option<SignedDuration>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Rotate {
    /// The key's public half
    secret_id: String,
    /// How long the old key is still accepted
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    overlap: SignedDuration,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Revoke {
    /// The key's public half
    secret_id: String,
    #[command(flatten)]
    common: Common,
}

impl Keys {
    pub(super) async fn run(self, surroundings: &Surroundings) -> miette::Result<ExitCode> {
        let common = match &self.what {
            What::Create(create) => &create.common,
            What::List(common) => common,
            What::Rotate(rotate) => &rotate.common,
            What::Revoke(revoke) => &revoke.common,
        };
        let (config, json) = (common.settings.load(surroundings)?, common.json);
        let store = open_store(&config, &surroundings.clock).await?;
        let done = self.what.run(&config, &*store, surroundings, json).await;
        store.close().await;
        done.map(|()| ExitCode::SUCCESS)
    }
}

impl What {
    async fn run(self, config: &Config, store: &dyn Store, here: &Surroundings, json: bool) -> miette::Result<()> {
        let keys = KeyIssuer::new(store, &config.keys.sealing, &SystemRandom);
        let now = here.clock.now();
        match self {
            What::Create(create) => {
                create.know_caller(config, here)?;
                let expires_at = create.expires_in.map(|after| later(now, after)).transpose()?;
                let pair =
                    keys.create(&create.caller, now, expires_at).await.map_err(|error| miette::miette!("{error}"))?;
                let about = json!({ "caller": pair.caller, "expires_at": pair.expires_at });
                note(store, here, "keys.create", &pair.key_id, &about).await?;
                show_pair(&pair, here, json);
            }
            What::List(_) => {
                let all = keys.list(now).await.map_err(|error| miette::miette!("{error}"))?;
                show_all(&all, here, json);
            }
            What::Rotate(rotate) => {
                let pair = keys.rotate(&rotate.secret_id, rotate.overlap, now).await;
                let pair = pair.map_err(|error| miette::miette!("{error}"))?;
                let about = json!({ "caller": pair.caller, "replaces": rotate.secret_id });
                note(store, here, "keys.rotate", &pair.key_id, &about).await?;
                show_pair(&pair, here, json);
            }
            What::Revoke(revoke) => {
                keys.revoke(&revoke.secret_id, now).await.map_err(|error| miette::miette!("{error}"))?;
                note(store, here, "keys.revoke", &revoke.secret_id, &json!({})).await?;
                match json {
                    true => here.out.json(&json!({ "revoked": revoke.secret_id })),
                    false => here.out.line(&format!("{} is revoked", revoke.secret_id)),
                }
            }
        }
        Ok(())
    }
}

impl Create {
    /// A key is for somebody whom a team's file knows. In a folder of quickstart nobody writes those files by hand.
    fn know_caller(&self, config: &Config, here: &Surroundings) -> miette::Result<()> {
        let known = config.roster.get(&self.caller);
        if self.common.settings.data_dir.is_none() {
            if self.team.is_some() || !self.grants.is_empty() || self.weight.is_some() {
                let help = "teams' files are written and reviewed like code; write the caller into one of them";
                return Err(miette::miette!(help = help, "--team, --grant and --weight need --data-dir"));
            }
            return known.map(drop).ok_or_else(|| {
                let folder = config.teams.display();
                miette::miette!("the caller {} is in no team's file in {folder}; add it there first", self.caller)
            });
        }
        if known.is_some() && self.team.is_none() && self.grants.is_empty() && self.weight.is_none() {
            return Ok(());
        }
        let unknown = self.grants.iter().find(|grant| *grant != "all" && !matches_some(grant, config));
        if let Some(grant) = unknown {
            return Err(miette::miette!("the grant {grant} matches no action of any version"));
        }
        let caller = NewCaller {
            name: self.caller.clone(),
            team: self.team.clone().or(known.map(|known| known.team.clone())).unwrap_or_else(|| TEAM.to_owned()),
            accounts: config.accounts.iter().map(|account| account.alias.clone()).collect(),
            grants: if self.grants.is_empty() { vec!["all".to_owned()] } else { self.grants.clone() },
            weight: self.weight.unwrap_or(1),
        };
        match add_caller(&config.teams, &caller).map_err(|error| miette::miette!("{error}"))? {
            Added::Added => {}
            Added::Already => {
                here.out.complain(&format!(
                    "note: {} is there already; its grants and weight stay as they are",
                    caller.name
                ));
            }
        }
        Ok(())
    }
}

fn matches_some(grant: &str, config: &Config) -> bool {
    let pattern = Pattern::new(grant);
    let actions: BTreeSet<&str> =
        config.providers.versions().flat_map(|version| version.actions()).map(|action| action.name.as_str()).collect();
    actions.into_iter().any(|action| pattern.matches(action))
}

fn later(now: Timestamp, after: SignedDuration) -> miette::Result<Timestamp> {
    now.checked_add(after).map_err(|_| miette::miette!("that is too far away"))
}

async fn note(
    store: &dyn Store,
    here: &Surroundings,
    action: &str,
    key_id: &str,
    about: &serde_json::Value,
) -> miette::Result<()> {
    let noted = act::record(store, &here.clock, action, key_id, about).await;
    noted.map_err(|error| miette::miette!("it was done, but could not be written into the audit log, {error}"))
}

fn show_pair(pair: &IssuedPair, here: &Surroundings, json: bool) {
    let secret = pair.secret_key.expose_secret();
    if json {
        here.out.json(&json!({ "secret_id": pair.key_id, "secret_key": secret }));
    } else {
        here.out.line(&format!("SecretId   {}", pair.key_id));
        here.out.line(&format!("SecretKey  {secret}"));
        here.out.complain("note: the SecretKey can't be shown again");
    }
}

fn show_all(all: &[KeyListing], here: &Surroundings, json: bool) {
    if json {
        return here.out.json(&json!({ "keys": all }));
    }
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.0}"));
    let row = |key: &KeyListing| {
        let status = format!("{:?}", key.status).to_lowercase();
        let ends = key.revoked_at.or(key.expires_at);
        vec![
            key.secret_id.clone(),
            key.caller.clone(),
            status,
            time(Some(key.created_at)),
            time(ends),
            time(key.last_used_at),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    for line in table::lines(&["SECRET ID", "CALLER", "STATUS", "CREATED", "ENDS", "LAST USED"], &rows) {
        here.out.line(&line);
    }
}
