//! A gateway in front of the cloud's Data Transfer Service. `docs/ARCHITECTURE.md` walks one call through it; the
//! request path itself is in [`pipeline`].

pub mod admin;
pub mod app;
pub mod call;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod coordinate;
pub mod dialect;
pub mod edge;
pub mod evidence;
pub mod gate;
pub mod identity;
pub mod jobs;
pub mod listener;
pub mod metrics;
pub mod parameters;
pub mod pipeline;
pub mod proof;
pub mod provider;
pub mod quota;
pub mod sign;
pub mod steps;
pub mod store;
