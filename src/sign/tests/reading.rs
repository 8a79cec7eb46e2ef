use super::*;

fn read(headers: &[(&str, &str)]) -> Result<Presented, SignError> {
    read_presented(&wire(Method::POST, headers, "", ""))
}

/// What was named that is not served; it is not among what is told instead.
fn unknown(read: Result<Presented, SignError>) -> String {
    let Err(SignError::UnknownMethod { named, instead }) = read else { panic!("{read:?}") };
    assert!(named.is_empty() || !instead.contains(&named), "{named} is not served {instead}");
    named
}

#[test]
fn what_is_not_a_proof_is_named() {
    assert_eq!(read(&[]).unwrap_err(), SignError::Missing);
    assert_eq!(read(&[("content-type", FORM)]).unwrap_err(), SignError::Missing);
    assert_eq!(read(&[("authorization", "SKIP")]).unwrap_err(), SignError::Skipped);
    assert_eq!(unknown(read(&[("authorization", "Basic dTpw")])), "Basic");
    assert_eq!(unknown(read(&[("authorization", "TC3-HMAC-SHA1 Credential=a")])), "TC3-HMAC-SHA1");
    for value in ["", "Bearer", "TC3-HMAC-SHA256", "Bearer a b", "tokenonly"] {
        assert!(matches!(read(&[("authorization", value)]).unwrap_err(), SignError::Malformed(_)), "{value}");
    }
}

#[test]
fn an_authorization_goes_before_v1_parameters() {
    let mut request = v1_get(&v1_params(&Method::GET, HOST, &[]));
    request.headers.insert("authorization", "bearer a.b.c".parse().unwrap());
    let presented = read_presented(&request).unwrap();
    let Presented::Bearer(token) = &presented else { panic!("{presented:?}") };
    assert_eq!(token.expose(), "a.b.c");
    assert_eq!((presented.key_id(), presented.timestamp(), presented.token()), (None, None, None));
    assert!(matches!(verify(&presented, &request, &secret(), NOW, 300, &[]), Err(SignError::Malformed(_))));
}

#[test]
fn headers_that_must_be_single_are_refused_in_pairs() {
    for name in ["authorization", "host", "content-type", "x-tc-action", "x-tc-token", "x-tc-anything"] {
        let mut request = tc3_wire(HOST, None, "{}");
        request.headers.append(HeaderName::from_static(name), HeaderValue::from_static("one"));
        request.headers.append(HeaderName::from_static(name), HeaderValue::from_static("one"));
        assert_eq!(read_presented(&request).unwrap_err(), SignError::Repeated(name.into()));
    }
}

#[test]
fn an_unsigned_payload_is_refused_by_name_in_every_scheme() {
    for mut request in [tc3_wire(HOST, None, "{}"), v1_get(&v1_params(&Method::GET, HOST, &[]))] {
        request.headers.insert("x-tc-content-sha256", HeaderValue::from_static("unsigned-payload"));
        assert_eq!(read_presented(&request).unwrap_err(), SignError::UnsignedPayload);
    }
}

#[test]
fn an_unknown_signature_method_is_named_and_made_printable() {
    for (sent, named) in [("HmacMD5", "HmacMD5"), ("hmacsha256", "hmacsha256"), ("a\r\nb`", "a??b?"), ("", "")] {
        let params = [("SecretId", "a"), ("Timestamp", "1"), ("Signature", "x"), ("SignatureMethod", sent)];
        let request = wire(Method::GET, &[], &encode::form(&params), "");
        assert_eq!(unknown(read_presented(&request)), named);
    }
}

#[test]
fn a_parameter_given_twice_is_refused_even_with_one_value() {
    for extra in ["&Action=DescribeMigrateJobs", "&Action=StopMigrateJob", "&Signature=x", "&%41ction=x"] {
        let mut request = v1_get(&v1_params(&Method::GET, HOST, &[]));
        request.raw_query.push_str(extra);
        assert!(matches!(read_presented(&request).unwrap_err(), SignError::Repeated(_)), "{extra}");
    }
}

