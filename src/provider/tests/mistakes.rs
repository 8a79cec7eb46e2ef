//! Every kind of mistake is told, with its place, and several at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path as FilePath;

use super::super::{Providers, TableError};
use super::{copy, replace};

const FOLDER: &str = "tencent-2018-03-30";

/// A row of `mistakes.toml`.
#[derive(serde::Deserialize)]
struct Mistake {
    #[serde(default = "usual_folder")]
    folder: String,
    file: String,
    from: String,
    to: String,
    at: String,
    message: String,
}

fn usual_folder() -> String {
    FOLDER.to_owned()
}

fn mistakes() -> Vec<Mistake> {
    let mut rows: BTreeMap<String, Vec<Mistake>> = toml::from_str(include_str!("mistakes.toml")).unwrap();
    rows.remove("mistake").unwrap()
}

#[test]
fn every_kind_of_mistake_is_told_with_its_place() {
    for Mistake { folder, file, from, to, at, message } in mistakes() {
        let dir = tempfile::tempdir().unwrap();
        copy(dir.path(), &folder, &folder);
        let path = dir.path().join(&folder).join(&file);
        replace(&path, &from, &to);
        let errors = Providers::load(dir.path())
            .err()
            .unwrap_or_else(|| panic!("{file}: `{from}` became `{to}` and was accepted"));
        let error = errors.iter().find(|error| error.message == message);
        let error = error.unwrap_or_else(|| panic!("{to}: no `{message}` in {errors:#?}"));
        assert_eq!(line_and_column(&error.source, error.span.start), (error.line, error.column), "{error}");
        assert!(
            error.source[error.span.start..].starts_with(&at),
            "{error}: at {:?}",
            &error.source[error.span.clone()]
        );
    }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let line = text[..offset].lines().count().max(1);
    let line = if text[..offset].ends_with('\n') { line + 1 } else { line };
    (line, offset - text[..offset].rfind('\n').map_or(0, |newline| newline + 1) + 1)
}

#[test]
fn mistakes_in_all_files_are_told_together_in_order() {
    let dir = tempfile::tempdir().unwrap();
    copy(dir.path(), FOLDER, FOLDER);
    let folder = dir.path().join(FOLDER);
    replace(&folder.join("provider.toml"), "service = \"dts\"", "servise = \"dts\"");
    replace(
        &folder.join("actions.toml"),
        "Offset = \"Integer\"\nLimit = \"Integer\"\nTagFilters = \"TagFilter[]\"\n\n#",
        "Offset = \"Intger\"\nLimit = \"Integer\"\nTagFilters = 7\n\n#",
    );
    replace(&folder.join("limits.toml"), "calls = 50", "calls = -1");
    replace(&folder.join("states.toml"), "allowed = [\"ReadyComplete\"]", "allowed = [\"Ready\", \"Complete\"]");
    let errors = Providers::load(dir.path()).unwrap_err();
    let told: Vec<(&str, &str)> = errors.iter().map(|error| (file_of(error), error.message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("actions.toml", "`Intger` is neither a type nor a structure"),
            ("actions.toml", "member `TagFilters` must be a text, not integer"),
            ("limits.toml", "`calls` of `limit` of the file must be a whole number from 1, not integer"),
            ("provider.toml", "the file has no `service`"),
            (
                "provider.toml",
                "unknown key `servise` in the file; known are: codes, family, region, request, service, site, sources, version"
            ),
            ("states.toml", "`Ready` is no state of a migration task"),
            ("states.toml", "`Complete` is no state of a migration task"),
        ]
    );
    assert_eq!(errors[6].to_string(), format!("{FOLDER}/states.toml:{}:{}: {}", errors[6].line, 21, errors[6].message));
}

fn file_of(error: &TableError) -> &str {
    error.file.strip_prefix(&format!("{FOLDER}/")).unwrap()
}

#[test]
fn syntax_errors_are_told_without_noise() {
    let dir = tempfile::tempdir().unwrap();
    copy(dir.path(), FOLDER, FOLDER);
    replace(&dir.path().join(FOLDER).join("limits.toml"), "calls = 50", "calls = ");
    replace(&dir.path().join(FOLDER).join("provider.toml"), "[request]", "[request");
    let errors = Providers::load(dir.path()).unwrap_err();
    assert!(errors.iter().any(|error| file_of(error) == "limits.toml"), "{errors:#?}");
    assert!(errors.iter().any(|error| file_of(error) == "provider.toml"), "{errors:#?}");
    assert!(!errors.iter().any(|error| file_of(error) == "states.toml"), "{errors:#?}");
}

#[test]
fn files_that_are_missing_or_too_many_are_told() {
    let dir = tempfile::tempdir().unwrap();
    copy(dir.path(), FOLDER, FOLDER);
    let folder = dir.path().join(FOLDER);
    fs::remove_file(folder.join("limits.toml")).unwrap();
    fs::remove_file(folder.join("states.toml")).unwrap();
    fs::write(folder.join("state.toml"), "").unwrap();
    fs::write(folder.join("notes.txt"), "anything").unwrap();
    fs::write(folder.join("actions.toml"), [0xff, 0xfe]).unwrap();
    let messages: Vec<String> = Providers::load(dir.path()).unwrap_err().iter().map(ToString::to_string).collect();
    let expect = |text: &str| assert!(messages.iter().any(|message| message.contains(text)), "{text}: {messages:#?}");
    expect("tencent-2018-03-30/limits.toml:1:1: the file is missing");
    expect("tencent-2018-03-30/states.toml:1:1: the file is missing");
    expect("tencent-2018-03-30/state.toml:1:1: no file of a version");
    expect("actions.toml:1:1: cannot be read");
    assert!(!messages.iter().any(|message| message.contains("notes.txt")));
}

#[test]
fn a_folder_without_a_version_is_told() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Providers::load(dir.path()).unwrap_err()[0].message.starts_with("there is no version in this folder"));
    let absent = Providers::load(FilePath::new("no-such-folder")).unwrap_err();
    assert!(absent[0].to_string().starts_with("no-such-folder:1:1: cannot be read"));
}

#[test]
fn versions_of_a_family_agree_on_the_buckets_that_they_share() {
    let dir = tempfile::tempdir().unwrap();
    copy(dir.path(), FOLDER, FOLDER);
    copy(dir.path(), FOLDER, "tencent-2031-01-02");
    let other = dir.path().join("tencent-2031-01-02");
    replace(&other.join("provider.toml"), "version = \"2018-03-30\"", "version = \"2031-01-02\"");
    replace(&other.join("limits.toml"), "calls = 50", "calls = 100");
    let errors = Providers::load(dir.path()).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "the bucket `DescribeMigrateJobs` has other limits in version 2018-03-30");
}
