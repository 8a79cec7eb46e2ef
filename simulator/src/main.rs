//! dts-simulator
fn main() {}
