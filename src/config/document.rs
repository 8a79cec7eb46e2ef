//! A TOML text and an overlay of environment variables, read key by key, so that one mistake does not hide the next.
//!
//! Every value is tried alone: a document that holds nothing else is given to serde. What fails is reported and left
//! out, the rest becomes the result. So every field of the type that is read must have a default; which keys are
//! required is the business of the checks that follow. This file knows no key of the gateway's.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue, ValueDeserializer};

use super::mistake::{Mistake, Place};
use super::overlay::{PREFIX, lay_over};
use super::places::{Places, VARIABLES};

/// What was read.
pub(super) struct Document<T> {
    /// Everything that could be read; none after a syntax error.
    pub(super) value: Option<T>,
    /// Where each key is.
    pub(super) places: Places,
    /// What could not be read.
    pub(super) mistakes: Vec<Mistake>,
    /// Values that might be secrets in the wrong place: not to be shown.
    pub(super) hidden: Vec<Range<usize>>,
}

/// The way to a value.
#[derive(Clone)]
pub(super) struct Step<'i> {
    pub(super) key: Option<Spanned<DeString<'i>>>,
    pub(super) container: Range<usize>,
    pub(super) path: String,
}

/// A value that holds no other.
pub(super) struct Leaf<'i> {
    pub(super) steps: Vec<Step<'i>>,
    pub(super) value: Spanned<DeValue<'i>>,
}

/// Reads `text`, then lays `variables` over it, those that begin with [`PREFIX`], in the order of their names.
pub(super) fn read<T: DeserializeOwned>(text: &str, variables: &[(String, String)]) -> Document<T> {
    let mut overlay: Vec<_> = variables.iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    overlay.sort();
    let names = overlay.iter().map(|(name, _)| name.clone()).collect();
    let mut places = Places::new(text, names);
    let mut mistakes = Vec::new();
    let mut hidden = Vec::new();

    let (table, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        let span = error.span().unwrap_or(0..0);
        let place = places.place(span);
        mistakes.push(Mistake { key: String::new(), place, message: error.message().to_owned(), help: None });
    }
    let broken: BTreeSet<usize> =
        syntax.iter().filter_map(|error| error.span()).map(|at| places.line(at.start)).collect();
    let mut root = Spanned::new(0..0, DeValue::Table(table.into_inner()));
    for leaf in leaves(&root) {
        let Err(error) = leaf.try_as::<T>() else { continue };
        let span = error.span().unwrap_or_else(|| leaf.value.span());
        let path = leaf.blame(&span);
        places.failed.insert(path.clone());
        // A syntax error has been reported for that line; what recovery made of it is nobody's mistake.
        if broken.contains(&places.line(span.start)) {
            continue;
        }
        let message = error.message().to_owned();
        if misplaced(&message) {
            hidden.push(leaf.value.span());
        }
        mistakes.push(Mistake { key: path, place: places.place(span), message: without_echo(message), help: None });
    }
    root = prune(&root, "", &places.failed).unwrap_or_else(|| Spanned::new(0..0, DeValue::Table(DeTable::new())));
    for (index, (name, value)) in overlay.into_iter().enumerate() {
        if let Err((key, message)) = lay_over::<T>(&mut root, name, value, VARIABLES + index) {
            places.failed.insert(key.clone());
            mistakes.push(Mistake { key, place: Place::Variable { variable: name.clone() }, message, help: None });
        }
    }
    index(&root, "", &mut places.spans);
    let value = if syntax.is_empty() {
        T::deserialize(ValueDeserializer::from(root))
            .map_err(|error| {
                let place = places.place(error.span().unwrap_or(0..0));
                mistakes.push(Mistake { key: String::new(), place, message: error.message().to_owned(), help: None });
            })
            .ok()
    } else {
        None
    };
    Document { value, places, mistakes, hidden }
}

impl<'i> Leaf<'i> {
    /// Reads a document that holds only this value.
    pub(super) fn try_as<T: DeserializeOwned>(&self) -> Result<(), toml::de::Error> {
        let mut value = self.value.clone();
        for step in self.steps.iter().rev() {
            let around = match &step.key {
                Some(key) => DeValue::Table(DeTable::from_iter([(key.clone(), value)])),
                None => DeValue::Array(DeArray::from_iter([value])),
            };
            value = Spanned::new(step.container.clone(), around);
        }
        T::deserialize(ValueDeserializer::from(value)).map(drop)
    }

