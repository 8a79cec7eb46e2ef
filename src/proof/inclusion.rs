//! Proofs that an entry is in a log: RFC 6962's audit path, made out of tiles.

use super::hash::{Hash, join, node};
use super::range::CompactRange;
use super::tree::{TiledTree, finished};

/// A tile, or the beginning of one, that a proof is made of.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TilePart {
    /// The tile's level.
    pub level: u8,
    /// The tile's number within the level.
    pub number: u64,
    /// How many of its hashes are needed, from the first on; 256 for a full tile.
    pub width: usize,
}

/// Why no proof could be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoProof {
    /// The tree does not have this entry.
    #[error("a log of {size} entries has none at index {index}")]
    NotInside {
        /// The entry's index.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// A tile that is needed was not given, or with too few hashes.
    #[error("tile {number} of level {level} is needed and is not there")]
    NoTile {
        /// The tile's level.
        level: u8,
        /// The tile's number.
        number: u64,
    },
}

/// The subtree over the `2^height` entries from `place * 2^height` on.
#[derive(Clone, Copy)]
struct Perfect {
    height: u32,
    place: u64,
}

/// Whether `path` leads from the leaf at `index` to the root of a log of `size` entries: RFC 9162, section 2.1.3.2.
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(sibling, &hash);
            // At the right edge there are levels without a sibling.
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = node(&hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

impl<const WIDTH: usize> TiledTree<WIDTH> {
    /// The tiles that [`TiledTree::inclusion`] is going to ask for, at most two a level; those with a `width` below
    /// 256 are not full in a tree of this size.
    pub fn tiles_for_inclusion(index: u64, size: u64) -> Vec<TilePart> {
        let spans = if index < size { siblings(index, size) } else { Vec::new() };
        Self::parts(spans.into_iter().flat_map(|(from, to)| cover(from, to)), size)
    }

    /// The tiles that [`TiledTree::compact_range`] is going to ask for.
    pub fn tiles_for_range(size: u64) -> Vec<TilePart> {
        Self::parts(cover(0, size).into_iter(), size)
    }

    /// The audit path of the entry at `index` in the log's first `size` entries. `tiles` gives the hashes of a tile by
    /// level and number; it may give more than the part that is needed.
    ///
    /// # Errors
    /// The index is outside, or a tile is not given.
    pub fn inclusion<'t>(
        index: u64,
        size: u64,
        tiles: impl Fn(u8, u64) -> Option<&'t [Hash]>,
    ) -> Result<Vec<Hash>, NoProof> {
        if index >= size {
            return Err(NoProof::NotInside { index, size });
        }
        let root = |(from, to)| Self::range(from, to, &tiles).map(|range| range.root());
        siblings(index, size).into_iter().map(root).collect()
    }

    /// What stands for the log's first `size` entries when they are not there any more.
    ///
    /// # Errors
    /// A tile is not given.
    pub fn compact_range<'t>(
        size: u64,
        tiles: impl Fn(u8, u64) -> Option<&'t [Hash]>,
    ) -> Result<CompactRange, NoProof> {
        Self::range(0, size, &tiles)
    }

    fn range<'t>(from: u64, to: u64, tiles: &impl Fn(u8, u64) -> Option<&'t [Hash]>) -> Result<CompactRange, NoProof> {
        let hashes = cover(from, to).into_iter().map(|perfect| {
            let (level, number, first) = Self::place(perfect);
            let hashes = tiles(level, number).and_then(|hashes| hashes.get(first..first + Self::count(perfect)));
            hashes.map(join).ok_or(NoProof::NoTile { level, number })
        });
        Ok(CompactRange::covering(to - from, hashes.collect::<Result<_, _>>()?))
    }

    fn parts(nodes: impl Iterator<Item = Perfect>, size: u64) -> Vec<TilePart> {
        let part = |perfect| {
            let (level, number, _) = Self::place(perfect);
            let there = finished::<WIDTH>(size, usize::from(level)) - number * WIDTH as u64;
            TilePart { level, number, width: usize::try_from(there).unwrap_or(WIDTH).min(WIDTH) }
        };
        let mut parts: Vec<TilePart> = nodes.map(part).collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    }

    /// Level, number of the tile, and where in it the hashes of a subtree begin.
    fn place(perfect: Perfect) -> (u8, u64, usize) {
        let level = u8::try_from(perfect.height / Self::BITS).unwrap_or(u8::MAX);
        let first = perfect.place << (perfect.height % Self::BITS);
        (level, first / WIDTH as u64, usize::try_from(first % WIDTH as u64).unwrap_or_default())
    }

    /// How many hashes of its tile a subtree is made of.
    fn count(perfect: Perfect) -> usize {
        1 << (perfect.height % Self::BITS)
    }
}

/// What lies beside the way from an entry up to the root, as ranges of entries, from the bottom up.
fn siblings(index: u64, size: u64) -> Vec<(u64, u64)> {
    let (mut from, mut to, mut path) = (0, size, Vec::new());
    while to - from > 1 {
        let middle = from + (1 << (to - from - 1).ilog2());
        if index < middle {
            path.push((middle, to));
            to = middle;
        } else {
            path.push((from, middle));
            from = middle;
        }
    }
    path.reverse();
    path
}

/// The largest perfect subtrees that cover a range, from left to right.
fn cover(from: u64, to: u64) -> Vec<Perfect> {
    let (mut at, mut nodes) = (from, Vec::new());
    while at < to {
        let height = (to - at).ilog2().min(at.trailing_zeros());
        nodes.push(Perfect { height, place: at >> height });
        at += 1 << height;
    }
    nodes
}
