//! A made-up third version is one folder of rows: the gateway judges it and sends it on, and no line of code knows it.

use std::path::Path;

use serde_json::json;

use crate::world::{Database, Options, World};

const VERSION: &str = "2031-01-02";

/// The committed tables, and the folder of 2018-03-30 under another date, with one action of its own.
fn write_tables(folder: &Path) {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/providers");
    let made_up = folder.join(format!("tencent-{VERSION}"));
    let copy = |from: &Path, to: &Path| {
        std::fs::create_dir_all(to).unwrap();
        for file in ["provider.toml", "actions.toml", "limits.toml", "states.toml"] {
            std::fs::copy(from.join(file), to.join(file)).unwrap();
        }
    };
    for version in std::fs::read_dir(&committed).unwrap() {
        let version = version.unwrap();
        copy(&version.path(), &folder.join(version.file_name()));
    }
    copy(&committed.join("tencent-2018-03-30"), &made_up);
    let change = |file: &str, with: &dyn Fn(String) -> String| {
        let path = made_up.join(file);
        std::fs::write(&path, with(std::fs::read_to_string(&path).unwrap())).unwrap();
    };
    change("provider.toml", &|text| text.replace("version = \"2018-03-30\"", &format!("version = \"{VERSION}\"")));
    change("actions.toml", &|text| {
        text + "\n[action.TwistMigrateJob]\ntask = \"migration\"\nkind = \"change\"\nids = { JobId = \"migration\" }\n\
                parameters = { JobId = \"String required\", Turns = \"Integer required\" }\nsources = [\"assumed\"]\n\
                dangerous = [{ name = \"break-off\", parameter = \"Turns\", equals = [\"13\"], reason = \"it breaks\", sources = [\"assumed\"] }]\n"
    });
    change("limits.toml", &|text| {
        text + "\n[[limit]]\ncalls = 20\nwindow_ms = 1000\nscope = [\"identity\", \"endpoint\"]\nsources = [\"assumed\"]\n\
                buckets = [\"TwistMigrateJob\"]\n"
    });
    change("states.toml", &|text| {
        text + "\n[rule.TwistMigrateJob]\nallowed = [\"Running\"]\nconfidence = \"low\"\nsources = [\"assumed\"]\n"
    });
}

#[tokio::test]
async fn a_third_version_needs_a_folder_of_rows_and_nothing_else() {
    let tables = tempfile::TempDir::new().unwrap();
    write_tables(tables.path());
    let head = format!("providers.folder = \"{}\"", tables.path().display());
    let world = World::start_with(Database::Sqlite, Options::head(&head)).await;
    let twist = async |caller: &str, body: serde_json::Value| {
        world.with_token(caller).act_with("TwistMigrateJob", &[("x-tc-version", VERSION)], &body.to_string()).await
    };
    twist("all", json!({"JobId": "dts-1"})).await.refused("MissingParameter", "parameter-missing");
    twist("reader", json!({"JobId": "dts-1", "Turns": 1}))
        .await
        .refused("AuthFailure.UnauthorizedOperation", "not-granted");
    let broken = twist("careful", json!({"JobId": "dts-1", "Turns": 13})).await;
    assert!(broken.refused("AuthFailure.UnauthorizedOperation", "dangerous-parameter").contains("break-off"));
    assert_eq!(world.requests().await.len(), 0);
    // The simulated cloud has no such version, and says so: the gateway asked it for the state as the row says.
    let answer = twist("all", json!({"JobId": "dts-1", "Turns": 1})).await;
    assert!(answer.refused("ResourceUnavailable", "state-unavailable").contains("NoSuchVersion"), "{}", answer.text());
    let read = world.with_token("all").act_with("DescribeMigrateJobs", &[("x-tc-version", VERSION)], "{}").await;
    assert_eq!((read.code().as_str(), read.header("x-dts-gateway-origin")), ("NoSuchVersion", "upstream"));
    let unknown = world.with_token("all").act_with("TwistMigrateJob", &[], "{}").await;
    unknown.refused("InvalidAction", "action-unknown");
    world.end().await;
}
