//! One environment variable, laid over the document.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::document::{Leaf, Step, join, misplaced, without_echo};
use super::secret;

/// What a variable's name begins with; levels are separated by two underscores.
pub(super) const PREFIX: &str = "DTS_GATEWAY__";

/// Sets the key that a variable names. The text is tried as it stands, then as TOML: `5` may be a number.
pub(super) fn lay_over<'i, T: DeserializeOwned>(
    root: &mut Spanned<DeValue<'i>>,
    name: &str,
    value: &'i str,
    marker: usize,
) -> Result<(), (String, String)> {
    let segments: Vec<&str> = name.trim_start_matches(PREFIX).split("__").collect();
    let at = marker..marker;
    let (mut steps, mut node, mut path) = (Vec::<Step<'i>>::new(), Some(&*root), String::new());
    for segment in &segments {
        if segment.is_empty() {
            return Err((path, "the name has an empty part between underscores".to_owned()));
        }
        let (key, inner) = find(node, segment, &at);
        path = join(&path, key.as_ref());
        steps.push(Step { key: key.ok(), container: at.clone(), path: path.clone() });
        node = inner;
    }
    let text = Spanned::new(at.clone(), DeValue::String(DeString::Owned(value.to_owned())));
    let parsed = DeValue::parse(value).ok().map(|parsed| Spanned::new(at.clone(), parsed.into_inner()));
    let mut refused = None;
    for candidate in std::iter::once(text).chain(parsed) {
        let leaf = Leaf { steps: steps.clone(), value: candidate };
        match leaf.try_as::<T>() {
            Ok(()) => {
                set(root, &leaf.steps, leaf.value);
                return Ok(());
            }
            Err(error) => refused = refused.or(Some(error.message().to_owned())),
        }
    }
    let mut message = without_echo(refused.unwrap_or_default());
    let secret = segments.last().is_some_and(|last| secret::NAMES.contains(&last.to_lowercase().as_str()));
    if !value.is_empty() && (secret || segments.len() < 2 || misplaced(&message)) {
        message = message.replace(value, "...");
    }
    Err((path, message))
}

/// The child that a part of a variable's name means: an index, or a key that differs at most in case and in `-` for `_`.
fn find<'v, 'i>(
    node: Option<&'v Spanned<DeValue<'i>>>,
    segment: &str,
    at: &Range<usize>,
) -> (Result<Spanned<DeString<'static>>, usize>, Option<&'v Spanned<DeValue<'i>>>) {
    let plain = |text: &str| text.to_lowercase().replace(['-', '/'], "_");
    match node.map(Spanned::get_ref) {
        Some(DeValue::Array(items)) if segment.parse::<usize>().is_ok_and(|index| index <= items.len()) => {
            let index = segment.parse().unwrap_or_default();
            (Err(index), items.get(index))
        }
        Some(DeValue::Table(table)) => {
            let found = table.iter().find(|(key, _)| plain(key.get_ref()) == plain(segment));
            let name = found.map_or_else(|| segment.to_lowercase(), |(key, _)| key.get_ref().to_string());
            (Ok(Spanned::new(at.clone(), DeString::Owned(name))), found.map(|(_, inner)| inner))
        }
        _ => (Ok(Spanned::new(at.clone(), DeString::Owned(segment.to_lowercase()))), None),
    }
}

/// Puts a value where `steps` lead, making tables on the way. A variable for `x` takes the place of `x_file` and the
/// other way round: they are two ways to say one thing.
fn set<'i>(node: &mut Spanned<DeValue<'i>>, steps: &[Step<'i>], value: Spanned<DeValue<'i>>) {
    let Some((step, rest)) = steps.split_first() else {
        *node = value;
        return;
    };
    match (node.get_mut(), &step.key) {
        (DeValue::Array(items), None) => {
            let index =
                step.path.trim_end_matches(']').rsplit('[').next().and_then(|index| index.parse::<usize>().ok());
            let Some(index) = index else { return };
            if index == items.len() {
                items.push(Spanned::new(step.container.clone(), DeValue::Table(DeTable::new())));
            }
            if let Some(item) = items.get_mut(index) {
                set(item, rest, value);
            }
        }
        (DeValue::Table(table), Some(key)) => {
            let name = key.get_ref().as_ref();
            let sibling = name.strip_suffix("_file").map_or_else(|| format!("{name}_file"), str::to_owned);
            if rest.is_empty() {
                table.remove(sibling.as_str());
            }
            if !table.contains_key(name) {
                table.insert(key.clone(), Spanned::new(step.container.clone(), DeValue::Table(DeTable::new())));
            }
            if let Some(inner) = table.get_mut(name) {
                set(inner, rest, value);
            }
        }
        _ => {}
    }
}
