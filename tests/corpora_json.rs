//! Other people's JSON and other people's strings, with their verdicts.
//!
//! A few cases of our own are in `tests/corpora/json`. `DTS_CORPORA_DIR` names a folder that holds `JSONTestSuite`
//! and `blns`; without it only our own run, which the printed counts show.
#![allow(
    clippy::disallowed_methods,
    reason = "a test takes the time and the folders that it is given from the outside"
)]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test says what it expects by failing, and its counts")]

use std::path::{Path, PathBuf};

use dts_gateway::parameters::{JsonLimits, Value, flatten, read_json, unflatten, write_json};

/// Texts that are JSON and that the gateway refuses nevertheless, each with the rule.
const REFUSED_BY_RULE: [(&str, &str); 2] = [
    ("y_object_duplicated_key.json", "a member given twice"),
    ("y_object_duplicated_key_and_value.json", "a member given twice"),
];

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/json")
}

fn of_others(inside: &str) -> Option<PathBuf> {
    std::env::var_os("DTS_CORPORA_DIR").map(|folder| PathBuf::from(folder).join(inside))
}

fn judge_folder(folder: &Path) {
    let (mut accepted, mut refused, mut either) = (0, 0, Vec::new());
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let read = read_json(&std::fs::read(&file).unwrap(), &JsonLimits::default());
        if let Ok(value) = &read {
            assert_eq!(&read_json(write_json(value).as_bytes(), &JsonLimits::default()).unwrap(), value, "{name}");
        }
        let by_rule = REFUSED_BY_RULE.iter().any(|(exception, _)| *exception == name);
        match (name.as_bytes().first(), &read) {
            (Some(b'y'), Ok(_)) if !by_rule => accepted += 1,
            (Some(b'n'), Err(_)) => refused += 1,
            (Some(b'y'), Err(fault)) if by_rule => either.push(format!("{name}: refused by rule, {fault}")),
            (Some(b'i'), Ok(_)) => either.push(format!("{name}: read")),
            (Some(b'i'), Err(fault)) => either.push(format!("{name}: {fault}")),
            _ => panic!("{name}: {read:?}"),
        }
    }
    assert!(accepted > 0 && refused > 0, "no cases in {}", folder.display());
    println!("{}: {accepted} y_ read, {refused} n_ refused, {} either:", folder.display(), either.len());
    either.iter().for_each(|line| println!("  {line}"));
}

fn survive(file: &Path) {
    let limits = JsonLimits::default();
    let strings = read_json(&std::fs::read(file).unwrap(), &limits).unwrap();
    assert_eq!(read_json(write_json(&strings).as_bytes(), &limits).unwrap(), strings);
    let Value::List(strings) = strings else { panic!("{} is not a list", file.display()) };
    assert!(!strings.is_empty());
    for string in &strings {
        let text = string.as_text().unwrap().to_owned();
        let tree = Value::Object(vec![
            ("A".to_owned(), Value::Text(text.clone())),
            ("B".to_owned(), Value::List(vec![Value::Object(vec![("C".to_owned(), Value::Text(text))])])),
        ]);
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(flatten(&tree)).finish();
        let pairs: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        assert_eq!(unflatten(&pairs).unwrap(), tree);
    }
    println!("{}: {} strings survive JSON and a form", file.display(), strings.len());
}

#[test]
fn json_is_judged_as_the_suite_judges_it() {
    judge_folder(&own().join("parsing"));
    match of_others("JSONTestSuite/test_parsing") {
        Some(folder) => judge_folder(&folder),
        None => println!("DTS_CORPORA_DIR is not set: JSONTestSuite was not run"),
    }
}

#[test]
fn naughty_strings_survive() {
    survive(&own().join("strings.json"));
    match of_others("blns/blns.json") {
        Some(file) => survive(&file),
        None => println!("DTS_CORPORA_DIR is not set: the Big List of Naughty Strings was not run"),
    }
}
