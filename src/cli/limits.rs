//! `limits`: the cloud's quotas that are in use, and who waits for them.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::audit::Source;
use super::listener::Listener;
use super::out::plain;
use super::{Surroundings, table};

/// Callers that a row names.
const MOST_CALLERS: usize = 3;

/// Arguments of `limits`.
#[derive(Args, Debug)]
pub(super) struct Limits {
    #[command(flatten)]
    listener: Listener,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Limits {
    pub(super) async fn run(self, here: &Surroundings) -> miette::Result<ExitCode> {
        let (url, token) = self.listener.resolve("", here)?;
        let answer = Source::Admin { url: url.clone(), token }.json("/v1/limits").await?;
        if !is_limits(&answer) {
            let help = "give the address of admin.listen (port 9090 unless it is set)";
            return Err(miette::miette!(help = help, "{}: this is not how an admin listener answers", plain(&url)));
        }
        if self.json {
            here.out.json(&answer);
        } else {
            lines(&answer).iter().for_each(|line| here.out.line(line));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether it is an answer about limits. The public listener answers any path with HTTP 200, as its cloud does.
fn is_limits(answer: &Value) -> bool {
    answer["replicas"]["mode"].is_string() && answer["quotas"].is_array()
}

fn lines(answer: &Value) -> Vec<String> {
    let replicas = &answer["replicas"];
    let word = |name: &str| plain(replicas[name].as_str().unwrap_or_default());
    let number = |name: &str| replicas[name].as_u64().unwrap_or_default();
    let mut said = vec![format!(
        "mode: {}; replicas here: {}; of every quota {} of {} parts may be used",
        word("mode"),
        number("here"),
        number("parts"),
        number("of")
    )];
    let rows: Vec<Vec<String>> = answer["quotas"].as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        said.push("no quota is in use".to_owned());
        return said;
    }
    let head = [
        "ACTION", "ACCOUNT", "HOST", "REGION", "USED", "WINDOW", "LEARNED", "RESERVE", "WAITING", "CALLERS", "REFUSED",
    ];
    said.extend(table::lines(&head, &rows));
    said
}

fn row(quota: &Value) -> Vec<String> {
    let text = |name: &str| quota[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| quota[name].as_u64().unwrap_or_default();
    let accounts: Vec<&str> = quota["accounts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let callers: Vec<String> = (quota["callers"].as_array().into_iter().flatten().take(MOST_CALLERS))
        .map(|waiting| format!("{} {}", waiting["caller"].as_str().unwrap_or_default(), waiting["waiting"]))
        .collect();
    vec![
        text("action"),
        if accounts.is_empty() { text("identity") } else { accounts.join(",") },
        text("host"),
        text("region"),
        format!("{}/{}", number("used"), number("limit")),
        format!("{} ms", number("window_ms")),
        quota["learned_limit"].as_u64().map(|learned| learned.to_string()).unwrap_or_default(),
        number("reserve").to_string(),
        number("waiting").to_string(),
        callers.join(", "),
        number("refused").to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_limits, lines};

    #[test]
    fn what_is_no_answer_about_limits_is_not_taken_for_no_limits() {
        assert!(is_limits(&json!({"replicas": {"mode": "sole"}, "quotas": []})));
        let public = json!({"Response": {"Error": {"Code": "MissingParameter", "Message": "m"}, "RequestId": "r"}});
        for answer in [public, json!({}), json!([]), json!({"quotas": []})] {
            assert!(!is_limits(&answer), "{answer}");
        }
    }

    #[test]
    fn a_row_for_each_quota_and_a_word_when_there_is_none() {
        let replicas = json!({"mode": "joined", "here": 3, "of": 3, "parts": 3, "quiet_ms": 0});
        let none = lines(&json!({"replicas": replicas, "quotas": []}));
        let mode = "mode: joined; replicas here: 3; of every quota 3 of 3 parts may be used";
        assert_eq!(none, [mode, "no quota is in use"]);
        let quota = json!({
            "identity": "100", "accounts": ["main"], "host": "dts.example", "region": "", "action": "StopIt",
            "limit": 20, "window_ms": 1000, "learned_limit": 15, "reserve": 2, "used": 14, "waiting": 6,
            "callers": [{"caller": "\u{1b}evil", "waiting": 5}, {"caller": "b", "waiting": 1}], "refused": 7,
        });
        let shown = lines(&json!({"replicas": replicas, "quotas": [quota]}));
        assert_eq!(shown.len(), 3);
        for part in ["StopIt", "main", "14/20", "1000 ms", "15", "6", "\u{fffd}evil 5, b 1", "7"] {
            assert!(shown[2].contains(part), "{part}: {}", shown[2]);
        }
    }
}
