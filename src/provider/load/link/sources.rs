//! The sources that rows name. A name that stands for nothing is a mistake, and so is a source that no row names.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::super::super::error::{At, Report};
use super::super::super::version::Source;

pub(super) struct Sources<'r> {
    rows: &'r [(At<String>, Source)],
    report: &'r Report,
    used: RefCell<BTreeSet<String>>,
}

impl<'r> Sources<'r> {
    pub(super) fn new(rows: &'r [(At<String>, Source)], report: &'r Report) -> Sources<'r> {
        Sources { rows, report, used: RefCell::default() }
    }

    /// The names that a row gives, looked up.
    pub(super) fn names(&self, named: &[At<String>]) -> Vec<String> {
        for name in named {
            if !self.rows.iter().any(|(known, _)| known.value == name.value) {
                self.report.add(&name.place, format!("source `{}` is not in provider.toml", name.value));
            }
            self.used.borrow_mut().insert(name.value.clone());
        }
        named.iter().map(|name| name.value.clone()).collect()
    }

    pub(super) fn report_unused(&self) {
        for (name, _) in self.rows.iter().filter(|(name, _)| !self.used.borrow().contains(&name.value)) {
            self.report.add(&name.place, format!("no row names the source `{}`", name.value));
        }
    }

    pub(super) fn into_rows(self) -> BTreeMap<String, Source> {
        self.rows.iter().map(|(name, source)| (name.value.clone(), source.clone())).collect()
    }
}
