//! Paths, on trees of either kind.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::super::{Path, Tree};
use super::{action, as_text, from_json};
use crate::parameters::Value;

#[test]
fn a_path_is_read_or_refused() {
    for text in ["A", "A.B", "A[].B", "A.B[]", "A[Key=x-1].Value", "A[][].B"] {
        let parsed = Path::parse(text);
        assert_eq!(parsed.map(|path| path.to_string()).ok(), (text != "A[][].B").then(|| text.to_owned()), "{text}");
    }
    for text in ["", ".", "A.", ".A", "A[", "A]", "A[0]", "A[=x]", "A[B=]", "[]", "A B", "A..B"] {
        assert!(Path::parse(text).is_err(), "{text}");
    }
}

#[test]
fn secrets_are_hidden_under_a_list_in_the_place_of_an_object_too() {
    let action = action("DescribeMigrateJobs");
    let jobs = action.answer_secrets.root().descend("JobList").unwrap();
    let job = jobs.element();
    assert!(job.descend("SrcInfo").unwrap().descend("Password").unwrap().is_secret());
    assert!(job.descend("SrcInfo").unwrap().element().descend("Password").unwrap().is_secret());
    assert!(jobs.descend("SrcInfo").unwrap().descend("Password").unwrap().is_secret());
    assert!(!job.descend("MigrateOption").unwrap().descend("ExternParams").unwrap().is_secret());
    assert!(job.descend("JobId").is_none() && action.answer_secrets.root().descend("Password").is_none());
}

fn trees() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        "[a-z]{0,4}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[ABC]", inner, 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The straightforward meaning of a path, segment by segment, to compare with.
fn select<'v>(path: &str, tree: &'v Value) -> Vec<&'v Value> {
    let Some((segment, rest)) = path.split_once('.').or(if path.is_empty() { None } else { Some((path, "")) }) else {
        return vec![tree];
    };
    let Some(below) = tree.member(segment.trim_end_matches("[]")) else { return Vec::new() };
    match (segment.ends_with("[]"), below) {
        (false, below) => select(rest, below),
        (true, Value::List(elements)) => elements.iter().flat_map(|element| select(rest, element)).collect(),
        (true, _) => Vec::new(),
    }
}

proptest! {
    #[test]
    fn a_path_selects_the_same_in_every_form_of_a_tree(
        tree in trees(),
        path in prop::collection::vec("[ABC](\\[\\])?", 1..4),
    ) {
        let text = path.join(".");
        let path = Path::parse(&text).unwrap();
        let value = from_json(&tree);
        let found: Vec<Value> = path.select(&value).into_iter().cloned().collect();
        prop_assert_eq!(&found, &select(&text, &value).into_iter().cloned().collect::<Vec<_>>());
        prop_assert_eq!(&found, &path.select(&tree).into_iter().map(from_json).collect::<Vec<_>>());
        let flat = as_text(&value);
        let texts: Vec<Option<String>> = path.select(&flat).into_iter().map(|value| value.text().map(str::to_owned)).collect();
        prop_assert_eq!(texts, found.iter().map(|value| value.text().map(str::to_owned)).collect::<Vec<_>>());
    }
}

#[test]
fn no_parameters_make_the_check_or_the_copy_panic() {
    let actions = ["CreateMigrateJob", "DescribeSubscribes"].map(action);
    let checked = TestRunner::default().run(&trees(), |tree| {
        let value = from_json(&tree);
        for action in &actions {
            let _ = (action.check_parameters(&value), action.redacted(&value), action.task_ids(&value));
        }
        Ok(())
    });
    checked.unwrap();
}
