//! Which hosts of the cloud a client may have signed in place of ours. Every one that is tried costs an HMAC, under v1 over
//! the whole body, so only those are that a client which makes this very request could have meant.

use std::sync::Arc;

use super::Presented;
use crate::call::Wire;
use crate::provider::{Family, Providers};

/// Hosts of the cloud that a client behind `ApigwEndpoint` may have signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CloudHosts {
    /// These.
    Listed(Vec<String>),
    /// Of these tables, those of the request's family that serve any region or the one that it names.
    OfTables(Arc<Providers>),
}

impl CloudHosts {
    /// Those to try for this request, each once.
    pub fn to_try(&self, presented: &Presented, wire: &Wire) -> Vec<&str> {
        let providers = match self {
            CloudHosts::Listed(hosts) => return hosts.iter().map(String::as_str).collect(),
            CloudHosts::OfTables(providers) => providers,
        };
        let family = match presented {
            Presented::Tc3(_) | Presented::V1(_) => Family::Tencent,
            Presented::Acs3(_) => Family::Aliyun,
            // They cover no host.
            Presented::Rpc(_) | Presented::Bearer(_) => return Vec::new(),
        };
        let region = presented.region(wire);
        let tables = providers.versions().filter(|version| version.family == family).map(|version| &version.endpoints);
        let mut hosts: Vec<&str> =
            tables.flat_map(|table| table.default_hosts().chain(table.hosts_of(region))).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;
    use crate::sign::read_presented;

    fn of_tables() -> (Arc<Providers>, CloudHosts) {
        let providers = Arc::new(Providers::embedded().unwrap());
        (Arc::clone(&providers), CloudHosts::OfTables(providers))
    }

    fn v1(region: &str) -> Wire {
        let headers = HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static("gw:8080"))]);
        let proof = "SecretId=x&Timestamp=1&Signature=MDAwMDAwMDAwMDAwMDAwMDAwMDA%3D";
        let (raw_query, body) = (format!("Action=A&a_=1&Region={region}&{proof}"), Bytes::new());
        Wire { method: Method::GET, path: "/".to_owned(), raw_query, headers, body, peer: None }
    }

    #[test]
    fn few_hosts_are_tried_and_none_of_another_region_or_family() {
        let (providers, hosts) = of_tables();
        let tencent = providers.versions().filter(|version| version.family == Family::Tencent);
        let regions: BTreeSet<&str> = tencent
            .flat_map(|version| version.endpoints.sites().flat_map(|site| version.endpoints.regions(site)))
            .collect();
        assert!(regions.len() > 10);
        for region in regions.into_iter().chain(["", "nowhere"]) {
            let wire = v1(region);
            let tried = hosts.to_try(&read_presented(&wire).unwrap(), &wire);
            assert!(tried.contains(&"dts.tencentcloudapi.com"), "{region}: {tried:?}");
            // With the two names that we have here, in three spellings: at most 16 HMACs.
            assert!(tried.len() <= 10, "{region}: {tried:?}");
            let is_familys =
                |host: &&str| host.ends_with(".tencentcloudapi.com") || host.ends_with(".tencent-cloud.com");
            assert!(tried.iter().all(is_familys), "{tried:?}");
        }
        let wire = v1("ap-guangzhou");
        let tried = hosts.to_try(&read_presented(&wire).unwrap(), &wire);
        assert!(tried.contains(&"dts.ap-guangzhou.tencentcloudapi.com"), "{tried:?}");
        assert!(!tried.contains(&"dts.ap-beijing.tencentcloudapi.com"), "{tried:?}");
    }

    #[test]
    fn listed_hosts_are_all_tried() {
        let hosts = CloudHosts::Listed(vec!["b.example".to_owned(), "a.example".to_owned()]);
        let wire = v1("ap-guangzhou");
        assert_eq!(hosts.to_try(&read_presented(&wire).unwrap(), &wire), ["b.example", "a.example"]);
    }
}
