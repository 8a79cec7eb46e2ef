//! The text of a configuration without its secrets, byte for byte as long, to be shown around a mistake.

use std::ops::Range;

use super::secret;

/// Blanks the values of secret keys and everything in `spans`. Works on lines rather than on the grammar, because it
/// must also hold for a text that can't be parsed.
pub(super) fn mask(text: &str, spans: &[Range<usize>]) -> String {
    let mut masked = Vec::from(text);
    for span in spans {
        blank(&mut masked, span.clone());
    }
    let (mut start, mut inside) = (0, false);
    for line in text.split_inclusive('\n') {
        if let Some(value) = secret_value(line) {
            inside = true;
            blank(&mut masked, start + value..start + line.len());
        } else if inside && (line.trim().is_empty() || opens_something(line)) {
            inside = false;
        } else if inside {
            blank(&mut masked, start..start + line.len());
        }
        start += line.len();
    }
    // Whole characters were blanked: spans and lines begin and end between characters.
    String::from_utf8(masked).unwrap_or_default()
}

/// Where the value of a secret key begins in this line, if there is one: also in comments and inline tables.
fn secret_value(line: &str) -> Option<usize> {
    let after = |name: &str| {
        line.match_indices(name).find_map(|(at, _)| {
            let whole = !line[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_');
            let rest = line[at + name.len()..].trim_start_matches(['"', '\'']).trim_start();
            (whole && rest.starts_with('=')).then(|| line.len() - rest.len() + 1)
        })
    };
    secret::NAMES.iter().filter_map(|name| after(name)).min()
}

/// Whether a line begins a section, a comment or another key, so that a multi-line secret has ended.
fn opens_something(line: &str) -> bool {
    let line = line.trim_start();
    let key = |name: &str, value: &str| {
        let value = value.trim_start();
        name.trim_end().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            && value.starts_with(['"', '\'', '[', '{', 't', 'f', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    };
    line.starts_with(['[', '#']) || line.split_once('=').is_some_and(|(name, value)| key(name, value))
}

fn blank(text: &mut [u8], span: Range<usize>) {
    for byte in text.iter_mut().take(span.end).skip(span.start) {
        if !byte.is_ascii_whitespace() {
            *byte = b'*';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn blanks_values_of_secret_keys_only() {
        let text = "[store]\nurl = \"postgres://u:p@h/d\"\nmax = 5\n#key = 'old'\nx = { name = \"a\", key = \"s\" }\n";
        let masked = mask(text, &[]);
        assert_eq!(masked.len(), text.len());
        assert_eq!(
            masked,
            "[store]\nurl = ********************\nmax = 5\n#key = *****\nx = { name = \"a\", key = *** *\n".to_owned()
        );
    }

    #[test]
    fn blanks_a_secret_over_several_lines_and_an_open_string() {
        let masked = mask("key = \"\"\"\n-----BEGIN\nAbC==\nxyz\"\"\"\nname = \"a\"\nsecret_key = \"open", &[]);
        assert_eq!(masked, "key = ***\n**********\n*****\n******\nname = \"a\"\nsecret_key = *****");
    }

    #[test]
    fn keeps_keys_that_only_end_like_a_secret() {
        let text = "certificate_file = \"a\"\nkey_file = \"b\"\njwks_url = \"https://x\"\n";
        assert_eq!(mask(text, &[]), text);
    }
}
