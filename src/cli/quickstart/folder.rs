//! The folder of a quickstart: a configuration, its secrets, a team, and the log. What is there is kept, so a folder
//! given again has the same keys; several instances may open one at the same time and agree.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::cli::settings::FILE;
use crate::identity::Random;
use crate::proof::SigningKey;

/// The caller with every grant.
pub(super) const CALLER: &str = "quickstart";

/// The caller with `Describe*` only.
pub(super) const READER: &str = "reader";

/// The development issuer.
pub(super) const ISSUER: &str = "quickstart";

/// What its checkpoints are signed as; the configuration says it too.
const ORIGIN: &str = "quickstart.dts-gateway.invalid/audit";

/// The configuration; addresses and the simulator's endpoint are laid over it at each start.
const CONFIGURATION: &str = include_str!("../../../config/quickstart/gateway.toml");

/// The team.
const TEAM: &str = include_str!("../../../config/quickstart/team.toml");

/// The database that is in the folder itself.
const DATABASE: &str = "sqlite:gateway.sqlite3";

/// The folder.
pub(in crate::cli) struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

/// A key pair.
pub(in crate::cli) struct Pair {
    pub(in crate::cli) id: String,
    pub(super) key: SecretString,
}

impl Folder {
    /// Opens a folder, or makes a temporary one, and fills in what is not there.
    pub(in crate::cli) fn open(given: Option<PathBuf>, random: &dyn Random) -> miette::Result<Folder> {
        let folder = match given {
            Some(path) => Folder { path, is_temporary: false },
            None => {
                let name = format!("dts-gateway-{}", text(random, 8)?.as_str());
                Folder { path: std::env::temp_dir().join(name), is_temporary: true }
            }
        };
        folder.fill(random).map_err(|error| miette::miette!("{}: {error}", folder.path.display()))?;
        Ok(folder)
    }

    /// The configuration file.
    pub(in crate::cli) fn config(&self) -> PathBuf {
        self.path.join(FILE)
    }

    /// The accounts in the configuration; what is wrong with it is told when it is loaded.
    pub(super) fn accounts(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.config()).unwrap_or_default();
        let config: toml::Table = text.parse().unwrap_or_default();
        let accounts = config.get("account").and_then(toml::Value::as_table);
        accounts.map(|accounts| accounts.keys().cloned().collect()).unwrap_or_default()
    }

    /// Uses another database from now on; commands that get the folder use it too.
    pub(super) fn set_database(&self, url: &str) -> miette::Result<()> {
        let set = replace(&self.path.join("secrets/database.url"), url);
        set.map_err(|error| miette::miette!("{}: {error}", self.path.display()))
    }

    /// One of the folder's key pairs.
    pub(in crate::cli) fn pair(&self, name: &str) -> miette::Result<Pair> {
        let read = |half: &str| {
            let file = self.path.join("secrets").join(format!("{name}.{half}"));
            let text = fs::read_to_string(&file).map_err(|error| miette::miette!("{}: {error}", file.display()))?;
            Ok::<String, miette::Report>(text.trim().to_owned())
        };
        Ok(Pair { id: read("id")?, key: SecretString::from(read("key")?) })
    }

    /// Under a lock, so that instances that start together find the same.
    fn fill(&self, random: &dyn Random) -> io::Result<()> {
        let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        private(&self.path)?;
        private(&self.path.join("secrets"))?;
        private(&self.path.join("teams"))?;
        let lock = File::create(self.path.join(".lock"))?;
        lock.lock()?;
        let bytes = |count: usize| {
            let mut bytes = Zeroizing::new(vec![0_u8; count]);
            random.fill(&mut bytes).map_err(io::Error::other).map(|()| bytes)
        };
        let key = || bytes(32).map(|bytes| STANDARD.encode(&*bytes));
        let id = || bytes(16).map(|bytes| format!("AKID{}", hex::encode(&*bytes)));
        let checkpoint_key = || {
            let key = SigningKey::generate(ORIGIN).map_err(io::Error::other)?;
            key.to_pem().map(|pem| pem.to_string()).map_err(io::Error::other)
        };
        let secret = || bytes(20).map(|bytes| hex::encode(&*bytes));
        self.keep("secrets/sealing.key", key)?;
        self.keep("secrets/checkpoint.key", checkpoint_key)?;
        self.keep("secrets/digest.key", key)?;
        self.keep("secrets/issuer.key", key)?;
        self.keep("secrets/quickstart.id", id)?;
        self.keep("secrets/quickstart.key", secret)?;
        self.keep("secrets/simulator.id", id)?;
        self.keep("secrets/simulator.key", secret)?;
        self.keep("secrets/database.url", || Ok(DATABASE.to_owned()))?;
        self.keep("teams/quickstart.toml", || Ok(TEAM.to_owned()))?;
        self.keep(FILE, || Ok(CONFIGURATION.to_owned()))
    }

    /// Leaves a file as it is, or makes it.
    fn keep(&self, name: &str, content: impl FnOnce() -> io::Result<String>) -> io::Result<()> {
        let path = self.path.join(name);
        if path.exists() { Ok(()) } else { replace(&path, &content()?) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary {
            // Nothing can be done about what can't be removed; it is in the system's temporary folder.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Written beside and renamed, so that nobody sees half of it.
fn replace(path: &Path, content: &str) -> io::Result<()> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn text(random: &dyn Random, bytes: usize) -> miette::Result<Zeroizing<String>> {
    let mut filled = vec![0_u8; bytes];
    random.fill(&mut filled).map_err(|error| miette::miette!("{error}"))?;
    Ok(Zeroizing::new(hex::encode(filled)))
}
