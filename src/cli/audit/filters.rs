//! The filters of a question, which bear the names that the admin listener takes them by.

use clap::Args;

/// Which records.
#[derive(Args, Debug)]
pub(super) struct Filters {
    #[arg(long)]
    account: Option<String>,
    #[arg(long)]
    team: Option<String>,
    #[arg(long)]
    caller: Option<String>,
    #[arg(long)]
    key_id: Option<String>,
    #[arg(long)]
    family: Option<String>,
    /// true: only administrative acts, such as reading the log; false: all but them
    #[arg(long, value_name = "BOOL")]
    administrative: Option<String>,
    /// API version, such as 2018-03-30
    #[arg(long)]
    version: Option<String>,
    #[arg(long)]
    action: Option<String>,
    #[arg(long)]
    region: Option<String>,
    /// refused, open, ok, failed, unknown, or several with commas between them
    #[arg(long)]
    outcome: Option<String>,
    /// read, change, destructive, purchase, or several with commas between them
    #[arg(long)]
    kind: Option<String>,
    /// done, not-done or undetermined: what was found out of an unknown outcome
    #[arg(long)]
    settled: Option<String>,
    /// Why it was refused, such as rate-limited
    #[arg(long)]
    reason: Option<String>,
    /// Ours or the cloud's
    #[arg(long)]
    request_id: Option<String>,
    /// A part of what the caller was told or of the cloud's error code; needs --from
    #[arg(long)]
    text: Option<String>,
    /// Not before, such as 2026-01-31T09:30:00Z
    #[arg(long)]
    from: Option<String>,
    /// Before
    #[arg(long)]
    to: Option<String>,
}

/// How many records, and in which order.
#[derive(Args, Debug)]
pub(super) struct Paging {
    /// newest or oldest first
    #[arg(long)]
    order: Option<String>,
    /// How many records; on a page 1 to 1000 [default: 100], in an export any number [default: all]
    #[arg(long)]
    limit: Option<String>,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

impl Filters {
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        given([
            ("account", &self.account),
            ("team", &self.team),
            ("caller", &self.caller),
            ("key_id", &self.key_id),
            ("family", &self.family),
            ("administrative", &self.administrative),
            ("version", &self.version),
            ("action", &self.action),
            ("region", &self.region),
            ("outcome", &self.outcome),
            ("kind", &self.kind),
            ("settled", &self.settled),
            ("reason", &self.reason),
            ("request_id", &self.request_id),
            ("text", &self.text),
            ("from", &self.from),
            ("to", &self.to),
        ])
    }
}

impl Paging {
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        given([("order", &self.order), ("limit", &self.limit), ("cursor", &self.cursor)])
    }
}

/// Those that were given.
pub(super) fn given<'a, const N: usize>(
    all: [(&'static str, &'a Option<String>); N],
) -> impl Iterator<Item = (&'static str, &'a str)> {
    all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
}

/// The query string of a URL.
pub(super) fn query<'a>(pairs: impl Iterator<Item = (&'static str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
