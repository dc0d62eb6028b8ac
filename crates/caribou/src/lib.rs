//! Records agent rollouts as OpenTelemetry spans, without slowing or breaking the program it watches.

#![forbid(unsafe_code)]

mod attributes;
mod client;
mod clock;
mod config;
mod content;
pub mod environment;
mod error;
mod export;
pub mod fork;
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
pub use error::{ConfigureError, OpenError, Problem};
pub use export::DeliveryCounts;
pub use meta::Meta;
pub use notice::Reporter;
pub use recorder::{Recorder, Stats};
pub use scope::Scope;
pub use secret::Secret;
pub use segment::{Failure, Left};
pub use settings::{DEFAULT_KESTREL_URL, DEFAULT_PROJECT, KestrelTarget, OtlpTarget, Settings};
