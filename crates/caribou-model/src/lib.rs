//! The rollout model: what the recorder, the server and the browser all mean by a span, a rollout and a grade.
//!
//! Types, ids, statuses, the turn rule, attribute keys and the shapes of the HTTP API. No I/O, no clock, no
//! randomness: whoever uses a value of this crate brings those.
//!
//! ```
//! use caribou_model::{RolloutStatus, TraceId};
//!
//! let trace_id = TraceId::from_text("trc_session_17");
//! assert_eq!(trace_id, TraceId::from_text("trc_session_17"));
//! assert_eq!("success".parse::<RolloutStatus>(), Ok(RolloutStatus::Completed));
//! ```

#![forbid(unsafe_code)]

pub mod api;
pub mod attribute;
mod cost;
mod id;
mod item;
mod phase;
mod span;
mod status;
mod turn;

pub use cost::Cost;
pub use id::{InvalidId, SpanId, TraceId};
pub use item::{Content, Criterion, Event, Grade, Item, Message, ToolExecution};
pub use phase::{Phase, UnknownPhase};
pub use span::{ItemType, Payload, SpanRecord, SpanStatus, UsageScope};
pub use status::{RolloutState, RolloutStatus, UnknownStatus};
pub use turn::{TurnCounter, TurnPosition};
