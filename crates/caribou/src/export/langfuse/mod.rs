//! Langfuse: whole segments of rollouts as observations, and their grades as scores.
//!
//! Langfuse stamps what belongs to a trace on every observation and cannot take a span twice. So the spans of a
//! segment wait in [`buffer`] until its root has ended, and then leave once, complete.

mod api;
mod buffer;
mod conversation;
mod destination;
mod observation;
mod score;
mod scores;
mod segment;
mod spill;
mod trace_wide;

pub(super) use destination::LangfuseDestination;
