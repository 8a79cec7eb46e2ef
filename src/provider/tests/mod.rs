#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod aliyun;
mod aliyun_ids;
mod committed;
mod mistakes;
mod newer;
mod newer_dangers;
mod newer_rules;
mod newer_states;
mod parameters;
mod paths;
mod spelling;

use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, LazyLock};

use super::{Action, Providers, Version};
use crate::parameters::Value;

/// The folder of the committed tables.
fn committed() -> PathBuf {
    FilePath::new(env!("CARGO_MANIFEST_DIR")).join("config/providers")
}

fn version() -> Arc<Version> {
    Arc::clone(Providers::embedded().expect("the committed tables are right").version("2018-03-30").unwrap())
}

fn action(name: &str) -> Arc<Action> {
    Arc::clone(version().action(name).unwrap())
}

/// The tables of 2021-12-06.
fn newer() -> Arc<Version> {
    static READ_ONCE: LazyLock<Arc<Version>> = LazyLock::new(|| {
        Arc::clone(Providers::embedded().expect("the committed tables are right").version("2021-12-06").unwrap())
    });
    Arc::clone(&READ_ONCE)
}

fn newer_action(name: &str) -> Arc<Action> {
    Arc::clone(newer().action(name).unwrap_or_else(|| panic!("{name} is in the tables")))
}

/// One of Alibaba Cloud's versions.
fn version_of(date: &str) -> Arc<Version> {
    static READ_ONCE: LazyLock<Providers> =
        LazyLock::new(|| Providers::embedded().expect("the committed tables are right"));
    Arc::clone(READ_ONCE.version(date).unwrap_or_else(|| panic!("{date} is in the tables")))
}

/// The tables of 2020-01-01.
fn aliyun() -> Arc<Version> {
    version_of("2020-01-01")
}

fn aliyun_action(name: &str) -> Arc<Action> {
    Arc::clone(aliyun().action(name).unwrap_or_else(|| panic!("{name} is in the tables")))
}

/// A copy of a committed version under another name, to be spoilt.
fn copy(dir: &FilePath, from: &str, to: &str) {
    let target = dir.join(to);
    fs::create_dir(&target).unwrap();
    for entry in fs::read_dir(committed().join(from)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), target.join(entry.file_name())).unwrap();
    }
}

/// Replaces the one occurrence of a text in a file.
fn replace(file: &FilePath, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(from).count(), 1, "`{from}` stands once in {}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

fn json(text: &str) -> Value {
    from_json(&serde_json::from_str(text).unwrap())
}

fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => Value::Number(number.to_string()),
        serde_json::Value::String(text) => Value::String(text.clone()),
        serde_json::Value::Array(elements) => Value::List(elements.iter().map(from_json).collect()),
        serde_json::Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), from_json(value))).collect())
        }
    }
}

/// The same tree as a form would have brought it: every scalar is text.
fn as_text(value: &Value) -> Value {
    match value {
        Value::String(text) | Value::Number(text) | Value::Text(text) => Value::Text(text.clone()),
        Value::Bool(flag) => Value::Text(flag.to_string()),
        Value::Null => Value::Null,
        Value::List(elements) => Value::List(elements.iter().map(as_text).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), as_text(value))).collect())
        }
    }
}
