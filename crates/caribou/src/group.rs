//! A group opened with `span()`: a sub-agent, a phase, anything that holds what is logged inside it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use caribou_model::ItemType;
use opentelemetry::Context;

use crate::attributes::{Attributes, Place, RolloutState, group_attributes};
use crate::live::{Beating, LiveSpan, Opening};
use crate::segment::{Left, Segment};

/// One group of a segment.
#[derive(Debug)]
pub(crate) struct Group {
    segment: Arc<Segment>,
    pub(crate) live: LiveSpan,
    name: Arc<str>,
    generation: u64,
    state: Mutex<GroupState>,
}

#[derive(Debug, Default)]
struct GroupState {
    group: RolloutState,
    ended_at: Option<i64>,
}

impl Group {
    pub(crate) fn open(
        segment: &Arc<Segment>,
        parent: &Context,
        name: &str,
        attributes: Vec<(String, String)>,
    ) -> Arc<Self> {
        let core = &segment.core;
        let now = core.clock.tick();
        let place = Place {
            position: segment.position(),
            sequence: core.clock.next_sequence(),
            logged_at: now,
            revision: now,
        };
        let live = LiveSpan::open(
            core,
            Opening {
                name: name.to_owned(),
                trace_id: None,
                parent: Some(parent),
                links: Vec::new(),
                started_at: now,
                place,
            },
        );
        let mut state = GroupState::default();
        state
            .group
            .add_metadata(segment.policy.metadata(attributes));
        let group = Arc::new(Self {
            segment: Arc::clone(segment),
            live,
            name: name.into(),
            generation: core.generation.load(Ordering::Relaxed),
            state: Mutex::new(state),
        });
        group.export(&group.state(), now);
        let beating: std::sync::Weak<Self> = Arc::downgrade(&group);
        core.open.add(beating);
        group
    }

    /// Marks the group as failed.
    pub(crate) fn set_error(&self, message: String) {
        let mut state = self.state();
        state.group.error_message = Some(message);
        if state.ended_at.is_some() && self.is_ours() {
            self.export(&state, self.segment.core.clock.tick());
        }
    }

    /// Ends the group; later calls change nothing.
    pub(crate) fn leave(&self, left: &Left) {
        let failure = self.segment.policy.failure(left);
        let mut state = self.state();
        if state.ended_at.is_some() || !self.is_ours() {
            return;
        }
        let now = self.segment.core.clock.tick();
        state.ended_at = Some(now);
        state.group.record_failure(failure);
        self.export(&state, now);
    }

    fn export(&self, state: &GroupState, revision: i64) {
        let mut attributes = Attributes::new();
        let place = Place {
            revision,
            ..self.live.place
        };
        attributes.identity(&self.segment.project, ItemType::Group, "group", place);
        group_attributes(&mut attributes, &self.name, &state.group);
        self.live.export(
            &self.segment.core,
            attributes,
            state.group.error_status(),
            state.ended_at,
        );
    }

    /// False in a forked child of the process that opened the group.
    fn is_ours(&self) -> bool {
        self.segment.core.generation.load(Ordering::Relaxed) == self.generation
    }

    fn state(&self) -> MutexGuard<'_, GroupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beating for Group {
    fn beat(&self) {
        let state = self.state();
        if self.is_ours() && state.ended_at.is_none() {
            self.export(&state, self.segment.core.clock.tick());
        }
    }
}
