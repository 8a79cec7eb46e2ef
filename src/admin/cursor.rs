//! Where a page ends, as the asker carries it to the next one: signed, so that it is good for the question that it was
//! an answer to and for no other. A store trusts the position in it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use uuid::Uuid;

use super::problem::Problem;
use crate::store::{Cursor, Filter};

/// Sets this use of the deployment's key apart from every other one.
const PURPOSE: &[u8] = b"dts-gateway audit cursor 1";

/// Bytes of a position, which is a record's id.
const POSITION: usize = 16;

/// Bytes of its signature: half of an HMAC-SHA256 (RFC 2104, section 5), as strong as the position is long.
const SIGNATURE: usize = 16;

/// Signs cursors and knows its own again.
#[derive(Clone)]
pub struct Cursors(Hmac<Sha256>);

impl Cursors {
    /// Signs with a key that is derived from a secret of the deployment: every replica derives the same.
    pub fn new(secret: &SecretString) -> Cursors {
        let derived = keyed(secret.expose_secret().as_bytes()).chain_update(PURPOSE).finalize().into_bytes();
        Cursors(keyed(&derived))
    }

    /// The cursor as text for a URL.
    pub(super) fn seal(&self, Cursor(last): Cursor, filter: &Filter) -> String {
        let mut bytes = last.as_bytes().to_vec();
        bytes.extend_from_slice(&self.signature(last, filter).finalize().into_bytes()[..SIGNATURE]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor of a page that `filter` was asked for; how long that page was does not matter.
    pub(super) fn open(&self, text: &str, filter: &Filter) -> Result<Cursor, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == POSITION + SIGNATURE);
        let last = bytes.as_deref().and_then(|bytes| Uuid::from_slice(&bytes[..POSITION]).ok());
        let (Some(bytes), Some(last)) = (bytes, last) else { return Err(wrong()) };
        let signed = self.signature(last, filter).verify_truncated_left(&bytes[POSITION..]);
        signed.map(|()| Cursor(last)).map_err(|_| wrong())
    }

    fn signature(&self, last: Uuid, filter: &Filter) -> Hmac<Sha256> {
        let asked = Filter { cursor: None, limit: 0, ..filter.clone() };
        // Plain data always has a text; nothing else than this very filter has the same.
        let asked = serde_json::to_vec(&asked).unwrap_or_default();
        self.0.clone().chain_update(last.as_bytes()).chain_update(asked)
    }
}

impl fmt::Debug for Cursors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursors")
    }
}

fn wrong() -> Problem {
    let message = "cursor must be the next_cursor of a page, unaltered, with the same filters as that page was asked for \
                   with; begin again without it";
    Problem::bad_query("cursor-invalid", message)
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    match <Hmac<Sha256> as KeyInit>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes a key of any length"),
    }
}
