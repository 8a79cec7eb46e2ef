//! The tree against the reference's known answers, and against the definition written down naively.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use std::collections::HashMap;

use crate::proof::*;

/// The leaves of the reference implementation's tests (google/certificate-transparency), in hexadecimal.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// The roots over the first 0, 1, … 8 of them.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// RFC 6962 section 2.1, as it stands there.
fn definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty(),
        [one] => *one,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            node(&definition(&leaves[..split]), &definition(&leaves[split..]))
        }
    }
}

/// RFC 6962 section 2.1.1.
fn path_by_definition(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let mut split = 1;
    while split * 2 < leaves.len() {
        split *= 2;
    }
    let (left, right) = leaves.split_at(split);
    let (mut path, other) = match index < split {
        true => (path_by_definition(index, left), right),
        false => (path_by_definition(index - split, right), left),
    };
    path.push(definition(other));
    path
}

fn made_up(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf(&index.to_be_bytes())).collect()
}

/// All tiles of a tree, also those that are not full.
fn tiles<const WIDTH: usize>(leaves: &[Hash]) -> (HashMap<(u8, u64), Vec<Hash>>, TiledTree<WIDTH>) {
    let (mut tree, mut tiles) = (TiledTree::<WIDTH>::default(), HashMap::new());
    for leaf in leaves {
        for tile in tree.append(*leaf) {
            assert_eq!(tile.hashes.len(), WIDTH);
            assert!(tiles.insert((tile.level, tile.number), tile.hashes).is_none(), "no tile twice");
        }
    }
    for level in 0..8_u8 {
        let number = crate::proof::tree::finished::<WIDTH>(tree.size(), usize::from(level) + 1);
        tiles.insert((level, number), tree.unfinished(usize::from(level)).to_vec());
    }
    (tiles, tree)
}

