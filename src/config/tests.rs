#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails should fail loudly")]

use std::fs;
use std::path::Path;

use secrecy::ExposeSecret;

use super::{Config, Mistakes, Place, Raw};
use crate::identity::IssuerKeys;
use crate::provider::Family;

const SECRET: &str = "not-a-secret-of-anybody-0123456789";
const REFERENCE: &str = include_str!("../../config/gateway.toml");

/// The least that is needed.
const MINIMAL: &str = include_str!("../../tests/minimal.toml");

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("teams")).unwrap();
    fs::create_dir_all(folder.path().join("secrets")).unwrap();
    for (name, text) in [
        ("digest.key", SECRET),
        ("sealing.key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"),
        ("main.id", "AKIDFILE\n"),
        ("main.key", "from-a-file\n"),
    ] {
        fs::write(folder.path().join("secrets").join(name), text).unwrap();
    }
    folder
}

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, Mistakes> {
    let folder = folder();
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::read(text, "gateway.toml", folder.path(), variables)
}

/// Key, line, column and message of each mistake; a variable's name instead of line and column.
fn mistakes(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let mistakes = read(text, variables).err().expect("this should be wrong");
    let line = |mistake: &super::Mistake| match &mistake.place {
        Place::File { line, column, .. } => format!("{line}:{column} {}: {}", mistake.key, mistake.message),
        Place::OtherFile { file, line, column } => format!("{file}:{line}:{column} {}", mistake.message),
        Place::Variable { variable } => format!("{variable} {}: {}", mistake.key, mistake.message),
    };
    mistakes.list().iter().map(line).collect()
}

fn rendered(mistakes: &Mistakes) -> String {
    let theme = miette::GraphicalTheme::unicode_nocolor();
    let mut text = String::new();
    miette::GraphicalReportHandler::new_themed(theme).with_width(120).render_report(&mut text, mistakes).unwrap();
    text
}

