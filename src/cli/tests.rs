#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails should fail loudly")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::quickstart::folder::Folder;
use super::{Line, Surroundings, main, out, table};
use crate::call::{Clock, Outcome};
use crate::config::Config;
use crate::identity::SystemRandom;
use crate::store::{self, Filter};

fn parse(line: &str) -> Result<(), ErrorKind> {
    use clap::Parser;
    Line::try_parse_from(line.split(' ')).map(drop).map_err(|error| error.kind())
}

fn run(line: &str) -> ExitCode {
    main(line.split(' ').map(Into::into), Surroundings::new(Vec::new()))
}

/// A folder of quickstart without a quickstart.
fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    Folder::open(Some(path.clone()), &SystemRandom).unwrap();
    let text = path.display().to_string();
    (folder, text)
}

#[test]
fn the_command_line_contradicts_itself_nowhere() {
    Line::command().debug_assert();
}

#[test]
fn lines_of_the_documentation_are_understood() {
    for line in [
        "dts-gateway serve --config gateway.toml",
        "dts-gateway check --config gateway.toml --json",
        "dts-gateway migrate --config gateway.toml",
        "dts-gateway quickstart",
        "dts-gateway quickstart --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --simulator-listen 127.0.0.1:0",
        "dts-gateway quickstart --simulator-url http://127.0.0.1:8088 --data-dir d --database-url postgres://h/d",
        "dts-gateway keys create NAME --data-dir D --team T --grant G --grant all --weight 3 --json",
        "dts-gateway keys create NAME --config gateway.toml --expires-in 90d",
        "dts-gateway keys list --data-dir D",
        "dts-gateway keys rotate AKID --data-dir D --overlap 1h",
        "dts-gateway keys revoke AKID --config gateway.toml",
        "dts-gateway token --data-dir D --caller NAME",
        "dts-gateway audit retain --config gateway.toml --dry-run --json",
        "dts-gateway audit hold release case-17 --data-dir D",
        "dts-gateway audit query --url http://h --token t --caller c --version 2018-03-30 --outcome refused --json",
        "dts-gateway audit query --data-dir D --from 2026-01-01T00:00:00Z --limit 5",
        "dts-gateway audit query --data-dir D --text throttl --task-id dts-1 --outcome failed,unknown --order oldest",
        "dts-gateway audit export --team t --from 2026-11-01T00:00:00Z --format csv --output november.csv",
        "dts-gateway audit query --administrative false --from 2026-11-21T00:00:00Z",
        "dts-gateway audit show 01a1ff1b-0000-7000-8000-000000000000 --json",
        "dts-gateway audit checkpoints --from-file second.url --origin gateway.example.com/audit",
        "dts-gateway audit history dts-zu97am65 --from 2026-11-21T00:00:00Z --json",
        "dts-gateway audit summary --per minute --by caller --from 2026-11-21T09:00:00Z --kind change,destructive",
        "dts-gateway healthcheck --url http://127.0.0.1:9090",
    ] {
        assert_eq!(parse(line), Ok(()), "{line}");
    }
}

#[test]
fn lines_that_make_no_sense_are_refused() {
    let refused = [
        ("dts-gateway", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        ("dts-gateway serve", ErrorKind::MissingRequiredArgument),
        ("dts-gateway keys list", ErrorKind::MissingRequiredArgument),
        ("dts-gateway keys list --config a --data-dir b", ErrorKind::ArgumentConflict),
        ("dts-gateway keys create n --data-dir a --weight 0", ErrorKind::ValueValidation),
        ("dts-gateway token --data-dir d --caller c --lifetime soon", ErrorKind::ValueValidation),
        ("dts-gateway audit query --url u --data-dir d", ErrorKind::ArgumentConflict),
        ("dts-gateway audit show", ErrorKind::MissingRequiredArgument),
        ("dts-gateway audit checkpoints", ErrorKind::MissingRequiredArgument),
        ("dts-gateway audit checkpoints --from sqlite:a --from-file b", ErrorKind::ArgumentConflict),
        ("dts-gateway audit history", ErrorKind::MissingRequiredArgument),
        ("dts-gateway audit export --data-dir d --format xml", ErrorKind::InvalidValue),
        ("dts-gateway quickstart --redis-url redis://h", ErrorKind::MissingRequiredArgument),
    ];
    for (line, kind) in refused {
        assert_eq!(parse(line), Err(kind), "{line}");
    }
}

#[test]
fn a_folder_given_again_keeps_its_keys_and_others_have_their_own() {
    let (first, path) = folder();
    let (_second, other) = folder();
    let id = |path: &str| Folder::open(Some(path.into()), &SystemRandom).unwrap().pair("quickstart").unwrap().id;
    assert_eq!(id(&path), id(&path));
    assert_ne!(id(&path), id(&other));
    assert!(Config::load(&first.path().join("data/gateway.toml"), []).is_ok());
}

#[test]
fn instances_that_open_a_folder_together_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared");
    let open = || {
        let folder = Folder::open(Some(path.clone()), &SystemRandom).unwrap();
        folder.pair("quickstart").unwrap().id
    };
    let ids: BTreeSet<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids.len(), 1);
}

