//! Lifting as callers see it.

mod fixtures;
mod properties;
mod providers;
mod texts;
