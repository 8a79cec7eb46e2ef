//! `healthcheck`: whether a gateway is alive, for a container's health check. No shell and no curl is needed for it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use http::StatusCode;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Surroundings, client};
use crate::config::Config;

/// How long an answer may take: container engines wait a few seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Arguments of `healthcheck`.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct Healthcheck {
    /// What to ask, such as http://127.0.0.1:9090/readyz; without a path, /healthz
    #[arg(long)]
    url: Option<String>,
    /// The configuration that the gateway runs with: its admin listener is asked
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Healthcheck {
    pub(super) async fn run(self, surroundings: &Surroundings) -> miette::Result<ExitCode> {
        let url = match (self.url, self.config) {
            (Some(url), _) => url,
            (None, file) => {
                let file = file.unwrap_or_default();
                let admin = Config::load(&file, surroundings.variables.iter().cloned())?.admin;
                let address = reachable(admin.listen);
                if admin.tls.is_some() {
                    // Its certificate is not made out to this address, and it may ask for one of ours.
                    return connect(address).await;
                }
                format!("http://{address}")
            }
        };
        let url = if url.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/')) {
            url
        } else {
            format!("{}/healthz", url.trim_end_matches('/'))
        };
        match client::get(&url, None, PATIENCE).await {
            Ok((StatusCode::OK, _)) => Ok(ExitCode::SUCCESS),
            Ok((status, body)) => {
                Err(miette::miette!("{url} answers {status} {}", super::out::plain(&String::from_utf8_lossy(&body))))
            }
            Err(why) => Err(miette::miette!("{url}: {why}")),
        }
    }
}

async fn connect(address: SocketAddr) -> miette::Result<ExitCode> {
    match timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(ExitCode::SUCCESS),
        Ok(Err(error)) => Err(miette::miette!("{address}: {error}")),
        Err(_) => Err(miette::miette!("{address}: no connection within {} s", PATIENCE.as_secs())),
    }
}

/// What listens everywhere is asked on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = if listen.ip().is_unspecified() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    SocketAddr::new(ip, listen.port())
}
