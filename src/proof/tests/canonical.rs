//! RFC 8785's own examples, and what it would round.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use serde_json::json;

use crate::parameters::read_json;
use crate::proof::canonical::{LIMITS, canonical_value};
use crate::proof::*;

fn text(json: &str) -> Result<String, Unrepresentable> {
    canonical_value(&read_json(json.as_bytes(), &LIMITS).unwrap()).map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn the_example_of_section_3_2_2() {
    let value = json!({
        "numbers": [333333333.3333333_f64, 1E30_f64, 4.50_f64, 2e-3_f64, 0.000000000000000000000000001_f64],
        "string": "\u{20ac}$\u{f}\u{a}A'\u{42}\u{22}\u{5c}\\\"/",
        "literals": [null, true, false]
    });
    let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
                    \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    assert_eq!(String::from_utf8(canonical(&value).unwrap()).unwrap(), expected);
}

#[test]
fn the_order_of_section_3_2_3() {
    let members = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
                      "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
                    \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
                    \"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(text(members).unwrap(), expected);
}

#[test]
fn the_numbers_of_appendix_b() {
    // Bits of a double, and how it is written.
    let numbers = [
        (0x0000_0000_0000_0000_u64, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];
    for (bits, expected) in numbers {
        let written = canonical(&f64::from_bits(bits)).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}

#[test]
fn a_number_is_refused_and_not_rounded() {
    for fine in ["0", "-1", "9007199254740991", "-9007199254740991", "0.1", "1.5e300", "1E30"] {
        text(fine).unwrap();
    }
    assert_eq!(text("[1.0,10e-1,-0,-0.0,0.50]").unwrap(), "[1,1,0,0,0.5]");
    for rounded in [
        "9007199254740992",
        "-9007199254740992",
        "9007199254740993",
        "18446744073709551616",
        "9007199254740993.0",
        "1e400",
        "-1e400",
        "1e-400",
        "0.1000000000000000000001",
        "5.00000000000000000001",
    ] {
        assert!(matches!(text(rounded), Err(Unrepresentable::Number(_))), "{rounded}");
    }
    canonical(&u64::MAX).unwrap_err();
    canonical(&i64::MIN).unwrap_err();
}

#[test]
fn what_an_entry_says() {
    let time = "2026-11-21T10:00:00.5Z".parse().unwrap();
    let content = content("ended", time, &json!({ "z": 1, "a": "b" })).unwrap();
    let expected = r#"{"phase":"ended","record":{"a":"b","z":1},"recorded_at":"2026-11-21T10:00:00.500000Z"}"#;
    assert_eq!(String::from_utf8(content).unwrap(), expected);
}

#[test]
fn more_than_an_entry_may_hold() {
    canonical(&"x".repeat(5 << 20)).unwrap_err();
    assert_eq!(canonical("").unwrap(), b"\"\"");
}
