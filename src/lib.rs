//! dts-gateway
pub mod call;
pub mod parameters;
pub mod provider;
pub mod store;
