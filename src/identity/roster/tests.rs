#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use std::collections::BTreeSet;
use std::fs;

use super::*;
use crate::call::{Effect, Pattern, TaskScope};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn opened(files: &[(&str, &str)]) -> Roster {
    Roster::open(folder(files).path(), Vocabulary::default()).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// What is wrong with one file, without the folder.
fn mistakes(text: &str, vocabulary: Vocabulary) -> Vec<String> {
    let folder = folder(&[("t.toml", text)]);
    let faults = Roster::open(folder.path(), vocabulary).err().unwrap_or_default();
    let prefix = format!("{}/", folder.path().display());
    faults.iter().map(|fault| fault.to_string().replace(&prefix, "")).collect()
}

const SMALL: &str = "team = \"t\"\n\n[[caller]]\nname = \"a\"\naccounts = [\"main\"]\n";

#[test]
fn the_example_is_read_and_shows_every_key() {
    let example = include_str!("../../../config/teams/example.toml");
    let roster = opened(&[("example.toml", example)]);
    let billing = roster.get("billing").unwrap();
    assert_eq!((billing.team.as_str(), billing.weight.get()), ("example", 2));
    assert_eq!(billing.pace.map(|pace| (pace.per_second.get(), pace.burst.get())), Some((50, 100)));
    let names: Vec<&str> = billing.grants.iter().map(|grant| grant.name.as_str()).collect();
    assert_eq!(names, ["example/read", "example/create", "example/migrate"]);
    let (create, migrate) = (&billing.grants[1], &billing.grants[2]);
    assert_eq!(create.conditions[0].parameter.to_string(), "MigrateOption.RunMode");
    assert_eq!(create.conditions[0].one_of, ["1"]);
    assert_eq!(migrate.tasks, TaskScope::Limited { own: true, ids: vec![Pattern::new("dts-abc*")] });
    assert!(migrate.conditions.is_empty());
    assert!(create.repeat_purchases && !migrate.repeat_purchases);
    let report = roster.get("billing-report").unwrap();
    assert_eq!((report.weight.get(), report.pace), (1, None));
    assert_eq!(report.grants.last().unwrap().effect, Effect::Deny);
    assert_eq!(roster.teams().len(), 1);
    assert!(roster.has_team("example") && !roster.has_team("billing"));
}

#[test]
fn what_is_left_out_has_a_default() {
    let roster = opened(&[("t.toml", &format!("{SMALL}[[grant]]\nactions = [\"*\"]\n"))]);
    let caller = roster.get("a").unwrap();
    let grant = &caller.grants[0];
    assert_eq!((grant.name.as_str(), grant.effect, &grant.tasks), ("t/grant 1", Effect::Allow, &TaskScope::Any));
    assert_eq!((&grant.accounts, &grant.regions), (&vec![Pattern::any()], &vec![Pattern::any()]));
    assert!(grant.conditions.is_empty() && grant.dangers.is_empty() && !grant.repeat_purchases);
}

#[test]
fn without_a_grant_there_are_no_rights() {
    assert!(opened(&[("t.toml", SMALL)]).get("a").unwrap().grants.is_empty());
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let text = "team = \"t t\"\nsecret = 1\n\n[[caller]]\nname = \"a\"\naccounts = []\nweight = 0\nwieght = 1\n\
                require_signed_headers = [\"X-TC-Action\"]\npace = { burst = 0 }\n\n[[caller]]\naccounts = \"main\"\n\n\
                [[grant]]\ncallers = [\"b\"]\neffect = \"maybe\"\ntasks = \"own\"\nparameters = { a = \"1\", b = [] }\n\
                repeat_purchases = 1\n";
    let expected = [
        "t.toml:1:8: team may have letters, digits and . _ - @ : / + only, 128 bytes at most",
        "t.toml:2:1: a team file has no key secret, only caller, grant, team",
        "t.toml:6:12: accounts must name at least one; the first is the caller's default",
        "t.toml:7:10: weight must be a whole number from 1 to 1000",
        "t.toml:8:1: a caller has no key wieght, only accounts, name, pace, require_signed_headers, weight",
        "t.toml:9:27: X-TC-Action is not the name of a header in lower case",
        "t.toml:10:8: pace needs per_second",
        "t.toml:10:18: burst must be a whole number from 1 to 100000",
        "t.toml:12:1: a caller needs name",
        "t.toml:13:12: accounts must be a list of texts, such as [\"*\"]",
        "t.toml:13:12: accounts must name at least one; the first is the caller's default",
        "t.toml:15:1: a grant needs actions",
        "t.toml:16:12: b is no caller of this team",
        "t.toml:17:10: effect must be \"allow\" or \"deny\"",
        "t.toml:18:9: tasks must be \"any\", or a list of \"own\" and patterns of task ids",
        "t.toml:19:20: the values of a parameter must be a list of texts, such as [\"*\"]",
        "t.toml:19:20: a needs at least one value, as text",
        "t.toml:19:29: b needs at least one value, as text",
        "t.toml:20:20: repeat_purchases must be true or false",
    ];
    let mut expected: Vec<String> = expected.iter().map(|line| line.to_string()).collect();
    let mut found = mistakes(text, Vocabulary::default());
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_broken_text_is_told_with_its_place() {
    let found = mistakes("team = \"t\"\n[[caller]\nname = 'a\n", Vocabulary::default());
    assert!(found[0].starts_with("t.toml:2:"), "{found:?}");
    assert!(mistakes("team = \"t\"\nteam = \"u\"\n", Vocabulary::default())[0].starts_with("t.toml:2:1: "));
    assert_eq!(mistakes("", Vocabulary::default()), ["t.toml:1:1: a team file needs team"]);
}

#[test]
fn names_that_there_are_not_are_told() {
    let names = |names: &[&str]| Some(names.iter().map(|name| name.to_string()).collect::<BTreeSet<_>>());
    let vocabulary = Vocabulary {
        accounts: names(&["main"]),
        versions: names(&["2018-03-30"]),
        actions: names(&["DescribeMigrateJobs", "StopMigrateJob"]),
        regions: names(&["ap-guangzhou"]),
        dangers: names(&["clear-data", "skip-check"]),
        tables: None,
    };
    let good = format!("{SMALL}[[grant]]\nactions = [\"Describe*\"]\ndangers = [\"*\"]\naccounts = [\"main\"]\n");
    assert_eq!(mistakes(&good, vocabulary.clone()), Vec::<String>::new());
    let folder = folder(&[("t.toml", &good)]);
    let roster = Roster::open(folder.path(), vocabulary.clone()).unwrap();
    assert_eq!(roster.get("a").unwrap().grants[0].dangers, ["clear-data", "skip-check"]);

    let bad = "team = \"t\"\n[[caller]]\nname = \"a\"\naccounts = [\"other\"]\n[[grant]]\nactions = [\"Desribe*\"]\n\
               versions = [\"2018-3-30\"]\nregions = [\"ap-*\", \"eu-*\"]\ndangers = [\"clear\"]\n\
               [[grant]]\nname = \"grant 1\"\neffect = \"deny\"\nactions = [\"*\"]\ndangers = [\"clear-data\"]\n\
               repeat_purchases = true\n";
    let found = mistakes(bad, vocabulary);
    assert_eq!(
        found,
        [
            "t.toml:4:13: there is no account other",
            "t.toml:6:12: Desribe* matches none of the actions that there are",
            "t.toml:7:13: 2018-3-30 matches none of the versions that there are",
            "t.toml:8:20: eu-* matches none of the regions that there are",
            "t.toml:9:12: clear matches none of the dangers that there are",
            "t.toml:10:1: a grant that denies can't accept dangers",
            "t.toml:10:1: a grant that denies can't let purchases be repeated",
            "t.toml:10:1: two grants are called t/grant 1",
        ]
    );
}

#[test]
fn conditions_that_no_call_can_meet_are_told() {
    let tables = Some(Arc::new(crate::provider::Providers::embedded().unwrap()));
    let vocabulary = Vocabulary { tables, ..Vocabulary::default() };
    let told = |grant: &str| {
        let text = format!("{SMALL}[[grant]]\n{grant}\n");
        let found = mistakes(&text, vocabulary.clone());
        found.into_iter().map(|line| line.replace("t.toml:", "")).collect::<Vec<_>>()
    };
    for good in [
        "actions = [\"CreateMigrateJob\"]\nparameters = { \"MigrateOption.RunMode\" = [\"1\"] }",
        "actions = [\"*\"]\nparameters = { ForceStop = [\"True\", \"0\"] }",
        "actions = [\"UntagResources\"]\nparameters = { \"TagKey[]\" = [\"a\"] }",
        "actions = [\"*\"]\nparameters = { \"OtherOptions[Key=DstWriteMode].Value\" = [\"clearData\"] }",
    ] {
        assert_eq!(told(good), Vec::<String>::new(), "{good}");
    }
    for (bad, expected) in [
        (
            "actions = [\"Stop*\"]\nversions = [\"2018-03-30\"]\nparameters = { ForceStop = [\"true\"] }",
            "9:16: ForceStop is no parameter of the actions that the grant is about",
        ),
        (
            "actions = [\"*\"]\nparameters = { \"MigrateOption.runMode\" = [\"1\"] }",
            "8:16: MigrateOption.runMode is no parameter of the actions that the grant is about",
        ),
        (
            "actions = [\"*\"]\nparameters = { \"OtherOptions[1].Value\" = [\"1\"] }",
            "8:16: `OtherOptions[1].Value` is no path: write member names with dots between them, `[]` or `[Name=value]` \
             after a list's name",
        ),
        ("actions = [\"UntagResources\"]\nparameters = { TagKey = [\"a\"] }", "8:16: TagKey is a list, write TagKey[]"),
        (
            "actions = [\"CreateMigrateJob\"]\nparameters = { MigrateOption = [\"1\"] }",
            "8:16: MigrateOption has parts, write the path of one of them",
        ),
        (
            "actions = [\"StopCompare\"]\nparameters = { ForceStop = [\"true\", \"yes\"] }",
            "8:37: ForceStop can't be yes, it is of type Boolean",
        ),
    ] {
        assert_eq!(told(bad), [expected], "{bad}");
    }
}

#[test]
fn a_name_belongs_to_one_file() {
    let folder = folder(&[("a.toml", SMALL), ("b.toml", SMALL), ("c.txt", "no"), (".d.toml", "no")]);
    let faults = Roster::open(folder.path(), Vocabulary::default()).err().unwrap();
    let first = folder.path().join("a.toml");
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            format!("the team t is in {} already", first.display()),
            format!("the caller a is in {} already", first.display())
        ]
    );
    assert!(faults.iter().all(|fault| fault.file.ends_with("b.toml")));
}

