//! What a team or a caller may do: data only; the decision is in `steps/authorize`.

use std::collections::BTreeSet;

use crate::provider::Path;

/// One line of a team's rights.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// How the record and a refusal call it: the team's file and the grant's position or name.
    pub name: String,
    /// Allow or deny; one deny that matches wins over every allow.
    pub effect: Effect,
    /// Account aliases.
    pub accounts: Vec<Pattern>,
    /// API versions.
    pub versions: Vec<Pattern>,
    /// Actions.
    pub actions: Vec<Pattern>,
    /// Regions.
    pub regions: Vec<Pattern>,
    /// Tasks that a call may address.
    pub tasks: TaskScope,
    /// Parameters that must have one of the values listed, all of them.
    pub conditions: Vec<Condition>,
    /// Names of dangers (rules on parameters and states) that this grant accepts.
    pub dangers: Vec<String>,
    /// Whether equal purchases without an `Idempotency-Key` are meant, however close together.
    pub repeat_purchases: bool,
}

/// What a grant that matches does.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The call may be made.
    Allow,
    /// The call may not be made, whatever else allows it.
    Deny,
}

/// Exact text, or with `*` for any run of characters. Compared byte by byte, case and all.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Pattern(String);

/// Which tasks a grant is about.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TaskScope {
    /// Every task, and calls that address none.
    Any,
    /// Only these: the team's own, and those whose id matches.
    Limited {
        /// Tasks that belong to the caller's team.
        own: bool,
        /// Ids.
        ids: Vec<Pattern>,
    },
}

/// What a caller's grants let it see of the tasks that an answer shows. Only those of equal sight are told one answer.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Sight {
    /// The tasks of the grants that allow the call; one that allows all makes the others mean nothing.
    pub allowed: BTreeSet<TaskScope>,
    /// The tasks of those that deny it.
    pub denied: BTreeSet<TaskScope>,
    /// The caller's team, if any of them speaks of its own tasks.
    pub team: Option<String>,
}

/// A parameter that must be one of some values for the grant to match. Where a path leads to several, each of them must for
/// a grant that allows, and one is enough for a grant that denies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Condition {
    /// Where it is, such as `MigrateOption.RunMode`.
    pub parameter: Path,
    /// The values, as text, in any spelling of the parameter's type.
    pub one_of: Vec<String>,
}

impl Sight {
    /// What these grants let a caller of `team` see, all of them about the same call. A union and an exception: neither the
    /// order nor the number of grants matters.
    pub fn of<'a>(team: &str, grants: impl Iterator<Item = &'a Grant>) -> Sight {
        let mut sight = Sight::default();
        for grant in grants {
            let scope = grant.tasks.in_order();
            if matches!(scope, TaskScope::Limited { own: true, .. }) {
                sight.team = Some(team.to_owned());
            }
            match grant.effect {
                Effect::Allow => sight.allowed.insert(scope),
                Effect::Deny => sight.denied.insert(scope),
            };
        }
        if sight.allowed.contains(&TaskScope::Any) {
            sight.allowed.retain(|scope| *scope == TaskScope::Any);
        }
        sight
    }

    /// The ids that it names.
    pub fn ids(&self) -> impl Iterator<Item = &Pattern> {
        let scopes = self.allowed.iter().chain(&self.denied);
        scopes.flat_map(|scope| match scope {
            TaskScope::Any => [].as_slice(),
            TaskScope::Limited { ids, .. } => ids,
        })
    }
}

impl TaskScope {
    /// The same with its ids sorted, each once.
    fn in_order(&self) -> TaskScope {
        let mut scope = self.clone();
        if let TaskScope::Limited { ids, .. } = &mut scope {
            ids.sort_unstable();
            ids.dedup();
        }
        scope
    }
}

impl Pattern {
    /// A pattern from its text.
    pub fn new(text: impl Into<String>) -> Pattern {
        Pattern(text.into())
    }

    /// The pattern that everything matches.
    pub fn any() -> Pattern {
        Pattern("*".to_owned())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` matches, in time proportional to both lengths multiplied at worst, without recursion.
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut at, mut position) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while position < text.len() {
            if pattern.get(at) == Some(&b'*') {
                retry = Some((at + 1, position));
                at += 1;
            } else if pattern.get(at) == Some(&text[position]) {
                at += 1;
                position += 1;
            } else if let Some((after_star, from)) = retry {
                retry = Some((after_star, from + 1));
                at = after_star;
                position = from + 1;
            } else {
                return false;
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }
}
