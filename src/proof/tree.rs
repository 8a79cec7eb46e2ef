//! A log's tree while it grows: what is full leaves as tiles, what is not is held.
//!
//! A tile of level 0 has 256 leaf hashes, one of level L the roots of 256 tiles of level L - 1. What must be held is
//! less than 256 hashes a level, so a clone costs a few kilobytes: whoever commits grows a clone and keeps it if the
//! commit went well.

use super::hash::{Hash, join};

/// The tree of a log, in tiles of 256.
pub type Tree = TiledTree<256>;

/// The tree of a log in tiles of `WIDTH` hashes, a power of two. Only tests have other widths than [`Tree`]'s.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TiledTree<const WIDTH: usize> {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// A full tile.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tile {
    /// 0 for leaf hashes.
    pub level: u8,
    /// Counted from 0 within the level: tile `n` of level 0 begins with the entry `256 n`.
    pub number: u64,
    /// Its hashes, 256 of them.
    pub hashes: Vec<Hash>,
}

/// What was given is not the unfinished end of a log of that size.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a log of {size} entries has {needed} hashes in its unfinished tile of level {level}, not {given}")]
pub struct WrongLevels {
    /// The log's size in entries.
    pub size: u64,
    /// The level.
    pub level: usize,
    /// How many hashes it must have there.
    pub needed: usize,
    /// How many were given.
    pub given: usize,
}

impl Tile {
    /// The root of the subtree that it holds: one hash of the level above.
    pub fn root(&self) -> Hash {
        join(&self.hashes)
    }
}

impl<const WIDTH: usize> TiledTree<WIDTH> {
    /// How many times a size is halved from one level to the next.
    pub(super) const BITS: u32 = {
        assert!(WIDTH > 1 && WIDTH.is_power_of_two(), "a tile's width is a power of two");
        WIDTH.trailing_zeros()
    };

    /// Goes on with a log of `size` entries. `levels[0]` are the leaf hashes in the unfinished tile, `levels[1]` the
    /// roots of the finished tiles of level 0 in the unfinished tile of level 1, and so on; empty levels at the end may
    /// be left out.
    ///
    /// # Errors
    /// A level has not as many hashes as the size asks for.
    pub fn resume(size: u64, mut levels: Vec<Vec<Hash>>) -> Result<TiledTree<WIDTH>, WrongLevels> {
        let highest = levels.len().max(usize::try_from(u64::BITS.div_ceil(Self::BITS)).unwrap_or_default());
        for level in 0..highest {
            let needed = unfinished::<WIDTH>(size, level);
            let given = levels.get(level).map_or(0, Vec::len);
            if needed != given {
                return Err(WrongLevels { size, level, needed, given });
            }
        }
        while levels.last().is_some_and(Vec::is_empty) {
            levels.pop();
        }
        Ok(TiledTree { size, levels })
    }

    /// Adds the entry at the index `size()`. Returns the tiles that became full, the lowest level first.
    pub fn append(&mut self, leaf: Hash) -> Vec<Tile> {
        let mut full = Vec::new();
        self.size += 1;
        let mut rising = Some(leaf);
        let mut level = 0;
        while let Some(hash) = rising.take() {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let held = &mut self.levels[level];
            held.push(hash);
            if held.len() == WIDTH {
                let number = finished::<WIDTH>(self.size, level + 1) - 1;
                let tile = Tile { level: u8::try_from(level).unwrap_or(u8::MAX), number, hashes: std::mem::take(held) };
                rising = Some(tile.root());
                full.push(tile);
            }
            level += 1;
        }
        full
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over all entries. Costs a hash for each that is held.
    pub fn root(&self) -> Hash {
        // What is below a level's last finished tile is one more, smaller tree to its right.
        let mut root = None;
        for held in &self.levels {
            let items: Vec<Hash> = held.iter().copied().chain(root).collect();
            root = (!items.is_empty()).then(|| join(&items));
        }
        root.unwrap_or_else(Hash::empty)
    }

    /// The hashes of the unfinished tile of a level: what [`TiledTree::resume`] takes back.
    pub fn unfinished(&self, level: usize) -> &[Hash] {
        self.levels.get(level).map_or(&[], Vec::as_slice)
    }
}

/// How many tiles of the level below are finished in a log of `size` entries; for level 0, how many entries there are.
pub(super) fn finished<const WIDTH: usize>(size: u64, level: usize) -> u64 {
    let bits = u32::try_from(level).unwrap_or(u32::MAX).saturating_mul(TiledTree::<WIDTH>::BITS);
    size.checked_shr(bits).unwrap_or(0)
}

fn unfinished<const WIDTH: usize>(size: u64, level: usize) -> usize {
    usize::try_from(finished::<WIDTH>(size, level) % WIDTH as u64).unwrap_or_default()
}
