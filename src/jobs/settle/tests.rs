//! What is said of what was seen, over the real tables.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::decide::{Case, Finding, Page, Search, Seen, shows_late, together};
use crate::provider::{Listed, Providers};
use crate::steps::{state_in, state_name};

fn judge(version: &str, action: &str, before: &str, now: Option<&str>, is_late: bool) -> Finding {
    let providers = Providers::embedded().unwrap();
    let version = providers.version(version).unwrap();
    let action = version.action(action).unwrap();
    let kind = version.task_kind(&action.task).unwrap();
    let effect = action.rule.as_ref().and_then(|rule| rule.effect.as_ref());
    let seen = |text| Seen { text, state: state_in(kind, text) };
    Case { effect, before: Some(seen(before)), now: now.map(seen), is_disturbed: false, is_late }.decide()
}

fn is_undetermined(finding: &Finding) -> bool {
    matches!(finding, Finding::Undetermined(_))
}

#[test]
fn a_state_that_only_the_change_leads_to_tells_that_it_was_carried_out() {
    let stop = |now, is_late| judge("2018-03-30", "StopMigrateJob", "Running (7)", Some(now), is_late);
    assert_eq!(stop("Stopping (11)", false), Finding::Done);
    // Where a stopped task ends, and also one that failed by itself.
    assert_eq!(stop("Failed (10)", false), Finding::Early);
    assert!(is_undetermined(&stop("Failed (10)", true)));
    assert_eq!(stop("Running (7)", false), Finding::Early);
    assert_eq!(stop("Running (7)", true), Finding::NotDone);
    // It went on, which says nothing of the stop.
    assert!(is_undetermined(&stop("ReadyComplete (8)", true)));
    assert!(is_undetermined(&stop("99", true)));
    assert!(is_undetermined(&judge("2018-03-30", "StopMigrateJob", "Running (7)", None, true)));
}

#[test]
fn the_same_state_says_nothing_of_a_change_that_can_end_in_it() {
    let check = |before, now| judge("2018-03-30", "CreateMigrateCheckJob", before, Some(now), true);
    assert!(is_undetermined(&check("CheckPass (4)", "CheckPass (4)")));
    assert_eq!(check("CheckPass (4)", "Checking (3)"), Finding::Done);
    assert_eq!(check("Created (2)", "Created (2)"), Finding::NotDone);
    // Resumed, and stopped again by the same error.
    let resume = judge("2021-12-06", "ResumeMigrateJob", "error, billing normal", Some("error, billing normal"), true);
    assert!(is_undetermined(&resume));
}

#[test]
fn what_leaves_no_trace_in_the_state_is_never_judged_by_it() {
    let rename =
        judge("2021-12-06", "ModifyMigrateName", "running, billing normal", Some("running, billing normal"), true);
    assert!(is_undetermined(&rename));
}

#[test]
fn what_was_to_be_removed_and_is_gone_was_removed() {
    let delete = |now, is_late| judge("2018-03-30", "DeleteMigrateJob", "Failed (10)", now, is_late);
    assert_eq!(delete(None, false), Finding::Done);
    assert_eq!(delete(Some("Failed (10)"), false), Finding::Early);
    assert_eq!(delete(Some("Failed (10)"), true), Finding::NotDone);
    let destroy = |now| judge("2021-12-06", "DestroySyncJob", "Stopped, billing Isolated", Some(now), true);
    assert_eq!(destroy("Stopped, billing Isolated"), Finding::NotDone);
    assert!(is_undetermined(&destroy("Stopped, billing Offlining")), "its billing state moved");
}

#[test]
fn another_change_of_the_task_makes_everything_doubtful() {
    let providers = Providers::embedded().unwrap();
    let version = providers.version("2018-03-30").unwrap();
    let effect = version.action("StopMigrateJob").unwrap().rule.as_ref().unwrap().effect.as_ref();
    let seen = |text, state| Some(Seen { text, state: Some(state) });
    let (before, now) = (seen("Running (7)", "Running"), seen("Stopping (11)", "Stopping"));
    assert!(is_undetermined(&Case { effect, before, now, is_disturbed: true, is_late: true }.decide()));
    assert!(is_undetermined(&Case { effect, before: None, now, is_disturbed: false, is_late: true }.decide()));
}

#[test]
fn a_change_that_was_done_before_and_did_not_show_yet_can_explain_what_is_seen() {
    let providers = Providers::embedded().unwrap();
    let version = providers.version("2018-03-30").unwrap();
    let stop = version.action("StopMigrateJob").unwrap().rule.as_ref().unwrap().effect.as_ref().unwrap();
    let seen = |state| Some(Seen { text: state, state: Some(state) });
    // It was stopped, which the next look did not show yet; a second stop got lost.
    assert!(shows_late(stop, seen("Running"), seen("Stopping")));
    assert!(shows_late(stop, None, seen("Stopping")));
    assert!(shows_late(stop, seen("Running"), Some(Seen { text: "99", state: None })));
    // It had shown, or is not what is seen.
    assert!(!shows_late(stop, seen("Stopping"), seen("Stopping")));
    assert!(!shows_late(stop, seen("Failed"), seen("Checking")));
    assert!(!shows_late(stop, seen("Running"), seen("Running")));
    assert!(!shows_late(stop, seen("Running"), None), "a stop removes nothing");
}

