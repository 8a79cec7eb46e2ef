//! When two reads are one.

use std::time::Duration;

use super::super::key::{Key, key, tasks};
use super::bed::{Bed, by, grant};
use crate::call::{AnswerForm, Authorized, Effect, Form, Pattern, Sight, Signing, TaskScope};
use crate::parameters::{JsonLimits, read_json};
use crate::provider::Providers;

/// The key of a read that differs from the usual one.
fn with(change: impl FnOnce(&mut Authorized)) -> Option<Key> {
    let mut call = Bed::new(Duration::ZERO).call(&by("ann"));
    change(&mut call);
    call.tasks = call.action.task_ids(&call.call.request.parameters);
    key(&call)
}

fn asking(parameters: &'static str) -> impl FnOnce(&mut Authorized) {
    move |call| call.call.request.parameters = read_json(parameters.as_bytes(), &JsonLimits::default()).unwrap()
}

fn limited(own: bool, ids: &[&str]) -> TaskScope {
    TaskScope::Limited { own, ids: ids.iter().copied().map(Pattern::new).collect() }
}

#[tokio::test]
async fn what_differs_separates() {
    let version = |version: &'static str, action: &'static str| {
        move |call: &mut Authorized| {
            let providers = Providers::embedded().unwrap();
            call.version = providers.version(version).unwrap().clone();
            call.action = call.version.action(action).unwrap().clone();
        }
    };
    let account = |call: &mut Authorized| {
        let other = Bed::new(Duration::ZERO).call(&by("ann")).account;
        call.account = std::sync::Arc::new(crate::call::Account {
            alias: "other".to_owned(),
            ..std::sync::Arc::into_inner(other).unwrap()
        });
    };
    let sights = [
        Sight::of("team", [grant(Effect::Allow, limited(true, &[]))].iter()),
        Sight::of("other", [grant(Effect::Allow, limited(true, &[]))].iter()),
        Sight::of("team", [grant(Effect::Allow, limited(true, &["dts-a"]))].iter()),
        Sight::of("team", [grant(Effect::Allow, limited(false, &["dts-a"]))].iter()),
        Sight::of("team", [grant(Effect::Allow, TaskScope::Any), grant(Effect::Deny, limited(false, &["x"]))].iter()),
    ];
    let mut keys = vec![
        with(|_| {}),
        with(version("2018-03-30", "DescribeMigrateCheckJob")),
        with(version("2021-12-06", "DescribeMigrationJobs")),
        with(account),
        with(|call| call.region = "ap-shanghai".to_owned()),
        with(asking("{}")),
        with(asking(r#"{"JobId":"dts-b"}"#)),
        with(asking(r#"{"JobId":"dts-a","Limit":1}"#)),
        with(asking(r#"{"JobId":"dts-a","Limit":"1"}"#)),
        with(asking(r#"{"JobId":"dts-a","Limit":null}"#)),
        with(|call| call.call.request.form = Form::Query),
        with(|call| call.call.request.answer_form = AnswerForm::Xml),
        with(|call| call.call.request.signing = Signing::InParameters),
    ];
    keys.extend(sights.map(|sight| with(|call| call.sight = sight)));
    assert!(keys.iter().all(Option::is_some));
    for (at, one) in keys.iter().enumerate() {
        assert_eq!(keys.iter().position(|other| other == one), Some(at), "{one:?}");
    }
}

#[tokio::test]
async fn what_makes_no_difference_does_not() {
    let usual = with(|_| {});
    assert_eq!(usual, with(|call| call.caller = Bed::new(Duration::ZERO).call(&by("bob")).caller));
    let pairs = [r#"{"JobId":"dts-a","Limit":1}"#, r#"{"Limit":1, "JobId":"dts-a"}"#];
    assert_eq!(with(asking(pairs[0])), with(asking(pairs[1])));
    let grants = [
        grant(Effect::Allow, limited(false, &["b", "a"])),
        grant(Effect::Allow, limited(false, &["c"])),
        grant(Effect::Allow, limited(false, &["a", "b", "a"])),
    ];
    assert_eq!(Sight::of("team", grants.iter()), Sight::of("other", grants[..2].iter().rev()));
    let all = [grants[0].clone(), grant(Effect::Allow, TaskScope::Any)];
    assert_eq!(Sight::of("team", all.iter()), Sight::of("team", all[1..].iter()), "one grant shows everything anyway");
}

#[tokio::test]
async fn changes_and_those_who_want_their_own_share_nothing() {
    let mut question = by("ann");
    question.no_cache = true;
    assert_eq!(key(&Bed::new(Duration::ZERO).call(&question)), None);
    let stop = with(|call| call.action = call.version.action("StopMigrateJob").unwrap().clone());
    assert_eq!(stop, None);
}

#[tokio::test]
async fn a_change_is_about_its_tasks_and_about_what_lists_tasks() {
    let is_about = |key: &Option<Key>, account: &str, task: &str| {
        key.as_ref().unwrap().is_about(account, &[task.to_owned(), "dts-z".to_owned()])
    };
    let (one, list) = (with(|_| {}), with(asking("{}")));
    assert!(is_about(&one, "main", "dts-a") && is_about(&list, "main", "dts-a"));
    assert!(!is_about(&one, "main", "dts-b") && is_about(&list, "main", "dts-b"));
    assert!(!is_about(&one, "other", "dts-a") && !is_about(&list, "other", "dts-a"));
    let call = Bed::new(Duration::ZERO).call(&by("ann"));
    assert_eq!(tasks(&call), ["dts-a"]);
}