#[test]
fn a_roster_is_taken_over_whole_or_not_at_all() {
    let folder = folder(&[("t.toml", SMALL)]);
    let roster = Roster::open(folder.path(), Vocabulary::default()).unwrap();
    assert_eq!(roster.reload(), Ok(Reloaded::Unchanged));
    fs::write(folder.path().join("u.toml"), SMALL.replace("\"t\"", "\"u\"").replace("\"a\"", "\"b\"")).unwrap();
    fs::write(folder.path().join("v.toml"), "team = 1").unwrap();
    assert_eq!(roster.reload().err().map(|faults| faults.len()), Some(1));
    assert!(roster.get("a").is_some() && roster.get("b").is_none());
    assert_eq!(roster.reload(), Ok(Reloaded::Unchanged), "the same mistake is told once");
    fs::remove_file(folder.path().join("v.toml")).unwrap();
    assert_eq!(roster.reload(), Ok(Reloaded::Changed));
    assert!(roster.get("b").is_some());
    fs::remove_file(folder.path().join("t.toml")).unwrap();
    assert_eq!(roster.reload(), Ok(Reloaded::Changed));
    assert!(roster.get("a").is_none() && roster.get("b").is_some());
}

#[test]
fn each_reading_that_finds_other_files_is_told_with_what_it_changed() {
    let folder = folder(&[("t.toml", SMALL), ("v.toml", "team = \"v\"\n")]);
    let roster = Roster::open(folder.path(), Vocabulary::default()).unwrap();
    let mut readings = roster.readings();
    let first = roster.policy();
    assert_eq!(*roster.get("a").unwrap().policy, *first);
    roster.reload().unwrap();
    readings.try_recv().expect_err("nothing has changed");

    fs::write(folder.path().join("t.toml"), format!("{SMALL}[[caller]]\nname = 1\n")).unwrap();
    roster.reload().unwrap_err();
    let wrong = readings.try_recv().unwrap();
    assert_eq!((&wrong.before, wrong.outcome.unwrap_err().len()), (&first, 2));
    assert!(wrong.read.is_some_and(|read| read != first));
    assert_eq!(roster.policy(), first, "the last good one stays in force");
    fs::write(folder.path().join("t.toml"), SMALL).unwrap();
    assert_eq!(roster.reload(), Ok(Reloaded::Unchanged), "what is in force again was never out of it");
    readings.try_recv().expect_err("nothing has changed");

    let grant = "[[grant]]\nname = \"g\"\nactions = [\"*\"]\n";
    fs::write(folder.path().join("t.toml"), format!("{}weight = 3\n{grant}", SMALL)).unwrap();
    fs::remove_file(folder.path().join("v.toml")).unwrap();
    fs::write(folder.path().join("u.toml"), "team = \"u\"\n[[caller]]\nname = \"b\"\naccounts = [\"main\"]\n").unwrap();
    roster.reload().unwrap();
    let Reading { before, read, outcome } = readings.try_recv().unwrap();
    assert_eq!((&before, read.as_ref()), (&first, Some(&roster.policy())));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let expected = Changes {
        teams: Names { added: names(&["u"]), removed: names(&["v"]), changed: Vec::new() },
        callers: Names { added: names(&["b"]), removed: Vec::new(), changed: names(&["a"]) },
        grants: Names { added: names(&["t/g"]), ..Names::default() },
    };
    assert_eq!(outcome.unwrap(), expected);

    fs::write(folder.path().join("t.toml"), format!("{SMALL}weight = 3\n{}", grant.replace('*', "StopMigrateJob")))
        .unwrap();
    roster.reload().unwrap();
    let changed = readings.try_recv().unwrap().outcome.unwrap();
    assert_eq!(
        changed,
        Changes { grants: Names { changed: names(&["t/g"]), ..Names::default() }, ..Changes::default() }
    );
}

