//! One open `trace_run`: the root of a rollout, or of one of its segments.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use caribou_model::{Item, ItemType, RolloutStatus, TurnPosition, attribute};
use caribou_otlp::encode::{SpanFrame, SpanWriter};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt};

use crate::attributes::{
    Attributes, Draft, Place, RolloutKeys, RolloutState, criterion_draft, item_draft,
    rollout_attributes,
};
use crate::content::ContentPolicy;
use crate::export::scratch;
use crate::live::{Beating, LiveSpan, Opening};
use crate::recorder::Core;
use crate::turns::SharedTurns;

/// How a `trace_run` or `span()` was left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// Its end was reached.
    #[default]
    Normally,
    /// By an error.
    WithError(Failure),
    /// It was stopped from outside: cancelled, interrupted or dropped.
    Stopped(Failure),
}

/// What an error says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// Class.
    pub error_type: String,
    /// Message.
    pub message: String,
    /// Traceback, if there is one.
    pub traceback: Option<String>,
}

/// One segment of a rollout.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) core: Arc<Core>,
    pub(crate) live: LiveSpan,
    pub(crate) id_text: Arc<str>,
    pub(crate) project: Arc<str>,
    pub(crate) policy: ContentPolicy,
    pub(crate) turns: SharedTurns,
    /// It was taken over from another process, which sets the status.
    pub(crate) is_worker: bool,
    keys: RolloutKeys,
    dated: bool,
    generation: u64,
    state: Mutex<SegmentState>,
}

#[derive(Debug, Default)]
struct SegmentState {
    rollout: RolloutState,
    ended_at: Option<i64>,
    /// The latest moment that an item was dated to.
    latest: Option<i64>,
    /// The root that stands for this segment in a forked child, by generation.
    child: Option<(u64, Arc<LiveSpan>)>,
}

/// How to open a [`Segment`].
pub(crate) struct SegmentOpening {
    pub(crate) trace_id: opentelemetry::trace::TraceId,
    pub(crate) id_text: Arc<str>,
    pub(crate) project: Arc<str>,
    pub(crate) policy: ContentPolicy,
    pub(crate) keys: RolloutKeys,
    pub(crate) tags: Vec<String>,
    pub(crate) links: Vec<SpanContext>,
    /// The span of another process under which a worker's segment stands.
    pub(crate) remote_parent: Option<SpanContext>,
    pub(crate) started_at: Option<i64>,
}

impl Segment {
    pub(crate) fn open(core: &Arc<Core>, opening: SegmentOpening) -> Arc<Self> {
        let turns = core.turns.counter(opening.trace_id);
        let now = core.clock.tick();
        let place = Place {
            position: lock(&turns).repeat(),
            sequence: core.clock.next_sequence(),
            logged_at: now,
            revision: now,
        };
        let is_worker = opening.remote_parent.is_some();
        let parent = opening
            .remote_parent
            .map(|parent| Context::new().with_remote_span_context(parent));
        let name = opening.keys.name.as_deref().unwrap_or("rollout").to_owned();
        let live = LiveSpan::open(
            core,
            Opening {
                name,
                trace_id: Some(opening.trace_id),
                parent: parent.as_ref(),
                links: opening.links,
                started_at: opening.started_at.unwrap_or(now),
                place,
            },
        );
        let mut rollout = RolloutState::default();
        rollout.add_tags(opening.policy.tags(opening.tags));
        let segment = Arc::new(Self {
            core: Arc::clone(core),
            live,
            id_text: opening.id_text,
            project: opening.project,
            policy: opening.policy,
            turns,
            is_worker,
            keys: opening.keys,
            dated: opening.started_at.is_some(),
            generation: core.generation.load(Ordering::Relaxed),
            state: Mutex::new(SegmentState {
                rollout,
                ..SegmentState::default()
            }),
        });
        segment.export(&segment.state(), place.revision);
        let beating: std::sync::Weak<Self> = Arc::downgrade(&segment);
        core.open.add(beating);
        segment
    }

