//! A small Data Transfer Service cloud: it checks signatures with its own code, keeps tasks and moves them through the
//! documented states, counts and enforces the documented rates, and can be slow, throttle, or drop connections.
//!
//! ```no_run
//! # async fn example() -> Result<(), dts_simulator::StartError> {
//! use dts_simulator::{Options, Simulator};
//!
//! let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
//! let running = Simulator::start(Options { listen, ..Options::default() }).await?;
//! // an SDK with endpoint running.url(), running.secret_id(), running.secret_key()
//! running.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! A request goes `server` → `exchange` → `dialect` (read, verify) → `rates` → `faults` → `cloud` → `answer`; what the
//! API is like is in `tables/`. It shares no code with the gateway, so that one mistake cannot hide on both sides.

mod answer;
mod chance;
mod clock;
mod cloud;
mod control;
mod counting;
mod dialect;
mod exchange;
mod faults;
mod ledger;
mod rates;
mod server;
mod table;
mod wire;

pub use clock::{Clock, Moment};
pub use server::{Options, Running, Simulator, StartError};
