//! `audit query`: the audit log, through the admin listener or straight from the store.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use super::settings::{Settings, open_store};
use super::verify::Verify;
use super::{Surroundings, act, client, table};
use crate::admin::{filter_as_json, read_filter};
use crate::store::Cursor;

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the admin listener is, if the command line does not say.
const URL: &str = "DTS_GATEWAY_ADMIN_URL";

/// A token for it.
const TOKEN: &str = "DTS_GATEWAY_ADMIN_TOKEN";

/// Arguments of `audit`.
#[derive(Args, Debug)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List records, newest first
    Query(Box<Query>),
    /// Verify an export, offline
    Verify(Verify),
}

/// Arguments of `audit query`.
#[derive(Args, Debug)]
struct Query {
    /// The admin listener [default: DTS_GATEWAY_ADMIN_URL]
    #[arg(long, conflicts_with_all = ["config", "data_dir"])]
    url: Option<String>,
    /// A file with a token for it [default: what DTS_GATEWAY_ADMIN_TOKEN holds]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "data_dir", "token"])]
    token_file: Option<PathBuf>,
    /// A token for it; others on this machine can see it
    #[arg(long, conflicts_with_all = ["config", "data_dir"])]
    token: Option<String>,
    /// Read the store of this configuration instead
    #[arg(long, value_name = "FILE", conflicts_with = "data_dir")]
    config: Option<PathBuf>,
    /// Read the store of a folder of quickstart instead
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    filters: Filters,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Filters {
    #[arg(long)]
    id: Option<String>,
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
    /// API version, such as 2018-03-30
    #[arg(long)]
    version: Option<String>,
    #[arg(long)]
    action: Option<String>,
    #[arg(long)]
    region: Option<String>,
    #[arg(long)]
    task_id: Option<String>,
    /// refused, open, ok, failed or unknown
    #[arg(long)]
    outcome: Option<String>,
    /// Why it was refused, such as rate-limited
    #[arg(long)]
    reason: Option<String>,
    /// Ours or the cloud's
    #[arg(long)]
    request_id: Option<String>,
    /// Not before, such as 2026-01-31T09:30:00Z
    #[arg(long)]
    from: Option<String>,
    /// Before
    #[arg(long)]
    to: Option<String>,
    /// Records on a page, 1 to 1000 [default: 100]
    #[arg(long)]
    limit: Option<String>,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

/// One page, as the admin listener answers.
#[derive(Deserialize)]
struct Page {
    records: Vec<Value>,
    next_cursor: Option<String>,
}

impl Audit {
    pub(super) async fn run(self, surroundings: &Surroundings) -> miette::Result<ExitCode> {
        let query = match self.what {
            What::Query(query) => query,
            What::Verify(verify) => return Ok(verify.run(surroundings)),
        };
        let filter = query.filters.query_string();
        let page = if query.config.is_some() || query.data_dir.is_some() {
            let settings = Settings { config: query.config, data_dir: query.data_dir };
            from_store(&settings, &filter, surroundings).await?
        } else {
            let token = match (query.token, &query.token_file) {
                (Some(token), _) => Some(token),
                (None, Some(file)) => Some(read_token(file)?),
                (None, None) => surroundings.variable(TOKEN).map(str::to_owned),
            };
            let url = query.url.as_deref().or(surroundings.variable(URL));
            let missing = |what: &str| miette::miette!("say where the log is: {what}, or --config, or --data-dir");
            let url = url.ok_or_else(|| missing(&format!("--url or {URL}")))?;
            let token = token.ok_or_else(|| missing(&format!("--token-file or {TOKEN}")))?;
            from_admin(url, &token, &filter).await?
        };
        show(&page, query.json, surroundings);
        Ok(ExitCode::SUCCESS)
    }
}

impl Filters {
    /// As the admin listener takes them.
    fn query_string(&self) -> String {
        let all = [
            ("id", &self.id),
            ("account", &self.account),
            ("team", &self.team),
            ("caller", &self.caller),
            ("key_id", &self.key_id),
            ("family", &self.family),
            ("version", &self.version),
            ("action", &self.action),
            ("region", &self.region),
            ("task_id", &self.task_id),
            ("outcome", &self.outcome),
            ("reason", &self.reason),
            ("request_id", &self.request_id),
            ("from", &self.from),
            ("to", &self.to),
            ("limit", &self.limit),
            ("cursor", &self.cursor),
        ];
        let given = all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }
}

fn read_token(file: &PathBuf) -> miette::Result<String> {
    let text = std::fs::read_to_string(file).map_err(|error| miette::miette!("{}: {error}", file.display()))?;
    Ok(text.trim().to_owned())
}

async fn from_admin(url: &str, token: &str, filter: &str) -> miette::Result<Page> {
    let whole = format!("{}/v1/audit/records?{filter}", url.trim_end_matches('/'));
    let (status, body) =
        client::get(&whole, Some(token), PATIENCE).await.map_err(|why| miette::miette!("{url}: {why}"))?;
    if !status.is_success() {
        let detail: Option<Value> = serde_json::from_slice(&body).ok();
        let detail = detail.as_ref().and_then(|problem| problem["detail"].as_str()).unwrap_or("it does not say why");
        return Err(miette::miette!("{url} answers {status}: {}", super::out::plain(detail)));
    }
    serde_json::from_slice(&body).map_err(|_| miette::miette!("{url} does not answer as an admin listener does"))
}

/// Whoever can read the store's secret needs no token. It is written down all the same.
async fn from_store(settings: &Settings, filter: &str, here: &Surroundings) -> miette::Result<Page> {
    let filter = read_filter(filter).map_err(|why| miette::miette!("{why}"))?;
    let config = settings.load(here)?;
    let store = open_store(&config).await?;
    let read = async {
        let page = store.records(&filter).await?;
        // The same as the admin listener writes down.
        let asked = serde_json::from_str(&filter_as_json(&filter)).unwrap_or_default();
        act::record(&*store, &here.clock, "audit.query", "", &asked).await?;
        Ok::<_, crate::store::StoreError>(page)
    };
    let page = read.await.map_err(|error| miette::miette!("{error}"));
    store.close().await;
    let page = page?;
    let records = page.records.iter().map(|record| serde_json::to_value(record).unwrap_or_default()).collect();
    Ok(Page { records, next_cursor: page.next.map(Cursor::encode) })
}

fn show(page: &Page, json: bool, here: &Surroundings) {
    if json {
        return here.out.json(&json!({ "records": page.records, "next_cursor": page.next_cursor }));
    }
    let rows: Vec<Vec<String>> = page.records.iter().map(row).collect();
    for line in table::lines(&["TIME", "CALLER", "ACTION", "TASKS", "OUTCOME", "WHY", "WAITED", "REQUEST ID"], &rows) {
        here.out.line(&line);
    }
    if let Some(cursor) = &page.next_cursor {
        here.out.complain(&format!("note: there are more, go on with --cursor {}", super::out::plain(cursor)));
    }
}

fn row(record: &Value) -> Vec<String> {
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let tasks = record["task_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let why = [text("reason"), text("upstream_code"), text("settled")].into_iter().find(|why| !why.is_empty());
    let waited = record["waited_ms"].as_i64().filter(|waited| *waited > 0);
    vec![
        text("time"),
        text("caller"),
        text("action"),
        tasks.join(","),
        text("outcome"),
        why.unwrap_or_default(),
        waited.map(|waited| format!("{waited} ms")).unwrap_or_default(),
        text("request_id"),
    ]
}
