//! What is wrong with a configuration, and where.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};
use serde::Serialize;

/// One mistake.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Mistake {
    /// The key, such as `server.listen`; empty when the text can't be read.
    pub key: String,
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What would be right, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Where a mistake is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// In the file.
    File {
        /// The line, from 1.
        line: usize,
        /// The column, in characters, from 1.
        column: usize,
        /// The bytes.
        #[serde(skip)]
        span: Range<usize>,
    },
    /// In a file that the configuration leads to: a team's, or a table.
    OtherFile {
        /// Which.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, in characters, from 1.
        column: usize,
    },
    /// In an environment variable.
    Variable {
        /// Its name.
        variable: String,
    },
}

/// Everything that is wrong with a configuration, in the order of the file; prints as one report.
pub struct Mistakes {
    /// The file as the caller named it.
    file: String,
    source: NamedSource<String>,
    mistakes: Vec<Mistake>,
}

impl Mistakes {
    /// `text` is what the report shows, with secrets masked.
    pub(super) fn new(file: &str, text: String, mut mistakes: Vec<Mistake>) -> Mistakes {
        mistakes.sort_by_key(|mistake| match &mistake.place {
            Place::File { span, .. } => (0, String::new(), span.start, 0),
            Place::OtherFile { file, line, column } => (1, file.clone(), *line, *column),
            Place::Variable { variable } => (2, variable.clone(), 0, 0),
        });
        mistakes.dedup();
        Mistakes { file: file.to_owned(), source: NamedSource::new(file, text), mistakes }
    }

    /// The file as the caller named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// All of them.
    pub fn list(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.mistakes.len();
        write!(f, "{}: {count} {}", self.file, if count == 1 { "mistake" } else { "mistakes" })
    }
}

impl fmt::Debug for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.mistakes).finish()
    }
}

impl std::error::Error for Mistakes {}

impl Diagnostic for Mistakes {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.mistakes.iter().map(|mistake| mistake as &dyn Diagnostic)))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { .. } => {}
            Place::OtherFile { file, line, column } => write!(f, "{file}:{line}:{column}: ")?,
            Place::Variable { variable } => write!(f, "environment variable {variable}: ")?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match &self.place {
            Place::File { span, .. } => {
                Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, (span.start, span.len())))))
            }
            Place::OtherFile { .. } | Place::Variable { .. } => None,
        }
    }
}