#[test]
fn a_temporary_folder_goes_with_its_owner() {
    let folder = Folder::open(None, &SystemRandom).unwrap();
    let file = folder.config();
    assert!(file.exists());
    drop(folder);
    assert!(!file.parent().unwrap().exists());
}

#[test]
fn secrets_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = folder();
    let mode = |name: &str| std::fs::metadata(Path::new(&path).join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("secrets/sealing.key"), mode("gateway.toml")), (0o700, 0o600, 0o600));
}

#[test]
fn keys_live_and_die_by_command_and_the_log_knows() {
    let (_folder, path) = folder();
    assert_eq!(
        run(&format!("dts-gateway keys create ann --data-dir {path} --grant Describe* --json")),
        ExitCode::SUCCESS
    );
    assert_eq!(
        run(&format!("dts-gateway keys create bob --data-dir {path} --grant Nothing* --json")),
        ExitCode::FAILURE
    );
    let config = Config::load(&Path::new(&path).join("gateway.toml"), []).unwrap();
    assert!(config.roster.get("ann").is_some() && config.roster.get("bob").is_none());

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let keys = || {
        runtime.block_on(async {
            let store = store::open(&config.store, Clock::system()).unwrap();
            let keys = store.keys().await.unwrap();
            store.close().await;
            keys
        })
    };
    let first = keys()[0].key_id.clone();
    assert_eq!(run(&format!("dts-gateway keys rotate {first} --data-dir {path}")), ExitCode::SUCCESS);
    assert_eq!(keys().len(), 2);
    assert_eq!(run(&format!("dts-gateway keys revoke {first} --data-dir {path}")), ExitCode::SUCCESS);
    assert_eq!(run(&format!("dts-gateway keys rotate {first} --data-dir {path}")), ExitCode::FAILURE);
    assert!(keys().iter().find(|key| key.key_id == first).unwrap().revoked_at.is_some());

    let page = runtime.block_on(async {
        let store = store::open(&config.store, Clock::system()).unwrap();
        let page = store.records(&Filter { limit: 10, ..Filter::default() }).await.unwrap();
        store.close().await;
        page
    });
    let acts: Vec<&str> = page.records.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(acts, ["keys.revoke", "keys.rotate", "keys.create"]);
    assert!(page.records.iter().all(|record| record.outcome == Outcome::Ok && record.family == "gateway"));
}

#[test]
fn holds_are_added_once_and_released_once_and_each_is_a_record() {
    let (_folder, path) = folder();
    let add = |to: &str| {
        let times = format!("--from 2026-01-31T00:00:00Z --to {to}");
        format!("dts-gateway audit hold add case-17 {times} --task-id dts-1 --reason incident --data-dir {path}")
    };
    let (add, backwards) = (add("2026-02-02T00:00:00Z"), add("2026-01-02T00:00:00Z"));
    let release = format!("dts-gateway audit hold release case-17 --data-dir {path} --json");
    for (line, code) in [
        (&release, ExitCode::FAILURE),
        (&backwards, ExitCode::FAILURE),
        (&add, ExitCode::SUCCESS),
        (&add, ExitCode::FAILURE),
        (&release, ExitCode::SUCCESS),
        (&release, ExitCode::FAILURE),
        (&add, ExitCode::SUCCESS),
    ] {
        assert_eq!(run(line), code, "{line}");
    }
    assert_eq!(run(&format!("dts-gateway audit hold list --data-dir {path}")), ExitCode::SUCCESS);
    assert_eq!(run(&format!("dts-gateway audit retain --config {path}/gateway.toml")), ExitCode::SUCCESS);

    let config = Config::load(&Path::new(&path).join("gateway.toml"), []).unwrap();
    let (holds, page) = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = store::open(&config.store, Clock::system()).unwrap();
        let holds = store.log().holds().await.unwrap();
        let page = store.records(&Filter { limit: 10, ..Filter::default() }).await.unwrap();
        store.close().await;
        (holds, page)
    });
    assert_eq!(holds.len(), 1);
    assert_eq!((holds[0].released, holds[0].reason.as_str()), (false, "incident; task dts-1"));
    let acts: Vec<&str> = page.records.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(acts, ["audit.hold-added", "audit.hold-released", "audit.hold-added"]);
}

