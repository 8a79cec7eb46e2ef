//! The parts that proofs of several schemes are made of: Authorization's fields, header lists, parameters, times. Each is
//! read in one way, and what could be read in two is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::encode::FormError;
use super::error::{SignError, printable};
use crate::call::Wire;

/// More signed headers than any client has reason to name; every one costs a pass per candidate.
const MAX_SIGNED_HEADERS: usize = 32;

/// Decoded parameters.
pub(super) type Pairs = Vec<(String, String)>;

/// The three fields of an Authorization header, each exactly once, in any order.
pub(super) struct Fields<'a> {
    pub(super) credential: &'a str,
    pub(super) signed_headers: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Fields<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, SignError> {
        let malformed =
            SignError::Malformed("Authorization must have Credential, SignedHeaders and Signature, each once");
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for field in text.split(',') {
            let (name, value) = field.trim().split_once('=').ok_or_else(|| malformed.clone())?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(malformed),
            };
            if slot.replace(value).is_some() {
                return Err(malformed);
            }
        }
        match (credential, signed_headers, signature) {
            (Some(credential), Some(signed_headers), Some(signature)) => {
                Ok(Self { credential, signed_headers, signature })
            }
            _ => Err(malformed),
        }
    }
}

/// The names of SignedHeaders, in the client's order, each once.
pub(super) fn read_signed_headers(text: &str) -> Result<Vec<String>, SignError> {
    let names: Vec<String> = text.split(';').map(str::to_owned).collect();
    let is_name = |name: &String| {
        !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    if names.len() > MAX_SIGNED_HEADERS || !names.iter().all(is_name) {
        return Err(SignError::Malformed("SignedHeaders must be lower-case header names with `;` between them"));
    }
    if let Some(name) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Err(SignError::Repeated(printable(name.1, 64)));
    }
    Ok(names)
}

/// The signed headers with their values as they arrived, each there and there once.
pub(super) fn values<'a>(names: &'a [String], wire: &'a Wire) -> Result<Vec<(&'a str, &'a [u8])>, SignError> {
    let value = |name: &'a String| {
        let mut values = wire.headers.get_all(name).iter();
        let value = values.next().ok_or(SignError::Malformed("SignedHeaders names a header that was not sent"))?;
        match values.next() {
            Some(_) => Err(SignError::Repeated(printable(name, 64))),
            None => Ok((name.as_str(), value.as_bytes().trim_ascii())),
        }
    };
    names.iter().map(value).collect()
}

/// The signature in an Authorization header.
pub(super) fn hex_proof(text: &str) -> Result<[u8; 32], SignError> {
    let malformed = SignError::Malformed("Signature must be 64 lower-case hexadecimal digits");
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(malformed);
    }
    let mut proof = [0; 32];
    hex::decode_to_slice(text, &mut proof).map_err(|_| malformed)?;
    Ok(proof)
}

/// The signature among parameters. Ruby ends the text with a newline; a `+` left unescaped has become a space.
pub(super) fn base64_proof(text: &str, length: usize) -> Result<Vec<u8>, SignError> {
    let text = text.trim_end_matches(['\r', '\n']).replace(' ', "+");
    match STANDARD.decode(text) {
        Ok(proof) if proof.len() == length => Ok(proof),
        _ => Err(SignError::Malformed("the parameter Signature is not base64 of the right length")),
    }
}

/// Two values for one name: the signature covers both in some order, and who judges would have to pick one.
pub(super) fn refuse_repeated(params: &[(String, String)]) -> Result<(), SignError> {
    let mut names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(SignError::Repeated(printable(pair[0], 64))),
        None => Ok(()),
    }
}

/// Whole seconds, as every client of Tencent writes them: one text for one number, so digits only and no leading zero.
pub(super) fn read_seconds(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok()).flatten()
}

/// `yyyy-MM-ddTHH:mm:ssZ`, as every client of Alibaba writes it, as Unix seconds.
pub(super) fn read_date(text: &str) -> Option<i64> {
    let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    let form = b"0000-00-00T00:00:00Z";
    let is_plain = text.len() == form.len() && text.bytes().zip(*form).all(fits);
    is_plain.then(|| text.parse::<Timestamp>().ok()).flatten().map(Timestamp::as_second)
}

/// The inverse of [`read_date`].
pub(super) fn write_date(seconds: i64) -> Result<String, SignError> {
    let time =
        Timestamp::from_second(seconds).map_err(|_| SignError::Malformed("the timestamp has no calendar date"))?;
    Ok(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

impl From<FormError> for SignError {
    fn from(error: FormError) -> Self {
        Self::Malformed(match error {
            FormError::BadEscape => "the parameters have a % that is not followed by two hexadecimal digits",
            FormError::NotUtf8 => "the parameters are not UTF-8",
            FormError::NoName => "the parameters have a value without a name",
            FormError::TooMany => "there are more than 10,000 parameters",
        })
    }
}