#[test]
fn the_least_configuration_has_documented_defaults() {
    let config = read(MINIMAL, &[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.admin.listen.to_string(), "127.0.0.1:9090");
    assert_eq!(config.server.max_body_bytes, 10 * 1024 * 1024);
    assert_eq!(config.server.max_buffered_bytes, 256 * 1024 * 1024);
    assert_eq!(config.accounts[0].alias, "main");
    assert_eq!(config.accounts[0].identity, "main");
    let url = config.store.expose_secret();
    assert!(url.starts_with("sqlite:/") && url.ends_with("/gateway.sqlite3"), "{url}");
    assert_eq!(config.providers.families().len(), 2);
    assert_eq!(config.purchases.window.as_secs(), 10);
}

#[test]
fn a_reserve_leaves_something_of_the_smallest_quota_that_it_is_taken_from() {
    let with = |calls: u32| {
        let variable = [("DTS_GATEWAY__QUOTA__RESERVE", &*calls.to_string())];
        read(MINIMAL, &variable).map(|config| config.quota.reserve).map_err(|mistakes| rendered(&mistakes))
    };
    assert_eq!((with(0), with(19)), (Ok(0), Ok(19)));
    let refused = with(20).unwrap_err();
    assert!(refused.contains("20 is out of range, it must be 0 to 19"), "{refused}");
    assert!(read(MINIMAL, &[]).unwrap().quota.learn);
}

#[test]
fn every_mistake_is_reported_with_its_place() {
    let text = r#"
[server]
listen = "localhost"
max_body_bytes = "many"
hed_timeout = "10s"
idle_timeout = "5 parsecs"

[quota]
max_wait = "1m"

[purchases]
window = "2h"

[sever]
a = 1
b = 2

[store]
url = "mysql://u:hunter2@h/d"

[audit]
digest_key = "short"

[[keys.sealing]]
name = "First"
key = "not base64"

[issuer.a]
issuer = "x"
audience = "y"
algorithms = ["HS256", "none"]
key = "a-string-secret-at-least-256-bits-long"

[issuer.b]
issuer = "x"
audience = "y"
algorithms = ["RS256", "HS256"]
jwks_url = "http://login.example.com/jwks"

[account.main]
family = "azure"
site = "mainland"
secret_id = "AKID"
secret_key = "planted-secret-key"
secret_key_file = "secrets/main.key"
endpoint = "http://u:p@h/path?x"
"#;
    insta::assert_snapshot!(mistakes(text, &[]).join("\n"));
}

#[test]
fn the_report_shows_lines_but_no_secrets() {
    let text = MINIMAL.replace("site = ", "sito = ").replace("secret_key = ", "secret_kye = ");
    let mistakes = read(&text, &[("DTS_GATEWAY__QUOTA__MAX_WAIT", "soon")]).err().unwrap();
    let report = rendered(&mistakes);
    assert!(!report.contains("planted-secret-key"), "{report}");
    assert!(!format!("{mistakes:?}").contains("planted-secret-key"));
    insta::assert_snapshot!(report);
}

#[test]
fn syntax_errors_are_all_reported_and_keep_secrets() {
    let text = "[server\nlisten = \n[account.main]\nsecret_key = \"planted-secret\nfamily = unquoted\n";
    let mistakes = read(text, &[]).err().unwrap();
    assert!(mistakes.list().len() >= 3, "{mistakes:?}");
    assert!(!rendered(&mistakes).contains("planted-secret"), "{}", rendered(&mistakes));
}

#[test]
fn variables_override_keys_of_every_type() {
    let family = Family::names().next().unwrap();
    let variables = [
        ("DTS_GATEWAY__SERVER__LISTEN", "127.0.0.1:0"),
        ("DTS_GATEWAY__SERVER__MAX_CONNECTIONS", "7"),
        ("DTS_GATEWAY__ADMIN__ALLOW_PLAINTEXT", "true"),
        ("DTS_GATEWAY__ADMIN__LISTEN", "0.0.0.0:1"),
        ("DTS_GATEWAY__QUOTA__MAX_WAIT", "250ms"),
        ("DTS_GATEWAY__SIGNATURES__CLOUD_HOSTS", "['a.example', 'b.example']"),
        ("DTS_GATEWAY__ACCOUNT__MAIN__SECRET_KEY", "12345"),
        ("DTS_GATEWAY__ACCOUNT__SECOND__FAMILY", family),
        ("DTS_GATEWAY__ACCOUNT__SECOND__SITE", "international"),
        ("DTS_GATEWAY__ACCOUNT__SECOND__SECRET_ID", "AKID2"),
        ("DTS_GATEWAY__ACCOUNT__SECOND__SECRET_KEY", "two"),
        ("DTS_GATEWAY__KEYS__SEALING__0__NAME", "renamed"),
        ("DTS_GATEWAY_ADMIN_URL", "not ours"),
    ];
    let config = read(MINIMAL, &variables).unwrap();
    assert_eq!(config.server.listen.port(), 0);
    assert_eq!(config.server.max_connections, 7);
    assert_eq!(config.quota.max_wait.as_millis(), 250);
    assert_eq!(config.signatures.cloud_hosts.as_deref(), Some(&["a.example".to_owned(), "b.example".to_owned()][..]));
    assert_eq!(config.accounts[0].credential.secret_key.expose_secret(), "12345");
    assert_eq!(config.accounts[1].alias, "second");
    assert!(format!("{:?}", config.keys).contains("renamed"));
}

#[test]
fn all_bodies_together_have_room_for_one() {
    let small = format!("[server]\nmax_body_bytes = 1048576\nmax_buffered_bytes = 1048575\n{MINIMAL}");
    let found = mistakes(&small, &[]).join("\n");
    assert!(found.contains("server.max_buffered_bytes: not even one body"), "{found}");
    assert!(read(&small.replace("1048575", "1048576"), &[]).is_ok());
}

#[test]
fn a_wrong_variable_is_named_and_a_secret_in_it_is_not_shown() {
    let variables = [
        ("DTS_GATEWAY__SERVER__MAX_CONNECTIONS", "many"),
        ("DTS_GATEWAY__SERVER__LISTN", "127.0.0.1:1"),
        ("DTS_GATEWAY__SERVER____LISTEN", "127.0.0.1:1"),
        ("DTS_GATEWAY__ACCOUNT", "planted"),
        ("DTS_GATEWAY__ACCOUNT__MAIN", "planted"),
        ("DTS_GATEWAY__ACCOUNT__MAIN__SECRET", "planted"),
        ("DTS_GATEWAY__QUOTA__MAX_WAIT", "21s"),
        ("DTS_GATEWAY__STORE__URL", "oracle:planted"),
    ];
    let found = mistakes(MINIMAL, &variables).join("\n");
    assert!(!found.contains("planted"), "{found}");
    insta::assert_snapshot!(found);
}

#[test]
fn a_secret_comes_from_one_place() {
    let from_file = MINIMAL.replace("secret_key = \"planted-secret-key\"", "secret_key_file = \"secrets/main.key\"");
    let config = read(&from_file, &[]).unwrap();
    assert_eq!(config.accounts[0].credential.secret_key.expose_secret(), "from-a-file");

    let overridden = read(&from_file, &[("DTS_GATEWAY__ACCOUNT__MAIN__SECRET_KEY", "from-the-environment")]).unwrap();
    assert_eq!(overridden.accounts[0].credential.secret_key.expose_secret(), "from-the-environment");

    let missing = MINIMAL.replace("secret_key = \"planted-secret-key\"", "secret_key_file = \"secrets/none.key\"");
    assert!(mistakes(&missing, &[])[0].contains("account.main.secret_key_file: "), "{:?}", mistakes(&missing, &[]));

    let neither = MINIMAL.replace("secret_key = \"planted-secret-key\"", "");
    assert_eq!(mistakes(&neither, &[]), ["12:10 account.main.secret_key: this secret is missing"]);
}

#[test]
fn plaintext_off_loopback_needs_a_word() {
    let open = format!("[server]\nlisten = \"0.0.0.0:8080\"\n{MINIMAL}");
    assert!(mistakes(&open, &[])[0].starts_with("2:10 server.listen: 0.0.0.0:8080 can be reached from outside"));
    assert!(read(&open, &[("DTS_GATEWAY__SERVER__ALLOW_PLAINTEXT", "true")]).is_ok());
}

#[test]
fn tls_files_are_looked_into() {
    let folder = folder();
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("cert.pem"), pair.cert.pem()).unwrap();
    fs::write(folder.path().join("cert.key"), pair.signing_key.serialize_pem()).unwrap();
    let tls = "[server.tls]\ncertificate_file = \"cert.pem\"\nkey_file = \"cert.key\"\n";
    let none = std::iter::empty();
    let config = Config::read(&format!("{MINIMAL}{tls}"), "t", folder.path(), none.clone()).unwrap();
    assert!(config.server.tls.is_some());

    let swapped = "[server.tls]\ncertificate_file = \"cert.key\"\nkey_file = \"cert.pem\"\n";
    let mistakes = Config::read(&format!("{MINIMAL}{swapped}"), "t", folder.path(), none).err().unwrap();
    assert_eq!(mistakes.list().len(), 2, "{mistakes:?}");
}

