//! `/console/`: the pages for those who read the log or watch the quotas with their eyes. Their files are in the binary
//! and ask no other host for anything. They hold no secrets, so they need no token; what a page shows, it asks the questions for
//! that anybody asks.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, REFERRER_POLICY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use super::problem::Problem;

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The files, as they are called under `/console/`. A list by hand: what is not in it is not served.
pub(super) const FILES: [(&str, &str, &str); 22] = [
    ("audit", HTML, include_str!("../../console/audit.html")),
    ("audit.css", STYLE, include_str!("../../console/audit.css")),
    ("limits", HTML, include_str!("../../console/limits.html")),
    ("limits.css", STYLE, include_str!("../../console/limits.css")),
    ("limits.js", SCRIPT, include_str!("../../console/limits.js")),
    ("audit.js", SCRIPT, include_str!("../../console/audit.js")),
    ("api.js", SCRIPT, include_str!("../../console/api.js")),
    ("bins.js", SCRIPT, include_str!("../../console/bins.js")),
    ("brush.js", SCRIPT, include_str!("../../console/brush.js")),
    ("chart.js", SCRIPT, include_str!("../../console/chart.js")),
    ("drawer.js", SCRIPT, include_str!("../../console/drawer.js")),
    ("export.js", SCRIPT, include_str!("../../console/export.js")),
    ("filters.js", SCRIPT, include_str!("../../console/filters.js")),
    ("gate.js", SCRIPT, include_str!("../../console/gate.js")),
    ("history.js", SCRIPT, include_str!("../../console/history.js")),
    ("notes.js", SCRIPT, include_str!("../../console/notes.js")),
    ("quota.js", SCRIPT, include_str!("../../console/quota.js")),
    ("record.js", SCRIPT, include_str!("../../console/record.js")),
    ("table.js", SCRIPT, include_str!("../../console/table.js")),
    ("text.js", SCRIPT, include_str!("../../console/text.js")),
    ("trace.js", SCRIPT, include_str!("../../console/trace.js")),
    ("view.js", SCRIPT, include_str!("../../console/view.js")),
];

/// What the page may do: run the scripts and use the styles of this list, ask this listener. Nothing inline, no text that
/// becomes markup (Trusted Types), no frame around it. A record's text that got past the page's own care runs into this.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// A file, ready to be served.
#[derive(Clone)]
struct File {
    name: &'static str,
    media_type: &'static str,
    text: &'static str,
    tag: HeaderValue,
}

/// Everything under `/console`.
pub(super) fn router() -> Router {
    let files: Vec<File> = FILES.into_iter().map(File::new).collect();
    Router::new()
        .route("/console", get(async || moved("console/audit")))
        .route("/console/", get(async || moved("audit")))
        .route("/console/{file}", get(show))
        .with_state(Arc::from(files))
}

async fn show(
    State(files): State<Arc<[File]>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let named = |file: &&File| name.as_ref().is_ok_and(|Path(name)| file.name == name);
    let file = files.iter().find(named).ok_or_else(Problem::not_found)?;
    Ok(file.answer(headers.get(IF_NONE_MATCH)))
}

/// Relative, so that it holds behind a proxy that adds a prefix.
fn moved(to: &'static str) -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, HeaderValue::from_static(to))]).into_response()
}

impl File {
    fn new((name, media_type, text): (&'static str, &'static str, &'static str)) -> File {
        let digest = hex::encode(&Sha256::digest(text)[..16]);
        // Hexadecimal digits between quotes are a header's value.
        let tag = HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        File { name, media_type, text, tag }
    }

    /// The file, or that the asker has it already.
    fn answer(&self, known: Option<&HeaderValue>) -> Response {
        let tag = self.tag.to_str().unwrap_or_default();
        let is_known = known.and_then(|known| known.to_str().ok()).is_some_and(|known| known.contains(tag));
        let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { self.text.into_response() };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(ETAG, self.tag.clone());
        // Asked for anew each time, or half of the page is of another version after an upgrade.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("same-origin"));
        }
        response
    }
}
