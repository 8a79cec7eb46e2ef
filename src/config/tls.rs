//! `[server.tls]` and `[admin.tls]`: what a listener shows, and whom it lets in.

use std::path::{Path, PathBuf};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

use super::checker::Checker;

/// TLS of one listener.
#[derive(Debug)]
pub struct Tls {
    /// The certificate and its chain, PEM.
    pub certificate_file: PathBuf,
    /// The private key, PEM.
    pub key_file: PathBuf,
    /// Certificates of the authorities that a client's certificate must come from (mTLS), PEM; none lets everybody
    /// connect.
    pub client_ca_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    client_ca_file: Option<PathBuf>,
}

impl Raw {
    pub(super) fn check(self, path: &str, checker: &mut Checker) -> Option<Tls> {
        let at = |key: &str| format!("{path}.{key}");
        let help = "a PEM file with the certificate and its chain";
        let certificate = checker.required(&at("certificate_file"), self.certificate_file, help);
        let certificate = certificate.and_then(|file| certificates(&at("certificate_file"), file, checker));
        let client_ca = self.client_ca_file.and_then(|file| certificates(&at("client_ca_file"), file, checker));
        let key = checker.required(&at("key_file"), self.key_file, "a PEM file with the certificate's private key");
        let key = key.and_then(|file| private_key(&at("key_file"), &file, checker));
        Some(Tls { certificate_file: certificate?, key_file: key?, client_ca_file: client_ca })
    }
}

/// A file that must hold certificates.
fn certificates(path: &str, file: PathBuf, checker: &mut Checker) -> Option<PathBuf> {
    let whole = checker.file(path, &file)?;
    let all = CertificateDer::pem_file_iter(&whole).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match all {
        Ok(all) if !all.is_empty() => Some(whole),
        Ok(_) => {
            checker.wrong(path, format!("there is no certificate in PEM in {}", whole.display()));
            None
        }
        Err(error) => {
            checker.wrong(path, format!("{} can't be read as PEM, {error}", whole.display()));
            None
        }
    }
}

/// A file that must hold a private key.
fn private_key(path: &str, file: &Path, checker: &mut Checker) -> Option<PathBuf> {
    let whole = checker.file(path, file)?;
    match PrivateKeyDer::from_pem_file(&whole) {
        Ok(_) => Some(whole),
        // The reader's own words could repeat some of the file.
        Err(_) => {
            checker.wrong(path, format!("there is no private key in PEM in {}", whole.display()));
            None
        }
    }
}
