//! A small HTTP client that signs as the cloud's SDKs do, or carries a token.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use dts_gateway::sign::hmac_v1::{self, Algorithm};
use dts_gateway::sign::{SecretKey, tc3};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;

/// Who sends it shares no answer: for tests that count calls.
pub const NO_CACHE: (&str, &str) = ("cache-control", "no-cache");

/// Somebody who calls.
#[derive(Clone)]
pub struct Caller {
    base: String,
    version: &'static str,
    proof: Proof,
    client: Client<HttpConnector, Full<Bytes>>,
}

#[derive(Clone)]
enum Proof {
    None,
    Token(String),
    Key { id: String, secret: SecretKey },
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Caller {
    /// Somebody who proves nothing.
    pub fn stranger(base: &str) -> Caller {
        Caller::new(base, Proof::None)
    }

    pub fn with_token(base: &str, token: &str) -> Caller {
        Caller::new(base, Proof::Token(token.to_owned()))
    }

    pub fn with_key(base: &str, id: &str, secret: &str) -> Caller {
        Caller::new(base, Proof::Key { id: id.to_owned(), secret: SecretKey::from(secret.to_owned()) })
    }

    fn new(base: &str, proof: Proof) -> Caller {
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Caller { base: base.to_owned(), version: "2018-03-30", proof, client }
    }

    /// The same somebody calling 2021-12-06 instead of 2018-03-30.
    pub fn of_2021(&self) -> Caller {
        Caller { version: "2021-12-06", ..self.clone() }
    }

    /// An action with JSON parameters.
    pub async fn act(&self, action: &str, parameters: serde_json::Value) -> Answer {
        self.act_with(action, &[], &parameters.to_string()).await
    }

    /// The same, never with an answer that others are told too.
    pub async fn act_alone(&self, action: &str, parameters: serde_json::Value) -> Answer {
        self.act_with(action, &[NO_CACHE], &parameters.to_string()).await
    }

    /// The same with more headers, and a body as it is.
    pub async fn act_with(&self, action: &str, more: &[(&str, &str)], body: &str) -> Answer {
        let request = self.request(action, more, body);
        self.exchange(request).await
    }

    /// The request that [`Caller::act_with`] sends, to be sent more than once.
    pub fn request(&self, action: &str, more: &[(&str, &str)], body: &str) -> Request<Full<Bytes>> {
        self.request_at(action, more, body, Timestamp::now().as_second())
    }

    /// The same, signed at `now` (Unix seconds).
    pub fn request_at(&self, action: &str, more: &[(&str, &str)], body: &str, now: i64) -> Request<Full<Bytes>> {
        self.build(action, more, body, now, Some(action))
    }

    /// The same as every official SDK signs it: without the action.
    pub fn request_as_sdks_sign(&self, action: &str, body: &str, now: i64) -> Request<Full<Bytes>> {
        self.build(action, &[], body, now, None)
    }

    fn build(
        &self,
        action: &str,
        more: &[(&str, &str)],
        body: &str,
        now: i64,
        signed_action: Option<&str>,
    ) -> Request<Full<Bytes>> {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-tc-action", action.to_owned()),
            ("x-tc-version", self.version.to_owned()),
            ("x-tc-region", "ap-guangzhou".to_owned()),
        ];
        match &self.proof {
            Proof::None => {}
            Proof::Token(token) => headers.push(("authorization", format!("Bearer {token}"))),
            Proof::Key { id, secret } => {
                let outgoing = tc3::Outgoing {
                    method: &Method::POST,
                    host: self.host(),
                    content_type: "application/json",
                    action: signed_action,
                    raw_query: "",
                    body: body.as_bytes(),
                };
                let key = tc3::DaySigningKey::derive(secret, now, "dts").unwrap();
                headers.push(("x-tc-timestamp", now.to_string()));
                headers.push(("authorization", tc3::sign(id, &key, outgoing, now).unwrap()));
            }
        }
        let mut request = Request::post(format!("{}/", self.base));
        for (name, value) in &headers {
            if !more.iter().any(|(other, _)| other == name) {
                request = request.header(*name, value);
            }
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        request.body(whole(body)).unwrap()
    }

    /// A v1 request with flattened parameters: a query (GET) or a form (POST), signed at `now` (Unix seconds).
    pub fn flat(
        &self,
        method: Method,
        algorithm: Algorithm,
        parameters: &[(&str, &str)],
        now: i64,
    ) -> Request<Full<Bytes>> {
        let Proof::Key { id, secret } = &self.proof else { panic!("v1 needs a key") };
        let now = now.to_string();
        let mut pairs = vec![
            ("Version", self.version),
            ("Region", "ap-guangzhou"),
            ("Timestamp", &now),
            ("Nonce", "11886"),
            ("SecretId", id),
            ("SignatureMethod", algorithm.name()),
        ];
        pairs.extend_from_slice(parameters);
        let signature = hmac_v1::sign(&method, self.host(), "/", &pairs, secret, algorithm);
        pairs.push(("Signature", &signature));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let base = &self.base;
        let (request, body) = match method {
            Method::GET => (Request::get(format!("{base}/?{form}")), String::new()),
            _ => (Request::post(format!("{base}/")).header("content-type", "application/x-www-form-urlencoded"), form),
        };
        request.body(whole(&body)).unwrap()
    }

    /// The key id, of a caller that signs.
    pub fn key_id(&self) -> &str {
        match &self.proof {
            Proof::Key { id, .. } => id,
            Proof::None | Proof::Token(_) => "",
        }
    }

    fn host(&self) -> &str {
        self.base.strip_prefix("http://").unwrap()
    }

    /// The same somebody at another address.
    pub fn at(&self, base: &str) -> Caller {
        Caller { base: base.to_owned(), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Any request, with the token if there is one.
    pub async fn send(&self, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Proof::Token(token) = &self.proof {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        self.exchange(request.body(whole(body)).unwrap()).await
    }

    pub async fn exchange(&self, request: Request<Full<Bytes>>) -> Answer {
        self.try_exchange(request).await.expect("an answer")
    }

    /// None when there is nobody to answer.
    pub async fn try_exchange(&self, request: Request<Full<Bytes>>) -> Option<Answer> {
        let (head, body) = self.client.request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What the envelope holds of a success.
    pub fn response(&self) -> serde_json::Value {
        let response = self.json()["Response"].clone();
        assert!(response.get("Error").is_none(), "{response}");
        response
    }

    /// Asserts that this is the gateway's own refusal, in the cloud's shape, and gives its message.
    pub fn refused(&self, code: &str, reason: &str) -> String {
        let text = self.text();
        assert_eq!((self.code().as_str(), self.header("x-dts-gateway-reason")), (code, reason), "{text}");
        assert_eq!((self.status, self.header("content-type")), (200, "application/json"), "{text}");
        assert_eq!(self.header("x-dts-gateway-origin"), "gateway", "{text}");
        let response = &self.json()["Response"];
        assert_eq!(response["RequestId"], self.header("x-request-id"), "{text}");
        let message = response["Error"]["Message"].as_str().unwrap();
        assert!(message.starts_with(&format!("[dts-gateway {reason}]")), "{message}");
        message.to_owned()
    }

    /// The code of a failure.
    pub fn code(&self) -> String {
        self.json()["Response"]["Error"]["Code"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {}", self.text()))
            .to_owned()
    }
}

/// A body.
pub fn whole(body: &str) -> Full<Bytes> {
    Full::new(Bytes::from(body.to_owned()))
}

/// Waits until `look` finds something; looks again every few milliseconds.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap_or_else(|_| panic!("{what}: not within 30 s"))
}
