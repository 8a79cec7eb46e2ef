//! What every section's check uses: collects mistakes with their places, reads secrets and resolves paths.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use super::duration;
use super::mistake::{Mistake, Place};
use super::places::Places;
use super::secret::Written;

/// Largest file that may hold a secret, in bytes: a PEM with a chain of certificates fits many times.
const MAXIMUM_SECRET_FILE: u64 = 256 * 1024;

/// Longest name of an account, an issuer or a sealing key, in characters.
const MAXIMUM_NAME: usize = 64;

/// Collects what is wrong.
pub(super) struct Checker {
    places: Places,
    folder: PathBuf,
    mistakes: Vec<Mistake>,
}

impl Checker {
    /// `folder` is what relative paths are relative to.
    pub(super) fn new(places: Places, folder: &Path, mistakes: Vec<Mistake>) -> Checker {
        Checker { places, folder: folder.to_owned(), mistakes }
    }

    /// Everything that was found.
    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes
    }

    /// Reports a mistake at a key.
    pub(super) fn wrong(&mut self, path: &str, message: impl Into<String>) {
        self.report(path, message.into(), None);
    }

    /// Reports a mistake at a key, and what would be right.
    pub(super) fn wrong_help(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        self.report(path, message.into(), Some(help.into()));
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(&mut self, path: &str, value: Option<T>, help: &str) -> Option<T> {
        if value.is_none() {
            self.wrong_help(path, "this key is missing", help);
        }
        value
    }

    /// Reports a duration outside of `least..=most`.
    pub(super) fn duration(&mut self, path: &str, value: Duration, least: Duration, most: Duration) {
        if value < least || value > most {
            let [value, least, most] = [value, least, most].map(duration::text);
            self.wrong(path, format!("{value} is out of range, it must be {least} to {most}"));
        }
    }

    /// Reports a number outside of `least..=most`.
    pub(super) fn number(&mut self, path: &str, value: u64, least: u64, most: u64) {
        if value < least || value > most {
            self.wrong(path, format!("{value} is out of range, it must be {least} to {most}"));
        }
    }

    /// Reports a name that is not made of lower-case letters, digits, `-` and `_`.
    pub(super) fn name(&mut self, path: &str, name: &str) {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > MAXIMUM_NAME || !name.bytes().all(plain) {
            self.wrong(path, format!("a name has 1 to {MAXIMUM_NAME} characters of a-z, 0-9, - and _"));
        }
    }

    /// A secret that must be there, in exactly one of `x` and `x_file`.
    pub(super) fn secret(&mut self, path: &str, given: Option<Written>, file: Option<&Path>) -> Option<SecretString> {
        if given.is_none() && file.is_none() {
            let name = path.rsplit('.').next().unwrap_or(path);
            self.wrong_help(
                path,
                "this secret is missing",
                format!("set `{name}_file` to a file that holds it, or `{name}`"),
            );
        }
        self.optional_secret(path, given, file)
    }

    /// A secret, in at most one of `x` and `x_file`.
    pub(super) fn optional_secret(
        &mut self,
        path: &str,
        given: Option<Written>,
        file: Option<&Path>,
    ) -> Option<SecretString> {
        match (given, file) {
            (Some(_), Some(_)) => {
                self.wrong(path, "this secret is given twice, here and as a file; keep one of them");
                None
            }
            (Some(Written(secret)), None) => Some(secret),
            (None, Some(file)) => self.secret_file(&format!("{path}_file"), file),
            (None, None) => None,
        }
    }

    /// A path as it is meant: relative to the folder of the configuration file.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// A file that must be there.
    pub(super) fn file(&mut self, path: &str, file: &Path) -> Option<PathBuf> {
        let whole = self.resolve(file);
        match fs::metadata(&whole) {
            Ok(found) if found.is_file() => Some(whole),
            Ok(_) => {
                self.wrong(path, format!("{} is not a file", whole.display()));
                None
            }
            Err(error) => {
                self.wrong(path, format!("{} can't be read, {error}", whole.display()));
                None
            }
        }
    }

    /// A folder that must be there.
    pub(super) fn folder(&mut self, path: &str, folder: &Path) -> Option<PathBuf> {
        let whole = self.resolve(folder);
        match fs::metadata(&whole) {
            Ok(found) if found.is_dir() => return Some(whole),
            Ok(_) => self.wrong(path, format!("{} is not a folder", whole.display())),
            Err(error) => self.wrong(path, format!("{} can't be read, {error}", whole.display())),
        }
        None
    }

    /// Reports a mistake in another file.
    pub(super) fn elsewhere(&mut self, file: &str, place: Option<(usize, usize)>, message: String) {
        let (line, column) = place.unwrap_or((1, 1));
        let place = Place::OtherFile { file: file.to_owned(), line, column };
        self.mistakes.push(Mistake { key: String::new(), place, message, help: None });
    }

    fn secret_file(&mut self, path: &str, file: &Path) -> Option<SecretString> {
        let whole = self.file(path, file)?;
        if fs::metadata(&whole).is_ok_and(|found| found.len() > MAXIMUM_SECRET_FILE) {
            self.wrong(path, format!("{} is larger than {MAXIMUM_SECRET_FILE} bytes", whole.display()));
            return None;
        }
        match fs::read_to_string(&whole) {
            Ok(text) if text.trim().is_empty() => {
                self.wrong(path, format!("{} is empty", whole.display()));
                None
            }
            // Editors and `echo` end a file with a line end that is not part of the secret.
            Ok(text) => Some(SecretString::from(text.trim_end_matches(['\r', '\n']))),
            Err(error) => {
                self.wrong(path, format!("{} can't be read, {error}", whole.display()));
                None
            }
        }
    }

    fn report(&mut self, path: &str, message: String, help: Option<String>) {
        // What could not be read was reported; that it is missing now is the same mistake.
        if !self.places.has_failed(path) {
            let place = self.places.of(path);
            self.mistakes.push(Mistake { key: path.to_owned(), place, message, help });
        }
    }
}