    /// Records an item under a span of this segment.
    pub(crate) fn log(&self, item: Item, parent: &SpanContext) {
        let place = self.place(&item);
        let mut draft = item_draft(item, &self.policy, SpanWriter::within(scratch::take()));
        let criteria = std::mem::take(&mut draft.criteria);
        let timestamp = draft.timestamp;
        if let Some(timestamp) = timestamp {
            let mut state = self.state();
            state.latest = state.latest.max(Some(timestamp));
        }
        let written = self.write(draft, place, parent);
        self.core.count_logged();
        if criteria.is_empty() {
            return;
        }
        for criterion in criteria {
            let now = self.core.clock.tick();
            let place = Place {
                position: place.position,
                sequence: self.core.clock.next_sequence(),
                logged_at: now,
                revision: now,
            };
            let writer = SpanWriter::within(scratch::take());
            self.write(
                criterion_draft(criterion, timestamp, writer),
                place,
                &written,
            );
        }
    }

    /// Gives an item its turn, sequence number and time; items of one rollout take all three in the same order.
    fn place(&self, item: &Item) -> Place {
        let mut turns = lock(&self.turns);
        let position = match item {
            Item::Message(message) if message.grader_name.is_none() => {
                turns.place_message(&message.role)
            }
            Item::ToolExecution(_) => turns.place_tool(),
            Item::Message(_) | Item::Grade(_) | Item::Event(_) => turns.repeat(),
        };
        let now = self.core.clock.tick();
        Place {
            position,
            sequence: self.core.clock.next_sequence(),
            logged_at: now,
            revision: now,
        }
    }

    /// Exports a span of something that is over already. Nothing can happen to it between start and end, so it is written
    /// as it is sent: what the SDK's tracer would do in between costs more than all the rest of this.
    fn write(&self, mut draft: Draft, place: Place, parent: &SpanContext) -> SpanContext {
        let ended_at = draft.timestamp.unwrap_or(place.logged_at);
        let started_at = ended_at.saturating_sub(draft.duration_ns.unwrap_or(0));
        if let Some(duration) = draft.duration_ns {
            draft.writer.integer(attribute::DURATION_NS, duration);
        }
        let place = Place {
            logged_at: ended_at,
            ..place
        };
        draft.identify(&self.project, place);
        let context = SpanContext::new(
            parent.trace_id(),
            self.core.ids.span_id(place.revision),
            parent.trace_flags().with_sampled(true),
            false,
            parent.trace_state().clone(),
        );
        let written = draft.writer.finish(&SpanFrame {
            context: &context,
            parent,
            name: &draft.name,
            started_at,
            ended_at,
            status: &draft.error.map_or(Status::Unset, Status::error),
        });
        self.core.slot.push(&draft.name, written);
        context
    }

    /// Changes what the root says. It is exported with the next revision; at once where no other will follow.
    pub(crate) fn update(&self, change: impl FnOnce(&mut RolloutState)) {
        let mut state = self.state();
        change(&mut state.rollout);
        let generation = self.core.generation.load(Ordering::Relaxed);
        if generation != self.generation {
            self.export_from_child(&mut state, generation);
        } else if state.ended_at.is_some() {
            self.export(&state, self.core.clock.tick());
        }
    }

    /// Ends the segment; later calls change nothing.
    pub(crate) fn leave(&self, left: &Left) {
        if self.core.generation.load(Ordering::Relaxed) != self.generation {
            // The process that opened the segment ends it.
            return;
        }
        let failure = self.policy.failure(left);
        let mut state = self.state();
        if state.ended_at.is_some() {
            return;
        }
        let now = self.core.clock.tick();
        let ended_at = match state.latest {
            Some(latest) if self.dated => latest,
            _ => now,
        };
        state.ended_at = Some(ended_at);
        state.rollout.record_failure(failure);
        if !self.is_worker {
            state.rollout.settle_status(left);
        }
        self.export(&state, now);
    }

    fn export(&self, state: &SegmentState, revision: i64) {
        self.export_as(&self.live, state, revision, state.ended_at);
    }

