//! dts-gateway
