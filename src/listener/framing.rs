//! Where one request ends and the next begins, read a second time and to the letter.
//!
//! hyper reads leniently: it drops a `Content-Length` beside a `Transfer-Encoding` without a word, takes a bare LF for a
//! line end, a list for a transfer coding and whatever follows a chunk's size. Somebody in front of us may read the
//! same bytes otherwise, and that is how one request becomes two. So a request counts only if both readings agree. This
//! one knows nothing but lengths; what the headers mean is hyper's to say.

/// Bytes of one line: longer ones do not fit into a head.
const LONGEST_LINE: usize = super::MAX_HEAD_BYTES;

/// The strict reading of what a peer has sent so far.
#[derive(Debug, Default)]
pub(super) struct Framing {
    expected: Expected,
    line: Vec<u8>,
    length: Option<u64>,
    is_chunked: bool,
    heads: u64,
    ended: u64,
    fault: Option<Fault>,
}

/// What can be read in two ways, and in which request, counted from 1.
#[derive(Clone, Copy, Debug)]
struct Fault {
    request: u64,
    why: &'static str,
}

#[derive(Clone, Copy, Debug, Default)]
enum Expected {
    #[default]
    RequestLine,
    Header,
    Data(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    LastLine,
}

impl Framing {
    /// Reads on. After a fault nothing more is read: what follows has no sure meaning.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.fault.is_none() {
            bytes = match self.expected {
                Expected::Data(left) | Expected::Chunk(left) => self.skip(left, bytes),
                _ => self.read_line(bytes),
            };
        }
    }

    /// Whether the peer has begun nothing that it has not ended.
    pub(super) fn is_between_requests(&self) -> bool {
        matches!(self.expected, Expected::RequestLine) && self.line.is_empty() && self.fault.is_none()
    }

    /// What stands against the request with this number, once its head, or all of it, was read by hyper too.
    pub(super) fn against(&self, request: u64, is_whole: bool) -> Option<&'static str> {
        let read = if is_whole { self.ended } else { self.heads };
        match self.fault {
            Some(fault) if fault.request <= request => Some(fault.why),
            _ if read < request => Some("its end can be read in two ways"),
            _ => None,
        }
    }

    fn skip<'a>(&mut self, left: u64, bytes: &'a [u8]) -> &'a [u8] {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - here as u64;
        match self.expected {
            Expected::Data(_) if left == 0 => self.end(),
            Expected::Data(_) => self.expected = Expected::Data(left),
            _ if left == 0 => self.expected = Expected::ChunkEnd,
            _ => self.expected = Expected::Chunk(left),
        }
        &bytes[here..]
    }

    fn read_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |newline| newline + 1);
        self.line.extend_from_slice(&bytes[..end]);
        if self.line.len() > LONGEST_LINE {
            self.refuse("a line is too long");
        } else if self.line.ends_with(b"\n") {
            let line = std::mem::take(&mut self.line);
            if let Err(why) = self.take(&line) {
                self.refuse(why);
            }
        }
        &bytes[end..]
    }

    fn take(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let line = line.strip_suffix(b"\r\n").ok_or("a line must end in CR LF")?;
        if line.contains(&b'\r') {
            return Err("a CR must be followed by LF");
        }
        match self.expected {
            // Old clients send an empty line after a body; every server skips it.
            Expected::RequestLine if line.is_empty() => {}
            Expected::RequestLine => self.expected = Expected::Header,
            Expected::Header if line.is_empty() => self.end_head()?,
            Expected::Header => self.take_header(line)?,
            Expected::ChunkSize => match chunk_size(line)? {
                0 => self.expected = Expected::LastLine,
                size => self.expected = Expected::Chunk(size),
            },
            Expected::ChunkEnd if line.is_empty() => self.expected = Expected::ChunkSize,
            Expected::ChunkEnd => return Err("a chunk is longer than it says"),
            Expected::LastLine if line.is_empty() => self.end(),
            Expected::LastLine => return Err("no header may follow the body"),
            Expected::Data(_) | Expected::Chunk(_) => return Err("a line stands where data was expected"),
        }
        Ok(())
    }

    fn take_header(&mut self, line: &[u8]) -> Result<(), &'static str> {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return Err("a header must stand on one line");
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or("a header must have a colon")?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.trim_ascii().len() != name.len() {
            return Err("no space may stand before a header's colon");
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = decimal(value).ok_or("Content-Length must be one plain number")?;
            return once(self.length.replace(length).is_none(), "Content-Length is given twice");
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let first = !std::mem::replace(&mut self.is_chunked, true);
            once(value.eq_ignore_ascii_case(b"chunked"), "Transfer-Encoding must be chunked and nothing else")?;
            return once(first, "Transfer-Encoding is given twice");
        }
        Ok(())
    }

    fn end_head(&mut self) -> Result<(), &'static str> {
        match (self.length.take(), std::mem::take(&mut self.is_chunked)) {
            (Some(_), true) => return Err("Content-Length and Transfer-Encoding exclude each other"),
            (None, true) => self.expected = Expected::ChunkSize,
            (None | Some(0), false) => {
                self.heads += 1;
                self.end();
                return Ok(());
            }
            (Some(length), false) => self.expected = Expected::Data(length),
        }
        self.heads += 1;
        Ok(())
    }

    fn end(&mut self) {
        self.ended += 1;
        self.expected = Expected::RequestLine;
    }

    /// The request that is being read, and all after it, are refused.
    fn refuse(&mut self, why: &'static str) {
        self.line = Vec::new();
        self.fault = Some(Fault { request: self.ended + 1, why });
    }
}

fn once(is_good: bool, why: &'static str) -> Result<(), &'static str> {
    if is_good { Ok(()) } else { Err(why) }
}

/// Digits only: no sign, no list, and no more than fit.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Hexadecimal digits only: what may follow a size (RFC 9112, 7.1.1) nobody sends, and readers differ on it.
fn chunk_size(line: &[u8]) -> Result<u64, &'static str> {
    let why = "a chunk's size must be hexadecimal digits and nothing else";
    if line.is_empty() || !line.iter().all(u8::is_ascii_hexdigit) {
        return Err(why);
    }
    let text = std::str::from_utf8(line).map_err(|_| why)?;
    u64::from_str_radix(text, 16).map_err(|_| why)
}

#[cfg(test)]
mod tests;
