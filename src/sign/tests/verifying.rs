use super::*;

#[test]
fn the_clock_window_is_closed_at_both_ends() {
    for request in [tc3_wire(HOST, Some("StopMigrateJob"), "{}"), v1_get(&v1_params(&Method::GET, HOST, &[]))] {
        for now in [NOW - 300, NOW, NOW + 300] {
            assert_eq!(check_at(&request, now, &[]), Ok(()));
        }
        for now in [NOW - 301, NOW + 301, i64::MIN, i64::MAX] {
            assert_eq!(check_at(&request, now, &[]), Err(SignError::Expired { signed: NOW, now }));
        }
    }
}

#[test]
fn hosts_are_tried_as_clients_sign_them() {
    let arrives_at = |mut request: Wire, host: &'static str| {
        request.headers.insert("host", HeaderValue::from_static(host));
        request
    };
    for signed in ["dts.example", "dts.example:8443"] {
        for request in [tc3_wire(signed, None, "{}"), v1_get(&v1_params(&Method::GET, signed, &[]))] {
            assert_eq!(check(&arrives_at(request, "dts.example:8443")), Ok(()), "{signed}");
        }
    }
    for (signed, arrived) in [("http://gw:8080", "http://gw:8080"), ("[::1]", "[::1]:8080"), ("[::1]", "[::1]")] {
        assert_eq!(check(&arrives_at(tc3_wire(signed, None, "{}"), arrived)), Ok(()), "{signed}");
    }
    // Another port, and what only looks like one.
    for (signed, arrived) in [("gw:1", "gw:2"), ("gw", "gw:"), ("gw", "gw:http"), ("[:", "[::1]")] {
        let result = check(&arrives_at(tc3_wire(signed, None, "{}"), arrived));
        assert!(matches!(result, Err(SignError::Mismatch { .. })), "{signed}");
    }
}

#[test]
fn the_clouds_hosts_count_only_when_they_are_listed() {
    for request in [
        tc3_wire("dts.tencentcloudapi.com", None, "{}"),
        v1_get(&v1_params(&Method::GET, "dts.tencentcloudapi.com", &[])),
    ] {
        let mut request = request;
        request.headers.insert("host", HeaderValue::from_static("gw.internal"));
        assert!(matches!(check(&request), Err(SignError::Mismatch { .. })));
        assert!(check_at(&request, NOW, &["dts.intl.tencentcloudapi.com"]).is_err());
        assert_eq!(check_at(&request, NOW, &["dts.intl.tencentcloudapi.com", "dts.tencentcloudapi.com"]), Ok(()));
    }
}

