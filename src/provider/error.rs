//! A mistake in a table and where it is. Reading goes on after a mistake, so that all of them are told at once.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One mistake in one table file.
#[derive(Clone, PartialEq, Eq)]
pub struct TableError {
    /// The file as it was named to the loader, for example `tencent-2018-03-30/limits.toml`.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub message: String,
    /// The bytes of `source` that are meant.
    pub span: Range<usize>,
    /// The whole text of the file, empty if it could not be read.
    pub source: Arc<str>,
}

/// A table file: its name and its text.
#[derive(Clone)]
pub(super) struct SourceFile {
    pub(super) name: Arc<str>,
    pub(super) text: Arc<str>,
}

/// Where something stands in the tables.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) file: SourceFile,
    pub(super) span: Range<usize>,
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// Collects the mistakes of one load.
#[derive(Default)]
pub(super) struct Report {
    errors: RefCell<Vec<TableError>>,
    syntax: Cell<bool>,
}

impl std::error::Error for TableError {}

impl fmt::Display for TableError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// As it is displayed: the source text would drown the message.
impl fmt::Debug for TableError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl SourceFile {
    pub(super) fn new(name: &str, text: &str) -> SourceFile {
        SourceFile { name: name.into(), text: text.into() }
    }

    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place { file: self.clone(), span }
    }

    /// The place to blame for what is missing from the file as a whole.
    pub(super) fn start(&self) -> Place {
        self.place(0..0)
    }
}

impl<T> At<T> {
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> At<U> {
        At { value: f(self.value), place: self.place }
    }
}

impl Report {
    pub(super) fn add(&self, place: &Place, message: impl Into<String>) {
        let text = &place.file.text;
        let before = text.get(..place.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        self.errors.borrow_mut().push(TableError {
            file: place.file.name.to_string(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            message: message.into(),
            span: place.span.clone(),
            source: Arc::clone(text),
        });
    }

    /// A mistake after which the rest of the file cannot be trusted to be what its author meant.
    pub(super) fn add_syntax(&self, place: &Place, message: impl Into<String>) {
        self.syntax.set(true);
        self.add(place, message);
    }

    pub(super) fn has_syntax_errors(&self) -> bool {
        self.syntax.get()
    }

    /// Takes over what another report holds.
    pub(super) fn absorb(&self, other: Report) {
        self.errors.borrow_mut().extend(other.errors.into_inner());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// Every mistake, in the order of file and place.
    pub(super) fn into_errors(self) -> Vec<TableError> {
        let mut errors = self.errors.into_inner();
        errors.sort_by(|a, b| (&a.file, a.span.start, &a.message).cmp(&(&b.file, b.span.start, &b.message)));
        errors.dedup();
        errors
    }
}
