//! When two reads are one: same question, on the same account, in the same form, by callers who may see the same.

use http::HeaderMap;
use http::header::{CACHE_CONTROL, PRAGMA};
use sha2::{Digest, Sha256};

use crate::call::{AnswerForm, Authorized, Form, Sight, Signing};
use crate::parameters::{Value, write_json};

/// What a text costs beside its signs: its place, and what an allocator adds, in bytes.
const TEXT: usize = size_of::<String>() + 16;

/// What identical reads have in common. Equal keys, one answer.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Key {
    account: String,
    /// Whom the cloud knows the account as: other accounts may be the same one there.
    identity: String,
    pub(super) version: String,
    pub(super) action: String,
    region: String,
    /// How the cloud is asked: in another form it might take the same parameters for something else.
    form: (Form, AnswerForm, Signing),
    /// SHA-256 of the parameters, members in the order of their names.
    parameters: [u8; 32],
    sight: Sight,
    /// Canonical ids of the tasks that it names, and of those to which they belong; none for a read that lists tasks.
    pub(super) tasks: Vec<String>,
}

impl Key {
    /// Whether a change of these tasks, on the account that the cloud knows by this identity, may change the answer. One that
    /// lists tasks may show any, and a change that names none (of a cluster) may be of any.
    pub(super) fn is_about(&self, identity: &str, tasks: &[String]) -> bool {
        let may_meet =
            || self.tasks.is_empty() || tasks.is_empty() || self.tasks.iter().any(|task| tasks.contains(task));
        self.identity == identity && may_meet()
    }

    /// Bytes of what may be long: the ids that callers name, and those that their grants do.
    pub(super) fn size(&self) -> usize {
        let named = self.tasks.iter().map(String::len);
        named.chain(self.sight.ids().map(|id| id.as_str().len())).map(|length| length + TEXT).sum()
    }
}

/// The key of a read that may be shared: changes never are, and a caller may opt out.
pub(super) fn key(call: &Authorized) -> Option<Key> {
    if call.action.kind.is_change() || wants_its_own(&call.call.wire.headers) {
        return None;
    }
    let request = &call.call.request;
    Some(Key {
        account: call.account.alias.clone(),
        identity: call.account.identity.clone(),
        version: call.version.version.clone(),
        action: call.action.name.clone(),
        region: call.region.clone(),
        form: (request.form, request.answer_form, request.signing),
        parameters: Sha256::digest(write_json(&sorted(&request.parameters))).into(),
        sight: call.sight.clone(),
        tasks: tasks(call),
    })
}

/// The tasks that a call names, and those to which they belong, each once.
pub(in crate::steps) fn tasks(call: &Authorized) -> Vec<String> {
    let mut tasks: Vec<String> =
        call.tasks.iter().flat_map(|task| [Some(&task.id), task.parent.as_ref()]).flatten().cloned().collect();
    tasks.sort_unstable();
    tasks.dedup();
    tasks
}

/// `Cache-Control: no-cache`, and what says as much: `no-store`, `max-age=0`, and `Pragma: no-cache` of before HTTP/1.1.
fn wants_its_own(headers: &HeaderMap) -> bool {
    let values = [CACHE_CONTROL, PRAGMA].into_iter().flat_map(|name| headers.get_all(name));
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).any(|directive| {
        let mut parts = directive.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
        let (name, age) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        let is_nothing = || age.contains(&b'0') && age.iter().all(|byte| matches!(byte, b'0' | b'"'));
        is("no-cache") || is("no-store") || is("max-age") && is_nothing()
    })
}

/// The same parameters, members in the order of their names. Nothing else is evened out: whether the cloud takes `1` for
/// `"1"`, or null for nothing, is the cloud's to say.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members)
        }
        Value::List(items) => Value::List(items.iter().map(sorted).collect()),
        scalar => scalar.clone(),
    }
}
