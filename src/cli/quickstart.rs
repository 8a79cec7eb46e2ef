//! `quickstart`: a gateway, its store and a simulated cloud in one process, with fresh keys. It writes a real
//! configuration into a folder and then runs what `serve` runs.

pub(super) mod folder;
mod lines;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use dts_simulator::{Options, Simulator};
use secrecy::{ExposeSecret, SecretString};

use super::settings::open_store;
use super::signals::Signals;
use super::{Surroundings, log, token};
use crate::app::Running;
use crate::config::Config;
use crate::identity::{KeyIssuer, SystemRandom};
use folder::{Folder, Pair};
use lines::Printed;

/// How long the printed tokens are valid: longer than anybody tries something out.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Arguments of `quickstart`.
#[derive(Args, Debug)]
pub(super) struct Quickstart {
    /// The public listener; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The admin listener [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
    /// The simulated cloud
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8088")]
    simulator_listen: SocketAddr,
    /// A simulator that runs already, with its credential in DTS_SIMULATOR_SECRET_ID and DTS_SIMULATOR_SECRET_KEY; without
    /// these, of several by --redis-url, the one that another of them runs
    #[arg(long, value_name = "URL", conflicts_with = "simulator_listen")]
    simulator_url: Option<String>,
    /// A folder that keeps keys and log [default: a temporary one, removed at the end]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// A Postgres database instead of SQLite; a password is better given as DTS_GATEWAY__STORE__URL
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// A Redis, by which several of these share one quota; they need the same --data-dir and --database-url, and all but
    /// one of them --simulator-url
    #[arg(long, value_name = "URL", requires = "database_url")]
    redis_url: Option<String>,
}

/// The cloud that the gateway talks to.
struct Cloud {
    url: String,
    credential: Pair,
    /// The one that runs in this process.
    own: Option<dts_simulator::Running>,
}

impl Quickstart {
    pub(super) async fn run(self, here: &Surroundings) -> miette::Result<ExitCode> {
        let signals = Signals::listen()?;
        let folder = Folder::open(self.data_dir.clone(), &SystemRandom)?;
        if let Some(url) = &self.database_url {
            folder.set_database(url)?;
        }
        let cloud = self.cloud(&folder, here).await?;
        let accounts = folder.accounts();
        let config = Config::load(&folder.config(), self.variables(&cloud, &accounts, here))?;
        log::start(&config.log);
        // What the lines and the key pair need, before the configuration is used up by the gateway.
        let settings = Config::load(&folder.config(), self.variables(&cloud, &accounts, here))?;
        let starting = Running::start(config, here.clock.clone()).await;
        let running = starting.map_err(|error| miette::miette!("{error}"))?;
        let pair = folder.pair("quickstart")?;
        adopt(&settings, &pair, here).await?;
        let mint = |caller: &str, roles: &[&str]| {
            let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
            token::issue(&settings, Some(folder::ISSUER), caller, &roles, LIFETIME, &here.clock)
        };
        let printed = Printed {
            public: url(settings.server.tls.is_some(), running.public_addr()),
            admin: url(settings.admin.tls.is_some(), running.admin_addr()),
            token: mint(folder::CALLER, &[])?,
            reader_token: mint(folder::READER, &[])?,
            admin_token: mint("admin", &["auditor", "operator"])?,
            pair,
            simulator_url: cloud.url,
            simulator: cloud.credential,
        };
        printed.lines().iter().for_each(|line| here.out.line(line));
        let ended = running.run_until(signals.stop()).await;
        if let Some(simulator) = cloud.own {
            simulator.shutdown().await;
        }
        ended.map_err(|error| miette::miette!("{error}"))?;
        Ok(ExitCode::SUCCESS)
    }

    /// The simulator: one that runs elsewhere, or one of our own.
    async fn cloud(&self, folder: &Folder, here: &Surroundings) -> miette::Result<Cloud> {
        if let Some(url) = &self.simulator_url {
            let url = url.trim_end_matches('/').to_owned();
            let given = ["DTS_SIMULATOR_SECRET_ID", "DTS_SIMULATOR_SECRET_KEY"].map(|name| here.variable(name));
            // Of several on one folder another one runs the simulator, with the folder's credential.
            let credential = match given {
                [Some(id), Some(key)] => Pair { id: id.to_owned(), key: SecretString::from(key.to_owned()) },
                [None, None] if self.redis_url.is_some() && self.data_dir.is_some() => folder.pair("simulator")?,
                [id, _] => {
                    let missing = if id.is_none() { "DTS_SIMULATOR_SECRET_ID" } else { "DTS_SIMULATOR_SECRET_KEY" };
                    return Err(miette::miette!(
                        "--simulator-url needs the simulator's credential, {missing} is not set"
                    ));
                }
            };
            return Ok(Cloud { url, credential, own: None });
        }
        let credential = folder.pair("simulator")?;
        let known = Some((credential.id.clone(), credential.key.expose_secret().to_owned()));
        let options = Options { listen: self.simulator_listen, credential: known, ..Options::default() };
        let own = Simulator::start(options).await.map_err(|error| miette::miette!("the simulator: {error}"))?;
        Ok(Cloud { url: own.url(), credential, own: Some(own) })
    }

    /// What the flags say, as variables over the file: a flag before the environment, the environment before the file.
    fn variables(&self, cloud: &Cloud, accounts: &[String], here: &Surroundings) -> Vec<(String, String)> {
        let flags = [
            ("DTS_GATEWAY__SERVER__LISTEN", self.listen.clone()),
            ("DTS_GATEWAY__ADMIN__LISTEN", self.admin_listen.clone()),
            ("DTS_GATEWAY__REDIS__URL", self.redis_url.clone()),
        ];
        let flags = flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        // Every account's cloud is the simulator.
        let accounts = accounts.iter().flat_map(|alias| {
            let variable = |key: &str| format!("DTS_GATEWAY__ACCOUNT__{}__{key}", alias.to_uppercase());
            [
                (variable("ENDPOINT"), cloud.url.clone()),
                (variable("SECRET_ID"), cloud.credential.id.clone()),
                (variable("SECRET_KEY"), cloud.credential.key.expose_secret().to_owned()),
            ]
        });
        let flags: Vec<(String, String)> = flags.chain(accounts).collect();
        let others = here.variables.iter().filter(|(name, _)| !flags.iter().any(|(flag, _)| flag == name)).cloned();
        others.chain(flags.clone()).collect()
    }
}

fn url(is_tls: bool, address: SocketAddr) -> String {
    format!("{}://{address}", if is_tls { "https" } else { "http" })
}

/// Makes sure that the store knows the printed key pair; another instance may have seen to it.
async fn adopt(config: &Config, pair: &Pair, here: &Surroundings) -> miette::Result<()> {
    let store = open_store(config, &here.clock).await?;
    let keys = KeyIssuer::new(&*store, &config.keys.sealing, &SystemRandom);
    let adopted = keys.adopt(&pair.id, pair.key.expose_secret(), folder::CALLER, here.clock.now()).await;
    store.close().await;
    adopted.map(drop).map_err(|error| miette::miette!("{error}"))
}
