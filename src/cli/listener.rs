//! Where an admin listener is, and the token for it: flags, else the environment.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;

use super::Surroundings;

/// Where the admin listener is, if the command line does not say.
const URL: &str = "DTS_GATEWAY_ADMIN_URL";

/// A token for it.
const TOKEN: &str = "DTS_GATEWAY_ADMIN_TOKEN";

/// Which listener to ask.
#[derive(Args, Debug)]
pub(super) struct Listener {
    /// The admin listener [default: DTS_GATEWAY_ADMIN_URL]
    #[arg(long)]
    url: Option<String>,
    /// A file with a token for it [default: what DTS_GATEWAY_ADMIN_TOKEN holds]
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// A token for it; others on this machine can see it
    #[arg(long)]
    token: Option<String>,
}

impl Listener {
    /// Its address without a slash at the end, and the token. What lacks is complained of with `else_`: what would do too.
    pub(super) fn resolve(&self, else_: &str, here: &Surroundings) -> miette::Result<(String, SecretString)> {
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(file)) => Some(read_token(file)?),
            (None, None) => here.variable(TOKEN).map(str::to_owned),
        };
        let url = self.url.as_deref().or(here.variable(URL));
        let missing = |what: &str| miette::miette!("say where to ask: {what}{else_}");
        let url = url.ok_or_else(|| missing(&format!("--url or {URL}")))?.trim_end_matches('/').to_owned();
        let token = token.ok_or_else(|| missing(&format!("--token-file or {TOKEN}")))?.into();
        Ok((url, token))
    }
}

fn read_token(file: &Path) -> miette::Result<String> {
    let text = std::fs::read_to_string(file).map_err(|error| miette::miette!("{}: {error}", file.display()))?;
    Ok(text.trim().to_owned())
}
