//! What quickstart prints: where everything is, three things to try, and that it is ready.

use secrecy::{ExposeSecret, SecretString};

use super::folder::Pair;

/// Things to try, one a line; the clouds' names and calls in them are an example's, so they are no code.
const TRIES: &str = include_str!("../../../config/quickstart/try.txt");

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
        let tries = TRIES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let tries = tries.map(|line| format!("# try: {}", self.filled_in(line)));
        assigned.chain(tries).chain(["ready".to_owned()]).collect()
    }

    fn filled_in(&self, line: &str) -> String {
        let (protocol, endpoint) = self.public.split_once("://").unwrap_or(("http", &self.public));
        let program =
            std::env::current_exe().map_or_else(|_| "dts-gateway".to_owned(), |path| path.display().to_string());
        let names = [
            ("{public}", self.public.as_str()),
            ("{protocol}", protocol),
            ("{endpoint}", endpoint),
            ("{admin}", &self.admin),
            ("{token}", self.token.expose_secret()),
            ("{admin_token}", self.admin_token.expose_secret()),
            ("{key_id}", &self.pair.id),
            ("{key}", self.pair.key.expose_secret()),
            ("{program}", &quoted(&program)),
        ];
        names.into_iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value))
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
