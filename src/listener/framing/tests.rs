//! One way of reading, whatever the pieces that the bytes come in.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::Framing;

fn read(bytes: &[u8]) -> Framing {
    let mut framing = Framing::default();
    framing.read(bytes);
    framing
}

const PLAIN: &str = "GET /?a=b HTTP/1.1\r\nHost: h\r\n\r\n";
const SIZED: &str = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\r\n\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n";

#[test]
fn plain_requests_are_counted() {
    let framing = read(format!("{PLAIN}{SIZED}\r\n{CHUNKED}{PLAIN}").as_bytes());
    assert_eq!((framing.heads, framing.ended, framing.is_between_requests()), (4, 4, true));
    assert_eq!((framing.against(4, true), framing.against(5, false).is_some()), (None, true));
}

#[test]
fn a_body_that_is_not_there_yet_is_not_whole() {
    let framing = read(&SIZED.as_bytes()[..SIZED.len() - 1]);
    assert_eq!(framing.against(1, false), None);
    assert!(framing.against(1, true).is_some());
    assert!(!framing.is_between_requests());
}

#[test]
fn what_can_be_read_in_two_ways_is_refused_with_all_that_follows() {
    let head = |headers: &str| format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n");
    let both = ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\ncontent-length: 5"];
    let lengths = ["+5", "-5", "5, 5", "5 5", "0x5", "", "18446744073709551616", "5\r\nContent-Length: 5"];
    let codings = ["gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked;q=1", "\u{b}chunked", ""];
    let others = ["Content-Length : 5", " Content-Length: 5", "a: b\r\n c", "a", "a: b\rc", "a: b\nContent-Length: 5"];
    let mut heads: Vec<String> = both.iter().chain(&others).map(|headers| head(headers)).collect();
    heads.extend(lengths.iter().map(|value| head(&format!("Content-Length: {value}"))));
    heads.extend(codings.iter().map(|value| head(&format!("Transfer-Encoding: {value}"))));
    heads.push(head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"));
    for head in heads {
        let framing = read(format!("{PLAIN}{head}{PLAIN}").as_bytes());
        assert_eq!(framing.against(1, true), None, "{head:?}");
        assert!(framing.against(2, false).is_some(), "{head:?}");
        assert!(framing.against(3, false).is_some(), "{head:?}");
    }
}

#[test]
fn chunks_are_read_to_the_letter() {
    let tricks =
        ["3;a=b\r\nabc", "0x3\r\nabc", " 3\r\nabc", "3 \r\nabc", "+3\r\nabc", "3\nabc", "\r\nabc", "3\r\nabcd"];
    let endings = ["0\r\nHost: other\r\n\r\n", "0\n\r\n", "00000000000000000\r\nx", "11111111111111111\r\n"];
    let bodies = tricks.iter().map(|trick| format!("{trick}\r\n0\r\n\r\n"));
    for body in bodies.chain(endings.iter().map(|ending| (*ending).to_owned())) {
        let framing = read(format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}").as_bytes());
        assert!(framing.against(1, true).is_some(), "{body:?}");
    }
}

#[test]
fn a_line_without_end_is_not_kept_without_end() {
    let mut framing = Framing::default();
    for _ in 0..100 {
        framing.read(&[b'a'; 4096]);
    }
    assert!(framing.against(1, false).is_some());
    assert!(framing.line.capacity() <= 2 * super::LONGEST_LINE);
}

proptest! {
    #[test]
    fn the_pieces_do_not_matter(text in "(GET / HTTP/1\\.1\r\n(Content-Length: [0-9]\r\n)?(Transfer-Encoding: chunked\r\n)?\r\n|[0-9a]\r\n|abc\r?\n){0,6}", cuts in prop::collection::vec(1_usize..9, 1..9)) {
        let whole = read(text.as_bytes());
        let mut pieces = Framing::default();
        let (mut rest, mut cut) = (text.as_bytes(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
            pieces.read(piece);
            rest = after;
        }
        prop_assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
    }
}
