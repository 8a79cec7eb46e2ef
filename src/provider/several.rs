//! Several ids in one text.

use std::fmt;

use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};

/// How several ids stand in one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Several {
    /// With this sign between them, and blanks that count for nothing.
    Separated(char),
    /// As a JSON list of texts. Any other text is taken for one id, which is nobody's.
    Json,
}

impl Several {
    /// The ids in a text that are not empty, no more than `most`.
    pub(super) fn split(self, text: &str, most: usize) -> Vec<String> {
        match self {
            Several::Separated(sign) => {
                let ids = text.split(sign).map(str::trim).filter(|id| !id.is_empty());
                ids.take(most).map(str::to_owned).collect()
            }
            Several::Json => Listed::read(text, most).unwrap_or_else(|_| vec![text.to_owned()]),
        }
    }

    /// Whether a text looks like a list and is none that every reader reads alike: a lenient one could find ids in it that
    /// were never judged.
    pub(super) fn is_unclear(self, text: &str) -> bool {
        matches!(self, Several::Json) && text.trim_start().starts_with('[') && Listed::read(text, 0).is_err()
    }
}

/// A JSON list of texts, of which those that are not empty are kept, and no more than `most`.
struct Listed {
    most: usize,
}

impl Listed {
    fn read(text: &str, most: usize) -> serde_json::Result<Vec<String>> {
        let mut json = serde_json::Deserializer::from_str(text);
        let ids = json.deserialize_seq(Listed { most })?;
        json.end()?;
        Ok(ids)
    }
}

impl<'de> Visitor<'de> for Listed {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<String>, A::Error> {
        let mut ids = Vec::new();
        while let Some(id) = sequence.next_element::<String>()? {
            if !id.is_empty() && ids.len() < self.most {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}