#[test]
fn issuers_take_each_kind_of_key() {
    let text = format!(
        "{MINIMAL}
[issuer.shared]
issuer = \"a\"
audience = \"gateway\"
algorithms = [\"HS256\"]
key = \"{SECRET}\"
development = true

[issuer.fetched]
issuer = \"b\"
audience = \"gateway\"
algorithms = [\"RS256\", \"EdDSA\"]
jwks_url = \"https://login.example.com/jwks\"
leeway = \"1m\"
"
    );
    let config = read(&text, &[]).unwrap();
    assert!(matches!(config.issuers[0].settings.keys, IssuerKeys::Jwks { .. }));
    assert!(matches!(config.issuers[1].settings.keys, IssuerKeys::Static(_)));
    assert!(config.issuers[0].development.is_none() && config.issuers[1].development.is_some());
    assert!(!format!("{:?}", config.issuers).contains(SECRET));
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_a_mistake_too() {
    let folder = folder();
    let path = folder.path().join("gateway.toml");
    assert!(Config::load(&path, std::iter::empty()).is_err());
    fs::write(&path, [0xff, 0xfe]).unwrap();
    let mistakes = Config::load(&path, std::iter::empty()).err().unwrap();
    assert!(mistakes.list()[0].message.contains("not UTF-8 at byte 0"));
}

#[test]
fn the_reference_is_a_configuration_that_works() {
    let config = read(REFERENCE, &[]).map_err(|mistakes| rendered(&mistakes)).unwrap();
    assert_eq!(config.accounts[0].credential.secret_key.expose_secret(), "from-a-file");
}

/// The reference with every key that it shows: lines that begin with `#` and a key or a section.
fn everything() -> String {
    let shown = |line: &str| {
        let rest = line
            .strip_prefix('#')
            .filter(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase() || "[\"".contains(first)));
        rest.unwrap_or(line).to_owned()
    };
    REFERENCE.lines().map(shown).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_reference_shows_every_key() {
    let everything: toml::Table = toml::from_str(&everything()).unwrap();
    let sections = [
        "",
        "server",
        "server.tls",
        "admin",
        "admin.tls",
        "store",
        "audit",
        "keys",
        "keys.sealing",
        "issuer.platform",
        "teams",
        "providers",
        "account.main",
        "quota",
        "share",
        "purchases",
        "state",
        "upstream",
        "signatures",
        "log",
    ];
    for section in sections {
        let shown =
            section.split('.').filter(|part| !part.is_empty()).fold(&everything, |table, part| match &table[part] {
                toml::Value::Table(inner) => inner,
                toml::Value::Array(items) => items[0].as_table().unwrap(),
                other => panic!("{section} is {other}"),
            });
        for key in keys_of(section) {
            assert!(shown.contains_key(&key), "config/gateway.toml does not show `{key}` in [{section}]");
        }
    }
}

#[test]
fn the_reference_shows_defaults_as_they_are() {
    let shown: Raw = toml::from_str(&everything()).unwrap();
    let (shown, default) = (toml::Table::try_from(&shown).unwrap(), toml::Table::try_from(Raw::default()).unwrap());
    for (section, keys) in &default {
        // Lists and sections by name are empty by default; the reference has an example.
        for (key, value) in keys.as_table().unwrap() {
            if !value.is_array() && !value.is_table() {
                assert_eq!(&shown[section][key], value, "config/gateway.toml, `{key}` in [{section}]");
            }
        }
    }
    let issuer = toml::Table::try_from(super::issuer::Raw::default()).unwrap();
    for (key, value) in issuer.iter().filter(|(_, value)| !value.is_array()) {
        assert_eq!(&shown["issuer"]["platform"][key], value, "config/gateway.toml, `{key}` of an issuer");
    }
}

/// The keys that a section takes, out of serde's complaint about one that it does not take.
fn keys_of(section: &str) -> Vec<String> {
    let text = match section {
        "" => "nothing-is-called-so = 1".to_owned(),
        "keys.sealing" => "[[keys.sealing]]\nnothing-is-called-so = 1".to_owned(),
        _ => format!("[{section}]\nnothing-is-called-so = 1"),
    };
    let error = toml::from_str::<Raw>(&text).unwrap_err();
    let message = error.message().to_owned();
    let (_, expected) = message.split_once("expected ").unwrap();
    let keys: Vec<String> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(!keys.is_empty(), "{message}");
    keys
}

#[test]
fn paths_are_relative_to_the_file() {
    let folder = folder();
    let path = folder.path().join("gateway.toml");
    fs::write(&path, REFERENCE).unwrap();
    let config = Config::load(&path, std::iter::empty()).unwrap();
    assert_eq!(config.teams, folder.path().join("teams"));
    let file = folder.path().join(Path::new("gateway.sqlite3"));
    assert_eq!(config.store.expose_secret(), format!("sqlite:{}", file.display()));
}

#[test]
fn records_are_kept_for_a_day_or_more() {
    let kept =
        |words: &str| read(&format!("{MINIMAL}\n[audit.retain]\n{words}\n"), &[]).map(|config| config.audit.retain);
    let days = |days: u64| Some(std::time::Duration::from_secs(days * 86_400));
    let limits = kept("").unwrap();
    assert_eq!((limits.changes, limits.reads), (days(400), days(400)));
    let limits = kept("changes = \"forever\"\nreads = \"1d\"").unwrap();
    assert_eq!((limits.changes, limits.reads), (None, days(1)));
    for wrong in ["23h", "-5d", "400", "soon", "1000000d"] {
        let mistakes = kept(&format!("reads = \"{wrong}\"")).unwrap_err();
        assert_eq!(mistakes.list()[0].key, "audit.retain.reads", "{wrong}");
    }
}

#[test]
fn the_owner_of_the_tables_is_of_a_database_with_users() {
    let owner = |url: &str| MINIMAL.replace("[store]", &format!("[store]\nmigrate_url = \"{url}\""));
    let found = mistakes(&owner("postgres://o:planted@h/d"), &[]);
    assert!(found.len() == 1 && found[0].contains("store.migrate_url: a SQLite file has no users"), "{found:?}");
    let found = mistakes(&owner("mysql://o:planted@h/d"), &[]);
    assert!(found[0].contains("store.migrate_url") && !found[0].contains("planted"), "{found:?}");
    let both = owner("postgres://o:planted@h/d");
    let config = read(&both, &[("DTS_GATEWAY__STORE__URL", "postgres://g:p@h/d")]).unwrap();
    assert!(config.store_owner.is_some());
}

#[test]
fn the_second_place_of_checkpoints_is_a_database() {
    let key = crate::proof::SigningKey::generate("a/b").unwrap().to_pem().unwrap();
    let proof =
        |second: &str| format!("{MINIMAL}\n[audit.proof]\norigin = \"a/b\"\nkey = \'\'\'\n{}\'\'\'\n{second}\n", *key);
    let second = |text: &str| read(&proof(text), &[]).map(|config| config.audit.proof.unwrap().second);
    assert!(second("").unwrap().is_none());
    let url = second("second_url = \"postgres://o:planted@h/d\"").unwrap().unwrap();
    assert_eq!(url.expose_secret(), "postgres://o:planted@h/d");
    assert!(!format!("{url:?}").contains("planted"));
    let file = second("second_url = \"sqlite:second/notes.sqlite3\"").unwrap().unwrap();
    assert!(file.expose_secret().starts_with("sqlite:/") && file.expose_secret().ends_with("second/notes.sqlite3"));
    let found = mistakes(&proof("second_url = \"mysql://o:planted@h/d\""), &[]);
    assert!(found.len() == 1 && found[0].contains("audit.proof.second_url: this is not the URL"), "{found:?}");
    assert!(!found[0].contains("planted"), "{found:?}");
    let found = mistakes(&proof("second_url_file = \"secrets/none\""), &[]);
    assert!(found.len() == 1 && found[0].contains("audit.proof.second_url_file"), "{found:?}");
}

#[test]
fn mistakes_in_team_files_are_among_them() {
    let folder = folder();
    fs::write(
        folder.path().join("teams/a.toml"),
        "team = \"a\"\n[[caller]]\nname = \"x\"\naccounts = [\"other\"]\nwidth = 2\n",
    )
    .unwrap();
    let text = MINIMAL.replace("mainland", "moon");
    let mistakes = Config::read(&text, "gateway.toml", folder.path(), std::iter::empty()).err().unwrap();
    let found: Vec<String> = mistakes.list().iter().map(ToString::to_string).collect();
    assert!(found[0].starts_with("account.main.site: `moon` is no site"), "{found:?}");
    assert!(found.iter().any(|mistake| mistake.contains("teams/a.toml:5:1")), "{found:?}");
}

#[test]
fn modes_and_regions_must_be_in_the_tables() {
    let text = format!(
        "{MINIMAL}default_region = \"moon\"\n[state.modes]\nStopMigrateJob = \"off\"\n\"2018-03-30/Stop\" = \"off\"\n\"2018-03-30/StopMigrateJob\" = \"observe\"\n"
    );
    let found = mistakes(&text, &[]);
    assert_eq!(found.len(), 3, "{found:?}");
}

proptest::proptest! {
    /// Whatever is written and set, there is a configuration or a report, and no panic on the way to either.
    #[test]
    fn no_text_and_no_variable_breaks_the_reader(
        at in 0.0_f64..1.0,
        length in 0_usize..40,
        inserted in proptest::string::string_regex("[ -~\n\u{e9}\u{4e2d}\u{1f600}\"'=\\[\\]{}#.]{0,12}").unwrap(),
        name in proptest::string::string_regex("(SERVER|ACCOUNT|KEYS|ISSUER|STATE|X|[A-Z0-9_]{0,4})(__(MAIN|SEALING|0|1|9|LISTEN|KEY|MODES|URL|[A-Z_]{0,3})){0,4}").unwrap(),
        value in ".{0,12}",
    ) {
        let floor = |position: usize| REFERENCE.floor_char_boundary(position.min(REFERENCE.len()));
        let start = (0..=REFERENCE.len()).nth((at * REFERENCE.len() as f64) as usize).map_or(0, floor);
        let text = format!("{}{inserted}{}", &REFERENCE[..start], &REFERENCE[floor(start + length)..]);
        let variable = format!("DTS_GATEWAY__{name}");
        if let Err(mistakes) = read(&text, &[(&variable, &value)]) {
            proptest::prop_assert!(!mistakes.list().is_empty());
            proptest::prop_assert!(!rendered(&mistakes).is_empty());
        }
    }
}

#[test]
fn a_journal_is_asked_for_where_one_is_needed_and_needs_the_key_of_the_checkpoints() {
    for key in ["reads = \"spool\"", "emergency = \"local\""] {
        let told = mistakes(&MINIMAL.replacen("[audit]\n", &format!("[audit]\n{key}\n"), 1), &[]);
        let [mistake] = told.as_slice() else { panic!("{told:?}") };
        assert!(mistake.ends_with("this needs a journal, and there is none"), "{mistake}");
    }
    let told = mistakes(&format!("{MINIMAL}\n[audit.journal]\n"), &[]);
    let [mistake] = told.as_slice() else { panic!("{told:?}") };
    assert!(mistake.contains("audit.journal: a journal is sealed with the key of the checkpoints"), "{mistake}");
}

#[test]
fn stops_go_on_without_the_database_only_where_one_instance_is_alone() {
    let local = MINIMAL.replacen("[audit]\n", "[audit]\nemergency = \"local\"\n", 1);
    let is_told =
        |text: &str| mistakes(text, &[]).iter().any(|told| told.contains("which tasks the others are stopping"));
    assert!(!is_told(&local));
    for several in ["[redis]\nurl = \"redis://localhost/\"", "[quota]\nparts = 2"] {
        assert!(is_told(&format!("{local}\n{several}\n")), "{several}");
        let off = format!("{MINIMAL}\n{several}\n");
        assert!(read(&off, &[]).is_ok(), "{several}");
    }
}

#[test]
fn answers_are_fresh_for_as_long_as_all_reads_or_some_are_said_to_be() {
    let fresh_for = |text: &str| read(&format!("{MINIMAL}\n[share]\n{text}"), &[]).unwrap().share.fresh_for;
    let of = |text: &str, version: &str, action: &str| {
        fresh_for(text).get(version).and_then(|actions| actions.get(action)).map(std::time::Duration::as_millis)
    };
    assert!(fresh_for("").is_empty() && fresh_for("fresh_for = \"0s\"").is_empty());
    let all = "fresh_for = \"1s\"";
    assert_eq!(of(all, "2018-03-30", "DescribeMigrateJobs"), Some(1000));
    assert_eq!(of(all, "2020-01-01", "DescribeDtsJobs"), Some(1000));
    assert_eq!(of(all, "2018-03-30", "StopMigrateJob"), None, "a change");
    let some = "fresh_for = { DescribeAsyncRequestInfo = \"2s\", \"2018-03-30/DescribeMigrateJobs\" = \"250ms\" }";
    assert_eq!(of(some, "2018-03-30", "DescribeMigrateJobs"), Some(250));
    assert_eq!(of(some, "2018-03-30", "DescribeAsyncRequestInfo"), Some(2000));
    assert_eq!(of(some, "2018-03-30", "DescribeSubscribes"), None);
    let but_one = "fresh_for = { DescribeConsumerGroup = \"1s\", \"2018-08-01/DescribeConsumerGroup\" = \"0s\" }";
    assert_eq!(of(but_one, "2020-01-01", "DescribeConsumerGroup"), Some(1000));
    assert_eq!(of(but_one, "2018-08-01", "DescribeConsumerGroup"), None, "the version's own word counts, 0 too");
    let variable = [("DTS_GATEWAY__SHARE__FRESH_FOR", "{ DescribeMigrateJobs = \"3s\" }")];
    let set = read(MINIMAL, &variable).unwrap().share.fresh_for;
    assert_eq!(set["2018-03-30"]["DescribeMigrateJobs"].as_secs(), 3);
    let plain = read(MINIMAL, &[("DTS_GATEWAY__SHARE__FRESH_FOR", "1s")]).unwrap().share.fresh_for;
    assert_eq!(plain["2018-03-30"]["DescribeMigrateJobs"].as_secs(), 1);
}

#[test]
fn what_cannot_be_fresh_is_a_mistake() {
    let wrong = |text: &str| mistakes(&format!("{MINIMAL}\n{text}"), &[]).join("\n");
    for (text, expected) in [
        ("[share]\nfresh_for = \"6s\"", "share.fresh_for: 6s is out of range, it must be 0s to 5s"),
        ("[share]\nfresh_for = \"soon\"", "share.fresh_for: invalid value: string \"soon\", expected a duration"),
        ("[share.fresh_for]\nStopMigrateJob = \"1s\"", "share.fresh_for.StopMigrateJob: this is no read of any table"),
        ("[share.fresh_for]\n\"2021-12-06/DescribeMigrateJobs\" = \"1s\"", "this is no read of any table"),
        ("[quota]\nparts = 2\n[share]\nfresh_for = \"1s\"", "instances with quota.parts remember no answers"),
    ] {
        let said = wrong(text);
        assert!(said.contains(expected), "{text}: {said}");
    }
}
