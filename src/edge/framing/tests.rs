//! Heads that hyper accepts.
#![allow(clippy::unwrap_used, reason = "tests")]

use http::Request;
use http::request::{Builder, Parts};

use super::refuse;
use crate::call::Refusal;

fn head(builder: Builder) -> Parts {
    builder.body(()).unwrap().into_parts().0
}

#[test]
fn one_host_a_path_and_nothing_special() {
    assert_eq!(refuse(&head(Request::get("/?Action=A").header("host", "h"))), Ok(()));
    assert_eq!(refuse(&head(Request::post("//other/").header("host", "h").header("expect", "100-continue"))), Ok(()));
    let bad = [
        Request::get("/"),
        Request::get("/").header("host", "h").header("host", "h"),
        Request::get("http://other/").header("host", "h"),
        Request::get("/").header("host", "h").header("upgrade", "h2c"),
        Request::post("/").header("host", "h").header("content-encoding", "identity"),
        Request::put("/").header("host", "h"),
        Request::head("/").header("host", "h"),
        Request::connect("other:443").header("host", "h"),
        Request::builder().method("get").uri("/").header("host", "h"),
    ];
    for builder in bad {
        let parts = head(builder);
        assert!(matches!(refuse(&parts), Err(Refusal::RequestMalformed { .. })), "{parts:?}");
    }
}
