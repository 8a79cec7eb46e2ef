//! TLS of a listener, and mTLS.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate, key or authority that cannot be used. Names the file, never its content.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {why}")]
pub struct TlsError {
    file: String,
    why: String,
}

/// TLS for a listener, with client certificates required when an authority for them is given. All are paths of PEM files.
///
/// # Errors
/// Which file can't be used and why.
pub fn server_tls(certificate: &Path, key: &Path, client_ca: Option<&Path>) -> Result<ServerConfig, TlsError> {
    let chain = certificates(certificate)?;
    // The reason is left out: it could quote the file.
    let private = PrivateKeyDer::from_pem_file(key).map_err(|_| fault(key, &"it holds no private key in PEM"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(certificate, &error))?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = rustls::RootCertStore::empty();
            for authority in certificates(file)? {
                roots.add(authority).map_err(|error| fault(file, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|error| fault(file, &error))?)
        }
    };
    let mut config = builder.with_single_cert(chain, private).map_err(|error| fault(certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found.map_err(|error| fault(file, &error))? {
        found if found.is_empty() => Err(fault(file, &"it holds no certificate")),
        found => Ok(found),
    }
}

fn fault(file: &Path, why: &dyn std::fmt::Display) -> TlsError {
    TlsError { file: file.display().to_string(), why: why.to_string() }
}
