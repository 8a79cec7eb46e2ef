//! In which form records are answered: a page, or a stream of all of them.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// A form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    /// One page.
    Json,
    /// Everything, one JSON object on a line.
    Ndjson,
    /// Everything, one record on a line.
    Csv,
}

const ALL: [Format; 3] = [Format::Json, Format::Ndjson, Format::Csv];

impl Format {
    /// The form of a parameter's word.
    pub(super) fn named(word: &str) -> Option<Format> {
        ALL.into_iter().find(|format| format.word() == word)
    }

    /// The form that is asked for in `Accept` (RFC 9110, section 12.5.1): the first of those with the highest weight; a
    /// page for whoever takes anything, or names nothing that there is.
    pub(super) fn accepted(headers: &HeaderMap) -> Format {
        let lines = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut best = (Format::Json, 0);
        for (format, weight) in lines.flat_map(|line| line.split(',')).filter_map(weighed) {
            if weight > best.1 {
                best = (format, weight);
            }
        }
        best.0
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
            Format::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
        }
    }
}

/// A media range of ours with its weight in thousandths.
fn weighed(range: &str) -> Option<(Format, u32)> {
    let mut parts = range.split(';').map(str::trim);
    let format = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/json" | "application/*" | "*/*" => Format::Json,
        "application/x-ndjson" => Format::Ndjson,
        "text/csv" | "text/*" => Format::Csv,
        _ => return None,
    };
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = weight.map_or(Some(1.0), |weight| weight.parse::<f32>().ok()).unwrap_or_default();
    // Never above 1,000, so never more than a u32.
    Some((format, (weight.clamp(0.0, 1.0) * 1000.0) as u32))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_heaviest_that_there_is_wins() {
        let accepted = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(text));
            Format::accepted(&headers)
        };
        assert_eq!(Format::accepted(&HeaderMap::new()), Format::Json);
        for (text, format) in [
            ("*/*", Format::Json),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Json),
            ("text/html", Format::Json),
            ("text/csv", Format::Csv),
            ("Text/CSV ; q=0.5, application/json;q=0.4", Format::Csv),
            ("text/csv;q=0, */*", Format::Json),
            ("application/x-ndjson, text/csv", Format::Ndjson),
            ("application/x-ndjson;q=nonsense, text/csv;q=0.1", Format::Csv),
        ] {
            assert_eq!(accepted(text), format, "{text}");
        }
    }
}
