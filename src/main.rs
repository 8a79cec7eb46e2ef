//! dts-gateway
fn main() {}
