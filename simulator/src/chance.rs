//! Names that nobody can guess: request ids, task ids, fresh keys. The only room that draws random numbers.

use uuid::Uuid;

const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A request id as the cloud writes it.
pub(crate) fn request_id() -> String {
    Uuid::new_v4().to_string()
}

/// `length` characters out of 32 that are hard to confuse.
pub(crate) fn letters(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        // Bytes 6 and 8 of a version 4 uuid carry its version and variant; the others are random.
        let drawn = Uuid::new_v4().into_bytes();
        let usable = drawn.iter().enumerate().filter(|(place, _)| *place != 6 && *place != 8);
        text.extend(usable.map(|(_, byte)| char::from(LETTERS[usize::from(byte % 32)])).take(length - text.len()));
    }
    text
}
