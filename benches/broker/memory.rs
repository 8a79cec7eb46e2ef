//! The book in memory, by a clock that stands still while somebody works: what is left is the work.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dts_gateway::quota::{Class, Quota};
use tokio::sync::Notify;

use crate::load::{asker, usual};

/// Calls that wait, and how many callers they are of.
const ROWS: [(usize, usize); 8] =
    [(1, 1), (100, 12), (1_000, 12), (10_000, 12), (100_000, 12), (100_000, 100), (1_000, 1_000), (100_000, 1_000)];

/// Turns that are measured.
const TURNS: usize = 5_000;

/// Or as many as there are in this time.
const AT_MOST: Duration = Duration::from_secs(2);

/// Longer than any of them waits.
const FOR_EVER: Duration = Duration::from_secs(1_000_000);

/// Each row in a process of its own, so that memory is its own too.
pub(crate) fn table() {
    println!("\nIn memory. Calls that wait for 20 turns a second; each asks again when it had its turn.");
    println!("  waiting  callers   µs to join   µs a turn   µs to leave   bytes a call (with its task)");
    for (waiting, callers) in ROWS {
        let row = [waiting, callers].map(|number| number.to_string());
        let ran = Command::new(std::env::current_exe().unwrap()).arg("--row").args(row).status();
        assert!(ran.is_ok_and(|status| status.success()), "the row of {waiting} by {callers}");
    }
}

/// How many turns there were, and until when they are counted.
#[derive(Default)]
struct Count {
    turns: AtomicUsize,
    until: OnceLock<Instant>,
    enough: Notify,
}

/// One row.
pub(crate) fn row(waiting: usize, callers: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let names: Vec<Arc<str>> = (0..callers).map(|index| format!("caller-{index}").into()).collect();
    let (quota, count) = (Quota::new(), Arc::new(Count::default()));
    let (joined, taken, each) = runtime.block_on(async {
        let (memory, begin) = (resident_bytes(), Instant::now());
        for index in 0..waiting {
            tokio::spawn(again_and_again(quota.clone(), Arc::clone(&names[index % callers]), Arc::clone(&count)));
        }
        // The clock stands still until everybody waits.
        while quota.snapshot().first().is_none_or(|bucket| bucket.waiting < waiting) {
            tokio::task::yield_now().await;
        }
        let joined = begin.elapsed();
        let each = resident_bytes().saturating_sub(memory) / waiting as u64;
        let (before, begin) = (count.turns.swap(0, Ordering::Relaxed), Instant::now());
        assert!(before <= 20, "nobody had a turn without waiting");
        count.until.set(begin + AT_MOST).unwrap();
        count.enough.notified().await;
        let turns = u32::try_from(count.turns.load(Ordering::Relaxed)).unwrap();
        (joined, begin.elapsed() / turns, each)
    });
    let begin = Instant::now();
    drop(runtime);
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let (joined, left) = (micros(joined) / waiting as f64, micros(begin.elapsed()) / waiting as f64);
    // Below that it is the grain of pages.
    let each = if waiting >= 10_000 { each.to_string() } else { "-".to_owned() };
    println!("{waiting:>9}{callers:>9}{joined:>13.2}{:>12.2}{left:>14.2}   {each:>12}", micros(taken));
}

/// Somebody who asks for the next turn as soon as the last was had.
async fn again_and_again(quota: Quota, who: Arc<str>, count: Arc<Count>) {
    let spec = [usual()];
    loop {
        let turn = quota.acquire(&spec, &asker(&who, Class::Read), FOR_EVER).await.unwrap();
        let turns = count.turns.fetch_add(1, Ordering::Relaxed) + 1;
        if turns >= TURNS || count.until.get().is_some_and(|until| Instant::now() > *until) {
            count.enough.notify_one();
        }
        turn.settle(tokio::time::Instant::now());
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
