//! Reading a TOML table member by member, so that one mistake does not hide the next: each member that is read is
//! known, those left over are mistakes.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::{Fault, Source};

/// A value and where it stands.
pub(super) type Value<'v> = &'v Spanned<DeValue<'v>>;

/// A text and where it stands.
pub(super) type Text = (String, Range<usize>);

/// The mistakes of one file, as they are found.
pub(super) struct Faults<'s> {
    pub(super) source: &'s Source,
    pub(super) found: Vec<Fault>,
}

/// A table being read.
pub(super) struct Table<'v> {
    what: &'static str,
    members: &'v DeTable<'v>,
    span: Range<usize>,
    known: BTreeSet<&'static str>,
}

impl Faults<'_> {
    pub(super) fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        let fault = self.source.fault(span, message.into());
        self.found.push(fault);
    }
}

impl<'v> Table<'v> {
    /// `what` is how mistakes call it, such as `a caller`.
    pub(super) fn new(what: &'static str, members: &'v DeTable<'v>, span: Range<usize>) -> Table<'v> {
        Table { what, members, span, known: BTreeSet::new() }
    }

    /// Where the table begins.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(super) fn get(&mut self, key: &'static str) -> Option<Value<'v>> {
        self.known.insert(key);
        self.members.get(key)
    }

    /// A member without which the table means nothing.
    pub(super) fn required(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<Value<'v>> {
        let value = self.get(key);
        if value.is_none() {
            faults.add(self.span(), format!("{} needs {key}", self.what));
        }
        value
    }

    /// Tells every member that nobody asked for.
    pub(super) fn finish(self, faults: &mut Faults<'_>) {
        for key in self.members.keys().filter(|key| !self.known.contains(key.get_ref().as_ref())) {
            let known = self.known.iter().copied().collect::<Vec<_>>().join(", ");
            faults.add(key.span(), format!("{} has no key {}, only {known}", self.what, key.get_ref()));
        }
    }
}

/// A text that is not empty.
pub(super) fn text(key: &str, value: Value<'_>, faults: &mut Faults<'_>) -> Option<Text> {
    match value.get_ref().as_str() {
        Some(text) if !text.is_empty() => Some((text.to_owned(), value.span())),
        _ => {
            faults.add(value.span(), format!("{key} must be text that is not empty"));
            None
        }
    }
}

/// A list of texts, none of them empty.
pub(super) fn texts(key: &str, value: Value<'_>, faults: &mut Faults<'_>) -> Vec<Text> {
    let Some(list) = value.get_ref().as_array() else {
        faults.add(value.span(), format!("{key} must be a list of texts, such as [\"*\"]"));
        return Vec::new();
    };
    list.iter().filter_map(|one| text(key, one, faults)).collect()
}

/// A whole number within bounds.
pub(super) fn number(key: &str, value: Value<'_>, bounds: (u32, u32), faults: &mut Faults<'_>) -> Option<u32> {
    let number = value.get_ref().as_integer().and_then(|whole| u32::from_str_radix(whole.as_str(), whole.radix()).ok());
    let number = number.filter(|number| (bounds.0..=bounds.1).contains(number));
    if number.is_none() {
        faults.add(value.span(), format!("{key} must be a whole number from {} to {}", bounds.0, bounds.1));
    }
    number
}

/// True or false; false where it is neither, which is a fault.
pub(super) fn flag(key: &str, value: Value<'_>, faults: &mut Faults<'_>) -> bool {
    let flag = value.get_ref().as_bool();
    if flag.is_none() {
        faults.add(value.span(), format!("{key} must be true or false"));
    }
    flag.unwrap_or(false)
}

/// A table, under a key or in a list.
pub(super) fn table<'v>(what: &'static str, value: Value<'v>, faults: &mut Faults<'_>) -> Option<Table<'v>> {
    match value.get_ref().as_table() {
        Some(members) => Some(Table::new(what, members, value.span())),
        None => {
            faults.add(value.span(), format!("{what} must be a table"));
            None
        }
    }
}

/// The tables of a list, `[[key]]` in a file.
pub(super) fn tables<'v>(
    what: &'static str,
    key: &str,
    value: Option<Value<'v>>,
    faults: &mut Faults<'_>,
) -> Vec<Table<'v>> {
    let Some(value) = value else { return Vec::new() };
    match value.get_ref().as_array() {
        Some(list) => list.iter().filter_map(|one| table(what, one, faults)).collect(),
        None => {
            faults.add(value.span(), format!("write [[{key}]] once for each"));
            Vec::new()
        }
    }
}
