#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Value, JsonFault> {
    read_json(text.as_bytes(), &JsonLimits::default())
}

fn fault(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn numbers_keep_their_text() {
    for text in ["0", "-0", "1E2", "1.0E+2", "1e-07", "123456789012345678901234567890", "1e400", "-0.10"] {
        assert_eq!(read(text).unwrap(), Value::Number(text.to_owned()));
        assert_eq!(write_json(&read(text).unwrap()), text);
    }
}

#[test]
fn members_keep_their_order_and_names() {
    let text = r#"{"b":1,"a":[null,true,"x"],"$serde_json::private::Number":"1","":{}}"#;
    assert_eq!(write_json(&read(text).unwrap()), text);
}

#[test]
fn escapes_are_read_and_what_must_be_is_written() {
    let value = read(r#""\u00e9\ud83d\ude00\/\"\\\b\f\n\r\t\u0000 x""#).unwrap();
    assert_eq!(value, Value::String("\u{e9}\u{1f600}/\"\\\u{8}\u{c}\n\r\t\0 x".to_owned()));
    assert_eq!(write_json(&value), "\"\u{e9}\u{1f600}/\\\"\\\\\\u0008\\u000c\\n\\r\\t\\u0000 x\"");
}

#[test]
fn text_from_a_form_is_written_as_a_string() {
    assert_eq!(write_json(&Value::Object(vec![("A".to_owned(), Value::Text("1".to_owned()))])), r#"{"A":"1"}"#);
}

#[test]
fn a_fault_says_where() {
    assert_eq!(fault("{\"é\": 1,\n \"B\": x}"), "a value was expected (line 2, column 7)");
    assert_eq!(fault("[1,"), "it ends where a value was expected (line 1, column 4)");
    assert_eq!(fault("{} {}"), "there is more after the value (line 1, column 4)");
    assert_eq!(fault(""), "it ends where a value was expected (line 1, column 1)");
    let bytes = read_json(b"[\"\xff\"]", &JsonLimits::default()).unwrap_err();
    assert_eq!(bytes.to_string(), "it is not UTF-8 (line 1, column 3)");
}

#[test]
fn a_member_given_twice_is_a_fault_at_any_depth() {
    assert_eq!(
        fault(r#"{"A":[{"B":1,"C":2,"\u0042":1}]}"#),
        r#"the member "B" is given twice in one object (line 1, column 31)"#
    );
    assert!(read(r#"{"A":{"A":1},"B":{"A":1}}"#).is_ok());
}

#[test]
fn lone_surrogates_and_byte_order_marks_are_faults() {
    for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ud800x""#, r#""\ud800\n""#, "\u{feff}{}"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn limits_hold_and_are_reached() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(64)).is_ok());
    assert_eq!(fault(&nested(65)), "it is nested deeper than 64 levels (line 1, column 65)");
    assert!(read(&"[".repeat(1_000_000)).is_err());
    assert!(read(&r#"{"":"#.repeat(1_000_000)).is_err());

    let ones = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert!(read(&ones(10_000)).is_ok());
    assert!(fault(&ones(10_001)).starts_with("it has more than 10000 members"));

    let string = |length: usize| format!("\"{}\\n\"", "x".repeat(length - 1));
    assert!(read(&string(1 << 20)).is_ok());
    assert!(fault(&string((1 << 20) + 1)).starts_with("a string is longer than 1048576 bytes"));

    assert!(read(&"1".repeat(1024)).is_ok());
    assert!(fault(&"1".repeat(100_000)).starts_with("a number is longer than 1024 characters"));
}

/// A tree as JSON can hold it.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<String>().prop_map(Value::String),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?".prop_map(Value::Number),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().rev().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(value in any_value()) {
        let text = write_json(&value);
        prop_assert_eq!(&read(&text).unwrap(), &value);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_json(&bytes, &JsonLimits::default());
    }

    /// Texts that are nearly JSON, judged as `serde_json` judges them. (No names: it takes duplicates.)
    #[test]
    fn the_grammar_is_serde_jsons(text in "[\\[\\], \t\n0-9eE+.tnf\"\\\\u-]{0,12}|[\\[\\]1,. -]{0,9}|\"[\\\\u0-9dDcC8\"]{0,14}\"|-?[0-9.eE+-]{1,8}") {
        prop_assert_eq!(read(&text).is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
    }
}
