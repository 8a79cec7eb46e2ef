//! An answer as XML: a list is its element as often as it has items.

use serde_json::{Map, Value};

/// The document with that root.
pub(super) fn document(root: &str, members: &Map<String, Value>) -> String {
    let mut text = "<?xml version='1.0' encoding='UTF-8'?>".to_owned();
    text.push_str(&format!("<{root}>"));
    fill(&mut text, members);
    text.push_str(&format!("</{root}>"));
    text
}

fn fill(text: &mut String, members: &Map<String, Value>) {
    for (name, value) in members {
        element(text, name, value);
    }
}

fn element(text: &mut String, name: &str, value: &Value) {
    if let Value::Array(items) = value {
        items.iter().for_each(|item| element(text, name, item));
        return;
    }
    text.push_str(&format!("<{name}>"));
    match value {
        Value::Object(members) => fill(text, members),
        Value::String(content) => escape(text, content),
        Value::Null | Value::Array(_) => {}
        Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
    text.push_str(&format!("</{name}>"));
}

fn escape(text: &mut String, content: &str) {
    for letter in content.chars() {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            // XML 1.0 cannot hold the other control characters, not even escaped.
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => text.push('\u{fffd}'),
            other => text.push(other),
        }
    }
}
