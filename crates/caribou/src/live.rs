//! Spans that stay open for a while: the roots of rollouts, and groups.
//!
//! OpenTelemetry exports a span when it ends. An open one is made known by exporting it with an end of zero and a
//! revision; the highest revision counts, so each further export replaces the one before.

use std::sync::{Mutex, PoisonError, Weak};
use std::time::UNIX_EPOCH;

use opentelemetry::Context;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, Status, TraceContextExt, TraceId, Tracer,
};
use opentelemetry_sdk::trace::{Span, SpanData};

use crate::attributes::{Attributes, Place};
use crate::clock::system_time_from_nanos;
use crate::ids;
use crate::recorder::Core;

/// A span that was opened.
#[derive(Debug)]
pub(crate) struct LiveSpan {
    /// What every export of the span shares; `None` while the recorder is off.
    template: Option<SpanData>,
    /// The SDK's own span; taken when it ends.
    span: Mutex<Option<Span>>,
    /// The context in which children are started.
    pub(crate) context: Context,
    pub(crate) span_context: SpanContext,
    /// Where it stands, as of its opening.
    pub(crate) place: Place,
}

/// How to start a [`LiveSpan`].
pub(crate) struct Opening<'a> {
    pub(crate) name: String,
    /// Set for roots, whose trace it becomes.
    pub(crate) trace_id: Option<TraceId>,
    pub(crate) parent: Option<&'a Context>,
    pub(crate) links: Vec<SpanContext>,
    pub(crate) started_at: i64,
    pub(crate) place: Place,
}

impl LiveSpan {
    pub(crate) fn open(core: &Core, opening: Opening<'_>) -> Self {
        let links = opening
            .links
            .into_iter()
            .map(|context| Link::new(context, Vec::new(), 0))
            .collect();
        let builder = SpanBuilder {
            start_time: Some(system_time_from_nanos(opening.started_at)),
            links: Some(links),
            ..SpanBuilder::from_name(opening.name)
        };
        let span_id = core.ids.span_id(opening.place.logged_at);
        ids::supply(opening.trace_id, span_id);
        let no_parent = Context::new();
        let span = core
            .tracer
            .build_with_context(builder, opening.parent.unwrap_or(&no_parent));
        let span_context = span.span_context().clone();
        Self {
            template: span.exported_data(),
            span: Mutex::new(Some(span)),
            context: Context::new().with_remote_span_context(span_context.clone()),
            span_context,
            place: opening.place,
        }
    }

    /// Exports the span as it stands now: open, or ended at a moment.
    pub(crate) fn export(
        &self,
        core: &Core,
        attributes: Attributes,
        error: Option<String>,
        ended_at: Option<i64>,
    ) {
        let status = error.map_or(Status::Unset, Status::error);
        let Some(ended_at) = ended_at else {
            self.export_copy(core, attributes, status, UNIX_EPOCH);
            return;
        };
        let ended_at = system_time_from_nanos(ended_at);
        let taken = self
            .span
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match taken {
            Some(mut span) => {
                span.set_attributes(attributes.into_inner());
                span.set_status(status);
                span.end_with_timestamp(ended_at);
            }
            None => self.export_copy(core, attributes, status, ended_at),
        }
    }

    fn export_copy(
        &self,
        core: &Core,
        attributes: Attributes,
        status: Status,
        end_time: std::time::SystemTime,
    ) {
        if let Some(template) = &self.template {
            core.slot.push_span(&SpanData {
                attributes: attributes.into_inner(),
                status,
                end_time,
                ..template.clone()
            });
        }
    }
}

/// Something open that says from time to time that it lives.
pub(crate) trait Beating: Send + Sync {
    /// Exports another revision, if it is still open.
    fn beat(&self);
}

/// Everything that is open.
#[derive(Default)]
pub(crate) struct OpenSpans(Mutex<Vec<Weak<dyn Beating>>>);

impl OpenSpans {
    const USUAL: usize = 64;

    pub(crate) fn add(&self, open: Weak<dyn Beating>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Growing is rare, so this looks at each entry a constant number of times.
        if all.len() >= Self::USUAL && all.len() == all.capacity() {
            all.retain(|open| open.strong_count() > 0);
            let room = all.len().max(Self::USUAL);
            all.reserve_exact(room);
        }
        all.push(open);
    }

    pub(crate) fn beat(&self) {
        let living: Vec<_> = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|open| open.strong_count() > 0);
            all.iter().filter_map(Weak::upgrade).collect()
        };
        for open in living {
            open.beat();
        }
    }
}

impl std::fmt::Debug for OpenSpans {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("OpenSpans").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use caribou_model::ItemType;
    use test_support::Sink;

    use crate::{Config, Left, Meta, Phase, Recorder};

    #[test]
    fn what_is_open_says_that_it_lives_until_it_ends() {
        let sink = Sink::start();
        let recorder = Recorder::new(
            Box::new(BTreeMap::<String, String>::new()),
            Arc::new(|_: &str| {}),
        );
        recorder
            .configure(Config::new().with_kestrel_api_url(sink.url()))
            .unwrap();
        let rollout = recorder
            .open(Meta::new("d", Phase::Eval), None, None)
            .unwrap();
        let group = rollout.open_group("group", Vec::new());
        rollout.add_tags(["later".to_owned()]);
        recorder.core.open.beat();
        group.leave(&Left::Normally);
        recorder.core.open.beat();
        assert!(recorder.flush(Duration::from_secs(30)));

        let of = |item_type| {
            let mut revisions = sink.received();
            revisions.retain(|span| span.item_type == item_type);
            revisions
        };
        let roots = of(ItemType::Rollout);
        assert_eq!(roots.len(), 3, "one at its opening, two that say it lives");
        assert!(roots.is_sorted_by(|earlier, later| earlier.revision < later.revision));
        assert!(roots.iter().all(|root| root.ended_at.is_none()));
        assert_eq!(roots[1].tags, ["later"]);
        let groups = of(ItemType::Group);
        assert_eq!(groups.len(), 3, "opening, one sign of life, end");
        assert!(groups[2].ended_at.is_some());
    }
}
