#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

mod bed;
mod damage;
mod statements;
mod tampering;
mod told;
mod whole;
