//! RSA keys that a faulty library of 2017 made and that can be factored (ROCA, CVE-2017-15361).
//!
//! Such primes are `k·M + 65537^a mod M`, so their product is a power of 65537 modulo every prime that divides M. A
//! sound modulus is that for all of these primes with a probability of about 2^-27. Source: Nemec, Sys, Svenda, Klinec,
//! Matyas, "The Return of Coppersmith's Attack", CCS 2017, section 3.

/// The primes below 168 for which 65537 generates only a part of the residues, so that they tell something.
const TELLING_PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Whether a modulus (big-endian) has the fingerprint.
pub(super) fn is_vulnerable(modulus: &[u8]) -> bool {
    TELLING_PRIMES.iter().all(|prime| {
        let rest = modulus.iter().fold(0_u32, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let generator = 65_537 % prime;
        let powers = std::iter::successors(Some(1_u32), |power| Some(power * generator % prime));
        powers.take(*prime as usize).any(|power| power == rest)
    })
}