#[test]
fn a_post_is_proved_by_its_body_and_its_query_adds_nothing() {
    let params = v1_params(&Method::POST, HOST, &[("JobId", "dts-1")]);
    assert_eq!(check(&v1_post("", &params)), Ok(()));
    assert_eq!(check(&v1_post("Action=DescribeMigrateJobs", &params)), Ok(()));
    assert_eq!(check(&v1_post("Action=StopMigrateJob", &params)), Err(SignError::Repeated("Action".into())));
    assert!(matches!(check(&v1_post("Region=ap-x", &params)), Err(SignError::Malformed(_))));
    // The proof in the query, parameters or not in the body.
    assert!(matches!(check(&v1_post(&encode::form(&params), &[])), Err(SignError::Malformed(_))));
    let mut json = v1_post(&encode::form(&params), &[]);
    json.headers.insert("content-type", HeaderValue::from_static("application/json"));
    assert!(matches!(check(&json), Err(SignError::Malformed(_))));
}

#[test]
fn a_get_with_a_body_is_refused_where_a_signature_would_not_cover_it() {
    let mut request = v1_get(&v1_params(&Method::GET, HOST, &[]));
    request.body = "{}".into();
    assert!(matches!(read_presented(&request), Err(SignError::Malformed(_))));
}

#[test]
fn v1_parts_that_are_missing_or_unreadable_are_refused() {
    let params = v1_params(&Method::GET, HOST, &[]);
    for name in ["SecretId", "Timestamp", "Signature"] {
        let without: Vec<_> = params.iter().filter(|(known, _)| known != name).cloned().collect();
        assert!(matches!(read_presented(&v1_get(&without)), Err(SignError::Malformed(_))), "{name}");
        let empty: Vec<_> = params
            .iter()
            .map(|(known, value)| (known.clone(), if known == name { String::new() } else { value.clone() }))
            .collect();
        assert!(read_presented(&v1_get(&empty)).is_err(), "{name}");
    }
    for query in ["SecretId=%", "SecretId=%4", "SecretId=%zz", "SecretId=%+1", "SecretId=%ff", "SecretId=a&=b"] {
        assert!(matches!(read_presented(&wire(Method::GET, &[], query, "")), Err(SignError::Malformed(_))), "{query}");
    }
}

#[test]
fn forms_are_read_strictly() {
    let read = |text: &str| encode::read_form(text.as_bytes());
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(read(""), Ok(vec![]));
    assert_eq!(read("a=1+2%2b&&b&c=d=e&"), Ok(vec![pair("a", "1 2+"), pair("b", ""), pair("c", "d=e")]));
    assert_eq!(read("%E8%BF%81=~"), Ok(vec![pair("迁", "~")]));
    assert_eq!(read("a=%c0%af"), Err(encode::FormError::NotUtf8));
    assert_eq!(read("a=%ed%a0%80"), Err(encode::FormError::NotUtf8));
    assert_eq!(read("=1"), Err(encode::FormError::NoName));
    assert_eq!(read(&"a&".repeat(encode::MAX_PAIRS + 1)), Err(encode::FormError::TooMany));
    assert_eq!(encode::form(&[("a b", "~-._/+&=%迁")]), "a%20b=~-._%2F%2B%26%3D%25%E8%BF%81");
}

#[test]
fn nothing_secret_is_printed() {
    let planted = "planted-bearer-token";
    let bearer = read(&[("authorization", &format!("Bearer {planted}"))]).unwrap();
    assert!(!format!("{bearer:?}").contains(planted));
    // Without a scheme the whole header may be a token.
    let error = read(&[("authorization", planted)]).unwrap_err();
    assert!(!format!("{error:?} {error}").contains(planted));

    let params = v1_params(&Method::GET, HOST, &[("Password", "planted-password"), ("Token", "planted-token")]);
    let request = v1_get(&params);
    let presented = read_presented(&request).unwrap();
    let wrong = SecretKey::from("planted-other-key".to_owned());
    let error = verify(&presented, &request, &wrong, NOW, 300, &[]).unwrap_err();
    let signature = &params.last().unwrap().1;
    let tc3 = read_presented(&tc3_wire(HOST, None, "{}")).unwrap();
    let day_key = DaySigningKey::derive(&secret(), NOW, "dts").unwrap();
    let printed = format!("{presented:?} {error:?} {error} {:?} {tc3:?} {day_key:?}", secret());
    assert!(!printed.contains("planted") && !printed.contains(signature), "{printed}");
}
