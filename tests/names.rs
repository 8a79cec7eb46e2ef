//! A provider is data: its name stands in the tables and in the three rooms that are about providers, nowhere else.
//!
//! Every file under `src` is read, tests and their snapshots too: a test that needs a family takes it from a version's
//! row, as the code does. Headers of a family's protocol are names as well, except in tests, which send what clients send.
#![allow(clippy::unwrap_used, reason = "a test that can't read the sources should say so at once")]

use std::path::{Path, PathBuf};

/// How a family speaks, how it signs, and what loads its tables.
const ROOMS: [&str; 3] = ["dialect", "sign", "provider"];

/// Providers, as they and their packages are called; in lower case.
const NAMES: [&str; 5] = ["tencent", "aliyun", "alibaba", "alicloud", "qcloud"];

/// What the names of their headers begin with.
const HEADERS: [&str; 2] = ["x-tc-", "x-acs-"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// A file that is compiled for tests only: `x/tests.rs`, anything in a folder `tests`, helpers called `testing.rs`.
fn is_test(inside: &Path) -> bool {
    inside.with_extension("").iter().any(|part| part == "tests" || part == "testing")
}

/// The lines of a file that name a provider, as `number: name`.
fn named(inside: &Path, text: &str) -> Vec<String> {
    let words = NAMES.iter().chain(HEADERS.iter().filter(|_| !is_test(inside)));
    let words: Vec<&str> = words.copied().collect();
    let lines = text.lines().map(str::to_ascii_lowercase).zip(1..);
    lines
        .flat_map(|(line, number)| {
            let found = words.iter().filter(|word| line.contains(**word)).map(|word| format!("{number}: {word}"));
            found.collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn only_three_rooms_know_a_providers_name() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&source, &mut all);
    all.sort();
    let mut wrong = Vec::new();
    for file in all {
        let inside = file.strip_prefix(&source).unwrap();
        let room = inside.components().next().unwrap().as_os_str();
        if ROOMS.iter().all(|known| room != *known) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            let shown = inside.display();
            let found = named(inside, &text).into_iter().chain(named(inside, &shown.to_string()));
            wrong.extend(found.map(|place| format!("src/{shown}:{place}")));
        }
    }
    let help = "say it in the tables, in the dialect, or take the family from a version's row";
    assert!(wrong.is_empty(), "a provider's name; {help}:\n{}", wrong.join("\n"));
}

#[test]
fn a_name_is_found_however_it_is_written() {
    let named = |file: &str, text: &str| named(Path::new(file), text).join(" ");
    assert_eq!(named("steps/x.rs", "\nFamily::Tencent"), "2: tencent");
    assert_eq!(named("steps/x/tests.rs", "\"Aliyun\" // QCLOUD"), "1: aliyun 1: qcloud");
    assert_eq!(named("edge/write.rs", "X-TC-TraceId x-acs-date"), "1: x-tc- 1: x-acs-");
    assert_eq!(named("edge/tests/x.rs", "x-tc-action"), "");
    assert_eq!(named("edge/write.rs", "the cloud's family"), "");
}
