//! One API version as loaded: what its four files say, cross-checked, ready to be asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::action::Action;
use super::endpoint::{Endpoints, UnknownRegion};
use super::state::{Observation, StateSource, TaskKind};

/// One API version of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Whose API it is.
    pub family: Family,
    /// The version's date as callers write it, for example `2018-03-30`.
    pub version: String,
    /// The service that a signature names.
    pub service: String,
    /// The name of the parameter that chooses the region, unless an action has one of its own.
    pub region_parameter: String,
    /// The number of a list's first element in a flattened name: 0 in `Tags.0.Key`, 1 in `Tag.1.Key`.
    pub first_index: usize,
    /// The hosts.
    pub endpoints: Endpoints,
    pub(super) common: BTreeMap<String, CommonUse>,
    pub(super) codes: Codes,
    pub(super) actions: BTreeMap<String, Arc<Action>>,
    pub(super) task_kinds: BTreeMap<String, Arc<TaskKind>>,
    pub(super) sources: BTreeMap<String, Source>,
    pub(super) digest: String,
}

/// A family of versions that speak the same dialect and sign the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Tencent Cloud.
    Tencent,
    /// Alibaba Cloud.
    Aliyun,
}

/// What a family's documents call the halves of a key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyWords {
    /// The public half.
    pub id: &'static str,
    /// The secret half.
    pub secret: &'static str,
}

impl KeyWords {
    /// Words of no family.
    pub const PLAIN: KeyWords = KeyWords { id: "key id", secret: "secret key" };
}

impl Family {
    /// What its callers know the halves of a key pair by.
    pub fn key_words(self) -> KeyWords {
        match self {
            Family::Tencent => KeyWords { id: "SecretId", secret: "SecretKey" },
            Family::Aliyun => KeyWords { id: "AccessKeyId", secret: "AccessKeySecret" },
        }
    }
}

/// What becomes of a parameter that belongs to the protocol and not to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommonUse {
    /// Written anew from what was judged.
    Rebuilt,
    /// Not sent.
    Dropped,
    /// Sent as the caller wrote it.
    Passed,
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub title: String,
    /// Where it is, if it has an address.
    pub address: Option<String>,
}

/// What the cloud's error codes mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Codes {
    pub(super) throttled: Vec<String>,
    pub(super) task_not_found: Vec<String>,
    pub(super) state_refused: Vec<String>,
}

impl Version {
    /// The action of exactly this name.
    pub fn action(&self, name: &str) -> Option<&Arc<Action>> {
        self.actions.get(name)
    }

    /// Every action, sorted by name.
    pub fn actions(&self) -> impl Iterator<Item = &Arc<Action>> {
        self.actions.values()
    }

    /// The kind of task of this name.
    pub fn task_kind(&self, name: &str) -> Option<&Arc<TaskKind>> {
        self.task_kinds.get(name)
    }

    /// Every kind of task, sorted by name.
    pub fn task_kinds(&self) -> impl Iterator<Item = &Arc<TaskKind>> {
        self.task_kinds.values()
    }

    /// The host for a region on an account's site.
    ///
    /// # Errors
    /// `UnknownRegion` unless the table holds it, byte for byte.
    pub fn endpoint(&self, site: &str, region: &str) -> Result<&str, UnknownRegion> {
        self.endpoints.host(site, region)
    }

    /// What becomes of a protocol parameter; none: it belongs to the action.
    pub fn common_parameter(&self, name: &str) -> Option<CommonUse> {
        self.common.get(name).copied()
    }

    /// What becomes of a protocol parameter in a call of this action; none: it belongs to the action, which may have a
    /// parameter of its own under such a name.
    pub fn common_parameter_of(&self, action: &Action, name: &str) -> Option<CommonUse> {
        self.common_parameter(name).filter(|_| action.parameters.field(name).is_none())
    }

    /// The names of the protocol's parameters, sorted.
    pub fn common_parameters(&self) -> impl Iterator<Item = (&str, CommonUse)> {
        self.common.iter().map(|(name, becomes)| (name.as_str(), *becomes))
    }

    /// Whether the cloud's code says that calls came too fast.
    pub fn is_throttled(&self, code: &str) -> bool {
        is_listed(&self.codes.throttled, code)
    }

    /// Whether the cloud's code, in answer to a state look-up, says that there is no such task.
    pub fn is_task_not_found(&self, code: &str) -> bool {
        is_listed(&self.codes.task_not_found, code)
    }

    /// Whether the cloud's code, in answer to a change, may mean that the task's state forbids it: what was remembered
    /// of the task is not to be trusted any more.
    pub fn is_state_refused(&self, code: &str) -> bool {
        is_listed(&self.codes.state_refused, code)
    }

    /// Where the answers of an action tell states of tasks: the kind of task, and the paths.
    pub fn state_sources(&self, action: &str) -> impl Iterator<Item = (&Arc<TaskKind>, &StateSource)> {
        self.task_kinds.values().flat_map(move |kind| {
            let sources = std::iter::once(&kind.read.source).chain(&kind.learn);
            sources.filter(move |source| source.action == action).map(move |source| (kind, source))
        })
    }

    /// The changing actions that are allowed on a task that was seen like this, sorted.
    pub fn legal_actions(&self, task_kind: &str, seen: &Observation) -> Vec<&str> {
        let Some(kind) = self.task_kinds.get(task_kind) else { return Vec::new() };
        let allowed = |action: &Action| {
            action.rule.as_ref().is_some_and(|rule| rule.objection(kind, &action.name, seen).is_none())
        };
        let of_kind = self.actions.values().filter(|action| action.task == task_kind);
        of_kind.filter(|action| allowed(action)).map(|action| action.name.as_str()).collect()
    }

    /// The cloud's own documented code for one of our reasons, where the tables know a better one than the common
    /// table of codes: the action's, else its task kind's.
    pub fn refusal_code<'t>(&'t self, action: &'t Action, reason: &str) -> Option<&'t str> {
        let of_kind = || self.task_kinds.get(&action.task)?.refusals.get(reason);
        action.refusals.get(reason).or_else(of_kind).map(String::as_str)
    }

    /// What a short source name in a row stands for.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    /// SHA-256 over the version's files, in lower-case hex: what the audit calls the version of the tables.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl Family {
    pub(super) const NAMES: &'static [(&'static str, Family)] =
        &[("tencent", Family::Tencent), ("aliyun", Family::Aliyun)];

    /// As the tables, the configuration and the records call it.
    pub fn name(self) -> &'static str {
        Family::NAMES.iter().find(|(_, family)| *family == self).map_or("", |(name, _)| name)
    }

    /// Every family's name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Family::NAMES.iter().map(|(name, _)| *name)
    }

    /// The family of this name.
    pub fn named(name: &str) -> Option<Family> {
        Family::NAMES.iter().find(|(known, _)| *known == name).map(|(_, family)| *family)
    }
}

impl CommonUse {
    pub(super) const NAMES: &'static [(&'static str, CommonUse)] =
        &[("rebuilt", CommonUse::Rebuilt), ("dropped", CommonUse::Dropped), ("passed", CommonUse::Passed)];
}

/// `X.*` is X and everything below it; anything else is exactly itself.
fn is_listed(codes: &[String], code: &str) -> bool {
    codes.iter().any(|listed| match listed.strip_suffix(".*") {
        Some(class) => code.strip_prefix(class).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
        None => listed == code,
    })
}
