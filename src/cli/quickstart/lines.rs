//! What quickstart prints: where everything is, three things to try, and that it is ready.

use secrecy::{ExposeSecret, SecretString};

use super::folder::Pair;

/// Everything that is printed.
pub(super) struct Printed {
    pub(super) public: String,
    pub(super) admin: String,
    pub(super) pair: Pair,
    pub(super) token: SecretString,
    pub(super) reader_token: SecretString,
    pub(super) admin_token: SecretString,
    pub(super) simulator_url: String,
    pub(super) simulator: Pair,
}

impl Printed {
    /// The lines, in their order.
    pub(super) fn lines(&self) -> Vec<String> {
        let assigned = [
            ("DTS_GATEWAY_URL", self.public.as_str()),
            ("DTS_GATEWAY_ADMIN_URL", &self.admin),
            ("DTS_GATEWAY_SECRET_ID", &self.pair.id),
            ("DTS_GATEWAY_SECRET_KEY", self.pair.key.expose_secret()),
            ("DTS_GATEWAY_TOKEN", self.token.expose_secret()),
            ("DTS_GATEWAY_READER_TOKEN", self.reader_token.expose_secret()),
            ("DTS_GATEWAY_ADMIN_TOKEN", self.admin_token.expose_secret()),
            ("DTS_SIMULATOR_URL", &self.simulator_url),
            ("DTS_SIMULATOR_SECRET_ID", &self.simulator.id),
            ("DTS_SIMULATOR_SECRET_KEY", self.simulator.key.expose_secret()),
        ];
        let assigned = assigned.into_iter().map(|(name, value)| format!("{name}={value}"));
        let tries = [self.curl(), self.sdk(), self.audit()];
        assigned.chain(tries.into_iter().map(|line| format!("# try: {line}"))).chain(["ready".to_owned()]).collect()
    }

    fn curl(&self) -> String {
        format!(
            "curl -sS '{}/' -H 'Authorization: Bearer {}' -H 'X-TC-Action: DescribeMigrateJobs' \
             -H 'X-TC-Version: 2018-03-30' -H 'X-TC-Region: ap-guangzhou' -H 'Content-Type: application/json' -d '{{}}'",
            self.public,
            self.token.expose_secret()
        )
    }

    /// The same through the official SDK for Python, in a virtual environment of its own.
    fn sdk(&self) -> String {
        let (protocol, endpoint) = self.public.split_once("://").unwrap_or(("http", &self.public));
        let program = format!(
            "from tencentcloud.common import credential; \
             from tencentcloud.common.profile import client_profile, http_profile; \
             from tencentcloud.dts.v20180330 import dts_client, models; \
             profile = client_profile.ClientProfile(httpProfile=http_profile.HttpProfile(protocol='{protocol}', endpoint='{endpoint}')); \
             client = dts_client.DtsClient(credential.Credential('{}', '{}'), 'ap-guangzhou', profile); \
             print(client.DescribeMigrateJobs(models.DescribeMigrateJobsRequest()).to_json_string())",
            self.pair.id,
            self.pair.key.expose_secret()
        );
        format!(
            "V=$(mktemp -d) && python3 -m venv \"$V\" && \"$V/bin/pip\" install -q tencentcloud-sdk-python-dts && \
             \"$V/bin/python\" -c \"{program}\""
        )
    }

    /// The audit query that shows both. The token is in the environment, where other users can't see it.
    fn audit(&self) -> String {
        let program =
            std::env::current_exe().map_or_else(|_| "dts-gateway".to_owned(), |path| path.display().to_string());
        format!(
            "DTS_GATEWAY_ADMIN_URL='{}' DTS_GATEWAY_ADMIN_TOKEN='{}' {} audit query --action DescribeMigrateJobs",
            self.admin,
            self.admin_token.expose_secret(),
            quoted(&program)
        )
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
