//! What is counted, for the platform engineer's graphs and alerts. Labels come only from closed lists (tables, reasons,
//! outcomes), never from a caller's text, so that nobody can make the process grow.

mod quotas;

use std::fmt;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub use quotas::{QuotaLabels, QuotaReading, QuotaReadings};

use crate::call::{Origin, Record, Settled};

/// Upper bounds of the duration histograms, in seconds: from a gateway's own answer to a stalled cloud.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0];

/// Every metric of the process.
pub struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    durations: Family<KindLabels, Histogram>,
    waits: Family<KindLabels, Histogram>,
    settled: Family<SettledLabels, Counter>,
    shared: Family<ActionLabels, Counter>,
    /// Open connections on the public listener.
    pub connections: Gauge<i64, AtomicI64>,
    /// Changes whose outcome is unknown and that are not settled yet.
    pub unsettled: Gauge<i64, AtomicI64>,
    /// Calls that ended with a panic in a step.
    pub panics: Counter,
}

/// A number that somebody else keeps, read when the metrics are.
struct Reading {
    name: &'static str,
    help: &'static str,
    read: Box<dyn Fn() -> i64 + Send + Sync>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct CallLabels {
    family: String,
    action: String,
    outcome: String,
    reason: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct KindLabels {
    kind: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ActionLabels {
    family: String,
    action: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct SettledLabels {
    settled: String,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("dts_gateway");
        let histogram = || Histogram::new(SECONDS);
        let metrics = Metrics {
            calls: Family::default(),
            durations: Family::new_with_constructor(histogram),
            waits: Family::new_with_constructor(histogram),
            settled: Family::default(),
            shared: Family::default(),
            unsettled: Gauge::default(),
            connections: Gauge::default(),
            panics: Counter::default(),
            registry: Registry::default(),
        };
        registry.register("calls", "Calls ended, by action, outcome and reason of refusal", metrics.calls.clone());
        let help = "From a call's arrival to its answer, by kind";
        registry.register_with_unit("call_duration", help, Unit::Seconds, metrics.durations.clone());
        let help = "Time that a call waited for turns of the cloud's quota, by kind";
        registry.register_with_unit("turn_wait", help, Unit::Seconds, metrics.waits.clone());
        let help = "Reads that were given the answer of an identical one, by action";
        registry.register("shared", help, metrics.shared.clone());
        registry.register("settled", "Changes of unknown outcome settled since the start", metrics.settled.clone());
        let help = "Changes of unknown outcome that are not settled yet";
        registry.register("unsettled", help, metrics.unsettled.clone());
        registry.register("connections", "Open connections on the public listener", metrics.connections.clone());
        registry.register("panics", "Calls that ended with a panic in a step", metrics.panics.clone());
        Metrics { registry, ..metrics }
    }
}

impl Metrics {
    /// Shows a number that somebody else keeps, under `dts_gateway_` and its name.
    pub fn watch(&mut self, name: &'static str, help: &'static str, read: impl Fn() -> i64 + Send + Sync + 'static) {
        self.registry.register_collector(Box::new(Reading { name, help, read: Box::new(read) }));
    }

    /// A call has ended. Its action counts as a label only if a table knew it: then it has a kind.
    pub fn ended(&self, record: &Record, took: Duration) {
        let known = !record.detail.kind.is_empty();
        let text = |text: &str| if known { text.to_owned() } else { String::new() };
        let labels = CallLabels {
            family: record.family.clone(),
            action: text(&record.action),
            outcome: record.outcome.as_str().to_owned(),
            reason: record.reason.clone().unwrap_or_default(),
        };
        self.calls.get_or_create(&labels).inc();
        if record.detail.origin == Origin::Shared.as_str() {
            let labels = ActionLabels { family: record.family.clone(), action: record.action.clone() };
            self.shared.get_or_create(&labels).inc();
        }
        let kind = KindLabels { kind: record.detail.kind.clone() };
        self.durations.get_or_create(&kind).observe(took.as_secs_f64());
        let waited = Duration::from_millis(u64::try_from(record.waited_ms).unwrap_or_default());
        self.waits.get_or_create(&kind).observe(waited.as_secs_f64());
    }

    /// It was found out what came of a change.
    pub fn settled(&self, settled: Settled) {
        self.settled.get_or_create(&SettledLabels { settled: settled.as_str().to_owned() }).inc();
    }

    /// Everything, and how the quotas stand, as OpenMetrics text.
    pub fn render(&self, quotas: QuotaReadings) -> String {
        let mut now = Registry::with_prefix("dts_gateway");
        now.register_collector(Box::new(quotas));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, &now))
            .and_then(|()| encode_eof(&mut text));
        text
    }
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let gauge = ConstGauge::new((self.read)());
        // The registry puts its prefix before what collectors tell, too.
        gauge.encode(encoder.encode_descriptor(self.name, self.help, None, gauge.metric_type())?)
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Metrics, QuotaReading, QuotaReadings};

    #[test]
    fn a_watched_number_is_shown_under_the_prefix_once() {
        let mut metrics = Metrics::default();
        metrics.watch("audit_queue_bytes", "Size", || 7);
        let text = metrics.render(QuotaReadings::default());
        assert!(text.contains("\ndts_gateway_audit_queue_bytes 7\n"), "{text}");
    }

    #[test]
    fn quotas_are_shown_with_names_of_tables_and_configuration_only() {
        let labels = ["100", "dts.example", "", "StopIt"].map(str::to_owned);
        let reading = QuotaReading { labels: labels.clone(), used: 7, waiting: 3, limit: 20, learned_limit: 15 };
        let text = Metrics::default().render(QuotaReadings {
            buckets: vec![reading],
            tallies: vec![(labels, 5, 2)],
            replicas: 3,
            modes: vec![("joined", true), ("quiet", false)],
        });
        let of = r#"{identity="100",host="dts.example",region="",bucket="StopIt"}"#;
        for line in [
            format!("quota_used{of} 7"),
            format!("quota_waiting{of} 3"),
            format!("quota_limit{of} 20"),
            format!("quota_learned_limit{of} 15"),
            format!("quota_refused_total{of} 5"),
            format!("quota_throttled_total{of} 2"),
            "replicas 3".to_owned(),
            r#"replica_mode{mode="joined"} 1"#.to_owned(),
            r#"replica_mode{mode="quiet"} 0"#.to_owned(),
        ] {
            assert!(text.contains(&format!("\ndts_gateway_{line}\n")), "{line} is not in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
