//! Percent coding: the one way we write queries and forms, and the strict way we read them.
//!
//! Reading refuses what it would have to guess at. It knows nothing of which names mean what.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986 section 2.3: letters, digits and these four stay as they are.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The most pairs that one form may have (threats.md: 10,000 members).
pub const MAX_PAIRS: usize = 10_000;

/// Why a query or form could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A `%` without two hexadecimal digits after it.
    #[error("the form has a % that is not followed by two hexadecimal digits")]
    BadEscape,
    /// Decoded bytes are not UTF-8.
    #[error("the form is not UTF-8")]
    NotUtf8,
    /// A pair without a name.
    #[error("the form has a value without a name")]
    NoName,
    /// More than [`MAX_PAIRS`] pairs.
    #[error("the form has more than 10,000 parameters")]
    TooMany,
}

/// Percent-encodes everything but RFC 3986's unreserved characters; a space is `%20`.
pub fn percent(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Writes a query or form body, pairs in the order given, RFC 3986 escapes throughout.
pub fn form<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.extend(utf8_percent_encode(name.as_ref(), RESERVED));
        text.push('=');
        text.extend(utf8_percent_encode(value.as_ref(), RESERVED));
    }
    text
}

/// Reads a query or form body into pairs, in the order sent; `+` is a space, empty segments (`a=1&&b=2`) are skipped.
///
/// # Errors
/// Bad escapes, bytes that are not UTF-8, a value without a name, more than [`MAX_PAIRS`] pairs.
pub fn read_form(raw: &[u8]) -> Result<Vec<(String, String)>, FormError> {
    let mut pairs = Vec::new();
    for segment in raw.split(|byte| *byte == b'&').filter(|segment| !segment.is_empty()) {
        if pairs.len() == MAX_PAIRS {
            return Err(FormError::TooMany);
        }
        let mut halves = segment.splitn(2, |byte| *byte == b'=');
        let name = read_component(halves.next().unwrap_or_default())?;
        let value = read_component(halves.next().unwrap_or_default())?;
        if name.is_empty() {
            return Err(FormError::NoName);
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// Whether a query or form has one of these names, however it is escaped. What cannot be read has none.
pub(super) fn has_name(raw: &[u8], wanted: &[&str]) -> bool {
    let names = raw.split(|byte| *byte == b'&').filter_map(|segment| segment.split(|byte| *byte == b'=').next());
    names.take(MAX_PAIRS).any(|name| read_component(name).is_ok_and(|name| wanted.contains(&name.as_str())))
}

fn read_component(raw: &[u8]) -> Result<String, FormError> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (hex_digit(rest.next()), hex_digit(rest.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(FormError::BadEscape),
            },
            other => *other,
        });
    }
    String::from_utf8(bytes).map_err(|_| FormError::NotUtf8)
}

fn hex_digit(byte: Option<&u8>) -> Option<u8> {
    let digit = char::from(*byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}
