//! The tables that are built in hold together, and one that does not is refused with every mistake.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by panicking

use super::{ALIYUN_2020, Provider, TENCENT_2018, TableError, Tables};

#[test]
fn the_built_in_table_has_every_action_of_2018() {
    let tables = Tables::built_in().expect("the table holds together");
    let provider = tables.version("2018-03-30").expect("the version");
    assert_eq!(provider.actions.len(), 22);
    assert_eq!(provider.actions["DescribeMigrateJobs"].rate.calls, 50);
    assert_eq!(provider.actions["DescribeSubscribes"].rate.calls, 100);
    assert_eq!(provider.actions["StopMigrateJob"].rate.calls, 20);
}

#[test]
fn every_contradiction_is_named() {
    let broken = TENCENT_2018
        .replace("allowed = [7, 8]", "allowed = [7, 77]")
        .replace("finance_regions = [\"ap-shanghai-fsi\"", "finance_regions = [\"mars\"")
        .replace("type = \"MigrateOption\"", "type = \"Nothing\"");
    let Err(TableError::Contradicts { mistakes, .. }) = Provider::parse(&broken) else { panic!("accepted") };
    let all = mistakes.join("\n");
    assert!(all.contains("StopMigrateJob: no status 77"), "{all}");
    assert!(all.contains("finance region mars"), "{all}");
    assert!(all.contains("CreateMigrateJob: no type Nothing"), "{all}");
}

#[test]
fn an_unknown_key_is_refused() {
    let broken = TENCENT_2018.replace("effect = \"remove\"", "effect = \"remove\"\nstray = 1");
    assert!(matches!(Provider::parse(&broken), Err(TableError::Unreadable(_))));
}

#[test]
fn the_built_in_table_has_every_action_of_2021() {
    let tables = Tables::built_in().expect("the table holds together");
    let provider = tables.version("2021-12-06").expect("the version");
    assert_eq!(provider.actions.len(), 84);
    let checks = |name: &str| name.contains("Compare");
    let about = |kind: &str| {
        let mine = provider.actions.values().filter(|action| action.task == kind && !checks(&action.name));
        mine.count()
    };
    let compares = provider.actions.keys().filter(|name| checks(name)).count();
    assert_eq!((about("migration"), about("sync"), compares, about("subscription")), (21, 21, 20, 22));
    let statuses = |kind: &str| provider.kinds[kind].statuses.len();
    assert_eq!(
        (statuses("migration"), statuses("sync"), statuses("compare"), statuses("subscription")),
        (19, 17, 7, 7)
    );
    for action in provider.actions.values() {
        let expected =
            if matches!(action.name.as_str(), "DescribeSyncJobs" | "DescribeSubscribeJobs") { 100 } else { 20 };
        assert_eq!(action.rate.calls, expected, "{}", action.name);
    }
}

#[test]
fn the_other_familys_rates_have_two_scopes_and_windows_of_their_own() {
    let tables = Tables::built_in().expect("the table holds together");
    let provider = tables.version("2020-01-01").expect("the version");
    let region = |name: &str| provider.actions[name].region_rate.as_ref().map(|rate| rate.calls);
    for action in provider.actions.values() {
        let expected = match action.name.as_str() {
            "DescribeDtsJobs" => (20, 1, Some(200)),
            "DescribeDtsJobDetail" => (40, 1, Some(160)),
            "ConfigureDtsJob" => (40, 60, None),
            _ => (20, 1, None),
        };
        let window = provider.window_of(&action.rate).as_secs();
        assert_eq!((action.rate.calls, window, region(&action.name)), expected, "{}", action.name);
    }
}

#[test]
fn rules_that_name_what_is_not_there_are_refused() {
    let broken = ALIYUN_2020
        .replacen("rules.sync = { allowed = [\"NotConfigured\"", "rules.sync = { allowed = [\"Levitating\"", 1)
        .replacen("ids = [{ name = \"MigrationJobId\"", "ids = [{ name = \"Nothing\"", 1)
        .replacen("rules.migration = {", "rules.immigration = {", 1);
    let Err(TableError::Contradicts { mistakes, .. }) = Provider::parse(&broken) else { panic!("accepted") };
    let all = mistakes.join("\n");
    assert!(all.contains("no status \"Levitating\" of a sync"), "{all}");
    assert!(all.contains("no parameter Nothing"), "{all}");
    assert!(all.contains("no kind immigration"), "{all}");
}
