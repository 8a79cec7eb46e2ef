//! Signed notes: the reference's known answers, and everything that must not be believed.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use crate::proof::*;

/// Of golang.org/x/mod's sumdb/note, the first implementation.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNATURE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/// RFC 8410 section 10.3's private key, with a line's end.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

fn key(name: &str) -> SigningKey {
    SigningKey::generate(name).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: "gateway.example.com/audit/0/changes".to_owned(),
        size: 1234,
        root: leaf(b""),
        time: Some("2026-11-21T10:00:00.5Z".parse().unwrap()),
    }
}

#[test]
fn the_reference_note() {
    let note = format!("{TEXT}\n{SIGNATURE}");
    let keys: [VerifyingKey; 2] = [ENOCH.parse().unwrap(), PETER.parse().unwrap()];
    assert_eq!(open_note(&note, &keys).unwrap(), Opened { text: TEXT, signed_by: vec![1] });
    assert_eq!(keys[1].to_string(), PETER);
    assert_eq!(keys[1].name(), "PeterNeumann");
    let unknown = NoteFault::UnknownKeys(vec!["PeterNeumann+c74f20a3".to_owned()]);
    assert_eq!(open_note(&note, &keys[..1]), Err(unknown));
    let changed = note.replace("problem is", "problem was");
    assert_eq!(open_note(&changed, &keys), Err(NoteFault::WrongSignature("PeterNeumann".to_owned())));
}

#[test]
fn a_key_that_was_not_copied_whole_is_refused() {
    for at in 0..PETER.len() {
        PETER[..at].parse::<VerifyingKey>().unwrap_err();
        PETER[at + 1..].parse::<VerifyingKey>().unwrap_err();
        let mut changed = PETER.to_owned().into_bytes();
        changed[at] += 1;
        String::from_utf8(changed).unwrap().parse::<VerifyingKey>().unwrap_err();
    }
    // The reference's own: an unknown algorithm, and a key that is too long, with fitting digits.
    let other: Result<VerifyingKey, _> = "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse();
    assert_eq!(other, Err(KeyFault::Algorithm));
    let long: Result<VerifyingKey, _> =
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==".parse();
    assert_eq!(long, Err(KeyFault::Public));
}

#[test]
fn a_key_of_openssl_is_read_and_one_of_ours_comes_back() {
    let known = SigningKey::from_pem("rfc8410", PEM).unwrap();
    let note = sign_note("text\n", &[&known]).unwrap();
    // The public half is the one that the RFC prints.
    let public = hex::decode("19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1").unwrap();
    let vkey = known.verifying_key().to_string();
    let base64 = vkey.splitn(3, '+').nth(2).unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64).unwrap();
    assert_eq!((bytes[0], &bytes[1..]), (1, &public[..]));
    assert_eq!(known.to_pem().unwrap().as_str(), PEM);

    let ours = key("ours");
    let again = SigningKey::from_pem("ours", &ours.to_pem().unwrap()).unwrap();
    assert_eq!(ours.verifying_key(), again.verifying_key());
    assert_eq!(sign_note("text\n", &[&ours]), sign_note("text\n", &[&again]));
    assert_ne!(note, sign_note("text\n", &[&ours]).unwrap());
    assert_ne!(ours.verifying_key(), key("ours").verifying_key());
    assert_eq!(format!("{ours:?}"), "SigningKey(ours, ..)");

    assert_eq!(SigningKey::from_pem("x", "nonsense").unwrap_err(), KeyFault::Private);
    assert_eq!(SigningKey::from_pem("x", &PEM.replace("MC4C", "MC4D")).unwrap_err(), KeyFault::Private);
    for name in ["", "a b", "a+b", "a\nb"] {
        assert_eq!(SigningKey::from_pem(name, PEM).unwrap_err(), KeyFault::Name);
    }
}

