//! Where in which rollout something is logged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use caribou_model::{Item, RolloutStatus};
use opentelemetry::Context;
use opentelemetry::trace::SpanContext;

use crate::Problem;
use crate::group::Group;
use crate::recorder::Core;
use crate::segment::{Left, Segment};

/// A place to log to: an open rollout, or a group within it.
///
/// Cloning gives another handle on the same place; handles may be used from any thread at once. [`crate::log`] and the
/// other functions find the current one by themselves.
#[derive(Clone, Debug)]
pub struct Scope(Arc<Place>);

#[derive(Debug)]
struct Place {
    segment: Arc<Segment>,
    group: Option<Arc<Group>>,
    outer: Option<Scope>,
    /// It was left where it could not be taken out of its context, so whoever finds it there must look past it.
    abandoned: AtomicBool,
}

impl Scope {
    pub(crate) fn of_segment(segment: Arc<Segment>, outer: Option<Self>) -> Self {
        Self(Arc::new(Place {
            segment,
            group: None,
            outer,
            abandoned: AtomicBool::new(false),
        }))
    }

    /// Records an item. Copies and returns; nothing is sent on this thread.
    ///
    /// # Errors
    /// In strict mode, after a shutdown.
    pub fn log(&self, item: impl Into<Item>) -> Result<(), Problem> {
        if self.core().admits_items()? {
            self.0.segment.log(item.into(), self.span_context());
        }
        Ok(())
    }

    /// Opens a group: what is logged into the scope that this returns belongs to it. `attributes` are JSON by key.
    #[must_use = "the group stays open until its scope is left"]
    pub fn open_group(&self, name: &str, attributes: Vec<(String, String)>) -> Self {
        let group = Group::open(&self.0.segment, self.context(), name, attributes);
        Self(Arc::new(Place {
            segment: Arc::clone(&self.0.segment),
            group: Some(group),
            outer: Some(self.clone()),
            abandoned: AtomicBool::new(false),
        }))
    }

    /// Ends the group or rollout that this scope stands for; later calls change nothing.
    pub fn leave(&self, left: &Left) {
        match &self.0.group {
            Some(group) => group.leave(left),
            None => self.0.segment.leave(left),
        }
    }

    /// Adds metadata of the rollout: JSON by key; a later value replaces an earlier one.
    pub fn add_metadata(&self, entries: impl IntoIterator<Item = (String, String)>) {
        let entries = self.0.segment.policy.metadata(entries);
        self.0
            .segment
            .update(|rollout| rollout.add_metadata(entries));
    }

    /// Adds tags to the rollout.
    pub fn add_tags(&self, tags: impl IntoIterator<Item = String>) {
        let tags = self.0.segment.policy.tags(tags);
        self.0.segment.update(|rollout| rollout.add_tags(tags));
    }

    /// Says how the rollout ended; any text other than a known status is kept as text.
    ///
    /// # Errors
    /// In strict mode, for an unknown status, and in a worker that took the rollout over.
    pub fn set_status(&self, status: &str, error_message: Option<String>) -> Result<(), Problem> {
        let segment = &self.0.segment;
        if segment.is_worker {
            return segment.core.report(Problem::StatusOfWorker);
        }
        let text = match status.parse::<RolloutStatus>() {
            Ok(known) => known.as_str().to_owned(),
            Err(unknown) => {
                segment.core.report(Problem::UnknownStatus(unknown.0))?;
                status.to_owned()
            }
        };
        let message = error_message.map(|message| segment.policy.text(message).unwrap_or_default());
        segment.update(|rollout| {
            rollout.status = Some(text);
            rollout.status_explicit = true;
            if message.is_some() {
                rollout.error_message = message;
            }
        });
        Ok(())
    }

    /// Marks the innermost group, or else the rollout, as failed.
    pub fn set_error(&self, message: String) {
        let message = self.0.segment.policy.text(message).unwrap_or_default();
        match &self.0.group {
            Some(group) => group.set_error(message),
            None => self
                .0
                .segment
                .update(|rollout| rollout.error_message = Some(message)),
        }
    }

    /// Changes the turn counter of the rollout.
    pub fn change_turns(&self, change: impl FnOnce(&mut caribou_model::TurnCounter)) {
        let mut turns = self
            .0
            .segment
            .turns
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut turns);
    }

    /// The id of the rollout as the user knows it: as given, else 32 hex digits.
    pub fn trace_id(&self) -> &str {
        &self.0.segment.id_text
    }

    /// The id of the rollout as 32 hex digits, which links use.
    pub fn trace_id_hex(&self) -> String {
        self.span_context().trace_id().to_string()
    }

    /// The project that owns the rollout.
    pub fn project(&self) -> &str {
        &self.0.segment.project
    }

    /// Notes that this scope was left but could not be taken out of its context; see [`Scope::nearest_open`].
    pub fn abandon(&self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
    }

    /// This scope, or the nearest around it that was not abandoned.
    pub fn nearest_open(&self) -> Option<&Self> {
        let mut scope = self;
        while scope.0.abandoned.load(Ordering::Relaxed) {
            scope = scope.0.outer.as_ref()?;
        }
        Some(scope)
    }

    /// Whether both are the same place.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0.segment.core
    }

    /// The span that children of this scope stand under.
    pub(crate) fn span_context(&self) -> &SpanContext {
        match &self.0.group {
            Some(group) => &group.live.span_context,
            None => &self.0.segment.live.span_context,
        }
    }

    fn context(&self) -> &Context {
        match &self.0.group {
            Some(group) => &group.live.context,
            None => &self.0.segment.live.context,
        }
    }
}
