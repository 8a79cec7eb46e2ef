//! The cloud's quota as a shared good: what a turn costs while others wait for theirs, how much memory waiting takes, how
//! fair it is beside a flood, and how much of the quota replicas use.
//!
//! Prints and judges nothing; what must hold on any machine is in the tests. Rows over Redis need REDIS_URL, which
//! `scripts/with-services.sh` sets.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a measurement without its ground is worth stopping
#![allow(clippy::print_stdout, clippy::print_stderr)] // the tables are what it is run for
#![allow(clippy::disallowed_methods)] // what is measured is the machine's time

mod flood;
mod load;
mod memory;
mod overload;
mod shared;

use clap::Parser;
use mimalloc::MiMalloc;

/// The gateway's allocator: memory for each call is as in the gateway.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Debug, Parser)]
struct Options {
    /// Seconds of each row that runs by the real clock
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Only the tables whose name contains this: memory, redis, flood, overload
    #[arg(long, default_value = "")]
    only: String,
    /// A Redis; without one its rows are left out
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    redis_url: Option<String>,
    /// What cargo says to a benchmark; without it nothing is measured (`cargo test --benches`)
    #[arg(long, hide = true)]
    bench: bool,
    /// Be one row of the table of memory: calls that wait, callers
    #[arg(long, hide = true, num_args = 2)]
    row: Option<Vec<usize>>,
}

fn main() {
    let options = Options::parse();
    if let Some(row) = &options.row {
        return memory::row(row[0], row[1]);
    }
    if !options.bench {
        return println!("nothing is measured without --bench");
    }
    let wanted = |name: &str| name.contains(&options.only);
    if wanted("memory") {
        memory::table();
    }
    let real = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let redis = options.redis_url.as_deref();
    if let Some(url) = redis.filter(|_| wanted("redis")) {
        real().block_on(shared::table(url));
    }
    if wanted("flood") {
        flood::in_memory();
        redis.inspect(|url| real().block_on(flood::over_redis(url, options.seconds)));
    }
    if wanted("overload") {
        overload::in_memory();
        redis.inspect(|url| real().block_on(overload::over_redis(url, options.seconds)));
    }
    if redis.is_none() {
        println!("\nno REDIS_URL, so no rows over Redis: scripts/with-services.sh cargo bench --bench broker");
    }
}
