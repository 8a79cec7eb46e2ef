//! `[admin]`: the listener for health, metrics and the audit log.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::server::plaintext;
use super::tls::{self, Tls};

/// The admin listener.
#[derive(Debug)]
pub struct Admin {
    /// Where it listens.
    pub listen: SocketAddr,
    /// TLS, if it is the gateway that ends it.
    pub tls: Option<Tls>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    listen: SocketAddr,
    allow_plaintext: bool,
    tls: Option<tls::Raw>,
}

impl Default for Raw {
    fn default() -> Raw {
        Raw { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)), allow_plaintext: false, tls: None }
    }
}

impl Raw {
    pub(super) fn check(self, checker: &mut Checker) -> Option<Admin> {
        plaintext("admin", self.listen, self.tls.is_some(), self.allow_plaintext, checker);
        let tls = match self.tls {
            Some(raw) => Some(raw.check("admin.tls", checker)?),
            None => None,
        };
        Some(Admin { listen: self.listen, tls })
    }
}