#[test]
fn a_signed_action_protects_the_action() {
    let signed = tc3_wire(HOST, Some("DescribeMigrateJobs"), r#"{"JobId":"dts-1"}"#);
    assert_eq!(read_presented(&signed).unwrap().signed_headers(), ["content-type", "host", "x-tc-action"]);
    assert_eq!(check(&signed), Ok(()));
    let turned = |mut request: Wire| {
        request.headers.insert("x-tc-action", HeaderValue::from_static("StopMigrateJob"));
        check(&request)
    };
    assert!(matches!(turned(signed), Err(SignError::Mismatch { .. })));
    // As SDKs sign: this is why the gateway must be reached over TLS.
    assert_eq!(turned(tc3_wire(HOST, None, r#"{"JobId":"dts-1"}"#)), Ok(()));
}

#[test]
fn a_signed_header_must_be_there_once() {
    let mut request = tc3_wire(HOST, Some("StopMigrateJob"), "{}");
    request.headers.remove("x-tc-action");
    assert!(matches!(check(&request), Err(SignError::Malformed(_))));
    let mut request = tc3_wire(HOST, None, "{}");
    let authorization = request.headers["authorization"].to_str().unwrap().replace(";host,", ";host;x-other,");
    request.headers.insert("authorization", authorization.parse().unwrap());
    request.headers.append("x-other", HeaderValue::from_static("1"));
    request.headers.append("x-other", HeaderValue::from_static("2"));
    assert_eq!(check(&request), Err(SignError::Repeated("x-other".into())));
}

#[test]
fn tokens_are_found_beside_the_signature() {
    let mut request = tc3_wire(HOST, None, "{}");
    assert_eq!(read_presented(&request).unwrap().token(), None);
    request.headers.insert("x-tc-token", HeaderValue::from_static(""));
    assert_eq!(read_presented(&request).unwrap().token(), Some(""));
    let request = v1_get(&v1_params(&Method::GET, HOST, &[("Token", "a.b+c")]));
    assert_eq!(read_presented(&request).unwrap().token(), Some("a.b+c"));
    assert_eq!(check(&request), Ok(()));
}

#[test]
fn underscores_become_dots_as_python_and_as_java_do_it() {
    // `A_1` sorts after `A0`; with a dot it sorts before.
    let timestamp = NOW.to_string();
    let sent = [("A0", "x"), ("A_1", "y"), ("SecretId", KEY_ID), ("Timestamp", &timestamp)];
    let python = [("A.1", "y"), ("A0", "x"), ("SecretId", KEY_ID), ("Timestamp", &timestamp)];
    let signature = hmac_v1::sign(&Method::GET, HOST, "/", &python, &secret(), Algorithm::HmacSha1);
    let query = format!("{}&Signature={}", encode::form(&sent), encode::percent(&signature));
    assert_eq!(check(&wire(Method::GET, &[("host", HOST)], &query, "")), Ok(()));

    // Java's order cannot be had from a signer that sorts: make the string as it does.
    use base64::Engine;
    use hmac::{Hmac, KeyInit, Mac};
    let text = format!("GET{HOST}/?A0=x&A.1=y&SecretId={KEY_ID}&Timestamp={timestamp}");
    let mac = Hmac::<sha1::Sha1>::new_from_slice(secret().bytes()).unwrap().chain_update(text);
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let query = format!("{}&Signature={}", encode::form(&sent), encode::percent(&signature));
    assert_eq!(check(&wire(Method::GET, &[("host", HOST)], &query, "")), Ok(()));
}

#[test]
fn a_signature_is_the_same_however_it_is_written() {
    // A signature with a plus in it, so that the plus can arrive as a space.
    let params = (0..)
        .map(|number: u32| v1_params(&Method::GET, HOST, &[("Nonce", &number.to_string())]))
        .find(|params| params.last().unwrap().1.contains('+'))
        .unwrap();
    let fingerprint = read_presented(&v1_get(&params)).unwrap().fingerprint();
    let signature = params.last().unwrap().1.clone();
    for written in [signature.replace('+', " "), format!("{signature}\n"), format!("{signature}\r\n")] {
        let mut params = params.clone();
        params.last_mut().unwrap().1 = written;
        assert_eq!(check(&v1_get(&params)), Ok(()));
        assert_eq!(read_presented(&v1_get(&params)).unwrap().fingerprint(), fingerprint);
    }
    for written in
        [format!(" {signature}"), format!("{signature}="), signature.replace('=', ""), signature.to_lowercase()]
    {
        let mut params = params.clone();
        params.last_mut().unwrap().1 = written;
        assert!(check(&v1_get(&params)).is_err());
    }
    let other = v1_params(&Method::GET, HOST, &[("Nonce", "other")]);
    assert_ne!(read_presented(&v1_get(&other)).unwrap().fingerprint(), fingerprint);
}

#[test]
fn spellings_multiply_our_own_names_only() {
    let hosts: Vec<String> = (0..10).map(|at| format!("dts.region-{at}.example")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let attempts = |extra: &[(&str, &str)]| {
        let request = v1_get(&v1_params(&Method::GET, HOST, extra));
        let Presented::V1(signature) = read_presented(&request).unwrap() else { panic!("it is v1") };
        let attempts = signature.attempts(&request, &hosts).unwrap();
        attempts.iter().map(|(_, places)| places.len()).sum::<usize>()
    };
    // Host with its port and without.
    assert_eq!((attempts(&[("a", "1")]), attempts(&[("a_", "1")])), (2 + 10, 3 * 2 + 10));
}
