//! The console as it is served: what a browser is told, and what the files keep to.

use std::collections::BTreeSet;

use super::*;
use crate::admin::console::FILES;
use crate::call::Reason;

/// What would make markup of a text, run one, or keep something beyond the page.
const FORBIDDEN: [&str; 11] = [
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "createContextualFragment",
    "eval(",
    "new Function",
    "localStorage",
    "sessionStorage",
    "indexedDB",
    "document.cookie",
];

impl Bench {
    async fn file(&self, path: &str, known: Option<&str>) -> Answer {
        let mut request = Request::get(path);
        if let Some(known) = known {
            request = request.header("if-none-match", known);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn the_page_needs_no_token_and_may_do_little() {
    let bench = Bench::new().await;
    for (path, to) in [("/console", "console/audit"), ("/console/", "audit")] {
        let answer = bench.file(path, None).await;
        assert_eq!(
            (answer.status, &answer.headers["location"]),
            (StatusCode::PERMANENT_REDIRECT, &to.parse().unwrap())
        );
    }
    for (name, media_type, text) in FILES {
        let answer = bench.file(&format!("/console/{name}"), None).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, text));
        let header = |name: &str| answer.headers[name].to_str().unwrap();
        assert_eq!(header("content-type"), media_type);
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        let policy: Vec<&str> = header("content-security-policy").split("; ").collect();
        assert_eq!(policy[0], "default-src 'none'");
        for part in ["script-src 'self'", "connect-src 'self'", "form-action 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(&part), "{policy:?}");
        }
        assert!(policy.iter().all(|part| !part.contains("unsafe")), "{policy:?}");
    }
    let unknown = bench.file("/console/../Cargo.toml", None).await;
    assert_eq!(
        (unknown.status, unknown.headers.contains_key("content-security-policy")),
        (StatusCode::NOT_FOUND, false)
    );
    assert_eq!(bench.file("/console/secret.js", None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_browser_asks_whether_its_copy_is_good() {
    let bench = Bench::new().await;
    let first = bench.file("/console/audit.js", None).await;
    assert_eq!(first.headers["cache-control"], "no-cache");
    let tag = first.headers["etag"].to_str().unwrap();
    let again = bench.file("/console/audit.js", Some(&format!("\"other\", W/{tag}"))).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(again.headers["etag"], first.headers["etag"]);
    assert_eq!(bench.file("/console/audit.css", Some(tag)).await.status, StatusCode::OK, "another file's");
    let answer = bench.file("/v1/me", None).await;
    assert_eq!(answer.headers["cache-control"], "no-store", "what is not public is not kept");
}

#[test]
fn every_file_is_served_and_keeps_to_what_it_may() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
    let there = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = there.map(|name| name.replace(".html", "")).collect();
    assert_eq!(there, FILES.map(|(name, ..)| name.to_owned()).into());
    for (name, _, text) in FILES {
        for word in FORBIDDEN {
            assert!(!text.contains(word), "{name} says {word}");
        }
        let hosts = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!hosts.contains("http://") && !hosts.contains("https://"), "{name} names another host");
    }
    for (_, _, page) in FILES.into_iter().filter(|(_, media_type, _)| media_type.starts_with("text/html")) {
        let is_listener = |word: &str| word.starts_with("on") && word.contains('=');
        assert!(!page.contains(" style=") && !page.contains("<style"), "nothing inline");
        assert!(!page.split_whitespace().any(is_listener), "nothing inline");
        assert_eq!(page.matches("<script").count(), 1);
    }
}

#[test]
fn the_page_knows_where_each_reason_refuses() {
    let (_, _, trace) = FILES.into_iter().find(|(name, ..)| *name == "trace.js").unwrap();
    for reason in Reason::ALL {
        let slug = reason.slug();
        assert!(
            trace.contains(&format!("\"{slug}\":")) || trace.contains(&format!(" {slug}:")),
            "trace.js lacks {slug}"
        );
    }
}
