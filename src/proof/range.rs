//! The least that must be known of a log's beginning to go on with it: one hash for each bit of its size.

use super::hash::{Hash, node};

/// The roots of the perfect subtrees that cover the entries `[0, size)`, from left to right: a "compact range".
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CompactRange {
    size: u64,
    hashes: Vec<Hash>,
}

/// A compact range has as many hashes as its size has bits that are one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the first {size} entries are covered by {needed} hashes, not {given}")]
pub struct WrongRange {
    /// How many entries are covered.
    pub size: u64,
    /// How many hashes that takes.
    pub needed: u32,
    /// How many were given.
    pub given: usize,
}

impl CompactRange {
    /// The range over `[0, size)` with these hashes.
    ///
    /// # Errors
    /// Their number does not fit the size.
    pub fn new(size: u64, hashes: Vec<Hash>) -> Result<CompactRange, WrongRange> {
        let (needed, given) = (size.count_ones(), hashes.len());
        if u32::try_from(given) != Ok(needed) {
            return Err(WrongRange { size, needed, given });
        }
        Ok(CompactRange { size, hashes })
    }

    /// The cover of a range that begins anywhere, for its root only.
    pub(super) fn covering(size: u64, hashes: Vec<Hash>) -> CompactRange {
        CompactRange { size, hashes }
    }

    /// Adds the entry at the index `size()`. About one hash is made for it.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                hash = node(&left, &hash);
            }
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// How many entries it covers.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// From left to right.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root of the tree over the covered entries.
    pub fn root(&self) -> Hash {
        let right_to_left = self.hashes.iter().rev().copied();
        right_to_left.reduce(|right, left| node(&left, &right)).unwrap_or_else(Hash::empty)
    }
}
