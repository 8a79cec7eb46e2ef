//! The configured accounts, and which of them a call is for.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::call::{Account, Caller, Refusal};
use crate::provider::Family;

/// The configured accounts by alias.
#[derive(Debug, Default)]
pub struct Accounts(BTreeMap<String, Arc<Account>>);

impl Accounts {
    /// These accounts; aliases are unique, the configuration saw to it.
    pub fn new(accounts: impl IntoIterator<Item = Account>) -> Accounts {
        Accounts(accounts.into_iter().map(|account| (account.alias.clone(), Arc::new(account))).collect())
    }

    /// The account of this alias.
    pub fn named(&self, alias: &str) -> Option<Arc<Account>> {
        self.0.get(alias).cloned()
    }

    /// The account that a call is for: the one that it names, if its caller may use it, else the caller's first one
    /// of the family.
    pub fn choose(&self, caller: &Caller, family: Family, asked: Option<&str>) -> Result<Arc<Account>, Refusal> {
        let not_granted = |why: String| Refusal::NotGranted { why };
        let of_family = |alias: &String| self.0.get(alias).filter(|account| account.family == family);
        let chosen = match asked {
            Some(asked) => caller.accounts.iter().filter(|alias| *alias == asked).find_map(of_family),
            None => caller.accounts.iter().find_map(of_family),
        };
        chosen.cloned().ok_or_else(|| match asked {
            Some(_) => not_granted(format!("{} may not use the account that X-DTS-Gateway-Account names", caller.name)),
            None => not_granted(format!("{} has no account of the family {}", caller.name, family.name())),
        })
    }
}
