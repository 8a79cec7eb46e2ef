//! The broker's script, which Redis runs whole: its parts see what those before them define.

use std::sync::LazyLock;

use redis::Script;

/// What is common to a group, one window, who comes next, and what is asked and answered.
pub(super) const SOURCE: &str = concat!(
    include_str!("broker/group.lua"),
    include_str!("broker/window.lua"),
    include_str!("broker/queue.lua"),
    include_str!("broker/exchange.lua"),
);

pub(super) static BROKER: LazyLock<Script> = LazyLock::new(|| Script::new(SOURCE));
