//! TLS on both listeners, and client certificates where they are asked for.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::house::{House, Settings, token};
use crate::talk::Talk;

struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A house with TLS on both listeners; `clients` are those whose certificates it asks for.
async fn house(servers: &Authority, clients: Option<&Authority>) -> House {
    let folder = TempDir::new().unwrap();
    let identity = servers.issue("gateway.test");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("cert.pem", &identity.certificate);
    write("key.pem", &identity.key);
    let mut keys = "certificate_file = \"cert.pem\"\nkey_file = \"key.pem\"\n".to_owned();
    if let Some(clients) = clients {
        write("clients.pem", &clients.0.pem());
        keys += "client_ca_file = \"clients.pem\"\n";
    }
    let sections = format!("[server.tls]\n{keys}\n[admin.tls]\n{keys}");
    House::open_in(folder, Settings { sections: &sections, server: "head_timeout = \"500ms\"", ..Settings::default() })
        .await
}

/// A connection, if the gateway accepts it, which shows only after the handshake.
async fn connect(address: SocketAddr, servers: &Authority, who: Option<&Identity>, alpn: &[u8]) -> Option<Talk> {
    let mut roots = RootCertStore::empty();
    roots.add(servers.0.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let mut config = match who {
        None => builder.with_no_client_auth(),
        Some(who) => {
            let certificate = CertificateDer::from_pem_slice(who.certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(who.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("gateway.test").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn));
    Some(Talk::over(stream))
}

/// Whether `who` gets answers on both listeners.
async fn is_served(house: &House, servers: &Authority, who: Option<&Identity>) -> bool {
    let me = format!("GET /v1/me HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\n\r\n", token("all"));
    let mut served = Vec::new();
    for (address, request) in [(house.public, house.read()), (house.admin, me)] {
        let Some(mut talk) = connect(address, servers, who, b"http/1.1").await else {
            served.push(false);
            continue;
        };
        talk.say(request).await;
        served.push(talk.hear().await.is_some_and(|answer| answer.status == 200));
    }
    assert_eq!(served[0], served[1], "both listeners agree");
    served[0]
}

#[tokio::test]
async fn tls_is_spoken_and_nothing_else() {
    let servers = Authority::new();
    let house = house(&servers, None).await;
    assert!(is_served(&house, &servers, None).await);
    assert!(connect(house.public, &servers, None, b"h2").await.is_none(), "only http/1.1 is offered");
    let mut plain = house.talk().await;
    plain.say(house.read()).await;
    assert!(plain.hear().await.is_none());
    let mut silent = house.talk().await;
    assert!(silent.is_over().await, "a handshake that never begins is not waited for");
    assert!(is_served(&house, &servers, None).await);
    assert_eq!(house.cloud.heard().len(), 2);
    house.close().await;
}

#[tokio::test]
async fn without_a_certificate_of_the_right_authority_nobody_is_heard() {
    let (servers, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let house = house(&servers, Some(&clients)).await;
    assert!(is_served(&house, &servers, Some(&clients.issue("caller.test"))).await);
    assert!(!is_served(&house, &servers, None).await);
    assert!(!is_served(&house, &servers, Some(&strangers.issue("caller.test"))).await);
    assert_eq!(house.cloud.heard().len(), 1);
    house.close().await;
}
