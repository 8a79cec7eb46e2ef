//! Ed25519 keys with a name, as C2SP's signed-note knows them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The length of a signature in bytes.
pub(super) const SIGNATURE_BYTES: usize = 64;

/// signed-note's number of Ed25519.
const ED25519_TYPE: u8 = 1;

/// The first four bytes of the digest of a key's name and public half: which key a signature line means.
pub(super) type KeyId = [u8; 4];

/// The key that signs checkpoints. It signs and nothing else: it does not print. Clones share it.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Ed25519KeyPair>,
    public: VerifyingKey,
}

/// The public half. Its text (`name+<8 hexadecimal digits>+<base64>`, a "vkey") is what auditors are given.
#[derive(Clone, Eq, PartialEq)]
pub struct VerifyingKey {
    name: String,
    id: KeyId,
    public: [u8; 32],
}

/// Why a key is not taken, as the end of a sentence. Never any of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyFault {
    /// signed-note's rule: not empty, no space, no plus sign.
    #[error("a key's name must not be empty and have no space, no control character and no plus sign")]
    Name,
    /// Not a private key in PKCS#8.
    #[error("it is not an Ed25519 private key in PEM (-----BEGIN PRIVATE KEY-----)")]
    Private,
    /// Not a public key's text.
    #[error("it is not a public key's text (name+8 hexadecimal digits+base64)")]
    Public,
    /// A key of another algorithm.
    #[error("it is not an Ed25519 key")]
    Algorithm,
    /// The eight digits belong to another name or another key: it was copied wrong.
    #[error("its eight digits do not fit its name and key, it was not copied whole")]
    Digits,
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    Random,
}

impl SigningKey {
    /// A fresh key.
    ///
    /// # Errors
    /// The name is none, or there is no randomness.
    pub fn generate(name: &str) -> Result<SigningKey, KeyFault> {
        SigningKey::new(name, Ed25519KeyPair::generate().map_err(|_| KeyFault::Random)?)
    }

    /// Reads what [`SigningKey::to_pem`] or `openssl genpkey -algorithm ed25519` wrote.
    ///
    /// # Errors
    /// The name is none, or the text no Ed25519 key.
    pub fn from_pem(name: &str, pem: &str) -> Result<SigningKey, KeyFault> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyFault::Private)?;
        // OpenSSL writes version 1, without the public half to check it against.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        SigningKey::new(name, pair.map_err(|_| KeyFault::Private)?)
    }

    /// The key as a file: PKCS#8 (version 1, as OpenSSL has it) in PEM. Whoever reads it can sign any log.
    ///
    /// # Errors
    /// The library could not write it.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyFault> {
        let der = self.pair.to_pkcs8v1().map_err(|_| KeyFault::Private)?;
        let body = Zeroizing::new(STANDARD.encode(der.as_ref()));
        // 48 bytes are 64 characters: one line.
        Ok(Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", *body)))
    }

    /// The public half.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    pub(super) fn sign(&self, text: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut signature = [0; SIGNATURE_BYTES];
        signature.copy_from_slice(self.pair.sign(text).as_ref());
        signature
    }

    fn new(name: &str, pair: Ed25519KeyPair) -> Result<SigningKey, KeyFault> {
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyFault::Algorithm)?;
        Ok(SigningKey { pair: Arc::new(pair), public: VerifyingKey::new(name, public)? })
    }
}

impl VerifyingKey {
    fn new(name: &str, public: [u8; 32]) -> Result<VerifyingKey, KeyFault> {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+') {
            return Err(KeyFault::Name);
        }
        let digest = Sha256::new().chain_update(name).chain_update([b'\n', ED25519_TYPE]).chain_update(public);
        let [a, b, c, d, ..]: [u8; 32] = digest.finalize().into();
        Ok(VerifyingKey { name: name.to_owned(), id: [a, b, c, d], public })
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name and its eight digits: enough to tell it from others.
    pub fn short(&self) -> String {
        format!("{}+{}", self.name, hex::encode(self.id))
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn has_signed(&self, text: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(text, signature).is_ok()
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyFault;

    fn from_str(text: &str) -> Result<VerifyingKey, KeyFault> {
        // The base64 may have plus signs of its own.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(digits), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyFault::Public);
        };
        let bytes = STANDARD.decode(key).map_err(|_| KeyFault::Public)?;
        let (kind, public) = bytes.split_first().ok_or(KeyFault::Public)?;
        if *kind != ED25519_TYPE {
            return Err(KeyFault::Algorithm);
        }
        let key = VerifyingKey::new(name, public.try_into().map_err(|_| KeyFault::Public)?)?;
        if hex::encode(key.id) == digits { Ok(key) } else { Err(KeyFault::Digits) }
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519_TYPE];
        bytes.extend_from_slice(&self.public);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(bytes))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, ..)", self.public.name)
    }
}
