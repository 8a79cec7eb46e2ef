//! `audit key`: the key that signs checkpoints, and its public half for auditors.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::Surroundings;
use crate::proof::SigningKey;

/// Arguments of `audit key`.
#[derive(Args, Debug)]
pub(super) struct Key {
    /// The private key, PKCS#8 in PEM
    file: PathBuf,
    /// The name that checkpoints are signed with: `audit.proof.origin` of the configuration
    #[arg(long)]
    origin: String,
    /// Make a key; the file must not exist
    #[arg(long)]
    new: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Key {
    pub(super) fn run(self, here: &Surroundings) -> miette::Result<()> {
        let named = |error: &dyn std::fmt::Display| miette::miette!("{}: {error}", self.file.display());
        let key = if self.new {
            let key = SigningKey::generate(&self.origin).map_err(|fault| miette::miette!("{fault}"))?;
            let pem = key.to_pem().map_err(|fault| miette::miette!("{fault}"))?;
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&self.file)
                .map_err(|error| named(&error))?;
            file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| named(&error))?;
            key
        } else {
            let pem = zeroize::Zeroizing::new(fs::read_to_string(&self.file).map_err(|error| named(&error))?);
            SigningKey::from_pem(&self.origin, &pem).map_err(|fault| named(&fault))?
        };
        let public = key.verifying_key().to_string();
        if self.json {
            here.out.json(&json!({ "verifying_key": public }));
        } else {
            here.out.line(&public);
        }
        Ok(())
    }
}