    /// In a forked child the segment's root belongs to the parent, so what the child has to say gets a root of its own.
    fn export_from_child(&self, state: &mut SegmentState, generation: u64) {
        let now = self.core.clock.tick();
        let root = match &state.child {
            Some((of, root)) if *of == generation => Arc::clone(root),
            _ => {
                let place = Place {
                    sequence: self.core.clock.next_sequence(),
                    logged_at: now,
                    revision: now,
                    ..self.live.place
                };
                let name = self.keys.name.as_deref().unwrap_or("rollout").to_owned();
                let opening = Opening {
                    name,
                    trace_id: None,
                    parent: Some(&self.live.context),
                    links: Vec::new(),
                    started_at: now,
                    place,
                };
                Arc::new(LiveSpan::open(&self.core, opening))
            }
        };
        state.child = Some((generation, Arc::clone(&root)));
        self.export_as(&root, state, now, Some(now));
    }

    fn export_as(
        &self,
        live: &LiveSpan,
        state: &SegmentState,
        revision: i64,
        ended_at: Option<i64>,
    ) {
        let mut attributes = Attributes::new();
        let place = Place {
            revision,
            ..live.place
        };
        attributes.identity(&self.project, ItemType::Rollout, "rollout", place);
        rollout_attributes(&mut attributes, &self.keys, &state.rollout);
        live.export(
            &self.core,
            attributes,
            state.rollout.error_status(),
            ended_at,
        );
    }

    fn state(&self) -> MutexGuard<'_, SegmentState> {
        lock(&self.state)
    }

    /// The position of the last item.
    pub(crate) fn position(&self) -> TurnPosition {
        lock(&self.turns).repeat()
    }
}

impl Beating for Segment {
    fn beat(&self) {
        let state = self.state();
        let ours = self.core.generation.load(Ordering::Relaxed) == self.generation;
        if ours && state.ended_at.is_none() {
            self.export(&state, self.core.clock.tick());
        }
    }
}

impl RolloutState {
    /// The error as the span's own status tells it.
    pub(crate) fn error_status(&self) -> Option<String> {
        let fails = status_fails(self.status.as_deref());
        (self.error_message.is_some() || self.error_type.is_some() || fails)
            .then(|| self.error_message.clone().unwrap_or_default())
    }

    /// Notes by what error it was left. What the user said of the error stays.
    pub(crate) fn record_failure(&mut self, failure: Option<Failure>) {
        let Some(failure) = failure else { return };
        self.error_type = Some(failure.error_type);
        self.error_message.get_or_insert(failure.message);
        self.traceback = failure.traceback;
    }

    /// Gives a rollout the status that follows from how it was left, unless somebody set one that says more.
    fn settle_status(&mut self, left: &Left) {
        let set = self.status.as_deref();
        let failing = status_fails(set);
        let implied = match left {
            Left::Normally if set.is_some() => return,
            Left::Normally if self.error_message.is_some() => RolloutStatus::Error,
            Left::Normally => RolloutStatus::Completed,
            _ if failing => return,
            Left::WithError(_) => RolloutStatus::Error,
            Left::Stopped(_) => RolloutStatus::Aborted,
        };
        self.status = Some(implied.as_str().to_owned());
        self.status_explicit = false;
    }
}

/// Whether a status says that something went wrong; a text that is none of the statuses does not.
fn status_fails(status: Option<&str>) -> bool {
    status.is_some_and(|status| {
        status
            .parse::<RolloutStatus>()
            .is_ok_and(RolloutStatus::is_failure)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(set: Option<&str>, left: &Left) -> String {
        let mut state = RolloutState {
            status: set.map(str::to_owned),
            ..RolloutState::default()
        };
        state.settle_status(left);
        state.status.unwrap_or_default()
    }

    #[test]
    fn an_error_counts_unless_a_failing_status_was_set_before() {
        let error = Left::WithError(Failure::default());
        for set in [
            None,
            Some("PENDING"),
            Some("COMPLETED"),
            Some("weird"),
            Some(""),
        ] {
            assert_eq!(settled(set, &error), "ERROR", "{set:?}");
            let stopped = Left::Stopped(Failure::default());
            assert_eq!(settled(set, &stopped), "ABORTED", "{set:?}");
        }
        assert_eq!(settled(Some("TRUNCATED"), &error), "TRUNCATED");
        assert_eq!(settled(Some("weird"), &Left::Normally), "weird");
    }
}
