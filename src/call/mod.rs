//! What travels through the gateway, as plain data: the call as it arrived, what each of the first steps
//! established about it, the reply, the refusal and the record.
//!
//! Every stage is a type of its own, so the compiler keeps the order of the request path: nothing can ask who the
//! caller is before somebody authenticated it. This room knows the tables' rows; it does not know how a call is read
//! from bytes, judged, stored or sent.

mod account;
mod caller;
mod calls;
mod clock;
mod duplicate;
mod grant;
mod reason;
mod record;
mod refusal;
mod reply;
mod request;
mod stage;
mod wire;

pub use account::{Account, Credential, UpstreamSigning};
pub use caller::{Caller, Pace, Proof, Team};
pub use calls::Calls;
pub use clock::{Clock, Wall};
pub use duplicate::Duplicate;
pub use grant::{Condition, Effect, Grant, Pattern, Sight, TaskScope};
pub use reason::Reason;
pub use record::{
    ADMINISTRATIVE, AddressSeen, Class, Closed, Detail, LimitAsked, Outcome, Record, RecordHandle, RecordSink, Settled,
    StateSeen,
};
pub use refusal::{Limit, Refusal, TaskState};
pub use reply::{Origin, Reply};
pub use request::{AnswerForm, Form, Request, Signing};
pub use stage::{
    Authenticated, Authorized, Call, Errand, Identified, Mark, Progress, Recognition, ReplayKey, SeenTask,
};
pub use wire::Wire;
