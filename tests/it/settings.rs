//! The configuration of a world: who there is, and what differs from test to test.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tracing::Dispatch;

/// A secret of the development issuer; random enough for the check of weak ones.
pub const TOKEN_SECRET: &str = "xB4kqR9vT2mWz7LpYc8sHd3nJf6gKaQe";

/// The key of the digests over parameters.
pub const DIGEST_KEY: &str = "q8Zr1Xv5Tn0LkW3bYp7cHs2mJd9fGaQe";

/// The key that seals issued keys.
pub const SEALING_KEY: &str = "YiHDKhlthC2B87dIc15cjDA2v4yazEphnCuA6nTo3Rs=";

/// What differs from test to test.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Dotted keys in front of the configuration's tables.
    pub head: String,
    /// Tables, appended to the configuration.
    pub config: String,
    /// Team files beside the standard one, by name.
    pub teams: Vec<(String, String)>,
    /// How long a step of a task takes at the simulator.
    pub step: Option<Duration>,
    /// How long a migration or a consistency check runs at the simulator.
    pub run: Option<Duration>,
    /// Where the gateway's log goes; nowhere, if nothing is said.
    pub log: Option<Dispatch>,
}

/// Who there is in every world: `all` may do everything, `careful` everything that is not dangerous, `reader` may
/// describe, `own` may do everything to tasks of its own, and `payer` the same in another team.
const TEAMS: [(&str, &str); 2] = [
    (
        "platform",
        r#"
team = "platform"

[[caller]]
name = "all"
accounts = ["main", "elsewhere"]

[[caller]]
name = "careful"
accounts = ["main", "elsewhere"]

[[caller]]
name = "reader"
accounts = ["main", "elsewhere"]

[[caller]]
name = "own"
accounts = ["main", "elsewhere"]

[[grant]]
callers = ["all"]
actions = ["*"]
tasks = "any"
dangers = ["*"]

[[grant]]
callers = ["careful"]
actions = ["*"]
tasks = "any"

[[grant]]
callers = ["reader"]
actions = ["Describe*"]
tasks = "any"

[[grant]]
callers = ["own"]
actions = ["*"]
tasks = ["own"]
"#,
    ),
    (
        "payments",
        r#"
team = "payments"

[[caller]]
name = "payer"
accounts = ["main", "elsewhere"]

[[grant]]
actions = ["*"]
tasks = ["own"]
"#,
    ),
];

impl Options {
    /// Dotted keys of the configuration.
    pub fn head(head: &str) -> Options {
        Options { head: head.to_owned(), ..Options::default() }
    }
}

/// Writes the configuration of a gateway whose cloud is `simulator`.
pub fn write(folder: &TempDir, simulator: &dts_simulator::Running, store_url: &SecretString, options: &Options) {
    let write = |name: &str, text: &str| {
        let path: PathBuf = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for (name, text) in TEAMS {
        write(&format!("teams/{name}.toml"), text);
    }
    for (name, text) in &options.teams {
        write(&format!("teams/{name}.toml"), text);
    }
    let mut config = String::new();
    let (id, key) = (simulator.secret_id(), simulator.secret_key());
    let (url, store) = (simulator.url(), store_url.expose_secret());
    let (head, tail) = (&options.head, &options.config);
    // A test looks for the record of a call, also where it makes many that nobody has proven; `counting` is about the rest.
    let singly = if head.contains("anonymous_per_second") { "" } else { "audit.anonymous_per_second = 0\n" };
    write!(
        config,
        r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
store.url = "{store}"
audit.digest_key = "{DIGEST_KEY}"
{singly}{head}

[[keys.sealing]]
name = "first"
key = "{SEALING_KEY}"

[issuer.development]
issuer = "https://development.invalid/"
audience = "dts-gateway"
algorithms = ["HS256"]
key = "{TOKEN_SECRET}"
development = true

[account.main]
family = "tencent"
site = "mainland"
secret_id = "{id}"
secret_key = "{key}"
default_region = "ap-guangzhou"
endpoint = "{url}"

[account.elsewhere]
family = "aliyun"
site = "public"
secret_id = "{id}"
secret_key = "{key}"
default_region = "cn-hangzhou"
endpoint = "{url}"
{tail}
"#
    )
    .unwrap();
    write("gateway.toml", &config);
}