#[test]
fn a_checkpoint_and_its_text() {
    let checkpoint = checkpoint();
    let expected = "gateway.example.com/audit/0/changes\n1234\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n\
                    time 2026-11-21T10:00:00.500000Z\n";
    assert_eq!(checkpoint.to_text(), expected);
    assert_eq!(Checkpoint::from_text(expected).as_ref(), Some(&checkpoint));
    let without = Checkpoint { time: None, ..checkpoint };
    assert_eq!(Checkpoint::from_text(&without.to_text()), Some(without.clone()));
    let further = format!("{}something else\n", without.to_text());
    assert_eq!(Checkpoint::from_text(&further), Some(without));
    for wrong in ["", "a\n", "a\n1\n", "\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n", "a\n1\nAAAA\n"] {
        assert_eq!(Checkpoint::from_text(wrong), None, "{wrong:?}");
    }
    for size in ["01", "-1", "+1", " 1", "18446744073709551616", ""] {
        assert_eq!(Checkpoint::from_text(&expected.replace("\n1234\n", &format!("\n{size}\n"))), None);
    }
}

#[test]
fn a_checkpoint_that_two_keys_signed_opens_with_either() {
    let (old, new) = (key("gateway.example.com"), key("gateway.example.com"));
    let note = checkpoint().sign(&[&old, &new]).unwrap();
    for keys in [vec![&old], vec![&new], vec![&new, &old]] {
        let keys: Vec<VerifyingKey> = keys.into_iter().map(|key| key.verifying_key().clone()).collect();
        assert_eq!(Checkpoint::open(&note, &keys).unwrap(), checkpoint());
        assert_eq!(open_note(&note, &keys).unwrap().signed_by.len(), keys.len());
    }
    let other = key("gateway.example.com").verifying_key().clone();
    assert!(matches!(Checkpoint::open(&note, &[other]), Err(NoteFault::UnknownKeys(names)) if names.len() == 2));
    assert_eq!(Checkpoint::claimed(&note).unwrap(), checkpoint());
    let injected = Checkpoint { origin: "a\nb".to_owned(), ..checkpoint() };
    assert_ne!(Checkpoint::from_text(&injected.to_text()).as_ref(), Some(&injected));
    let emptied = Checkpoint { origin: String::new(), ..checkpoint() };
    assert_eq!(emptied.sign(&[&old]), Err(NoteFault::Text));
}

#[test]
fn no_changed_note_is_believed() {
    let signer = key("gateway.example.com");
    let note = checkpoint().sign(&[&signer]).unwrap();
    let keys = [signer.verifying_key().clone()];
    for (at, _) in note.char_indices() {
        let cut = format!("{}{}", &note[..at], note[at..].chars().skip(1).collect::<String>());
        assert!(Checkpoint::open(&cut, &keys).is_err(), "without the character at {at}");
        assert!(Checkpoint::open(&note[..at], &keys).is_err(), "cut at {at}");
    }
    let bits = note.bytes().enumerate().flat_map(|(at, byte)| (0..8).map(move |bit| (at, byte ^ (1 << bit))));
    for (at, byte) in bits {
        let mut changed = note.clone().into_bytes();
        changed[at] = byte;
        let Ok(changed) = String::from_utf8(changed) else { continue };
        assert!(Checkpoint::open(&changed, &keys).is_err(), "changed at {at}");
    }
}

#[test]
fn the_notes_of_a_file() {
    let (one, two) = (key("a"), key("b"));
    let first = checkpoint().sign(&[&one]).unwrap();
    let second = checkpoint().sign(&[&one, &two]).unwrap();
    let file = format!("{first}\n{second}\n");
    assert_eq!(split_notes(&file), (vec![first.as_str(), second.as_str()], ""));
    assert_eq!(split_notes(first.trim_end()).0, Vec::<&str>::new(), "its last line has no end");
    let half = format!("{file}{}", &first[..first.len() - 20]);
    assert_eq!(split_notes(&half).0.len(), 2);
    assert!(!split_notes(&half).1.is_empty());
    assert_eq!(split_notes(""), (vec![], ""));
}
