//! The span processor of the recorder's provider.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::PipelineSlot;

/// Moves ended spans into the queue of the current pipeline.
#[derive(Debug)]
pub(crate) struct QueueProcessor {
    slot: Arc<PipelineSlot>,
}

impl QueueProcessor {
    pub(crate) fn new(slot: Arc<PipelineSlot>) -> Self {
        Self { slot }
    }
}

impl SpanProcessor for QueueProcessor {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        // A span without attributes was never finished by the recorder, only dropped by the SDK.
        if !span.attributes.is_empty() {
            self.slot.push_span(&span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
