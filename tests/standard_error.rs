//! What becomes of the gateway when its own log can't be written: nothing. A full disk or a closed pipe must not end it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may stop where its ground is missing")]

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn a_log_that_can_not_be_written_ends_nothing() {
    let program = env!("CARGO_BIN_EXE_dts-gateway");
    let mut gateway = Command::new(program)
        .args(["quickstart", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .args(["--simulator-listen", "127.0.0.1:0"])
        .env("DTS_GATEWAY__LOG__FILTER", "trace")
        .stdout(Stdio::piped())
        .stderr(OpenOptions::new().write(true).open("/dev/full").unwrap())
        .spawn()
        .unwrap();
    let says = BufReader::new(gateway.stdout.take().unwrap()).lines().map(Result::unwrap);
    let says: Vec<String> = says.take_while(|line| line != "ready").collect();
    let admin = says.iter().find_map(|line| line.strip_prefix("DTS_GATEWAY_ADMIN_URL="));
    let healthy = admin.is_some_and(|admin| {
        Command::new(program).args(["healthcheck", "--url", &format!("{admin}/readyz")]).status().unwrap().success()
    });
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert!(healthy, "it said {says:?}");
}
