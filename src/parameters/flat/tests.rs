#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use proptest::prelude::*;

use super::*;
use crate::parameters::{read_json, write_json};

fn unflatten_text(form: &str) -> Result<Value, FlatFault> {
    let pairs: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    unflatten(&pairs)
}

fn as_json(form: &str) -> String {
    write_json(&unflatten_text(form).unwrap())
}

#[test]
fn names_become_objects_and_lists() {
    assert_eq!(
        as_json("MigrateOption.RunMode=1&JobIds.0=x&JobIds.1=y&Tags.0.TagKey=&Tags.0.TagValue=v&Limit=20"),
        r#"{"MigrateOption":{"RunMode":"1"},"JobIds":["x","y"],"Tags":[{"TagKey":"","TagValue":"v"}],"Limit":"20"}"#
    );
    assert_eq!(as_json(""), "{}");
}

#[test]
fn lists_may_arrive_in_any_order() {
    assert_eq!(as_json("A.1=b&B=1&A.0=a"), r#"{"A":["a","b"],"B":"1"}"#);
    let sorted_as_text: Vec<_> = ["0", "1", "10", "2", "3", "4", "5", "6", "7", "8", "9"]
        .map(|index| (format!("A.{index}"), index.to_owned()))
        .to_vec();
    let expected = (0..11).map(|index: usize| Value::Text(index.to_string())).collect();
    assert_eq!(unflatten(&sorted_as_text).unwrap().get("A"), Some(&Value::List(expected)));
}

#[test]
fn a_number_at_the_top_is_a_name() {
    assert_eq!(as_json("0=a&7=b"), r#"{"0":"a","7":"b"}"#);
}

#[test]
fn faults_name_the_parameter() {
    let name = |text: &str| text.to_owned();
    for (form, fault) in [
        ("A=1&A=1", FlatFault::Twice { name: name("A") }),
        ("A.0.B=1&A.0.B=2", FlatFault::Twice { name: name("A.0.B") }),
        ("A..B=1", FlatFault::EmptyPart { name: name("A..B") }),
        (".A=1", FlatFault::EmptyPart { name: name(".A") }),
        ("A.=1", FlatFault::EmptyPart { name: name("A.") }),
        ("=1", FlatFault::EmptyPart { name: name("") }),
        ("A=1&A.0=1", FlatFault::Shape { name: name("A") }),
        ("B.A.b=1&B.A=1", FlatFault::Shape { name: name("B.A") }),
        ("A.0=1&A.b=1", FlatFault::Shape { name: name("A") }),
        ("A.1=1", FlatFault::Gap { name: name("A"), first: 0 }),
        ("B.A.0=1&B.A.2=1", FlatFault::Gap { name: name("B.A"), first: 0 }),
        ("A.00=1", FlatFault::Gap { name: name("A"), first: 0 }),
        ("A.0=1&A.01=1", FlatFault::Gap { name: name("A"), first: 0 }),
        ("A.4294967296=", FlatFault::Gap { name: name("A"), first: 0 }),
        ("A.99999999999999999999999999=", FlatFault::Gap { name: name("A"), first: 0 }),
    ] {
        assert_eq!(unflatten_text(form), Err(fault), "{form}");
    }
    assert_eq!(as_json("A.-1=&A.+1=&A.\u{661}="), r#"{"A":{"-1":""," 1":"","١":""}}"#);
}

#[test]
fn limits_hold_and_are_reached() {
    let deep = |depth: usize| vec![(vec!["a"; depth].join("."), String::new())];
    assert!(unflatten(&deep(64)).is_ok());
    assert!(matches!(unflatten(&deep(65)), Err(FlatFault::TooDeep { limit: 64, .. })));
    assert!(matches!(unflatten(&deep(1_000_000)), Err(FlatFault::TooDeep { .. })));
    let many = |count: usize| (0..count).map(|index| (format!("a{index}"), String::new())).collect::<Vec<_>>();
    assert!(unflatten(&many(10_000)).is_ok());
    assert_eq!(unflatten(&many(10_001)), Err(FlatFault::TooMany { limit: 10_000 }));
}

#[test]
fn what_is_empty_vanishes() {
    let value = read_json(br#"{"A":null,"B":[],"C":{"D":[]},"E":false,"F":["",null,1.50]}"#, &JsonLimits::default());
    let pairs = [("E", "false"), ("F.0", ""), ("F.2", "1.50")].map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(flatten(&value.unwrap()), pairs);
}

fn any_text_tree() -> impl Strategy<Value = Value> {
    let name = "[A-Za-z_:#\\[\\]é ][^.]{0,8}";
    let leaf = any::<String>().prop_map(Value::Text);
    let tree = leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..12).prop_map(Value::List),
            prop::collection::btree_map(name, inner, 1..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(name, tree, 0..6).prop_map(|members| Value::Object(members.into_iter().rev().collect()))
}

proptest! {
    #[test]
    fn flattening_is_undone(value in any_text_tree()) {
        let pairs = flatten(&value);
        prop_assert_eq!(&unflatten(&pairs).unwrap(), &value);
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        prop_assert_eq!(unflatten_text(&form).unwrap(), value);
    }

    #[test]
    fn any_names_are_read_or_refused(names in prop::collection::vec("[a0-2.]{0,6}|\\PC{0,20}", 0..20)) {
        let pairs: Vec<_> = names.into_iter().map(|name| (name, "x".to_owned())).collect();
        if let Ok(value) = unflatten(&pairs) {
            let mut back = flatten(&value);
            let mut sent = pairs;
            back.sort();
            sent.sort();
            prop_assert_eq!(back, sent);
        }
    }
}

#[test]
fn lists_may_count_from_one() {
    let read = |text: &str| {
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        unflatten_from(&pairs, 1)
    };
    let tree = read("Endpoint.Password=p&Tag.2.Key=b&Tag.1.Key=a&Tag.1.Value=&ResourceId.1=x").unwrap();
    assert_eq!(
        write_json(&tree),
        r#"{"Endpoint":{"Password":"p"},"Tag":[{"Key":"a","Value":""},{"Key":"b"}],"ResourceId":["x"]}"#
    );
    assert_eq!(unflatten_from(&flatten_from(&tree, 1), 1), Ok(tree));
    for text in ["Tag.0.Key=a", "Tag.0.Key=a&Tag.1.Key=b", "Tag.1=a&Tag.3=b", "Tag.01=a"] {
        assert_eq!(read(text), Err(FlatFault::Gap { name: "Tag".to_owned(), first: 1 }), "{text}");
    }
}