#[test]
fn the_policy_is_what_the_standard_tool_computes() {
    // printf 'team = "t"\n' >a.toml; printf 'team = "u"\n' >b.toml; sha256sum *.toml | sha256sum
    let roster = opened(&[("b.toml", "team = \"u\"\n"), ("a.toml", "team = \"t\"\n"), ("note.txt", "")]);
    assert_eq!(&*roster.policy(), "cedb2fc22f05cb39280261835b22a363ba4b66f4efcf2e24704160b86eca824c");
}

#[test]
fn a_folder_that_is_gone_or_emptied_puts_nobody_out() {
    let parent = tempfile::tempdir().unwrap();
    let (teams, away) = (parent.path().join("teams"), parent.path().join("away"));
    fs::create_dir(&teams).unwrap();
    fs::write(teams.join("t.toml"), SMALL).unwrap();
    let roster = Roster::open(&teams, Vocabulary::default()).unwrap();
    let told = |reloaded: Result<Reloaded, Vec<Fault>>| reloaded.unwrap_err().remove(0).message;

    fs::rename(&teams, &away).unwrap();
    assert!(told(roster.reload()).starts_with("the folder can't be read, "));
    assert_eq!(roster.reload(), Ok(Reloaded::Unchanged), "the same mistake is told once");
    assert!(roster.get("a").is_some());
    fs::create_dir(&teams).unwrap();
    assert!(
        told(roster.reload()).starts_with("there is no team's file any more; "),
        "as where a volume is not mounted"
    );
    assert!(roster.get("a").is_some());
    fs::remove_dir(&teams).unwrap();
    fs::rename(&away, &teams).unwrap();
    assert_eq!(roster.reload(), Ok(Reloaded::Unchanged), "what is in force again was never out of it");

    fs::write(teams.join("t.toml"), "team = \"t\"\n").unwrap();
    assert_eq!(roster.reload(), Ok(Reloaded::Changed), "the last team's callers are removed on purpose");
    assert!(roster.get("a").is_none());
}

