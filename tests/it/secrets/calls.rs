//! Calls that carry secrets in every place, good ones and every kind of bad one.

use bytes::Bytes;
use dts_gateway::sign::hmac_v1::Algorithm;
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::Planted;
use crate::caller::{Caller, whole};
use crate::world::{Options, World};

/// Stalled calls shall not take long, and large bodies need not be large.
pub fn options() -> Options {
    Options::head("upstream.read_timeout = \"500ms\"\nserver.max_body_bytes = 65536")
}

/// Sends calls and keeps their answers, heads too.
struct Bed<'a> {
    world: &'a World,
    planted: &'a mut Planted,
    sender: Caller,
    answers: Vec<(String, String)>,
}

/// Sends everything; the answers, by what was sent.
pub async fn all(world: &World, planted: &mut Planted) -> Vec<(String, String)> {
    let mut bed = Bed { world, planted, sender: Caller::stranger(&world.public), answers: Vec::new() };
    bed.good_ones().await;
    bed.refused_ones().await;
    bed.unreadable_ones().await;
    bed.wrong_proofs().await;
    bed.failing_cloud().await;
    bed.answers
}

/// The flattened form: `SrcInfoMulti.0.Password`.
fn flatten(prefix: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    let inside = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| flatten(&inside(name), value, pairs)),
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| flatten(&inside(&index.to_string()), value, pairs));
        }
        Value::String(text) => pairs.push((prefix.to_owned(), text.clone())),
        other => pairs.push((prefix.to_owned(), other.to_string())),
    }
}

fn with_header(mut request: Request<Full<Bytes>>, name: &'static str, value: &str) -> Request<Full<Bytes>> {
    request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    request
}