    /// The path of what an error at `span` is about: the value, or a key on the way to it.
    fn blame(&self, span: &Range<usize>) -> String {
        let about = |position: usize, step: &Step<'_>| {
            let value = self.steps.get(position + 1).map_or_else(|| self.value.span(), |inner| inner.container.clone());
            value == *span || step.key.as_ref().is_some_and(|key| key.span() == *span)
        };
        let found = self.steps.iter().enumerate().find(|(position, step)| about(*position, step));
        found.map(|(_, step)| step).or(self.steps.last()).map(|step| step.path.clone()).unwrap_or_default()
    }
}

/// Every value that holds no other, with the way to it.
fn leaves<'i>(root: &Spanned<DeValue<'i>>) -> Vec<Leaf<'i>> {
    fn walk<'i>(value: &Spanned<DeValue<'i>>, steps: &mut Vec<Step<'i>>, found: &mut Vec<Leaf<'i>>) {
        let path = steps.last().map(|step| step.path.clone()).unwrap_or_default();
        for (key, inner) in children(value) {
            let path = join(&path, key.as_ref());
            let key = key.ok();
            steps.push(Step { key, container: value.span(), path });
            walk(inner, steps, found);
            steps.pop();
        }
        if children(value).is_empty() {
            found.push(Leaf { steps: steps.clone(), value: value.clone() });
        }
    }
    let mut found = Vec::new();
    if !children(root).is_empty() {
        walk(root, &mut Vec::new(), &mut found);
    }
    found
}

type Child<'v, 'i> = (Result<Spanned<DeString<'i>>, usize>, &'v Spanned<DeValue<'i>>);

/// What a value holds, by key or by index.
fn children<'v, 'i>(value: &'v Spanned<DeValue<'i>>) -> Vec<Child<'v, 'i>> {
    match value.get_ref() {
        DeValue::Table(table) => table.iter().map(|(key, inner)| (Ok(key.clone()), inner)).collect(),
        DeValue::Array(items) => items.iter().enumerate().map(|(index, inner)| (Err(index), inner)).collect(),
        _ => Vec::new(),
    }
}

/// The path of what `path` holds under `key`.
pub(super) fn join(path: &str, key: Result<&Spanned<DeString<'_>>, &usize>) -> String {
    match key {
        Ok(key) if path.is_empty() => key.get_ref().to_string(),
        Ok(key) => format!("{path}.{}", key.get_ref()),
        Err(index) => format!("{path}[{index}]"),
    }
}

/// The value without what has failed; none if it failed itself, or if it is a list and one of its items did.
fn prune<'i>(value: &Spanned<DeValue<'i>>, path: &str, failed: &BTreeSet<String>) -> Option<Spanned<DeValue<'i>>> {
    if failed.contains(path) {
        return None;
    }
    let pruned = match value.get_ref() {
        DeValue::Table(table) => {
            let kept = table.iter().filter_map(|(key, inner)| {
                prune(inner, &join(path, Ok(key)), failed).map(|inner| (key.clone(), inner))
            });
            DeValue::Table(kept.collect())
        }
        DeValue::Array(items) => {
            let kept = items.iter().enumerate().map(|(index, inner)| prune(inner, &join(path, Err(&index)), failed));
            DeValue::Array(kept.collect::<Option<Vec<_>>>()?.into_iter().collect())
        }
        _ => value.get_ref().clone(),
    };
    Some(Spanned::new(value.span(), pruned))
}

/// Notes where each key is: a section's header, any other key's value.
fn index(value: &Spanned<DeValue<'_>>, path: &str, spans: &mut BTreeMap<String, Range<usize>>) {
    for (key, inner) in children(value) {
        let path = join(path, key.as_ref());
        index(inner, &path, spans);
        let span = match (&key, inner.get_ref()) {
            (Ok(key), DeValue::Table(_)) => key.span(),
            _ => inner.span(),
        };
        spans.insert(path, span);
    }
}

/// Whether the message says that the value does not belong there at all, so nobody knows whether it is a secret.
pub(super) fn misplaced(message: &str) -> bool {
    message.starts_with("unknown field") || message.contains("expected a table") || message.contains("expected a map")
}

/// A type error without the text that it quotes, where the text may be a secret in a wrong place.
pub(super) fn without_echo(message: String) -> String {
    if !misplaced(&message) || message.starts_with("unknown field") {
        return message;
    }
    match (message.find(['"', '`']), message.rfind(", expected")) {
        (Some(quoted), Some(expected)) if quoted < expected => {
            format!("{}{}", message[..quoted].trim_end(), &message[expected..])
        }
        _ => message,
    }
}
