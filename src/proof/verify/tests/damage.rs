//! Damage by chance: never a panic, and never unnoticed.

use proptest::prelude::*;

use super::bed::*;

#[derive(Clone, Debug)]
enum Damage {
    Drop(usize),
    Repeat(usize, usize),
    Swap(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let line = 0..330_usize;
    prop_oneof![
        line.clone().prop_map(Damage::Drop),
        (line.clone(), line.clone()).prop_map(|(from, to)| Damage::Repeat(from, to)),
        (line.clone(), line).prop_map(|(one, other)| Damage::Swap(one, other)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn lines_that_were_dropped_repeated_or_swapped(all in prop::collection::vec(damage(), 1..6)) {
        let key = key();
        let text = Export::new(330, &[330], &key).text();
        // The entries' lines, with a tile somewhere before them.
        let whole: Vec<&str> = text.split_inclusive('\n').collect();
        let mut lines = whole.clone();
        for damage in all {
            let count = lines.len() - 6;
            match damage {
                Damage::Drop(at) => drop(lines.remove(3 + at % count)),
                Damage::Repeat(from, to) => lines.insert(3 + to % count, lines[3 + from % count]),
                Damage::Swap(one, other) => lines.swap(3 + one % count, 3 + other % count),
            }
        }
        let report = verify_text(&lines.concat(), &[key.verifying_key().clone()], &[]);
        prop_assert_eq!(report.is_proven(), lines == whole);
    }

    #[test]
    fn bytes_that_were_changed(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let key = key();
        let mut bytes = Export::new(270, &[270], &key).text().into_bytes();
        let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let whole = bytes.clone();
        for (at, byte) in changes {
            let at = first + at.index(bytes.len() - first);
            bytes[at] = byte;
        }
        let keys = [key.verifying_key().clone()];
        let report = crate::proof::verify::verify(std::io::Cursor::new(&bytes), &keys, &[], &mut |_| {}).unwrap();
        // Space is the one change that means nothing.
        let is_space = |byte: &u8| b" \t\r\n".contains(byte);
        let same = whole.iter().zip(&bytes).all(|(one, other)| one == other || is_space(one) && is_space(other));
        prop_assert!(same || !report.is_proven());
    }
}
