//! Known answers: every vector file in a folder against the verifier, and against our own signer.
//!
//! `DTS_VECTORS_DIR` names another folder than `tests/vectors`. A file says in `provider` whose signatures it has.
#![allow(
    clippy::disallowed_methods,
    reason = "a test takes the time and the folders that it is given from the outside"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test: it panics to fail and prints its count

mod alibaba;
mod tencent;

use std::path::{Path, PathBuf};

/// What came of the vectors.
#[derive(Default)]
struct Tally {
    file: String,
    verified: usize,
    refused: usize,
    failures: Vec<String>,
}

/// A file of either format.
enum File {
    Tencent(tencent::File),
    Alibaba(alibaba::File),
}

#[test]
fn every_vector_gets_its_answer() {
    let tally = over_all(|file, tally| match file {
        File::Tencent(file) => file.verify(tally),
        File::Alibaba(file) => file.verify(tally),
    });
    println!("vectors: {} verified, {} refused, {} failed", tally.verified, tally.refused, tally.failures.len());
    tally.check();
}

#[test]
fn our_signer_makes_the_same_signatures() {
    let tally = over_all(|file, tally| match file {
        File::Tencent(file) => file.sign(tally),
        File::Alibaba(file) => file.sign(tally),
    });
    println!("signer: {} signatures reproduced, {} failed", tally.verified, tally.failures.len());
    tally.check();
}

#[test]
fn unsigned_payloads_verify_but_are_refused_by_the_gateways_rule() {
    let tally = over_all(|file, tally| {
        if let File::Tencent(file) = file {
            file.check_unsigned_payloads(tally);
        }
    });
    assert!(tally.failures.is_empty(), "{}", tally.failures.join("\n"));
}

impl Tally {
    fn fail(&mut self, vector: &str, why: &str) {
        self.failures.push(format!("{}: {vector}: {why}", self.file));
    }

    fn check(&self) {
        assert!(self.failures.is_empty(), "{} vectors failed:\n{}", self.failures.len(), self.failures.join("\n"));
        assert!(self.verified + self.refused > 0, "the folder has no vectors");
    }
}

fn over_all(each: impl Fn(&File, &mut Tally)) -> Tally {
    let mut tally = Tally::default();
    for path in vector_files() {
        tally.file = path.file_name().unwrap().to_string_lossy().into_owned();
        each(&read(&path), &mut tally);
    }
    tally
}

fn vector_files() -> Vec<PathBuf> {
    let folder = std::env::var_os("DTS_VECTORS_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"), PathBuf::from);
    let listing = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    assert!(!paths.is_empty(), "{} has no .json files", folder.display());
    paths
}

fn read(path: &Path) -> File {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let json: Result<serde_json::Value, _> = serde_json::from_str(&text);
    let json = json.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    match json["provider"].as_str() {
        Some("aliyun") => File::Alibaba(parse(json, path)),
        _ => File::Tencent(parse(json, path)),
    }
}

fn parse<F: serde::de::DeserializeOwned>(json: serde_json::Value, path: &Path) -> F {
    serde_json::from_value(json)
        .unwrap_or_else(|error| panic!("{}: not in a vector format that this test knows: {error}", path.display()))
}
