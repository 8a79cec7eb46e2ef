//! The floors of the house: a room imports only from rooms below it, never sideways and never from above.
//!
//! Every `crate::room`, and every `super::` that leaves its room, in every file under `src` is read; a room without a
//! floor is a mistake too.
#![allow(clippy::unwrap_used, reason = "a test that can't read the sources should say so at once")]

use std::path::{Path, PathBuf};

/// From the ground up. Rooms of one floor know nothing of each other.
const FLOORS: [&[&str]; 14] = [
    &["parameters"],
    &["provider", "proof"],
    &["call"],
    &["sign", "gate", "store", "coordinate", "metrics", "listener"],
    &["dialect", "quota", "identity", "evidence"],
    &["cloud"],
    &["steps"],
    &["pipeline"],
    &["edge", "admin", "jobs"],
    &["config"],
    &["app"],
    &["cli"],
    &["main"],
    // The list of rooms itself.
    &["lib"],
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found),
            false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            false => {}
        }
    }
}

/// The modules of a file: `src/steps/state/mod.rs` is `["steps", "state"]`.
fn modules(inside: &Path) -> Vec<String> {
    let mut modules: Vec<String> =
        inside.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if modules.len() > 1 && modules.last().is_some_and(|last| last == "mod") {
        modules.pop();
    }
    modules
}

/// The code without its comments.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The first names of what follows `root::`, one, or several in braces.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| text.trim_start().chars().take_while(|c| is_name(*c)).collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut names, mut from) = (0_i32, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&group[from..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&group[from..at]));
                from = at + 1;
            }
            _ => {}
        }
    }
    names
}

/// The rooms that a file at this depth of modules names.
fn rooms_named(code: &str, depth: usize) -> Vec<String> {
    let mut rooms = Vec::new();
    for root in ["crate::", "dts_gateway::"] {
        for (at, _) in code.match_indices(root) {
            if !code[..at].ends_with(is_name) {
                rooms.extend(first_names(&code[at + root.len()..]));
            }
        }
    }
    let mut rest = code;
    while let Some(at) = rest.find("super::") {
        let mut after = &rest[at..];
        let mut ups = 0;
        while let Some(further) = after.strip_prefix("super::") {
            (after, ups) = (further, ups + 1);
        }
        if ups >= depth {
            rooms.extend(first_names(after));
        }
        rest = after;
    }
    rooms.retain(|room| floor(room).is_some());
    rooms.sort();
    rooms.dedup();
    rooms
}

#[test]
fn a_room_imports_only_from_below() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    files.sort();
    let mut wrong = Vec::new();
    for file in &files {
        let inside = file.strip_prefix(&source).unwrap();
        let modules = modules(inside);
        let shown = inside.display();
        let Some(own) = floor(&modules[0]) else {
            wrong.push(format!("src/{shown}: the room {} has no floor; give it one in tests/floors.rs", modules[0]));
            continue;
        };
        for room in rooms_named(&code(&std::fs::read_to_string(file).unwrap()), modules.len()) {
            let is_below = floor(&room).is_some_and(|floor| floor < own);
            if room != modules[0] && !is_below {
                wrong.push(format!("src/{shown}: {} imports from {room}, which is not below it", modules[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_way_of_importing_is_read() {
    let named = |text: &str, depth| rooms_named(&code(text), depth).join(" ");
    assert_eq!(named("use crate::cloud::{Client, Silence};", 1), "cloud");
    assert_eq!(named("use crate::{call::{Call, Reply}, steps, quota::Quota};", 1), "call quota steps");
    assert_eq!(named("let x: crate::admin::Admin = y; // crate::edge", 1), "admin");
    assert_eq!(named("use super::super::cloud::Client;", 2), "cloud");
    assert_eq!(named("use super::cloud;", 2), "", "a module of its own room");
    assert_eq!(named("use dts_gateway::config::Config;", 1), "config");
    assert_eq!(modules(Path::new("steps/state/mod.rs")), ["steps", "state"]);
    assert_eq!(modules(Path::new("main.rs")), ["main"]);
}
