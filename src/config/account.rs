//! `[account.ALIAS]`: the accounts at the clouds, with the real credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::secret::Written;
use crate::call::{Account, Credential, UpstreamSigning};
use crate::provider::{Family, Providers};

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    family: Option<String>,
    site: Option<String>,
    identity: Option<String>,
    #[serde(skip_serializing)]
    secret_id: Option<Written>,
    secret_id_file: Option<PathBuf>,
    #[serde(skip_serializing)]
    secret_key: Option<Written>,
    secret_key_file: Option<PathBuf>,
    default_region: Option<String>,
    endpoint: Option<String>,
    #[serde(skip_serializing)]
    signing: UpstreamSigning,
}

/// All accounts.
pub(super) fn check(raws: BTreeMap<String, Raw>, providers: Option<&Providers>, checker: &mut Checker) -> Vec<Account> {
    if raws.is_empty() {
        let help = "add [account.NAME] with `family`, `site`, `secret_id` and `secret_key_file`";
        checker.wrong_help("account", "there is no account to call a cloud with", help);
    }
    raws.into_iter().filter_map(|(alias, raw)| raw.check(alias, providers, checker)).collect()
}

impl Raw {
    fn check(self, alias: String, providers: Option<&Providers>, checker: &mut Checker) -> Option<Account> {
        let path = format!("account.{alias}");
        let at = |key: &str| format!("{path}.{key}");
        checker.name(&path, &alias);
        let family = checker.required(&at("family"), self.family, &format!("the cloud: {}", families()));
        let site = checker.required(&at("site"), self.site, "the cloud's site, such as \"mainland\"");
        let family = family.and_then(|name| self::family(&at("family"), &name, checker));
        if let (Some(family), Some(site), Some(providers)) = (family, &site, providers) {
            known_place(&path, family, site, self.default_region.as_deref(), providers, checker);
        }
        let secret_id = checker.secret(&at("secret_id"), self.secret_id, self.secret_id_file.as_deref());
        let secret_key = checker.secret(&at("secret_key"), self.secret_key, self.secret_key_file.as_deref());
        if let Some(why) = self.endpoint.as_deref().and_then(bad_endpoint) {
            checker.wrong_help(&at("endpoint"), why, "write http://HOST:PORT or https://HOST");
        }
        Some(Account {
            identity: self.identity.unwrap_or_else(|| alias.clone()),
            alias,
            family: family?,
            site: site?,
            default_region: self.default_region,
            endpoint: self.endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned()),
            signing: self.signing,
            credential: Credential { secret_id: secret_id?.expose_secret().to_owned(), secret_key: secret_key? },
        })
    }
}

/// The families' names, for a person.
fn families() -> String {
    Family::names().map(|known| format!("\"{known}\"")).collect::<Vec<_>>().join(" or ")
}

/// A family that the tables know.
fn family(path: &str, name: &str, checker: &mut Checker) -> Option<Family> {
    let family = Family::named(name);
    if family.is_none() {
        let help = format!("write {}", families());
        checker.wrong_help(path, format!("`{name}` is no cloud that this version knows"), help);
    }
    family
}

/// Reports a site or a region that is in no table of the family.
fn known_place(
    path: &str,
    family: Family,
    site: &str,
    region: Option<&str>,
    providers: &Providers,
    checker: &mut Checker,
) {
    let of_family = || providers.versions().filter(|version| version.family == family);
    if !of_family().any(|version| version.endpoints.has_site(site)) {
        let sites: BTreeSet<&str> = of_family().flat_map(|version| version.endpoints.sites()).collect();
        let help = format!("one of {}", sites.into_iter().collect::<Vec<_>>().join(", "));
        checker.wrong_help(&format!("{path}.site"), format!("`{site}` is no site of this cloud"), help);
    } else if let Some(region) =
        region.filter(|region| of_family().all(|version| version.endpoint(site, region).is_err()))
    {
        checker.wrong(&format!("{path}.default_region"), format!("`{region}` is no region of this site"));
    }
}

/// The path, the query and the user are ours to choose, so an endpoint has none.
fn bad_endpoint(endpoint: &str) -> Option<&'static str> {
    let Ok(uri) = endpoint.parse::<http::Uri>() else { return Some("this is not a URL") };
    let plain = uri.query().is_none()
        && matches!(uri.path(), "" | "/")
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    match uri.scheme_str() {
        Some("http" | "https") if plain => None,
        Some("http" | "https") => Some("an endpoint has a host and a port, nothing else"),
        _ => Some("this is not an http or https URL"),
    }
}
