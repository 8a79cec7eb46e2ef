//! The steps of the request path, one file or folder each. A step is thin: what it decides is a pure function, and what
//! it needs are values. What steps share are long-lived things (states, owners, remembered answers), never each other.
//! The order is in `pipeline.rs`.

mod audit;
mod authenticate;
mod authorize;
mod forward;
mod identify;
mod intent;
mod pace;
mod recordable;
mod replay;
mod share;
mod state;
mod turn;

pub use audit::{Audit, Tally, TallyOptions};
pub use authenticate::Authenticate;
pub use authorize::{Accounts, Authorize, AuthorizeOptions, Owners};
pub use forward::Forward;
pub use identify::Identify;
pub use intent::RecordIntent;
pub use pace::PaceCaller;
pub use recordable::Recordable;
pub use replay::{Replay, ReplayOptions, Replays};
pub use share::{Carry, FreshFor, Share, SharedReads};
pub use state::{Judge, Look, StateOptions, StateReader, States, state_in, state_name};
pub use turn::TakeTurn;