#[test]
fn wrong_settings_end_with_another_code() {
    let (_folder, path) = folder();
    assert_eq!(run(&format!("dts-gateway check --config {path}/gateway.toml")), ExitCode::SUCCESS);
    std::fs::write(Path::new(&path).join("teams/bad.toml"), "team = 1").unwrap();
    assert_eq!(run(&format!("dts-gateway check --config {path}/gateway.toml")), ExitCode::FAILURE);
    assert_eq!(run("dts-gateway check --config /nowhere.toml --json"), ExitCode::FAILURE);
    assert_eq!(run("dts-gateway healthcheck --url http://127.0.0.1:1"), ExitCode::FAILURE);
    let grant = format!("dts-gateway keys create n --config {path}/gateway.toml --grant all");
    assert_eq!(run(&grant), ExitCode::FAILURE);
    assert_eq!(run("dts-gateway nonsense"), ExitCode::from(2));
}

#[test]
fn columns_are_aligned_and_obey_no_escapes() {
    let lines = table::lines(
        &["A", "B"],
        &[vec!["1".to_owned(), "\u{1b}[2Jx".to_owned()], vec!["long".to_owned(), "y".to_owned()]],
    );
    assert_eq!(lines, ["A     B", "1     \u{fffd}[2Jx", "long  y"]);
}

/// What a question answered that was asked of the folder's own store.
fn exported(path: &str, arguments: &str) -> String {
    let file = Path::new(path).join("export");
    let line = format!("dts-gateway audit export --data-dir {path} --output {} {arguments}", file.display());
    assert_eq!(run(&line), ExitCode::SUCCESS, "{line}");
    assert!(!file.with_extension("partial").exists());
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn the_log_is_asked_without_a_gateway_and_that_is_recorded() {
    let (_folder, path) = folder();
    for name in ["ann", "bob"] {
        let create = format!("dts-gateway keys create {name} --data-dir {path} --grant Describe* --json");
        assert_eq!(run(&create), ExitCode::SUCCESS);
    }
    let lines = exported(&path, "--action keys.create");
    assert_eq!(lines.lines().count(), 3);
    assert!(lines.ends_with("{\"end\":{\"records\":2}}\n"), "{lines}");
    let array: Vec<serde_json::Value> =
        serde_json::from_str(&exported(&path, "--action keys.create --format json --limit 1")).unwrap();
    assert_eq!(array[0]["caller"], "command-line");
    assert_eq!(exported(&path, "--action keys.create --format csv").lines().count(), 3);

    for question in
        ["query --json", "query --limit 1", "history dts-1", "summary --from 2026-01-01T00:00:00Z --per day"]
    {
        assert_eq!(run(&format!("dts-gateway audit {question} --data-dir {path}")), ExitCode::SUCCESS, "{question}");
    }
    for wrong in ["query --limit 1001", "query --cursor x", "summary", "export --outcome good"] {
        assert_eq!(run(&format!("dts-gateway audit {wrong} --data-dir {path}")), ExitCode::FAILURE, "{wrong}");
    }
    let acts = exported(&path, "--family gateway --format csv --order oldest");
    let mut rows = csv::Reader::from_reader(acts.as_bytes());
    let rows: Vec<(String, String)> = rows
        .records()
        .map(Result::unwrap)
        .filter(|row| row[9].starts_with("audit."))
        .map(|row| (row[9].to_owned(), row[12].to_owned()))
        .collect();
    let expected = [
        ("audit.export", "ok"),
        ("audit.export", "ok"),
        ("audit.export", "ok"),
        ("audit.query", "ok"),
        ("audit.query", "ok"),
        ("audit.history", "ok"),
        ("audit.summary", "ok"),
        ("audit.query", "refused"),
        ("audit.query", "refused"),
        ("audit.summary", "refused"),
        ("audit.export", "refused"),
        ("audit.export", "open"),
    ];
    assert_eq!(rows, expected.map(|(action, outcome)| (action.to_owned(), outcome.to_owned())));
}

#[test]
fn what_a_terminal_would_obey_is_escaped() {
    let text = "a\u{9b}2J\u{7f}\u{202e}\u{2066}\u{200f}\u{2028}é未";
    let json = serde_json::json!({ text: [text, "\u{1b}[2J\n"] });
    let shown = out::plain_json(&json.to_string());
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json, "it means the same");
    assert_eq!(shown.matches("\\u202e").count(), 2);
    for shown in [shown, out::plain(text)] {
        assert_eq!(shown.chars().filter(|c| !c.is_ascii_graphic() && !matches!(c, 'é' | '未' | '\u{fffd}')).count(), 0);
    }
}
