//! The table: medians over the rounds, and how far the rounds were apart.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::load::Load;
use crate::process::Usage;

/// The samples of every row; the first is the one that the others are compared with.
pub(super) struct Report(Vec<(&'static str, Vec<Sample>)>);

/// What one turn gave.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    calls_per_second: f64,
    /// CPU seconds of 10,000 calls, of the process.
    cpu: f64,
    /// The same of its database.
    database_cpu: f64,
    memory_mib: f64,
    /// Median in microseconds, with one connection.
    alone_us: f64,
    refused: u64,
}

/// A row as it is written down.
#[derive(Serialize)]
struct Line {
    calls_per_second: f64,
    cpu_seconds_per_10k: f64,
    database_cpu_seconds_per_10k: f64,
    memory_mib: f64,
    median_alone_us: f64,
    refused: u64,
    /// Calls for the same CPU, bare hyper's being 1, the database's CPU included.
    ratio: f64,
    ratio_lowest: f64,
    ratio_highest: f64,
}

impl Sample {
    pub(super) fn new(load: &Load, alone: &Load, usage: Usage, memory_kib: u64) -> Sample {
        let of_10k = |time: Duration| time.as_secs_f64() / load.calls.max(1) as f64 * 10_000.0;
        let median = alone.latencies.get(alone.latencies.len() / 2).copied().unwrap_or_default();
        Sample {
            calls_per_second: load.calls as f64 / load.took.as_secs_f64(),
            cpu: of_10k(usage.own),
            database_cpu: of_10k(usage.database),
            memory_mib: memory_kib as f64 / 1024.0,
            alone_us: median.as_secs_f64() * 1e6,
            refused: load.refused,
        }
    }

    fn total(&self) -> f64 {
        self.cpu + self.database_cpu
    }
}

impl Report {
    pub(super) fn new(names: impl Iterator<Item = &'static str>) -> Report {
        Report(names.map(|name| (name, Vec::new())).collect())
    }

    pub(super) fn add(&mut self, row: usize, sample: Sample) {
        self.0[row].1.push(sample);
    }

    pub(super) fn print(&self, rounds: usize, seconds: f64) {
        println!("\n{rounds} rounds of {seconds} s in turns, 64 connections, one worker, 402 bytes in, 600 out");
        println!("ratio: calls for the same CPU time, against bare hyper in the same round (lowest to highest)\n");
        println!(
            "{:<30} {:>8} {:>9} {:>9} {:>6} {:>9} {:>8} {:>20}",
            "", "calls/s", "cpu/10k", "database", "MiB", "alone µs", "refused", "ratio"
        );
        for (name, line) in self.lines() {
            println!(
                "{name:<30} {:>8.0} {:>9.3} {:>9.3} {:>6.1} {:>9.0} {:>8} {:>6.2} ({:.2} to {:.2})",
                line.calls_per_second,
                line.cpu_seconds_per_10k,
                line.database_cpu_seconds_per_10k,
                line.memory_mib,
                line.median_alone_us,
                line.refused,
                line.ratio,
                line.ratio_lowest,
                line.ratio_highest,
            );
        }
    }

    pub(super) fn write(&self, path: &Path, rounds: usize, seconds: f64) {
        let rows: BTreeMap<_, _> = self.lines().into_iter().collect();
        let whole = serde_json::json!({ "rounds": rounds, "seconds": seconds, "connections": 64, "rows": rows });
        std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&whole).unwrap())).unwrap();
    }

    fn lines(&self) -> Vec<(&'static str, Line)> {
        let bare = &self.0[0].1;
        let line = |samples: &[Sample]| {
            let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure).collect());
            let ratios: Vec<f64> =
                samples.iter().zip(bare).map(|(sample, bare)| bare.total() / sample.total()).collect();
            Line {
                calls_per_second: rounded(of(|sample| sample.calls_per_second), 0),
                cpu_seconds_per_10k: rounded(of(|sample| sample.cpu), 3),
                database_cpu_seconds_per_10k: rounded(of(|sample| sample.database_cpu), 3),
                memory_mib: rounded(of(|sample| sample.memory_mib), 1),
                median_alone_us: rounded(of(|sample| sample.alone_us), 0),
                refused: samples.iter().map(|sample| sample.refused).sum(),
                ratio_lowest: rounded(ratios.iter().copied().fold(f64::INFINITY, f64::min), 2),
                ratio_highest: rounded(ratios.iter().copied().fold(0.0, f64::max), 2),
                ratio: rounded(median(ratios), 2),
            }
        };
        self.0.iter().map(|(name, samples)| (*name, line(samples))).collect()
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn rounded(figure: f64, digits: i32) -> f64 {
    let unit = 10f64.powi(digits);
    (figure * unit).round() / unit
}
