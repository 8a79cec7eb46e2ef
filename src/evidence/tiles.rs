//! The tiles that a proof is made of, full ones from the store, the unfinished ones put together.

use std::collections::HashMap;

use crate::proof::{CompactRange, Hash, NoProof, TilePart, Tree};
use crate::store::{LogName, LogStore, StoreError};

/// Hashes in a full tile.
const WIDTH: usize = 256;

/// Tiles by level and number.
#[derive(Debug, Default)]
pub(super) struct Tiles(HashMap<(u8, u64), Vec<Hash>>);

impl Tiles {
    /// Reads tiles, or as much of them as is asked for.
    pub(super) async fn read(
        store: &dyn LogStore,
        log: LogName,
        parts: impl IntoIterator<Item = TilePart>,
    ) -> Result<Tiles, StoreError> {
        let mut tiles = HashMap::new();
        for TilePart { level, number, width } in parts {
            let hashes = match store.tile(log, level, number).await? {
                Some(tile) => tile.hashes,
                None => unfinished(store, log, level, number, width).await?,
            };
            tiles.insert((level, number), hashes);
        }
        Ok(Tiles(tiles))
    }

    /// A tile's hashes.
    pub(super) fn get(&self, level: u8, number: u64) -> Option<&[Hash]> {
        self.0.get(&(level, number)).map(Vec::as_slice)
    }
}

/// What stands for a log's first `size` entries, as the database has them now.
pub(super) async fn range(store: &dyn LogStore, log: LogName, size: u64) -> Result<CompactRange, StoreError> {
    let tiles = Tiles::read(store, log, Tree::tiles_for_range(size)).await?;
    Tree::compact_range(size, |level, number| tiles.get(level, number)).map_err(altered)
}

/// The audit path of an entry in a log's first `size` entries.
pub(super) async fn path(store: &dyn LogStore, log: LogName, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
    let tiles = Tiles::read(store, log, Tree::tiles_for_inclusion(index, size)).await?;
    Tree::inclusion(index, size, |level, number| tiles.get(level, number)).map_err(altered)
}

/// The beginning of a tile that is not full: of level 0 the entries' own hashes, above it the roots of tiles.
async fn unfinished(
    store: &dyn LogStore,
    log: LogName,
    level: u8,
    number: u64,
    width: usize,
) -> Result<Vec<Hash>, StoreError> {
    let first = number * WIDTH as u64;
    if level == 0 {
        let entries = store.entries(log, first, u32::try_from(width).unwrap_or(u32::MAX)).await?;
        return Ok(entries.into_iter().map(|entry| entry.hash).collect());
    }
    let mut roots = Vec::new();
    for below in first..first + width as u64 {
        let tile = store.tile(log, level - 1, below).await?;
        roots.extend(tile.map(|tile| tile.root()));
    }
    Ok(roots)
}

fn altered(missing: NoProof) -> StoreError {
    StoreError::Incompatible(format!("its audit log was altered: {missing}"))
}
