//! Records agent rollouts as OpenTelemetry spans, without slowing or breaking the program it watches.
//!
//! A rollout is one execution of an agent: what the model was sent, what it said, which tools ran, how it was graded.
//! [`trace_run`] opens one, [`log`] records into it, and a background thread sends what was recorded to Kestrel. No
//! call blocks, fails or panics because of what it is given or because nobody listens.
//!
//! ```
//! use caribou::{Config, Message, Meta, Phase, RolloutStatus};
//!
//! caribou::configure(Config::new().with_run_id("my-project").with_phase(Phase::Prod))?;
//!
//! let rollout = caribou::trace_run(Meta::new("req_123", Phase::Prod));
//! caribou::log(Message::new("user", "Hello"));
//! caribou::log(Message::new("assistant", "Hi!").with_model("gpt-4o").with_input_tokens(10_u64));
//! caribou::set_status(RolloutStatus::Completed);
//! drop(rollout);
//! # Ok::<(), caribou::ConfigureError>(())
//! ```
//!
//! It is no general tracer: spans of an application belong to its own OpenTelemetry provider, beside which this crate
//! works without touching it; a rollout is linked to the application's active span. The guide is
//! `docs/sdk-rust.md`.

#![forbid(unsafe_code)]

mod attributes;
mod client;
mod clock;
mod config;
mod content;
mod current;
pub mod environment;
mod error;
mod export;
pub mod fork;
mod global;
mod group;
mod ids;
mod live;
mod meta;
mod notice;
mod open;
pub mod propagation;
mod recorder;
mod scope;
mod secret;
mod segment;
mod settings;
mod turns;

pub use caribou_model::api::Project;
pub use caribou_model::{
    Content, Cost, Criterion, Event, Grade, Item, Message, Phase, RolloutStatus, ToolExecution,
    TurnCounter,
};
pub use client::{KestrelClient, KestrelError};
pub use config::{ClickHouseConfig, Config, LangfuseConfig, Redactor};
pub use current::{Carried, Entered, Open, Scoped, current};
pub use error::{ConfigureError, OpenError, Problem};
pub use export::{DeliveryCounts, DrainError, Drained, SpoolDrain};
pub use global::{
    add_meta, add_tags, configure, current_trace_id, extract, flush, increment_intra,
    increment_turn, inject, kestrel_client, log, recorder, set_error, set_intra_index, set_status,
    set_status_with_message, set_turn_index, shutdown, span, stats, trace_run, trace_url,
};
pub use meta::Meta;
pub use notice::Reporter;
pub use recorder::{Recorder, Stats};
pub use scope::Scope;
pub use secret::Secret;
pub use segment::{Failure, Left};
pub use settings::{
    BucketTarget, ClickHouseTarget, DEFAULT_KESTREL_URL, DEFAULT_LANGFUSE_HOST, DEFAULT_PROJECT,
    ImageTarget, KestrelTarget, LangfuseTarget, OtlpTarget, Settings, SpoolSettings,
};

/// The guide, whose examples are tested.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/sdk-rust.md")]
struct Guide;
