//! A GET of the admin listener.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HOST};
use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

/// Largest answer, in bytes: a page of 1,000 records with long parameters.
pub(super) const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// The status and the body of `url`, asked for with a bearer token if there is one.
pub(super) async fn get(url: &str, token: Option<&str>, patience: Duration) -> Result<(StatusCode, Bytes), String> {
    let exchange = async {
        let (head, body) = open(url, token).await?.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| error.to_string())?;
        Ok((head.status, body.to_bytes()))
    };
    timeout(patience, exchange).await.map_err(|_| format!("no answer within {} s", patience.as_secs_f64()))?
}

/// The same, its body yet to be read.
pub(super) async fn open(url: &str, token: Option<&str>) -> Result<Response<Incoming>, String> {
    let uri: Uri = url.parse().map_err(|_| "this is not a URL; write it like http://127.0.0.1:9090".to_owned())?;
    let authority = uri.authority().map(Authority::to_string).ok_or("this URL has no host")?;
    let mut request = Request::get(uri).header(HOST, authority).header(ACCEPT, "application/json");
    if let Some(token) = token {
        let mut value =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| "this is not a token".to_owned())?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
    let tls = match HttpsConnectorBuilder::new().with_native_roots() {
        Ok(builder) => builder,
        // A minimal container has no certificates of its own.
        Err(_) => HttpsConnectorBuilder::new().with_webpki_roots(),
    };
    let client = Client::builder(TokioExecutor::new()).build(tls.https_or_http().enable_http1().build());
    client.request(request).await.map_err(|error| match error.is_connect() {
        true => format!("no connection ({}); is a gateway running, and is this its admin listener?", reason(&error)),
        false => reason(&error),
    })
}

/// The innermost cause: the outer ones say only that a client had an error.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
