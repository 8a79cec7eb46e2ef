//! Randomness as an argument: keys, nonces and sealing take it from here, tests give what they need.

use std::fmt;

use aws_lc_rs::rand::SecureRandom as _;

/// A source of random bytes that nobody can predict.
pub trait Random: Send + Sync {
    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// The source has none to give; nothing may be made without it.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable>;
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

/// There was no randomness to be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the system's random source gave nothing")]
pub struct RandomUnavailable;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        aws_lc_rs::rand::SystemRandom::new().fill(bytes).map_err(|_| RandomUnavailable)
    }
}

impl fmt::Debug for dyn Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

/// `length` characters out of `A-Z a-z 0-9`, each equally likely.
pub(super) fn alphanumeric(random: &dyn Random, length: usize) -> Result<String, RandomUnavailable> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // 248 is the largest multiple of 62 in a byte: what lies above is thrown away, or some characters would be likelier.
    const FAIR: u8 = 248;
    let mut text = String::with_capacity(length);
    let mut bytes = zeroize::Zeroizing::new([0_u8; 64]);
    while text.len() < length {
        random.fill(bytes.as_mut_slice())?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR).take(length - text.len());
        text.extend(fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
    Ok(text)
}
