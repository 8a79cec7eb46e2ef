//! Calls under ACS3-HMAC-SHA256: what it must cover, answers in XML, and methods that are not served.

use dts_gateway::sign::{SecretKey, acs3, rpc_v1};
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{REGION, VERSION, form, good, job, refused, signed_otherwise};
use crate::caller::{Answer, Caller, whole};
use crate::world::{Options, World, on_both};

/// A call that is about to be signed.
struct Call<'a> {
    action: &'a str,
    parameters: &'a [(&'a str, &'a str)],
    nonce: &'a str,
    accept: &'a str,
}

impl Call<'_> {
    /// As an SDK sends it: the parameters in the query of a POST.
    async fn send(&self, world: &World, pair: &(String, String)) -> Answer {
        self.send_without(world, pair, "").await
    }

    /// The same, genuinely signed but for one header, which is sent all the same.
    async fn send_without(&self, world: &World, pair: &(String, String), left_out: &str) -> Answer {
        let date = rpc_v1::timestamp(Timestamp::now().as_second()).unwrap();
        let hash = acs3::body_hash(b"");
        let headers = [
            ("accept", self.accept),
            ("host", world.public.strip_prefix("http://").unwrap()),
            ("x-acs-action", self.action),
            ("x-acs-content-sha256", &hash),
            ("x-acs-date", &date),
            ("x-acs-signature-nonce", self.nonce),
            ("x-acs-version", VERSION),
        ];
        let covered: Vec<_> = headers.into_iter().filter(|(name, _)| *name != left_out).collect();
        let authorization = if left_out.is_empty() {
            let (method, path, query) = (&Method::POST, "/", self.parameters);
            let outgoing = acs3::Outgoing { method, path, query, headers: &covered, body: b"" };
            acs3::sign(&pair.0, &SecretKey::from(pair.1.clone()), outgoing).unwrap()
        } else {
            by_hand(pair, self.parameters, &covered)
        };
        self.exchange(world, &headers, &authorization).await
    }

    async fn exchange(&self, world: &World, headers: &[(&str, &str)], authorization: &str) -> Answer {
        let mut request = Request::post(format!("{}/?{}", world.public, form(self.parameters)));
        for (name, value) in headers.iter().chain([&("authorization", authorization)]) {
            request = request.header(*name, *value);
        }
        Caller::stranger(&world.public).exchange(request.body(whole("")).unwrap()).await
    }
}

