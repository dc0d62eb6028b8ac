//! Langfuse: whole segments of rollouts as observations, and their grades as scores.
//!
//! Langfuse stamps what belongs to a trace on every observation and cannot take a span twice. So the spans of a segment
//! are gathered until its root has ended, each segment in a file of the spool, and then leave once, complete. What a
//! process that is gone had gathered is taken over by the next one.

mod api;
mod conversation;
mod departure;
mod destination;
mod gathered;
mod gathering;
mod observation;
mod score;
mod scores;
mod segment;
mod trace_wide;

pub(super) use destination::{LangfuseDestination, ROLLOUTS, SCORES};