#[test]
fn a_folder_that_is_not_there_has_no_callers() {
    let folder = tempfile::tempdir().unwrap();
    let roster = Roster::open(&folder.path().join("teams"), Vocabulary::default()).unwrap();
    assert!(roster.teams().is_empty());
    assert_eq!(roster.reload(), Ok(Reloaded::Unchanged), "it may come later");
}

fn new_caller(name: &str, team: &str, grants: &[&str]) -> NewCaller {
    NewCaller {
        name: name.to_owned(),
        team: team.to_owned(),
        accounts: vec!["main".to_owned()],
        grants: grants.iter().map(|grant| grant.to_string()).collect(),
        weight: 3,
    }
}

#[tokio::test]
async fn a_caller_that_was_just_added_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let teams = folder.path().join("teams");
    let roster = Arc::new(Roster::open(&teams, Vocabulary::default()).unwrap());
    assert!(roster.caller("nobody").await.is_none());
    tokio::time::pause();
    tokio::time::advance(BETWEEN_LOOKS).await;
    tokio::time::resume();
    assert_eq!(add_caller(&teams, &new_caller("svc", "ops", &["Describe*", "all"])).unwrap(), Added::Added);
    let found = roster.caller("svc").await.unwrap();
    assert_eq!(
        (found.team.as_str(), found.weight.get(), found.accounts.as_slice()),
        ("ops", 3, ["main".to_owned()].as_slice())
    );
    assert_eq!(found.grants[0].actions, [Pattern::new("Describe*")]);
    assert_eq!(
        (found.grants[1].actions.as_slice(), found.grants[1].dangers.as_slice()),
        ([Pattern::any()].as_slice(), ["*".to_owned()].as_slice())
    );
}

