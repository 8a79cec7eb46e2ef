//! When two reads are one.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::super::key::{Key, key, tasks};
use super::bed::{Bed, by, grant};
use crate::call::{Account, AnswerForm, Authorized, Effect, Form, Pattern, Sight, Signing, TaskScope};
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

fn account(alias: &'static str, identity: &'static str) -> impl FnOnce(&mut Authorized) {
    move |call| {
        let account = Bed::new(Duration::ZERO).call(&by("ann")).account;
        let (alias, identity) = (alias.to_owned(), identity.to_owned());
        call.account = Arc::new(Account { alias, identity, ..Arc::into_inner(account).unwrap() });
    }
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
        with(account("other", "other")),
        with(account("other", "main")),
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
async fn whoever_says_that_it_wants_nothing_kept_shares_nothing() {
    let says = |name: &'static str, value: &'static str| {
        with(|call| _ = call.call.wire.headers.append(name, HeaderValue::from_static(value)))
    };
    for value in [
        "no-cache",
        "NO-CACHE",
        "no-store",
        "max-age=0",
        "max-age=\"0\"",
        "Max-Age = 00",
        "private,\tno-cache",
        "no-cache, no-store",
    ] {
        assert_eq!(says("cache-control", value), None, "{value}");
    }
    assert_eq!(says("pragma", "no-cache"), None);
    for value in ["max-age=60", "max-age=05", "only-if-cached", "x-no-cache", "no-cached", ""] {
        assert!(says("cache-control", value).is_some(), "{value}");
    }
    let torn = |value: &'static [u8]| {
        with(|call| _ = call.call.wire.headers.append("cache-control", HeaderValue::from_bytes(value).unwrap()))
    };
    assert_eq!(torn(b"no-cache, x=\xe9"), None, "what stands beside it may be anything");
}

#[tokio::test]
async fn what_a_key_costs_is_counted_with_all_that_may_be_long() {
    let long = "t".repeat(100);
    let scopes = [limited(false, &[&*long]), TaskScope::Any];
    let [limited, all] =
        scopes.map(|scope| with(|call| call.sight = Sight::of("team", [grant(Effect::Allow, scope)].iter())).unwrap());
    assert!(limited.size() >= all.size() + long.len());
    let mut many = all.clone();
    many.tasks = vec!["x".to_owned(); 1_000];
    assert!(many.size() >= all.size() + 999 * size_of::<String>(), "many short ids cost more than their signs");
}

#[tokio::test]
async fn a_change_is_about_its_tasks_and_about_what_lists_tasks() {
    let is_about = |key: &Option<Key>, identity: &str, task: &str| {
        key.as_ref().unwrap().is_about(identity, &[task.to_owned(), "dts-z".to_owned()])
    };
    let (one, list) = (with(|_| {}), with(asking("{}")));
    assert!(is_about(&one, "main", "dts-a") && is_about(&list, "main", "dts-a"));
    assert!(!is_about(&one, "main", "dts-b") && is_about(&list, "main", "dts-b"));
    assert!(!is_about(&one, "other", "dts-a") && !is_about(&list, "other", "dts-a"));
    assert!(one.as_ref().unwrap().is_about("main", &[]), "a change that names no task may be of any");
    let by_another_name = with(account("other", "main"));
    assert!(
        by_another_name != one && is_about(&by_another_name, "main", "dts-a"),
        "it is the same account at the cloud"
    );
    let call = Bed::new(Duration::ZERO).call(&by("ann"));
    assert_eq!(tasks(&call), ["dts-a"]);
}
