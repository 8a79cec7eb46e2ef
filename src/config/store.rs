//! `[store]`: the database.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::secret::Written;

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    #[serde(skip_serializing)]
    url: Option<Written>,
    url_file: Option<PathBuf>,
    #[serde(skip_serializing)]
    migrate_url: Option<Written>,
    migrate_url_file: Option<PathBuf>,
}

impl Raw {
    /// The database's URL for the running gateway, with the path of a SQLite file made absolute, and that of the user who
    /// owns the tables if it is another one.
    pub(super) fn check(self, checker: &mut Checker) -> Option<(SecretString, Option<SecretString>)> {
        let place = if self.url_file.is_some() { "store.url_file" } else { "store.url" };
        let owner_place = if self.migrate_url_file.is_some() { "store.migrate_url_file" } else { "store.migrate_url" };
        let owner = checker.optional_secret("store.migrate_url", self.migrate_url, self.migrate_url_file.as_deref());
        let url = checker.secret("store.url", self.url, self.url_file.as_deref())?;
        let url = address(url, place, checker)?;
        let owner = owner.and_then(|owner| address(owner, owner_place, checker));
        if owner.is_some() && [Some(&url), owner.as_ref()].into_iter().flatten().any(is_sqlite) {
            let help = "leave it out: it names the user who owns the tables of a Postgres database";
            checker.wrong_help(owner_place, "a SQLite file has no users", help);
        }
        Some((url, owner))
    }
}

fn is_sqlite(url: &SecretString) -> bool {
    url.expose_secret().starts_with("sqlite:")
}

pub(super) fn address(url: SecretString, place: &str, checker: &mut Checker) -> Option<SecretString> {
    let scheme = url.expose_secret().split_once(':').map(|(scheme, rest)| (scheme.to_owned(), rest.to_owned()));
    match scheme.as_ref().map(|(scheme, rest)| (scheme.as_str(), rest.as_str())) {
        // `sqlite:relative`, `sqlite:/absolute` and `sqlite:///absolute` are all in use.
        Some(("sqlite", rest)) if !rest.trim_start_matches('/').is_empty() => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            Some(SecretString::from(format!("sqlite:{}", checker.resolve(Path::new(path)).display())))
        }
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => Some(url),
        _ => {
            checker.wrong_help(
                place,
                "this is not the URL of a database that the gateway knows",
                "write sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE",
            );
            None
        }
    }
}
