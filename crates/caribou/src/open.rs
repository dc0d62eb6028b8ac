//! Opening rollouts: which project, run and ids they get, and what they are linked to.

use std::sync::Arc;

use caribou_model::{Phase, TraceId};
use opentelemetry::trace::SpanContext;

use crate::attributes::RolloutKeys;
use crate::content::ContentPolicy;
use crate::propagation::Remote;
use crate::scope::Scope;
use crate::segment::{Segment, SegmentOpening};
use crate::settings::{DEFAULT_PROJECT, Settings};
use crate::{Meta, OpenError, Problem, Recorder};

const LONGEST_TRACE_ID: usize = 256;

impl Recorder {
    /// Opens a rollout.
    ///
    /// `outer` is the scope that it is opened in, to which it is linked unless it has the same trace id. `link` is the
    /// application's own active OpenTelemetry span.
    ///
    /// # Errors
    /// Without a phase; when the environment cannot be used; in strict mode, for anything odd about the keys.
    pub fn open(
        &self,
        meta: Meta,
        outer: Option<&Scope>,
        link: Option<SpanContext>,
    ) -> Result<Scope, OpenError> {
        let settings = self.settings()?;
        let phase = meta
            .phase
            .or(settings.phase)
            .ok_or(OpenError::MissingPhase)?;
        self.report_oddities(&meta, phase)?;
        let run_id = meta.run_id.clone().filter(|run| !run.is_empty());
        let (project, run_id) = self.project_and_run(phase, run_id, &settings)?;
        let (trace_id, id_text) = self.trace_id(meta.trace_id.as_deref());
        let outer_elsewhere =
            outer.filter(|outer| outer.span_context().trace_id().to_bytes() != trace_id.0);
        let hex = trace_id.to_string();
        let parent_trace_id = match &meta.parent_trace_id {
            Some(parent) => Some(TraceId::from_text(parent).to_string()),
            None => outer_elsewhere.map(Scope::trace_id_hex),
        };
        let shared = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Arc::from);
        let keys = RolloutKeys {
            trace_id_text: (*id_text != *hex).then(|| Arc::clone(&id_text)),
            phase: Some(phase),
            run_id: run_id.map(Arc::from),
            step_number: meta.step_number,
            datapoint_id: shared(Some(meta.datapoint_id)),
            sample_index: meta.sample_index,
            env_name: shared(meta.env_name.or_else(|| settings.env_name.clone())),
            model_name: shared(meta.model_name.or_else(|| settings.model_name.clone())),
            grader_name: shared(meta.grader_name),
            policy_version: shared(meta.policy_version),
            user_id: shared(meta.user_id),
            session_id: shared(meta.session_id),
            parent_trace_id: shared(parent_trace_id),
            name: shared(meta.name),
        };
        let linked_parent = outer_elsewhere.map(|outer| outer.span_context().clone());
        let segment = Segment::open(
            &self.core,
            SegmentOpening {
                trace_id: opentelemetry::trace::TraceId::from_bytes(trace_id.0),
                id_text,
                project: project.into(),
                policy: ContentPolicy::new(&settings),
                keys,
                tags: settings.tags.clone(),
                links: linked_parent.into_iter().chain(link).collect(),
                remote_parent: None,
                started_at: meta.started_at_unix_nanos,
            },
        );
        Ok(Scope::of_segment(segment, outer.cloned()))
    }

    /// Opens a segment of a rollout that another process opened.
    ///
    /// # Errors
    /// When the environment cannot be used.
    pub fn open_worker(&self, remote: &Remote, outer: Option<&Scope>) -> Result<Scope, OpenError> {
        let settings = self.settings()?;
        let trace_id = remote.span_context.trace_id();
        let project = match &remote.project {
            Some(project) => project.clone(),
            None => settings
                .project
                .clone()
                .unwrap_or_else(|| DEFAULT_PROJECT.to_owned()),
        };
        let segment = Segment::open(
            &self.core,
            SegmentOpening {
                trace_id,
                id_text: trace_id.to_string().into(),
                project: project.into(),
                policy: ContentPolicy::new(&settings),
                keys: RolloutKeys::default(),
                tags: Vec::new(),
                links: Vec::new(),
                remote_parent: Some(remote.span_context.clone()),
                started_at: None,
            },
        );
        Ok(Scope::of_segment(segment, outer.cloned()))
    }

    fn report_oddities(&self, meta: &Meta, phase: Phase) -> Result<(), Problem> {
        let mut odd = Vec::new();
        if meta.datapoint_id.is_empty() {
            odd.push("trace_run was given an empty datapoint_id: its rollouts cannot be found by their input");
        }
        match meta.trace_id.as_deref() {
            Some("") => odd.push("trace_run was given an empty trace_id, so it made a new one"),
            Some(text) if text.chars().count() > LONGEST_TRACE_ID => {
                odd.push("a trace_id longer than 256 characters may not be shown whole: use a shorter one");
            }
            _ => {}
        }
        if phase == Phase::Prod && meta.step_number.is_some() {
            odd.push("step_number has no meaning in phase \"prod\"; it is kept");
        }
        odd.into_iter()
            .try_for_each(|message| self.report(Problem::Value(message.to_owned())))
    }

    /// In production the run is the project. Elsewhere they are two things.
    fn project_and_run(
        &self,
        phase: Phase,
        given: Option<String>,
        settings: &Settings,
    ) -> Result<(String, Option<String>), Problem> {
        let project = || {
            settings
                .project
                .clone()
                .unwrap_or_else(|| DEFAULT_PROJECT.to_owned())
        };
        let run_id = given.or_else(|| settings.run_id.clone());
        if phase != Phase::Prod {
            return Ok((project(), run_id));
        }
        if let Some(run_id) = run_id {
            return Ok((run_id.clone(), Some(run_id)));
        }
        let project = project();
        self.report(Problem::Value(format!(
            "phase \"prod\" without a run_id: rollouts are recorded under the project {project:?}; \
             call configure(run_id=\"your-project\")"
        )))?;
        Ok((project.clone(), Some(project)))
    }

    fn trace_id(&self, given: Option<&str>) -> (TraceId, Arc<str>) {
        if let Some(text) = given.filter(|text| !text.is_empty()) {
            return (TraceId::from_text(text), text.into());
        }
        let id = TraceId(self.core.ids.trace_id(self.core.clock.tick()).to_bytes());
        (id, id.to_string().into())
    }
}
