//! Durations as people write them: `"5s"`, `"10m"`, `"1h 30m"`.

use std::time::Duration;

use jiff::SignedDuration;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// For `#[serde(with = "duration")]`: friendly text or ISO 8601, not negative.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let signed: SignedDuration = text.parse().map_err(|_| {
        D::Error::custom(format!("`{text}` is not a duration; write it like \"5s\", \"250ms\" or \"1h 30m\""))
    })?;
    Duration::try_from(signed).map_err(|_| D::Error::custom(format!("`{text}` is negative")))
}

/// The friendly text.
pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*duration))
}

/// A duration as it would be written in the file.
pub(super) fn text(duration: Duration) -> String {
    SignedDuration::try_from(duration).map_or_else(|_| format!("{duration:?}"), |signed| format!("{signed:#}"))
}
