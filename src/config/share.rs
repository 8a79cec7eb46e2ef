//! `[share]`: how long the answer to a read may be given to those who come later.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::checker::Checker;
use super::duration;
use crate::provider::{Action, Kind, Providers};
use crate::steps::FreshFor;

/// Longest that an answer may be told again: what a task does by itself is seen that much later.
const LONGEST: Duration = Duration::from_secs(5);

/// Shared reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Share {
    /// How long an answer is fresh from when it was asked for, by version and action.
    pub fresh_for: FreshFor,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    fresh_for: Written,
}

/// As it is written: of all reads, or of some by name.
#[derive(Debug)]
enum Written {
    All(Duration),
    Some(BTreeMap<String, Time>),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(transparent)]
struct Time(#[serde(with = "duration")] Duration);

impl Raw {
    /// `is_deaf`: other instances take changes, and nothing is heard of them.
    pub(super) fn check(self, is_deaf: bool, providers: Option<&Providers>, checker: &mut Checker) -> Option<Share> {
        let mut fresh_for = FreshFor::new();
        let named = match &self.fresh_for {
            Written::All(time) => vec![("share.fresh_for".to_owned(), None, *time)],
            Written::Some(times) => {
                let named =
                    |(name, time): (&String, &Time)| (format!("share.fresh_for.{name}"), Some(name.clone()), time.0);
                times.iter().map(named).collect()
            }
        };
        for (path, name, time) in named {
            checker.duration(&path, time, Duration::ZERO, LONGEST);
            if is_deaf && !time.is_zero() {
                let help = "leave it out, or let the instances hear each other's changes by redis.url";
                checker.wrong_help(&path, "instances with quota.parts remember no answers", help);
            }
            let Some(providers) = providers else { continue };
            let meant = reads(providers, name.as_deref());
            if meant.is_empty() {
                let help = "write it like DescribeMigrateJobs, or \"2018-03-30/DescribeMigrateJobs\" for one version";
                checker.wrong_help(&path, "this is no read of any table", help);
            }
            for (version, action) in meant {
                let actions: &mut BTreeMap<String, Duration> = fresh_for.entry(version.to_owned()).or_default();
                // What names a version counts before what does not.
                if name.as_ref().is_some_and(|name| name.contains('/')) {
                    actions.insert(action.name.clone(), time);
                } else {
                    actions.entry(action.name.clone()).or_insert(time);
                }
            }
        }
        fresh_for.values_mut().for_each(|actions| actions.retain(|_, time| !time.is_zero()));
        fresh_for.retain(|_, actions| !actions.is_empty());
        Some(Share { fresh_for })
    }
}

/// The reads of this name, which may begin with a version; without a name all.
fn reads<'p>(providers: &'p Providers, name: Option<&str>) -> Vec<(&'p str, &'p Action)> {
    let (version, action) = match name.map(|name| name.split_once('/').ok_or(name)) {
        None => (None, None),
        Some(Ok((version, action))) => (Some(version), Some(action)),
        Some(Err(action)) => (None, Some(action)),
    };
    let versions = providers.versions().filter(|row| version.is_none_or(|version| row.version == version));
    let all = versions.flat_map(|row| row.actions().map(|action| (row.version.as_str(), &**action)));
    all.filter(|(_, row)| row.kind == Kind::Read && action.is_none_or(|action| row.name == action)).collect()
}

impl Default for Written {
    fn default() -> Written {
        Written::All(Duration::ZERO)
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Written::All(time) => duration::serialize(time, serializer),
            Written::Some(times) => times.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration, or actions each with its own, such as { DescribeMigrateJobs = \"1s\" }")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
                let signed: SignedDuration =
                    text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))?;
                Duration::try_from(signed).map(Written::All).map_err(|_| E::custom(format!("`{text}` is negative")))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
                BTreeMap::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Written::Some)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