impl Bed<'_> {
    /// A creation with a secret in every place that has one.
    fn creation(&mut self, of: &str) -> Value {
        let mut secret = |place: &str| self.planted.fresh(&format!("{of}: {place}"));
        let mut creation = crate::smoke::creation();
        creation["SrcInfo"]["Password"] = json!(secret("SrcInfo.Password"));
        creation["SrcInfo"]["AccessKey"] = json!(secret("SrcInfo.AccessKey"));
        creation["DstInfo"]["Password"] = json!(secret("DstInfo.Password"));
        creation["MigrateOption"]["ExternParams"] = json!(secret("MigrateOption.ExternParams"));
        creation["SrcInfoMulti"] = json!([
            {"Password": secret("SrcInfoMulti[0].Password"), "AccessKey": secret("SrcInfoMulti[0].AccessKey")},
            {"Password": secret("SrcInfoMulti[1].Password")},
        ]);
        creation
    }

    /// A caller whose key, and whose every signature, is planted.
    async fn signer(&mut self) -> Caller {
        let pair = self.world.key("all", Timestamp::now(), None).await;
        self.planted.plant(&format!("the secret of {}", pair.key_id), pair.secret_key.expose_secret());
        self.world.signing(&pair)
    }

    fn bearer(&mut self, name: &str) -> Caller {
        let token = self.world.token(name, &[]);
        let token = self.planted.plant(&format!("the token of {name}"), token.expose_secret());
        self.planted.plant(&format!("the token's signature of {name}"), token.rsplit('.').next().unwrap());
        Caller::with_token(&self.world.public, &token)
    }

    fn flat(&mut self, caller: &Caller, method: Method, algorithm: Algorithm, body: &Value) -> Request<Full<Bytes>> {
        let mut pairs = vec![("Action".to_owned(), "CreateMigrateJob".to_owned())];
        flatten("", body, &mut pairs);
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        caller.flat(method, algorithm, &pairs, Timestamp::now().as_second())
    }

    async fn send(&mut self, name: &str, request: Request<Full<Bytes>>) -> crate::caller::Answer {
        let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        if let Some((_, signature)) = authorization.and_then(|text| text.split_once("Signature=")) {
            self.planted.plant(&format!("{name}: signature"), signature);
        }
        let form = request.uri().query().unwrap_or_default();
        for (pair, value) in form_urlencoded::parse(form.as_bytes()) {
            if pair == "Signature" {
                self.planted.plant(&format!("{name}: signature"), &value);
            }
        }
        let answer = self.sender.exchange(request).await;
        self.answers.push((name.to_owned(), format!("{:?}\n{}", answer.headers, answer.text())));
        answer
    }

    async fn good_ones(&mut self) {
        let (token, key) = (self.bearer("all"), self.signer().await);
        let mut body = self.creation("a token's creation");
        // Free text is never recorded, and answered as it is.
        body["MigrateOption"].as_object_mut().unwrap().remove("ExternParams");
        let made = self.send("a token's creation", token.request("CreateMigrateJob", &[], &body.to_string())).await;
        let id = made.response()["JobId"].clone();
        let body = self.creation("a signed creation");
        let request = key.request("CreateMigrateJob", &[], &body.to_string());
        self.send("a signed creation", request.clone()).await.response();
        let again = self.send("the same again", request).await;
        assert_eq!(again.header("x-dts-gateway-origin"), "replayed");
        for (name, method, algorithm) in
            [("a query", Method::GET, Algorithm::HmacSha1), ("a form", Method::POST, Algorithm::HmacSha256)]
        {
            let body = self.creation(name);
            let request = self.flat(&key, method, algorithm, &body);
            self.send(name, request).await.response();
        }
        let read = token.request("DescribeMigrateJobs", &[], &json!({"JobId": id}).to_string());
        self.send("a read", read).await.response();
    }

    async fn refused_ones(&mut self) {
        let (all, reader, key) = (self.bearer("all"), self.bearer("reader"), self.signer().await);
        let body = self.creation("no grant").to_string();
        self.send("no grant", reader.request("CreateMigrateJob", &[], &body)).await;
        let mut body = self.creation("a missing parameter");
        body.as_object_mut().unwrap().remove("JobName");
        self.send("a missing parameter", all.request("CreateMigrateJob", &[], &body.to_string())).await;
        let request = self.flat(&key, Method::GET, Algorithm::HmacSha256, &body);
        self.send("a missing parameter in a query", request).await;

        type Spoil = fn(&mut Value, String);
        let spoils: [(&str, Spoil); 8] = [
            ("an unknown parameter", |body, secret| body["Extra"] = json!(secret)),
            ("an unknown member", |body, secret| body["SrcInfo"]["Passwort"] = json!(secret)),
            ("an unknown tree", |body, secret| body["Extra"] = json!({"Password": [{"Password": secret}]})),
            ("a password that is an object", |body, secret| body["SrcInfo"]["Password"] = json!({"Inner": secret})),
            ("a password that is a list", |body, secret| body["DstInfo"]["Password"] = json!([secret])),
            ("a text for a structure", |body, secret| body["SrcInfo"] = json!(secret)),
            ("a text for a list", |body, secret| body["SrcInfoMulti"] = json!(secret)),
            ("a list for a structure", |body, secret| body["SrcInfo"] = json!([{"Password": secret}])),
        ];
        for (name, spoil) in spoils {
            let mut body = self.creation(name);
            spoil(&mut body, self.planted.fresh(name));
            let request = all.request("CreateMigrateJob", &[], &body.to_string());
            let problem = with_header(request.clone(), "accept", "application/problem+json");
            self.send(name, request).await.code();
            self.send(&format!("{name}, as a problem"), problem).await;
            let request = self.flat(&key, Method::POST, Algorithm::HmacSha1, &body);
            self.send(&format!("{name}, in a form"), request).await;
        }
        for (name, headers) in [
            ("an unknown action", [("x-tc-action", "CreateMigrationJob")]),
            ("an unknown version", [("x-tc-version", "2020-02-02")]),
            ("an unknown region", [("x-tc-region", "ap-nowhere")]),
            ("another account", [("x-dts-gateway-account", "other")]),
        ] {
            let body = self.creation(name).to_string();
            self.send(name, all.request("CreateMigrateJob", &headers, &body)).await.code();
        }
    }

    async fn unreadable_ones(&mut self) {
        let (all, key) = (self.bearer("all"), self.signer().await);
        let good = self.creation("broken JSON").to_string();
        let secret = self.planted.fresh("a bare text");
        let twice = format!(r#"{{"SrcInfo":{{"Password":"{secret}","Password":"{secret}"}}}}"#);
        let large = format!(r#"{{"SrcInfo":{{"Password":"{secret}{}"}}}}"#, "x".repeat(100_000));
        let bodies = [
            ("broken JSON", good[..good.len() - 1].to_owned()),
            ("JSON and more", format!("{good}{secret}")),
            ("no JSON", format!("SrcInfo.Password={secret}")),
            ("a text", format!("\"{secret}\"")),
            ("a bare word", secret.clone()),
            ("a password given twice", twice),
            ("a bad escape", format!(r#"{{"SrcInfo":{{"Password":"{secret}\q"}}}}"#)),
            ("a large body", large),
        ];
        for (name, body) in bodies {
            self.send(name, all.request("CreateMigrateJob", &[], &body)).await.code();
        }
        let form = |body: String| {
            let request = all.request("CreateMigrateJob", &[], "");
            let mut request = with_header(request, "content-type", "application/x-www-form-urlencoded");
            *request.body_mut() = whole(&body);
            request
        };
        for (name, body) in [
            ("a form with a password twice", format!("SrcInfo.Password={secret}&SrcInfo.Password={secret}")),
            ("a form with a password in a text", format!("SrcInfo={secret}&SrcInfo.Password={secret}")),
            ("a form with a bad escape", format!("SrcInfo.Password={secret}%zz")),
            ("a form that is not UTF-8", format!("SrcInfo.Password={secret}%ff")),
        ] {
            self.send(name, form(body)).await.code();
        }
        // What follows a separator that was not escaped is a name. Its sender is told which; nobody else is.
        let mut tail = |of: &str| self.planted.fresh(&format!("the tail of a password, {of}"));
        let (unknown, parted, doubled) = (tail("unknown"), tail("in parts"), tail("twice"));
        let doubled = format!(r#"{{"SrcInfo":{{"Password":"a"}},"{doubled}":1,"{doubled}":1}}"#);
        for (name, request) in [
            ("a password with an ampersand", form(format!("JobName=x&SrcInfo.Password=a&{unknown}=1"))),
            ("a password with an ampersand and points", form(format!("SrcInfo.Password=a&{parted}..=1"))),
            ("a password with quotation marks", all.request("CreateMigrateJob", &[], &doubled)),
        ] {
            let answer = self.sender.exchange(request).await;
            assert!(answer.text().contains("planted"), "{name}: {}", answer.text());
            self.answers.push((name.to_owned(), format!("{:?}", answer.headers)));
        }
        let mut query = all.request("CreateMigrateJob", &[], "{}");
        *query.uri_mut() = format!("{}/?SrcInfo.Password={secret}", self.world.public).parse().unwrap();
        self.send("a query beside a body", query).await.code();
        let mut put = all.request("CreateMigrateJob", &[], &good);
        *put.method_mut() = Method::PUT;
        self.send("another method", put).await.code();
        let text = with_header(all.request("CreateMigrateJob", &[], &good), "content-type", "text/plain");
        self.send("another media type", text).await.code();
        let body = self.creation("a tampered body").to_string();
        let mut tampered = key.request("CreateMigrateJob", &[], "{}");
        *tampered.body_mut() = whole(&body);
        self.send("a tampered body", tampered).await.code();
    }

    /// Proofs that prove nothing are secrets nevertheless: somebody else's, or those of a typing mistake.
    async fn wrong_proofs(&mut self) {
        let (stranger, key) = (Caller::stranger(&self.world.public), self.signer().await);
        let secret = self.planted.fresh("a wrong proof");
        let mut claims = crate::tokens::claims(Timestamp::now().as_second(), "all");
        claims["secret-claim"] = json!(self.planted.fresh("a claim"));
        let forged = crate::tokens::hs256("another secret than the issuer's own", &claims);
        let forged = self.planted.plant("a forged token", &forged);
        for (name, value) in [
            ("Basic", format!("Basic {secret}")),
            ("no scheme", secret.clone()),
            ("a token that is none", format!("Bearer {secret}")),
            ("a forged token", format!("Bearer {forged}")),
            ("another scheme", format!("TC3-HMAC-SHA512 Credential=AKID/x, Signature={secret}")),
            (
                "a broken signature",
                format!("TC3-HMAC-SHA256 Credential=AKID/2026-01-01/dts/tc3_request, Signature={secret}"),
            ),
        ] {
            let request = with_header(stranger.request("StartMigrateJob", &[], "{}"), "authorization", &value);
            self.send(name, request).await.code();
        }
        let companion = with_header(key.request("StartMigrateJob", &[], "{}"), "x-tc-token", &forged);
        self.send("a forged token beside a signature", companion).await.code();
        let pairs = [("Action", "StartMigrateJob"), ("JobId", "dts-a"), ("Token", secret.as_str())];
        let request = key.flat(Method::GET, Algorithm::HmacSha1, &pairs, Timestamp::now().as_second());
        self.send("a token that is none beside v1", request).await.code();

        let admin = Caller::with_token(&self.world.admin, &forged).get("/v1/audit/records").await;
        assert_eq!(admin.status, 401);
        self.planted.absent_from("the admin's answer", &admin.body);
    }

    async fn failing_cloud(&mut self) {
        let key = self.signer().await;
        for kind in ["error", "throttle", "half", "stall", "reset"] {
            self.world.fault(json!({"action": "CreateMigrateJob", "kind": kind, "times": 1})).await;
            let body = self.creation(kind).to_string();
            self.send(kind, key.request("CreateMigrateJob", &[], &body)).await.code();
        }
    }
}