#[test]
fn no_change_is_called_done_by_a_state_that_it_began_in() {
    let providers = Providers::embedded().unwrap();
    let mut judged = 0;
    for version in providers.versions() {
        for action in version.actions() {
            let Some(rule) = action.rule.as_ref().filter(|rule| rule.effect.is_some()) else { continue };
            let kind = version.task_kind(&action.task).unwrap();
            for state in kind.states.values() {
                let observation = crate::provider::Observation { state: state.wire.clone(), ..Default::default() };
                let text = state_name(Some(kind), &observation);
                let seen = Some(Seen { text: &text, state: state_in(kind, &text) });
                assert_eq!(state_in(kind, &text), Some(state.name.as_str()));
                let case =
                    Case { effect: rule.effect.as_ref(), before: seen, now: seen, is_disturbed: false, is_late: true };
                assert_ne!(case.decide(), Finding::Done, "{} {} {}", version.version, action.name, state.name);
                judged += 1;
            }
        }
    }
    assert!(judged > 500, "{judged}");
}

#[test]
fn several_tasks_tell_together_only_what_each_of_them_tells() {
    let doubt = Finding::Undetermined("x");
    assert_eq!(together(&[Finding::Done, Finding::Done]), Finding::Done);
    assert_eq!(together(&[Finding::NotDone]), Finding::NotDone);
    assert_eq!(together(&[Finding::Done, Finding::Early]), Finding::Early);
    assert_eq!(together(&[Finding::Done, doubt.clone()]), doubt);
    assert!(is_undetermined(&together(&[Finding::Done, Finding::NotDone])));
    assert!(is_undetermined(&together(&[])));
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn task(id: &str, name: &str, created: i64) -> Listed {
    Listed { id: id.to_owned(), name: name.to_owned(), created: Some(at(created)) }
}

fn page(listed: &[Listed], is_whole: bool) -> [Page; 1] {
    [Page { listed: listed.to_vec(), is_whole }]
}

fn search<'a>(pages: &'a [Page], others: &'a BTreeSet<String>) -> Search<'a> {
    Search { name: Some("nightly"), from: at(100), to: at(200), pages, others, has_rival: false, is_late: true }
}

#[test]
fn one_task_of_the_name_and_the_time_is_the_one_that_was_made() {
    let nobodys = BTreeSet::new();
    let listed = [task("dts-3", "nightly", 150), task("dts-2", "nightly 2", 150), task("dts-1", "nightly", 20)];
    let listed = page(&listed, true);
    assert_eq!(search(&listed, &nobodys).decide(), (Finding::Done, Some("dts-3")));
    let early = Search { is_late: false, ..search(&listed, &nobodys) };
    assert_eq!(early.decide(), (Finding::Done, Some("dts-3")));
    let rival = Search { has_rival: true, ..search(&listed, &nobodys) };
    assert!(is_undetermined(&rival.decide().0));
    let unnamed = Search { name: None, ..search(&listed, &nobodys) };
    assert!(is_undetermined(&unnamed.decide().0), "two were made then");
    let others = BTreeSet::from(["dts-2".to_owned()]);
    let unnamed = Search { name: None, ..search(&listed, &others) };
    assert_eq!(unnamed.decide(), (Finding::Done, Some("dts-3")));
}

#[test]
fn no_task_means_not_done_only_when_it_would_be_listed() {
    let nobodys = BTreeSet::new();
    let old = [task("dts-2", "nightly 2", 150), task("dts-1", "nightly", 20)];
    let whole = page(&old, true);
    assert_eq!(search(&whole, &nobodys).decide(), (Finding::NotDone, None));
    let early = Search { is_late: false, ..search(&whole, &nobodys) };
    assert_eq!(early.decide(), (Finding::Early, None));
    let part = page(&old, false);
    assert_eq!(search(&part, &nobodys).decide(), (Finding::NotDone, None), "its last task is older than the call");
    let part = page(&old[..1], false);
    assert!(is_undetermined(&search(&part, &nobodys).decide().0));
    let two = [whole[0].clone(), part[0].clone()];
    assert!(is_undetermined(&search(&two, &nobodys).decide().0), "each list must reach back");
    let found = page(&[task("dts-3", "nightly", 150)], false);
    assert!(is_undetermined(&search(&found, &nobodys).decide().0), "another may stand further back");
    let owned = BTreeSet::from(["dts-9".to_owned()]);
    assert_eq!(search(&page(&[task("dts-9", "nightly", 150)], true), &owned).decide(), (Finding::NotDone, None));
    let timeless = [Listed { created: None, ..task("dts-4", "nightly", 0) }];
    assert!(is_undetermined(&search(&page(&timeless, true), &nobodys).decide().0));
}

#[test]
fn lists_are_asked_for_by_name_and_their_times_are_read_with_and_without_a_zone() {
    let providers = Providers::embedded().unwrap();
    let newest = providers.version("2018-03-30").unwrap().task_kind("migration").unwrap().newest.as_ref().unwrap();
    let json = |text: &str| crate::parameters::read_json(text.as_bytes(), &Default::default()).unwrap();
    assert_eq!(newest.name_in(&json(r#"{"JobName":"a b"}"#)).as_deref(), Some("a b"));
    assert_eq!(newest.name_in(&json(r#"{"JobName":""}"#)), None);
    let asks = crate::parameters::write_json(&newest.request(Some("a b"), None));
    assert!(asks.contains(r#""JobName":"a b""#) && asks.contains(r#""Limit":100"#), "{asks}");
    let answer = r#"{"JobList":[{"JobId":"dts-1","JobName":"a","CreateTime":"1970-01-01 08:00:05"},
        {"JobId":"dts-2","CreateTime":"1970-01-01T00:00:06Z"},{"JobId":"dts-3","CreateTime":"0000-00-00 00:00:00"}]}"#;
    let listed = newest.tasks(&json(answer));
    let times: Vec<_> = listed.iter().map(|task| (task.id.as_str(), task.created)).collect();
    assert_eq!(times, [("dts-1", Some(at(5))), ("dts-2", Some(at(6))), ("dts-3", None)]);
}
