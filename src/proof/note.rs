//! C2SP signed notes (<https://c2sp.org/signed-note>): a text, an empty line, a line for each signature.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::key::{KeyId, SIGNATURE_BYTES, SigningKey, VerifyingKey};

/// How a signature line begins: an em dash and a space.
const MARK: &str = "\u{2014} ";

/// More signatures than that are not looked at; the reference implementation has the same bound.
const MOST_SIGNATURES: usize = 100;

/// Why a note is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteFault {
    /// It is not a signed note.
    #[error("it is not a signed note")]
    Malformed,
    /// Nobody whose key is known has signed it.
    #[error("none of the given keys has signed it; it names {}", .0.join(", "))]
    UnknownKeys(
        /// Names of the keys that it claims.
        Vec<String>,
    ),
    /// The signature of a known key does not fit the text.
    #[error("the signature of {0} does not fit: the text was changed, or another key signed it")]
    WrongSignature(
        /// The key's name.
        String,
    ),
    /// A text that can't be signed: notes are whole lines without control characters, and none is empty.
    #[error("a note's text is whole lines, none of them empty")]
    Text,
}

/// A note that somebody known has signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opened<'n> {
    /// The signed text with its last line's end.
    pub text: &'n str,
    /// The keys that have signed it, as indices into those that were given.
    pub signed_by: Vec<usize>,
}

struct Signature<'n> {
    name: &'n str,
    id: KeyId,
    bytes: [u8; SIGNATURE_BYTES],
}

/// Signs a text of whole lines with each of the keys.
///
/// # Errors
/// [`NoteFault::Text`]
pub fn sign_note(text: &str, keys: &[&SigningKey]) -> Result<String, NoteFault> {
    let whole = text.ends_with('\n') && !text.starts_with('\n') && !text.contains("\n\n");
    if !whole || text.contains(|c: char| c.is_control() && c != '\n') {
        return Err(NoteFault::Text);
    }
    let mut note = format!("{text}\n");
    for key in keys {
        let public = key.verifying_key();
        let mut bytes = public.id().to_vec();
        bytes.extend_from_slice(&key.sign(text.as_bytes()));
        note.push_str(&format!("{MARK}{} {}\n", public.name(), STANDARD.encode(bytes)));
    }
    Ok(note)
}

/// The text of a note, if a known key has signed it and no signature of a known key is wrong. Signatures of others are
/// passed over.
///
/// # Errors
/// Why it must not be believed.
pub fn open_note<'n>(note: &'n str, keys: &[VerifyingKey]) -> Result<Opened<'n>, NoteFault> {
    let (text, signatures) = parts(note).ok_or(NoteFault::Malformed)?;
    let mut signed_by = Vec::new();
    for signature in &signatures {
        let known = |key: &VerifyingKey| key.name() == signature.name && key.id() == signature.id;
        let Some((index, key)) = keys.iter().enumerate().find(|(_, key)| known(key)) else { continue };
        if !key.has_signed(text.as_bytes(), &signature.bytes) {
            return Err(NoteFault::WrongSignature(key.name().to_owned()));
        }
        if !signed_by.contains(&index) {
            signed_by.push(index);
        }
    }
    if signed_by.is_empty() {
        let named = |signature: &Signature<'_>| format!("{}+{}", signature.name, hex::encode(signature.id));
        return Err(NoteFault::UnknownKeys(signatures.iter().map(named).collect()));
    }
    Ok(Opened { text, signed_by })
}

/// The keys that a note says it is signed by, each as [`VerifyingKey::short`], in order. Nothing is verified.
pub fn claimed_signers(note: &str) -> Vec<String> {
    let Some((_, signatures)) = parts(note) else { return Vec::new() };
    let mut names: Vec<String> =
        signatures.iter().map(|signature| format!("{}+{}", signature.name, hex::encode(signature.id))).collect();
    names.sort();
    names
}

/// A note's text, before anybody is asked who signed it.
pub(super) fn unverified_text(note: &str) -> Option<&str> {
    parts(note).map(|(text, _)| text)
}

/// The notes of a file that has them one after another, each followed by an empty line. What follows the last whole
/// one, such as a line that was being written, is the second part.
pub fn split_notes(file: &str) -> (Vec<&str>, &str) {
    let (mut notes, mut rest) = (Vec::new(), file.trim_start_matches('\n'));
    while let Some(text) = rest.find("\n\n") {
        let (_, signatures) = rest.split_at(text + 2);
        let lines = signatures.split_inclusive('\n').take_while(|line| line.starts_with(MARK) && line.ends_with('\n'));
        let length: usize = lines.map(str::len).sum();
        if length == 0 {
            break;
        }
        let (note, after) = rest.split_at(text + 2 + length);
        notes.push(note);
        rest = after.trim_start_matches('\n');
    }
    (notes, rest)
}

fn parts(note: &str) -> Option<(&str, Vec<Signature<'_>>)> {
    if note.contains(|c: char| c.is_control() && c != '\n') {
        return None;
    }
    // The last empty line: a text may have some, as other people's notes do.
    let (text, signatures) = note.split_at(note.rfind("\n\n")? + 1);
    let lines = signatures.strip_prefix('\n')?.strip_suffix('\n')?;
    let signatures: Vec<Signature<'_>> =
        lines.split('\n').take(MOST_SIGNATURES + 1).map(signature).collect::<Option<_>>()?;
    (signatures.len() <= MOST_SIGNATURES).then_some((text, signatures))
}

fn signature(line: &str) -> Option<Signature<'_>> {
    let (name, base64) = line.strip_prefix(MARK)?.split_once(' ')?;
    let bytes = STANDARD.decode(base64).ok()?;
    let (id, bytes) = bytes.split_first_chunk()?;
    // Other kinds of key have other lengths; they can't be one of ours.
    let bytes = bytes.try_into().unwrap_or([0; SIGNATURE_BYTES]);
    (!name.is_empty()).then_some(Signature { name, id: *id, bytes })
}
