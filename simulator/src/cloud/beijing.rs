//! Times as the 2018 API writes them: `yyyy-mm-dd hh:mm:ss`, Beijing time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{self, TimeZone};

use crate::clock::Moment;

/// How a time is written that has not come.
pub(super) const NEVER: &str = "0000-00-00 00:00:00";

const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// A moment, or [`NEVER`].
pub(super) fn write(moment: Option<Moment>) -> String {
    moment
        .and_then(|moment| i64::try_from(moment.micros()).ok())
        .and_then(|micros| Timestamp::from_microsecond(micros).ok())
        .map_or_else(|| NEVER.to_owned(), |time| time.to_zoned(beijing()).strftime(FORMAT).to_string())
}

/// The moment that a text stands for, if it is one.
pub(super) fn read(text: &str) -> Option<Moment> {
    let local = DateTime::strptime(FORMAT, text).ok()?;
    let micros = local.to_zoned(beijing()).ok()?.timestamp().as_microsecond();
    u64::try_from(micros).ok().map(Moment::from_micros)
}

fn beijing() -> TimeZone {
    TimeZone::fixed(tz::offset(8))
}
