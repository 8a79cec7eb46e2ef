//! The file: what was sealed comes back as it was, what was not sealed is cut off, and what was altered is not read.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop where its ground is missing

use std::fs;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::{FILE, Journal, JournalError, JournalOptions, JournalSize, line};
use crate::call::{Closed, Outcome, Settled};
use crate::proof::SigningKey;
use crate::store::tests::{end, ended, kept_intent, record};
use crate::store::{Entry, Made, Settlement};

const ORIGIN: &str = "gateway.example.com/audit";

struct Bench {
    folder: TempDir,
    key: SigningKey,
}

impl Bench {
    fn new() -> Bench {
        Bench { folder: tempfile::tempdir().unwrap(), key: SigningKey::generate(ORIGIN).unwrap() }
    }

    fn options(&self, keys: &[&SigningKey]) -> JournalOptions {
        let keys = keys.iter().copied().cloned().collect();
        JournalOptions { folder: self.folder.path().to_owned(), max_bytes: 1 << 20, origin: ORIGIN.to_owned(), keys }
    }

    fn open(&self) -> Result<Journal, JournalError> {
        Journal::open(self.options(&[&self.key]))
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.folder.path().join(FILE)).unwrap()
    }

    fn put(&self, bytes: &[u8]) {
        fs::write(self.folder.path().join(FILE), bytes).unwrap();
    }
}

/// Batches of every kind of entry.
fn batches() -> Vec<Vec<Entry>> {
    let intent = kept_intent(&[("dts-1", 4), ("dts-2", 0)], 1, 2);
    let bought = Closed {
        record: record(Outcome::Unknown),
        intended: true,
        answer: None,
        window: Some(Duration::from_millis(90_001)),
    };
    let settlement =
        |made| Settlement { id: record(Outcome::Ok).id, settled: Settled::Done, seen: json!({"a": 1}), made };
    let made = Made { account: "main".to_owned(), task: "dts-3".to_owned(), team: "orders".to_owned() };
    let own = Entry::Own { account: "main".to_owned(), task: "dts-3".to_owned(), team: "orders".to_owned() };
    vec![
        vec![Entry::Intent(intent.clone())],
        vec![end(&intent, Outcome::Ok, Some("{\"an\":\"answer\"}\n\u{1F600}")), ended(&record(Outcome::Refused))],
        vec![Entry::Closed(bought), Entry::Settled(settlement(None)), Entry::Settled(settlement(Some(made))), own],
    ]
}

fn text(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| line::write(entry).unwrap()).collect()
}

/// What is read, as it would be written again.
fn read(journal: &Journal) -> Vec<Vec<String>> {
    let mut reader = journal.reader().unwrap();
    std::iter::from_fn(|| reader.batch().unwrap()).map(|batch| text(&batch)).collect()
}

fn written(bench: &Bench) -> (Journal, Vec<Vec<String>>, Vec<u64>) {
    let mut journal = bench.open().unwrap();
    let (mut expected, mut ends) = (Vec::new(), vec![0]);
    for batch in batches() {
        journal.append(&batch).unwrap();
        expected.push(text(&batch));
        ends.push(journal.size().bytes);
    }
    (journal, expected, ends)
}

#[test]
fn what_was_sealed_comes_back_and_says_that_it_was_journaled() {
    let bench = Bench::new();
    let (journal, expected, _) = written(&bench);
    assert_eq!(read(&journal), expected);
    assert_eq!(journal.size(), JournalSize { entries: 7, bytes: bench.bytes().len() as u64 });
    drop(journal);
    let mut journal = bench.open().unwrap();
    assert_eq!((read(&journal), journal.size().entries), (expected.clone(), 7));
    // The end of an intent is what it was, but for where it was.
    let Entry::Intent(intent) = &batches()[0][0] else { unreachable!() };
    let again = journal.reader().unwrap().batch().unwrap().unwrap();
    let [Entry::Intent(back)] = again.as_slice() else { panic!("{again:?}") };
    assert!(back.record.detail.journaled && back.emergency);
    assert_eq!((&back.tasks, back.replay.len()), (&intent.tasks, 1));

    // It goes on where it was, and a reader sees what is appended.
    let mut reader = journal.reader().unwrap();
    while reader.batch().unwrap().is_some() {}
    journal.append(&[ended(&record(Outcome::Ok))]).unwrap();
    assert_eq!(reader.batch().unwrap().unwrap().len(), 1);
    assert!(reader.batch().unwrap().is_none());
    journal.clear().unwrap();
    assert!(read(&journal).is_empty() && bench.bytes().is_empty());
    journal.append(&[ended(&record(Outcome::Ok))]).unwrap();
    drop(journal);
    assert_eq!(bench.open().unwrap().size().entries, 1);
}

#[test]
fn wherever_a_kill_cuts_it_the_sealed_batches_before_stay() {
    let bench = Bench::new();
    let (journal, expected, ends) = written(&bench);
    drop(journal);
    let whole = bench.bytes();
    for cut in 0..=whole.len() {
        bench.put(&whole[..cut]);
        let journal = bench.open().unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        let sealed = ends.iter().filter(|end| **end > 0 && **end <= cut as u64).count();
        assert_eq!(read(&journal), expected[..sealed], "cut at {cut}");
        assert_eq!(bench.bytes().len() as u64, ends[sealed], "what was never sealed is gone");
    }
}

#[test]
fn who_has_not_the_key_can_t_write_one() {
    let bench = Bench::new();
    drop(written(&bench));
    let (whole, stranger) = (bench.bytes(), SigningKey::generate(ORIGIN).unwrap());
    assert!(matches!(Journal::open(bench.options(&[&stranger])), Err(JournalError::Altered { line: 3, .. })));
    assert_eq!(bench.bytes(), whole, "it is kept as it is");
    // The key before this one is still believed.
    assert_eq!(Journal::open(bench.options(&[&stranger, &bench.key])).unwrap().size().entries, 7);
    let other = JournalOptions { origin: "elsewhere".to_owned(), ..bench.options(&[&bench.key]) };
    assert!(matches!(Journal::open(other), Err(JournalError::Altered { line: 1, .. })));
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    drop(bench.open().unwrap());
    let mode = fs::metadata(bench.folder.path().join(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// One changed byte anywhere, or a line that is gone, moved or doubled.
    #[test]
    fn whatever_is_altered_is_found(at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0_u8..4) {
        let bench = Bench::new();
        let (journal, expected, _) = written(&bench);
        drop(journal);
        let whole = bench.bytes();
        let mut altered = whole.clone();
        if how == 0 {
            altered[at.index(whole.len())] = byte;
        } else {
            let mut lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
            // The last seal is not among them: without it a journal ends one batch earlier, as after a kill.
            let (last, line) = (lines.len() - 1, at.index(lines.len() - 1));
            match how {
                1 => drop(lines.remove(line)),
                2 => lines.insert(line, lines[line]),
                _ => lines.swap(line, (line + 1) % last),
            }
            altered = lines.concat();
        }
        prop_assume!(altered != whole);
        bench.put(&altered);
        match bench.open() {
            Err(JournalError::Altered { .. }) => prop_assert_eq!(bench.bytes(), altered),
            Err(other) => prop_assert!(false, "{}", other),
            Ok(journal) => {
                // Without its last byte the last line is one that was being written.
                let most = whole.len() - 1;
                prop_assert_eq!(altered.get(..most), whole.get(..most));
                prop_assert_eq!(read(&journal), &expected[..2]);
            }
        }
    }
}
