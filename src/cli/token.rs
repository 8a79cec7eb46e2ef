//! `token`: a JWT of a development issuer, whose secret is in the configuration. Production issuers mint their own.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::Surroundings;
use super::settings::{Settings, duration};
use crate::call::Clock;
use crate::config::{Config, Issuer};
use crate::identity::{Claims, mint};

/// Arguments of `token`.
#[derive(Args, Debug)]
pub(super) struct Token {
    #[command(flatten)]
    settings: Settings,
    /// The caller that the token names
    #[arg(long)]
    caller: String,
    /// A role on the admin listener, such as auditor; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// How long the token is valid, such as 12h
    #[arg(long, value_name = "DURATION", default_value = "12h", value_parser = duration)]
    lifetime: SignedDuration,
    /// The issuer, if there are several for development
    #[arg(long)]
    issuer: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Token {
    pub(super) fn run(self, surroundings: &Surroundings) -> miette::Result<ExitCode> {
        let config = self.settings.load(surroundings)?;
        let lifetime = Duration::try_from(self.lifetime).ok().filter(|lifetime| !lifetime.is_zero());
        let lifetime = lifetime.ok_or_else(|| miette::miette!("the lifetime must be longer than nothing"))?;
        let token = issue(&config, self.issuer.as_deref(), &self.caller, &self.roles, lifetime, &surroundings.clock)?;
        if self.roles.is_empty() && config.roster.get(&self.caller).is_none() {
            surroundings.out.complain(&format!("note: {} is in no team's file, so it may do nothing yet", self.caller));
        }
        if self.json {
            surroundings.out.json(&json!({ "token": token.expose_secret() }));
        } else {
            surroundings.out.line(token.expose_secret());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A token of the development issuer of this name, or of the only one.
pub(super) fn issue(
    config: &Config,
    issuer: Option<&str>,
    caller: &str,
    roles: &[String],
    lifetime: Duration,
    clock: &Clock,
) -> miette::Result<SecretString> {
    let able = |one: &&Issuer| one.development.is_some() && issuer.is_none_or(|name| one.settings.name == name);
    let found: Vec<&Issuer> = config.issuers.iter().filter(able).collect();
    let names = || found.iter().map(|one| one.settings.name.as_str()).collect::<Vec<_>>().join(", ");
    let (one, secret) = match found.as_slice() {
        [one] => (one, one.development.as_ref()),
        [] => {
            return Err(miette::miette!(
                help = "an issuer with `development = true` and HS256 is one; others mint their own tokens",
                "there is no development issuer{} in the configuration",
                issuer.map(|name| format!(" named {name}")).unwrap_or_default()
            ));
        }
        _ => {
            return Err(miette::miette!("there are several development issuers, say --issuer with one of {}", names()));
        }
    };
    let secret = secret.ok_or_else(|| miette::miette!("the issuer's secret is not here"))?;
    let claims = Claims {
        issuer: one.settings.issuer.clone(),
        audience: one.settings.audiences.first().cloned().unwrap_or_default(),
        caller: (one.settings.caller_claim.clone(), caller.to_owned()),
        roles: (one.settings.roles_claim.clone().unwrap_or_else(|| "roles".to_owned()), roles.to_vec()),
        lifetime,
    };
    mint(secret.expose_secret().as_bytes(), &claims, clock.now()).map_err(|fault| miette::miette!("{fault}"))
}
