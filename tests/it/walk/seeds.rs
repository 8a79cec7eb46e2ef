//! The seeds' two state tables as they were printed, and what a walk must have seen if they hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// Both tables.
#[derive(Deserialize)]
pub struct Seeds {
    pub migration: Table,
    pub sync: Table,
}

/// One table.
#[derive(Deserialize)]
pub struct Table {
    words: BTreeMap<String, String>,
    row: Vec<Row>,
    all_above: Cells,
    pub billing: BillingRow,
}

#[derive(Deserialize)]
struct Row {
    status: String,
    #[serde(flatten)]
    cells: Cells,
    /// Words with a bracket behind them, and what it says.
    #[serde(default)]
    only: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Cells {
    operations: Vec<String>,
    key_api: Vec<String>,
}

/// The row of a billing state.
#[derive(Deserialize)]
pub struct BillingRow {
    pub status: String,
    #[serde(flatten)]
    cells: Cells,
}

/// Whether the table allows an action in a state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Says {
    Allowed,
    /// Only under the condition in the bracket.
    Only,
    Forbidden,
}

impl Seeds {
    pub fn read() -> Seeds {
        toml::from_str(include_str!("seeds.toml")).unwrap()
    }
}

impl Table {
    /// The statuses of the rows.
    pub fn states(&self) -> BTreeSet<&str> {
        self.row.iter().map(|row| row.status.as_str()).collect()
    }

    /// The actions that a word of the table means, or that it names.
    pub fn operations(&self) -> BTreeSet<&str> {
        let named = self.row.iter().map(|row| &row.cells).chain([&self.all_above, &self.billing.cells]);
        named.flat_map(|cells| &cells.key_api).chain(self.words.values()).map(String::as_str).collect()
    }

    /// What the table says of an action in a state, while the billing state is another than the table's.
    pub fn says(&self, status: &str, action: &str) -> Says {
        let row = self.row.iter().find(|row| row.status == status).unwrap();
        let is_word_of = |word: &String| self.words[word] == action;
        if row.only.keys().any(is_word_of) {
            return Says::Only;
        }
        let named =
            |cells: &Cells| cells.operations.iter().any(is_word_of) || cells.key_api.iter().any(|api| api == action);
        if named(&row.cells) || named(&self.all_above) { Says::Allowed } else { Says::Forbidden }
    }

    /// What the row of the billing state says of an action.
    pub fn says_when_isolated(&self, action: &str) -> Says {
        let cells = &self.billing.cells;
        let named = cells.operations.iter().any(|word| self.words[word] == action)
            || cells.key_api.iter().any(|api| api == action);
        if named { Says::Allowed } else { Says::Forbidden }
    }
}