#[test]
fn the_reference_answers() {
    let leaves: Vec<Hash> = LEAVES.iter().map(|content| leaf(&hex::decode(content).unwrap())).collect();
    let (mut tree, mut small, mut range) = (Tree::default(), TiledTree::<2>::default(), CompactRange::default());
    for (size, root) in ROOTS.iter().enumerate() {
        assert_eq!(definition(&leaves[..size]).to_string(), *root);
        assert_eq!(tree.root().to_string(), *root);
        assert_eq!(small.root().to_string(), *root);
        assert_eq!(range.root().to_string(), *root);
        if let Some(leaf) = leaves.get(size) {
            tree.append(*leaf);
            small.append(*leaf);
            range.append(*leaf);
        }
    }
    // The reference's own path of leaf 5 in 8.
    let (tiles, _) = tiles::<256>(&leaves);
    let path = Tree::inclusion(5, 8, |level, number| tiles.get(&(level, number)).map(Vec::as_slice)).unwrap();
    let expected = [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(path.iter().map(Hash::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn every_size_has_the_root_of_the_definition() {
    let leaves = made_up(600);
    let (mut tree, mut small, mut range) = (Tree::default(), TiledTree::<4>::default(), CompactRange::default());
    for (size, leaf) in leaves.iter().enumerate() {
        // Every size of the small tiles' first four levels, and then those around the end of a tile of 256.
        if size < 90 || size % 64 < 3 || size % 64 > 61 {
            let root = definition(&leaves[..size]);
            assert_eq!((tree.root(), small.root(), range.root()), (root, root, root), "size {size}");
        }
        assert_eq!(small.size(), size as u64);
        tree.append(*leaf);
        small.append(*leaf);
        range.append(*leaf);
    }
}

#[test]
fn where_a_second_level_ends() {
    let leaves = made_up(65_536 + 256);
    let (mut tree, mut range, mut full) = (Tree::default(), CompactRange::default(), Vec::new());
    for (index, leaf) in leaves.iter().enumerate() {
        if [65_535, 65_536].contains(&index) {
            assert_eq!(tree.root(), definition(&leaves[..index]), "size {index}");
            assert_eq!(tree.root(), range.root());
        }
        full.extend(tree.append(*leaf));
        range.append(*leaf);
    }
    assert_eq!(tree.root(), definition(&leaves));
    assert_eq!(full.iter().filter(|tile| tile.level == 0).count(), 257);
    let upper: Vec<_> = full.iter().filter(|tile| tile.level == 1).collect();
    assert_eq!((upper.len(), upper[0].number), (1, 0));
    assert_eq!(upper[0].root(), definition(&leaves[..65_536]));
    let last = full.last().unwrap();
    assert_eq!((last.level, last.number), (0, 256), "{} tiles", full.len());
    assert_eq!(last.root(), definition(&leaves[65_536..65_792]));
}

#[test]
fn a_tree_that_is_resumed_is_the_tree() {
    fn every_size<const WIDTH: usize>(sizes: u64) {
        let leaves = made_up(sizes);
        let mut tree = TiledTree::<WIDTH>::default();
        for leaf in leaves {
            let levels = (0..10).map(|level| tree.unfinished(level).to_vec()).collect();
            let mut resumed = TiledTree::<WIDTH>::resume(tree.size(), levels).unwrap();
            assert_eq!(resumed.root(), tree.root());
            assert_eq!(resumed.append(leaf), tree.append(leaf));
            assert_eq!(resumed.root(), tree.root());
        }
    }
    every_size::<4>(280);
    every_size::<256>(260);
}

#[test]
fn levels_that_do_not_fit_the_size_are_refused() {
    let hashes = |count| made_up(count);
    assert!(Tree::resume(300, vec![hashes(44), hashes(1)]).is_ok());
    for levels in [vec![], vec![hashes(43), hashes(1)], vec![hashes(44)], vec![hashes(44), hashes(1), hashes(1)]] {
        Tree::resume(300, levels).unwrap_err();
    }
    assert_eq!(
        Tree::resume(256, vec![hashes(256)]).unwrap_err(),
        WrongLevels { size: 256, level: 0, needed: 0, given: 256 }
    );
    CompactRange::new(3, hashes(1)).unwrap_err();
    assert_eq!(CompactRange::new(0, Vec::new()).unwrap().root(), Hash::empty());
}

#[test]
fn every_entry_is_proven_in_every_size() {
    for size in (1..24).chain([31, 32, 33, 63, 64, 65, 81]) {
        let leaves = made_up(size);
        let (tiles, tree) = tiles::<4>(&leaves);
        for index in 0..size {
            let parts = TiledTree::<4>::tiles_for_inclusion(index, size);
            // Only what was announced is there, and only as far as announced.
            let given = |level, number| {
                let part = parts.iter().find(|part| (part.level, part.number) == (level, number))?;
                tiles[&(level, number)].get(..part.width)
            };
            let path = TiledTree::<4>::inclusion(index, size, given).unwrap();
            let own = leaves[usize::try_from(index).unwrap()];
            assert_eq!(path, path_by_definition(usize::try_from(index).unwrap(), &leaves), "{index} in {size}");
            assert!(verify_inclusion(index, size, &own, &path, &tree.root()), "{index} in {size}");
            // Any other index, leaf, root, and any shorter or longer path.
            for other in [index + 1, index ^ 1, index ^ 2, index + size, size] {
                assert!(!verify_inclusion(other, size, &own, &path, &tree.root()), "{other} for {index} in {size}");
            }
            assert!(!verify_inclusion(index, size, &leaf(b"other"), &path, &tree.root()));
            assert!(!verify_inclusion(index, size, &own, &path, &leaf(b"other")));
            assert!(!verify_inclusion(index, size, &own, &[&path[..], &[own]].concat(), &tree.root()));
            if let Some((_, shorter)) = path.split_last() {
                assert!(!verify_inclusion(index, size, &own, shorter, &tree.root()));
            }
        }
    }
}

#[test]
fn proofs_in_tiles_of_256() {
    let leaves = made_up(66_100);
    let (tiles, tree) = tiles::<256>(&leaves);
    for index in [0, 255, 256, 40_000, 65_279, 65_535, 65_536, 65_791, 65_792, 66_099] {
        let parts = Tree::tiles_for_inclusion(index, 66_100);
        assert!(parts.len() <= 6, "{parts:?}");
        let path = Tree::inclusion(index, 66_100, |level, number| Some(&tiles.get(&(level, number))?[..])).unwrap();
        let own = leaves[usize::try_from(index).unwrap()];
        assert!(verify_inclusion(index, 66_100, &own, &path, &tree.root()), "{index}");
    }
    assert_eq!(Tree::inclusion(5, 5, |_, _| None), Err(NoProof::NotInside { index: 5, size: 5 }));
    assert_eq!(Tree::inclusion(0, 2, |_, _| None), Err(NoProof::NoTile { level: 0, number: 0 }));
    assert_eq!(
        Tree::tiles_for_inclusion(65_536, 65_793),
        [
            TilePart { level: 0, number: 256, width: 256 },
            TilePart { level: 0, number: 257, width: 1 },
            TilePart { level: 2, number: 0, width: 1 }
        ]
    );
}

#[test]
fn a_log_goes_on_from_a_compact_range() {
    let leaves = made_up(200);
    let (tiles, tree) = tiles::<4>(&leaves);
    for start in 0..=200_u64 {
        let parts = TiledTree::<4>::tiles_for_range(start);
        let given = |level, number| {
            let part = parts.iter().find(|part| (part.level, part.number) == (level, number))?;
            tiles[&(level, number)].get(..part.width)
        };
        let mut range = TiledTree::<4>::compact_range(start, given).unwrap();
        assert_eq!(range, CompactRange::new(start, range.hashes().to_vec()).unwrap());
        for leaf in &leaves[usize::try_from(start).unwrap()..] {
            range.append(*leaf);
        }
        assert_eq!((range.size(), range.root()), (200, tree.root()), "from {start}");
    }
}

#[test]
fn hashes_as_text_and_bytes() {
    let hashes = made_up(3);
    assert_eq!(Hash::split(&Hash::concat(&hashes)).unwrap(), hashes);
    assert_eq!(Hash::split_base64(&Hash::concat_base64(&hashes)).unwrap(), hashes);
    Hash::split(&[0; 33]).unwrap_err();
    let one = hashes[1];
    assert_eq!(one.to_string().parse::<Hash>().unwrap(), one);
    assert_eq!(Hash::from_base64(&one.to_base64()).unwrap(), one);
    assert_eq!(Hash::try_from(&one.as_bytes()[..]).unwrap(), one);
    assert_eq!(format!("{one:?}"), one.to_string());
    let json = serde_json::to_string(&one).unwrap();
    assert_eq!(json, format!("\"{one}\""));
    assert_eq!(serde_json::from_str::<Hash>(&json).unwrap(), one);
    for wrong in ["", "00", &one.to_string()[1..], "g".repeat(64).as_str(), &one.to_string().to_uppercase()] {
        wrong.parse::<Hash>().unwrap_err();
    }
}
