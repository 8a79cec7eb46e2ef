//! What a Host header says: the texts that a client may have signed for it, and the access region it stands for.

const CLOUD: &str = ".tencentcloudapi.com";

/// The host as sent, and without its port (the Node SDK signs the name and sends name and port).
pub(super) fn signed_as(host: &str) -> Vec<&str> {
    let mut candidates = vec![host];
    if let Some((name, port)) = host.rsplit_once(':')
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        candidates.push(name);
    }
    candidates
}

/// Whether this is one of the cloud's own host names, so that it says which access point was reached.
pub(crate) fn is_cloud_host(host: &str) -> bool {
    bare(host).ends_with(CLOUD)
}

/// The region in `dts.<region>.tencentcloudapi.com`; none in the default and the international host.
pub(crate) fn access_region(host: &str) -> Option<String> {
    let host = bare(host);
    let region = host.strip_suffix(CLOUD)?.split('.').nth(1)?;
    (region != "intl" && region != "internal").then(|| region.to_owned())
}

/// Lower case, without the scheme that the command line client sends and without the port.
fn bare(host: &str) -> String {
    let host = host.strip_prefix("https://").or_else(|| host.strip_prefix("http://")).unwrap_or(host);
    signed_as(host).last().copied().unwrap_or(host).to_ascii_lowercase()
}
