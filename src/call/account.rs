//! An account at a cloud, as configured.

use secrecy::SecretString;

use crate::provider::Family;

/// One account at one cloud.
#[derive(Debug)]
pub struct Account {
    /// The name that grants, records, filters and quotas carry.
    pub alias: String,
    /// Which cloud.
    pub family: Family,
    /// Which of the cloud's sites, such as `mainland` or `international`: a row of `provider.toml`.
    pub site: String,
    /// Who the cloud counts: quotas belong to this identity, not to a key, so a rotated key makes no second quota. A
    /// parameter that names an account of the cloud may name this one only.
    pub identity: String,
    /// The region of a call that names none.
    pub default_region: Option<String>,
    /// Where calls go instead of the cloud's host, as `http://host:port` or `https://host`; how tests reach the
    /// simulator. The cloud's host stays the quota's access endpoint.
    pub endpoint: Option<String>,
    /// How calls are signed upstream.
    pub signing: UpstreamSigning,
    /// The credential that the cloud knows.
    pub credential: Credential,
}

/// With which scheme the gateway signs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamSigning {
    /// As the caller signed: v1 where the protocol stood among the parameters, the newer scheme where it stood in headers.
    #[default]
    AsCalled,
    /// Everything with the family's newer scheme: TC3-HMAC-SHA256 (as JSON), ACS3-HMAC-SHA256.
    #[serde(alias = "acs3")]
    Tc3,
    /// Everything as a form with the family's v1: HmacSHA256, HMAC-SHA1.
    V1,
}

/// A real credential. Its secret half never prints.
#[derive(Debug)]
pub struct Credential {
    /// The public half.
    pub secret_id: String,
    /// The secret half.
    pub secret_key: SecretString,
}
