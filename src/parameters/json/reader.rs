//! One pass over a JSON text. Recursive, which the limit on depth bounds.

use std::borrow::Cow;

use super::JsonLimits;
use crate::parameters::Value;

/// A place in a text that is being read.
pub(super) struct Reader<'text, 'limits> {
    text: &'text str,
    at: usize,
    members: usize,
    limits: &'limits JsonLimits,
}

type Read<T> = Result<T, String>;

impl<'text, 'limits> Reader<'text, 'limits> {
    /// At the beginning of a text.
    pub(super) fn new(text: &'text str, limits: &'limits JsonLimits) -> Reader<'text, 'limits> {
        Reader { text, at: 0, members: 0, limits }
    }

    /// What has been read, for saying where a fault is.
    pub(super) fn before(&self) -> &'text str {
        // A fault may be noticed behind the last character.
        self.text.get(..self.at).unwrap_or(self.text)
    }

    /// The whole text as one value.
    pub(super) fn document(&mut self) -> Read<Value> {
        let value = self.value(0)?;
        self.skip_space();
        match self.peek() {
            None => Ok(value),
            Some(_) => Err("there is more after the value".to_owned()),
        }
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.list(depth + 1),
            Some(b'"') => Ok(Value::String(self.string()?.into_owned())),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err("a value was expected".to_owned()),
            None => Err("it ends where a value was expected".to_owned()),
        }
    }

    fn object(&mut self, depth: usize) -> Read<Value> {
        self.enter(depth)?;
        let mut members = Vec::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err("a member's name in quotes was expected".to_owned());
            }
            self.count()?;
            let name = self.string()?.into_owned();
            self.skip_space();
            if !self.take(b':') {
                return Err("a colon was expected".to_owned());
            }
            members.push((name, self.value(depth)?));
            self.skip_space();
            if self.take(b',') {
                continue;
            }
            if !self.take(b'}') {
                return Err("a comma or a closing brace was expected".to_owned());
            }
            return match twice(&members) {
                Some(name) => Err(format!("the member {name:?} is given twice in one object")),
                None => Ok(Value::Object(members)),
            };
        }
    }

    fn list(&mut self, depth: usize) -> Read<Value> {
        self.enter(depth)?;
        let mut elements = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::List(elements));
        }
        loop {
            self.count()?;
            elements.push(self.value(depth)?);
            self.skip_space();
            if self.take(b',') {
                continue;
            }
            if !self.take(b']') {
                return Err("a comma or a closing bracket was expected".to_owned());
            }
            return Ok(Value::List(elements));
        }
    }

    fn string(&mut self) -> Read<Cow<'text, str>> {
        self.at += 1;
        let mut read = Cow::Borrowed("");
        loop {
            let rest = self.rest();
            let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
            let Some(end) = rest.bytes().position(special) else {
                self.at = self.text.len();
                return Err("a string is not closed".to_owned());
            };
            let (plain, special) = rest.split_at(end);
            if read.len() + plain.len() > self.limits.string_bytes {
                return Err(format!("a string is longer than {} bytes", self.limits.string_bytes));
            }
            if read.is_empty() {
                read = Cow::Borrowed(plain);
            } else {
                read.to_mut().push_str(plain);
            }
            self.at += end;
            match special.as_bytes().first() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(read);
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    read.to_mut().push(character);
                }
                _ => return Err("a control character in a string must be escaped".to_owned()),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        self.at += 1;
        let character = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err("there is no such escape".to_owned()),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode(&mut self) -> Read<char> {
        let lone = || "a surrogate stands alone".to_owned();
        let first = self.four_digits()?;
        let scalar = match first {
            0xD800..=0xDBFF => {
                if !self.take(b'\\') || self.peek() != Some(b'u') {
                    return Err(lone());
                }
                match self.four_digits()? {
                    second @ 0xDC00..=0xDFFF => 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                    _ => return Err(lone()),
                }
            }
            other => other,
        };
        // What is left without a character are the second halves of pairs.
        char::from_u32(scalar).ok_or_else(lone)
    }

    /// The digits after `\u`, standing on the `u`.
    fn four_digits(&mut self) -> Read<u32> {
        self.at += 1;
        let mut number = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            number = number * 16 + digit.ok_or("four hexadecimal digits were expected")?;
            self.at += 1;
        }
        Ok(number)
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if text.len() > self.limits.number_bytes {
            return Err(format!("a number is longer than {} characters", self.limits.number_bytes));
        }
        Ok(Value::Number(text.to_owned()))
    }

    fn digits(&mut self) -> Read<()> {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        if count == 0 { Err("a digit was expected".to_owned()) } else { Ok(()) }
    }

    fn word(&mut self, word: &str, value: Value) -> Read<Value> {
        if !self.rest().starts_with(word) {
            return Err("a value was expected".to_owned());
        }
        self.at += word.len();
        Ok(value)
    }

    fn enter(&mut self, depth: usize) -> Read<()> {
        if depth > self.limits.depth {
            return Err(format!("it is nested deeper than {} levels", self.limits.depth));
        }
        self.at += 1;
        Ok(())
    }

    fn count(&mut self) -> Read<()> {
        self.members += 1;
        if self.members > self.limits.members {
            return Err(format!("it has more than {} members", self.limits.members));
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.rest().bytes().take_while(space).count();
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'text str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

/// A name that occurs twice, cut to what a message can show.
fn twice(members: &[(String, Value)]) -> Option<String> {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let pair = names.windows(2).find(|pair| pair[0] == pair[1])?;
    Some(pair[0].chars().take(64).collect())
}
