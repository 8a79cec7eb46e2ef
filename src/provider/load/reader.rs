//! Reads TOML tables key by key, keeps every value's place, and reports what is missing, of the wrong type or unknown
//! instead of stopping at it. Knows nothing of providers.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::error::{At, Place, Report, SourceFile};

/// A table that is being read.
pub(super) struct Table<'t> {
    file: &'t SourceFile,
    report: &'t Report,
    entries: &'t DeTable<'t>,
    span: Range<usize>,
    what: String,
    asked: RefCell<BTreeSet<&'static str>>,
}

/// A value whose type the reader of the table decides.
pub(super) struct Item<'t> {
    file: &'t SourceFile,
    report: &'t Report,
    value: &'t Spanned<DeValue<'t>>,
    what: String,
}

/// Parses a file and hands its top to `read`. Syntax errors are reported, and what could be understood is read.
pub(super) fn read_file<R>(file: &SourceFile, report: &Report, read: impl FnOnce(Table<'_>) -> R) -> R {
    let (document, errors) = DeTable::parse_recoverable(&file.text);
    for error in errors {
        report.add_syntax(&file.place(error.span().unwrap_or(0..0)), error.message());
    }
    let (entries, what) = (document.get_ref(), String::from("the file"));
    read(Table { file, report, entries, span: 0..0, what, asked: RefCell::default() })
}

impl<'t> Table<'t> {
    /// Where the table begins.
    pub(super) fn place(&self) -> Place {
        self.file.place(self.span.clone())
    }

    /// A text that must be there.
    pub(super) fn text(&self, key: &'static str) -> Option<At<String>> {
        self.needed(key)?.text()
    }

    /// A text that may be there.
    pub(super) fn optional_text(&self, key: &'static str) -> Option<At<String>> {
        self.get(key)?.text()
    }

    /// A list of texts that must be there and not be empty.
    pub(super) fn texts(&self, key: &'static str) -> Vec<At<String>> {
        let Some(item) = self.needed(key) else { return Vec::new() };
        let texts = item.texts();
        if item.value.get_ref().as_array().is_some_and(|elements| elements.is_empty()) {
            self.report.add(&item.place(), format!("{} must not be empty", item.what));
        }
        texts
    }

    /// A list of texts that may be there.
    pub(super) fn optional_texts(&self, key: &'static str) -> Vec<At<String>> {
        self.get(key).map(|item| item.texts()).unwrap_or_default()
    }

    /// A list of texts that, if it is there, is not empty.
    pub(super) fn texts_if_there(&self, key: &'static str) -> Option<Vec<At<String>>> {
        self.get(key).map(|_| self.texts(key))
    }

    /// One of a closed set of words that must be there.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<At<T>> {
        self.needed(key)?.word(words)
    }

    /// One of a closed set of words that may be there.
    pub(super) fn optional_word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<At<T>> {
        self.get(key)?.word(words)
    }

    /// A whole number of at least 1 that must be there.
    pub(super) fn count(&self, key: &'static str) -> Option<At<u32>> {
        self.needed(key)?.count()
    }

    /// A switch that is off unless it is there.
    pub(super) fn flag(&self, key: &'static str) -> bool {
        self.get(key).is_some_and(|item| item.flag())
    }

    /// A table that must be there.
    pub(super) fn table(&self, key: &'static str) -> Option<Table<'t>> {
        self.needed(key)?.table()
    }

    /// A table that may be there.
    pub(super) fn optional_table(&self, key: &'static str) -> Option<Table<'t>> {
        self.get(key)?.table()
    }

    /// A list of tables that may be there.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Table<'t>> {
        let Some(item) = self.get(key) else { return Vec::new() };
        item.elements("a list of tables").into_iter().filter_map(|element| element.table()).collect()
    }

    /// The value of a key that may be there.
    pub(super) fn get(&self, key: &'static str) -> Option<Item<'t>> {
        self.asked.borrow_mut().insert(key);
        let value = self.entries.get(key)?;
        Some(Item { file: self.file, report: self.report, value, what: format!("`{key}` of {}", self.what) })
    }

    /// Every entry of a table whose keys are names of the author's choice.
    pub(super) fn entries(self, what: &str) -> Vec<(At<String>, Item<'t>)> {
        let entries = self.entries.iter().map(|(key, value)| {
            let name = At { value: key.get_ref().to_string(), place: self.file.place(key.span()) };
            let what = format!("{what} `{}`", name.value);
            (name, Item { file: self.file, report: self.report, value, what })
        });
        entries.collect()
    }

    /// A table of texts under names of the author's choice, which may be there.
    pub(super) fn named_texts(&self, key: &'static str, what: &str) -> Vec<(At<String>, At<String>)> {
        let entries = self.optional_table(key).map(|table| table.entries(what)).unwrap_or_default();
        entries.into_iter().filter_map(|(name, item)| Some((name, item.text()?))).collect()
    }

    /// The end of reading: keys that nobody asked for are mistakes.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for key in self.entries.keys().filter(|key| !asked.contains(key.get_ref().as_ref())) {
            let known = asked.iter().copied().collect::<Vec<_>>().join(", ");
            let message = format!("unknown key `{}` in {}; known are: {known}", key.get_ref(), self.what);
            self.report.add(&self.file.place(key.span()), message);
        }
    }

    /// Reports a key that is not there.
    pub(super) fn missing(&self, key: &str) {
        self.report.add(&self.place(), format!("{} has no `{key}`", self.what));
    }

    fn needed(&self, key: &'static str) -> Option<Item<'t>> {
        let item = self.get(key);
        if item.is_none() {
            self.missing(key);
        }
        item
    }
}

impl<'t> Item<'t> {
    pub(super) fn place(&self) -> Place {
        self.file.place(self.value.span())
    }

    /// The value as a text.
    pub(super) fn text(&self) -> Option<At<String>> {
        match self.value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some(self.at(text.to_owned())),
            Some(_) => {
                self.report.add(&self.place(), format!("{} must not be empty", self.what));
                None
            }
            None => self.wrong("a text"),
        }
    }

    /// The value as a switch.
    pub(super) fn flag(&self) -> bool {
        self.value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong::<()>("true or false");
            false
        })
    }

    /// The value as a list of texts.
    pub(super) fn texts(&self) -> Vec<At<String>> {
        self.elements("a list of texts").into_iter().filter_map(|element| element.text()).collect()
    }

    /// The value as one of a closed set of words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<At<T>> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let known = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            self.report.add(&text.place, format!("{} must be one of: {known}", self.what));
        }
        found.map(|(_, meaning)| self.at(*meaning))
    }

    /// The value as a whole number of at least 1.
    pub(super) fn count(&self) -> Option<At<u32>> {
        let number = self.value.get_ref().as_integer().and_then(|number| whole(number.as_str(), number.radix()));
        match number {
            Some(number) if number > 0 => Some(self.at(number)),
            _ => self.wrong("a whole number from 1"),
        }
    }

    /// The value as the text that stands for it on the wire: a text, or a whole number.
    pub(super) fn wire(&self) -> Option<At<String>> {
        match self.value.get_ref() {
            DeValue::String(_) => self.text(),
            DeValue::Integer(number) if number.radix() == 10 => Some(self.at(number.as_str().to_owned())),
            _ => self.wrong("a text or a whole number"),
        }
    }

    /// The value as a table.
    pub(super) fn table(&self) -> Option<Table<'t>> {
        match self.value.get_ref().as_table() {
            Some(entries) => Some(Table {
                file: self.file,
                report: self.report,
                entries,
                span: self.value.span(),
                what: self.what.clone(),
                asked: RefCell::default(),
            }),
            None => self.wrong("a table"),
        }
    }

    /// Whether the value is a text rather than something with parts.
    pub(super) fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }

    fn elements(&self, expected: &str) -> Vec<Item<'t>> {
        let Some(elements) = self.value.get_ref().as_array() else {
            self.wrong::<()>(expected);
            return Vec::new();
        };
        let element = |value| Item { file: self.file, report: self.report, value, what: self.what.clone() };
        elements.iter().map(element).collect()
    }

    fn wrong<T>(&self, expected: &str) -> Option<T> {
        let found = self.value.get_ref().type_str();
        self.report.add(&self.place(), format!("{} must be {expected}, not {found}", self.what));
        None
    }

    fn at<T>(&self, value: T) -> At<T> {
        At { value, place: self.place() }
    }
}

fn whole(digits: &str, radix: u32) -> Option<u32> {
    u32::from_str_radix(digits, radix).ok()
}