#[test]
fn adding_keeps_what_is_there_and_is_done_once() {
    let written = format!("# by hand\n{SMALL}  # with care");
    let folder = folder(&[("t.toml", &written)]);
    let path = folder.path();
    assert_eq!(add_caller(path, &new_caller("b", "t", &["*"])).unwrap(), Added::Added);
    let text = fs::read_to_string(path.join("t.toml")).unwrap();
    assert!(text.starts_with(&written), "{text}");
    assert_eq!(add_caller(path, &new_caller("b", "t", &["Stop*"])).unwrap(), Added::Already);
    assert_eq!(fs::read_to_string(path.join("t.toml")).unwrap(), text);
    let roster = Roster::open(path, Vocabulary::default()).unwrap();
    assert_eq!(roster.get("b").unwrap().grants.len(), 1);
    assert!(roster.get("a").unwrap().grants.is_empty());
    assert!(matches!(add_caller(path, &new_caller("b", "u", &[])), Err(AddCallerError::OtherTeam { .. })));
}

#[test]
fn nothing_is_added_to_files_with_mistakes_or_under_odd_names() {
    let folder = folder(&[("t.toml", "team = \"t\"\ncaller = []\n")]);
    let path = folder.path();
    assert!(matches!(add_caller(path, &new_caller("b", "t", &[])), Err(AddCallerError::Files(_))));
    for (name, team) in
        [("", "t"), ("a b", "t"), ("a*", "t"), ("a\n", "t"), ("a", ""), ("a", "../up"), ("a", ".hidden"), ("a", "x/y")]
    {
        assert!(
            matches!(add_caller(path, &new_caller(name, team, &[])), Err(AddCallerError::Name(_))),
            "{name:?} {team:?}"
        );
    }
    assert_eq!(fs::read_to_string(path.join("t.toml")).unwrap(), "team = \"t\"\ncaller = []\n");
    assert_eq!(add_caller(path, &new_caller("b", "u", &["x\"] evil"])).unwrap(), Added::Added);
    assert_eq!(
        Roster::open(path, Vocabulary::default()).unwrap().get("b").unwrap().grants[0].actions[0].as_str(),
        "x\"] evil"
    );
}

#[test]
fn many_who_add_at_once_all_get_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || add_caller(path, &new_caller(&format!("c{number}"), "ops", &["*"])).unwrap());
        }
    });
    let roster = Roster::open(path, Vocabulary::default()).unwrap();
    assert!((0..8).all(|number| roster.get(&format!("c{number}")).is_some_and(|caller| caller.grants.len() == 1)));
}
