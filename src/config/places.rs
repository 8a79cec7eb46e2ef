//! Where the keys of a configuration are: in the file, or in an environment variable.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::mistake::Place;

/// Positions from here on stand for environment variables: no file is that long.
pub(super) const VARIABLES: usize = usize::MAX / 2;

/// Where keys are, by path such as `keys.sealing[0].name`.
#[derive(Default)]
pub(super) struct Places {
    pub(super) spans: BTreeMap<String, Range<usize>>,
    pub(super) failed: BTreeSet<String>,
    line_starts: Vec<usize>,
    text: String,
    variables: Vec<String>,
}

impl Places {
    pub(super) fn new(text: &str, variables: Vec<String>) -> Places {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Places { line_starts, text: text.to_owned(), variables, ..Places::default() }
    }

    /// The place of a key, or of the nearest section around it that is there.
    pub(super) fn of(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(span) = self.spans.get(path) {
                return self.place(span.clone());
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.place(0..0),
            }
        }
    }

    /// Whether something was wrong with the key, with a key in it or with a section around it.
    pub(super) fn has_failed(&self, path: &str) -> bool {
        let covers = |outer: &str, inner: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.failed.iter().any(|failed| covers(failed, path) || covers(path, failed))
    }

    /// The place of a span.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        if span.start >= VARIABLES {
            return Place::Variable {
                variable: self.variables.get(span.start - VARIABLES).cloned().unwrap_or_default(),
            };
        }
        let line = self.line(span.start);
        let before = self.line_starts.get(line - 1).and_then(|start| self.text.get(*start..span.start));
        Place::File { line, column: before.map_or(0, |before| before.chars().count()) + 1, span }
    }

    /// The line of a position, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }
}
