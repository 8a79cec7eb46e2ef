//! The cloud's quotas as metrics. They are read when the metrics are, because they may be kept elsewhere.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Identity, host, region and bucket: words of the tables and the configuration.
pub type QuotaLabels = [String; 4];

const LABELS: [&str; 4] = ["identity", "host", "region", "bucket"];

/// How all quotas stand.
#[derive(Clone, Debug, Default)]
pub struct QuotaReadings {
    /// Those in use.
    pub buckets: Vec<QuotaReading>,
    /// Calls refused and calls throttled since the start, of those where that ever happened.
    pub tallies: Vec<(QuotaLabels, u64, u64)>,
    /// Replicas that are here.
    pub replicas: u32,
    /// How this replica may stand, and whether it does.
    pub modes: Vec<(&'static str, bool)>,
}

/// How one quota stands.
#[derive(Clone, Debug)]
pub struct QuotaReading {
    /// Which.
    pub labels: QuotaLabels,
    /// Slots that are not free.
    pub used: u32,
    /// Calls that wait.
    pub waiting: u32,
    /// Calls in a window.
    pub limit: u32,
    /// What may be used of them now.
    pub learned_limit: u32,
}

impl QuotaReadings {
    fn gauge(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        read: impl Fn(&QuotaReading) -> u32,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for bucket in &self.buckets {
            let gauge = ConstGauge::new(i64::from(read(bucket)));
            gauge.encode(family.encode_family(&pairs(&bucket.labels))?)?;
        }
        Ok(())
    }

    fn counter(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        read: impl Fn(u64, u64) -> u64,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, refused, throttled) in &self.tallies {
            let counter = ConstCounter::new(read(*refused, *throttled));
            counter.encode(family.encode_family(&pairs(labels))?)?;
        }
        Ok(())
    }
}

impl Collector for QuotaReadings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        self.gauge(encoder, ("quota_used", "Slots of the cloud's quota that are not free"), |bucket| bucket.used)?;
        self.gauge(encoder, ("quota_waiting", "Calls that wait for their turn"), |bucket| bucket.waiting)?;
        self.gauge(encoder, ("quota_limit", "Calls in a window that are allowed"), |bucket| bucket.limit)?;
        let help = "Calls in a window that are used at most: fewer than allowed after the cloud has throttled";
        self.gauge(encoder, ("quota_learned_limit", help), |bucket| bucket.learned_limit)?;
        let help = "Calls that this replica refused because their turn would have come too late";
        self.counter(encoder, ("quota_refused", help), |refused, _| refused)?;
        let help = "Calls of this replica that the cloud throttled although there was room";
        self.counter(encoder, ("quota_throttled", help), |_, throttled| throttled)?;
        let replicas = ConstGauge::new(i64::from(self.replicas));
        let help = "Replicas that share the quota, as far as this one knows";
        replicas.encode(encoder.encode_descriptor("replicas", help, None, MetricType::Gauge)?)?;
        let help = "How this replica stands: 1 beside the mode that it is in";
        let mut family = encoder.encode_descriptor("replica_mode", help, None, MetricType::Gauge)?;
        for (mode, is_it) in &self.modes {
            ConstGauge::new(i64::from(*is_it)).encode(family.encode_family(&[("mode", *mode)])?)?;
        }
        Ok(())
    }
}

fn pairs(labels: &QuotaLabels) -> Vec<(&'static str, &str)> {
    LABELS.into_iter().zip(labels.iter().map(String::as_str)).collect()
}
