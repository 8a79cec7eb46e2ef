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
}

impl Raw {
    /// The database's URL, with the path of a SQLite file made absolute.
    pub(super) fn check(self, checker: &mut Checker) -> Option<SecretString> {
        let from_file = self.url_file.is_some();
        let url = checker.secret("store.url", self.url, self.url_file.as_deref())?;
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
                    if from_file { "store.url_file" } else { "store.url" },
                    "this is not the URL of a database that the gateway knows",
                    "write sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE",
                );
                None
            }
        }
    }
}
