//! Where a call is counted: one bucket or two, by what its family's documentation says.

use crate::dialect::{Incoming, Reading, tencent};
use crate::rates::{ANY, BucketKey, Limit, Scope};
use crate::table::{Action, Family, Provider};

/// The buckets that a call is counted in: Tencent counts at the access point, Alibaba in the region that a call is for,
/// there both the account's own calls and everybody's.
pub(crate) fn counted(
    incoming: &Incoming,
    reading: &Reading,
    provider: &Provider,
    action: &Action,
    region: &str,
) -> Vec<(BucketKey, Limit)> {
    let (scope, host, region) = match reading.family {
        Family::Tencent => (None, incoming.host().to_owned(), access_point(incoming.host(), region)),
        Family::Aliyun => (Some(Scope::Account), ANY.to_owned(), region.to_owned()),
    };
    let own = BucketKey {
        scope,
        credential: reading.credential.clone().unwrap_or_default(),
        host,
        region,
        action: action.name.clone(),
    };
    let everybody = BucketKey { scope: Some(Scope::Region), credential: ANY.to_owned(), ..own.clone() };
    let rates = std::iter::once((own, Some(&action.rate))).chain([(everybody, action.region_rate.as_ref())]);
    rates
        .filter_map(|(key, rate)| {
            let rate = rate?;
            Some((key, Limit { calls: rate.calls, window: provider.window_of(rate) }))
        })
        .collect()
}

/// The region of the access point that a call came through: what the host says if it is one of the cloud's names. Any
/// other host stands in for every regional endpoint, so there the request's own region counts.
fn access_point(host: &str, region: &str) -> String {
    if tencent::is_cloud_host(host) { tencent::access_region(host).unwrap_or_default() } else { region.to_owned() }
}