/// Our own signer refuses to leave out what must be covered. Only for parameters that need no escaping.
fn by_hand(pair: &(String, String), parameters: &[(&str, &str)], headers: &[(&str, &str)]) -> String {
    let mut parameters = parameters.to_vec();
    parameters.sort_unstable();
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let canonical = format!("POST\n/\n{}\n{lines}\n{names}\n{}", form(&parameters), acs3::body_hash(b""));
    let mut mac = Hmac::<Sha256>::new_from_slice(pair.1.as_bytes()).unwrap();
    mac.update(format!("{}\n{}", acs3::SCHEME, hex::encode(Sha256::digest(canonical))).as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    format!("{} Credential={},SignedHeaders={names},Signature={signature}", acs3::SCHEME, pair.0)
}

async fn what_it_must_cover(world: &World) {
    let pair = world.key_pair("all").await;
    let id = job(world, "Migrating").await;
    let parameters = [("DtsJobId", id.as_str()), REGION];
    let suspend = |nonce| Call { action: "SuspendDtsJob", parameters: &parameters, nonce, accept: "application/json" };
    for left_out in acs3::REQUIRED_HEADERS {
        let answer = suspend(left_out).send_without(world, &pair, left_out).await;
        let why = refused(&answer, 400, "SignatureDoesNotMatch", "signature-mismatch");
        assert!(why.contains("SignedHeaders must name") && why.contains(left_out), "{left_out}: {why}");
    }
    assert_eq!(world.sent("SuspendDtsJob").await, 0, "none of them reached the cloud");
    good(&suspend("n-1").send_without(world, &pair, "accept").await);
    refused(&suspend("n-1").send(world, &pair).await, 400, "SignatureNonceUsed", "nonce-reused");
    let resume = Call { action: "StartDtsJob", ..suspend("n-2") };
    good(&resume.send(world, &pair).await);
    let sent = world.requests().await.into_iter().rfind(|request| request["action"] == "StartDtsJob").unwrap();
    assert_eq!(sent["params"], json!({"DtsJobId": id, "RegionId": "cn-hangzhou"}));
}

async fn in_xml(world: &World) {
    let pair = world.key_pair("all").await;
    let id = job(world, "Migrating").await;
    let detail = [("DtsJobId", id.as_str()), REGION];
    let call = Call { action: "DescribeDtsJobDetail", parameters: &detail, nonce: "n-1", accept: "application/xml" };
    let answer = call.send(world, &pair).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/xml;charset=utf-8"), "{}", answer.text());
    assert_eq!(answer.header("x-dts-gateway-origin"), "upstream");
    assert!(answer.text().contains("<DescribeDtsJobDetailResponse>"), "{}", answer.text());
    assert!(answer.text().contains("<Status>Migrating</Status>"), "{}", answer.text());

    let unknown = Call { action: "NoSuchAction", nonce: "n-2", ..call }.send(world, &pair).await;
    is_error(&unknown, 404, "InvalidAction.NotFound", "[dts-gateway action-unknown]: ");
    // A signature among the parameters: XML is what nobody has to ask for, and JSON is.
    let detail = [("Action", "DescribeDtsJobDetail"), detail[0], REGION];
    let old =
        signed_otherwise(&world.public, &pair, &[("Format", None), ("SignatureNonce", Some("n-3"))], &detail).await;
    assert!(old.text().contains("<DescribeDtsJobDetailResponse>"), "{}", old.text());
    let forged = (pair.0, "x".to_owned());
    let old = signed_otherwise(&world.public, &forged, &[("Format", Some("XML"))], &detail).await;
    is_error(&old, 400, "SignatureDoesNotMatch", "[dts-gateway signature-mismatch]: ");
}

fn is_error(answer: &Answer, status: u16, code: &str, message: &str) {
    let text = answer.text();
    assert_eq!((answer.status, answer.header("content-type")), (status, "text/xml;charset=utf-8"), "{text}");
    assert!(text.contains(&format!("<Error><RequestId>{}</RequestId>", answer.header("x-request-id"))), "{text}");
    assert!(text.contains(&format!("<Code>{code}</Code><Message>{message}")), "{text}");
}

async fn other_methods(world: &World) {
    let pair = world.key_pair("all").await;
    let id = job(world, "Migrating").await;
    let stop = [("Action", "StopDtsJob"), ("DtsJobId", id.as_str()), REGION];
    for (name, value) in [
        ("SignatureMethod", "HMAC-SHA256"),
        ("SignatureMethod", "SHA256withRSA"),
        ("SignatureVersion", "2.0"),
        ("SignatureType", "PRIVATEKEY"),
        ("SignatureType", "BEARERTOKEN"),
    ] {
        let answer = signed_otherwise(&world.public, &pair, &[(name, Some(value))], &stop).await;
        let why = refused(&answer, 400, "SignatureDoesNotMatch", "signature-mismatch");
        assert!(why.contains(&format!("{name}={value} is not served")), "{why}");
    }
    let call = Call { action: "StopDtsJob", parameters: &stop[1..], nonce: "n", accept: "application/json" };
    let headers = [("x-acs-action", "StopDtsJob"), ("x-acs-version", VERSION)];
    for scheme in ["ACS3-HMAC-SM3", "ACS3-RSA-SHA256", "TC3-HMAC-SHA256"] {
        let authorization = format!("{scheme} Credential={},SignedHeaders=host,Signature=00", pair.0);
        let answer = call.exchange(world, &headers, &authorization).await;
        let why = refused(&answer, 400, "SignatureDoesNotMatch", "signature-mismatch");
        assert!(why.contains(&format!("{scheme} is not served beside an x-acs- header")), "{why}");
        assert_eq!(why.matches(scheme).count(), 1, "what is not served is not offered: {why}");
    }
    assert_eq!(world.sent("StopDtsJob").await, 0);
}

#[tokio::test]
async fn a_newer_signature_covers_what_decides() {
    on_both(Options::default(), async |world| what_it_must_cover(world).await).await;
}

#[tokio::test]
async fn who_wants_xml_gets_it() {
    on_both(Options::default(), async |world| in_xml(world).await).await;
}

#[tokio::test]
async fn other_signatures_are_refused_by_name() {
    on_both(Options::default(), async |world| other_methods(world).await).await;
}
