//! A JSON object whose members are read one by one with their type, and of which no name occurs twice.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's members, their values still as written.
#[derive(Debug)]
pub(super) struct Members<'j>(HashMap<String, &'j RawValue>);

/// It is not an object, has a name twice, or a member is of another type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct WrongType;

/// Reads an object that is all of `json`.
pub(super) fn members(json: &[u8]) -> Result<Members<'_>, WrongType> {
    serde_json::from_slice(json).map_err(|_| WrongType)
}

impl Members<'_> {
    /// Whether there is such a member, whatever its value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, WrongType> {
        self.read(name)
    }

    /// A list of texts, or one text, as `aud` may be.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, WrongType> {
        match self.read::<String>(name) {
            Ok(one) => Ok(one.map(|one| vec![one])),
            Err(WrongType) => self.read(name),
        }
    }

    /// A JSON number of seconds since 1970, cut to whole ones.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<i64>, WrongType> {
        let Some(raw) = self.0.get(name) else { return Ok(None) };
        let text = raw.get();
        if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Err(WrongType);
        }
        if let Ok(whole) = text.parse::<i64>() {
            return Ok(Some(whole));
        }
        // Beyond these no time can be meant, and `as` would clamp silently.
        const FARTHEST: f64 = 253_402_300_800.0;
        let seconds: f64 = text.parse().map_err(|_| WrongType)?;
        if seconds.abs() > FARTHEST { Err(WrongType) } else { Ok(Some(seconds.floor() as i64)) }
    }

    fn read<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, WrongType> {
        match self.0.get(name) {
            Some(raw) => serde_json::from_str(raw.get()).map(Some).map_err(|_| WrongType),
            None => Ok(None),
        }
    }
}

impl<'de: 'j, 'j> Deserialize<'de> for Members<'j> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;
        impl<'de> Visitor<'de> for Unique {
            type Value = HashMap<String, &'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member occurs twice"));
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Unique).map(Members)
    }
}
