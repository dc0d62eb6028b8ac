//! The recorder: settings, provider and pipeline of one process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanLimits};

use crate::clock::Clock;
use crate::config::Config;
use crate::environment::{Environment, ProcessEnvironment};
use crate::export::{Beat, DeliveryCounts, Pipeline, PipelineSlot, QueueProcessor, Target};
use crate::fork;
use crate::ids::{Ids, SuppliedIds};
use crate::live::OpenSpans;
use crate::notice::{Notices, Reporter, tracing_reporter};
use crate::settings::Settings;
use crate::turns::TurnRegistry;
use crate::{ConfigureError, KestrelClient, Problem};

/// Records rollouts. Cloning gives another handle on the same recorder.
///
/// The functions of this crate use one recorder per process; a program needs a recorder of its own only where it wants
/// two configurations at once.
#[derive(Clone, Debug)]
pub struct Recorder {
    pub(crate) core: Arc<Core>,
}

/// What all handles, rollouts and spans of a recorder share.
pub(crate) struct Core {
    environment: Box<dyn Environment + Send + Sync>,
    config: Mutex<Config>,
    settings: RwLock<Option<Arc<Settings>>>,
    pub(crate) recording: AtomicBool,
    shut_down: AtomicBool,
    strict: AtomicBool,
    pub(crate) slot: Arc<PipelineSlot>,
    /// Pipelines to former destinations that may still hold something.
    retired: Mutex<Vec<Arc<Pipeline>>>,
    pub(crate) tracer: SdkTracer,
    pub(crate) clock: Clock,
    pub(crate) ids: Arc<Ids>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) turns: TurnRegistry,
    pub(crate) open: Arc<OpenSpans>,
    /// The process that it works in.
    process: AtomicU32,
    /// Counts forks, so that a child knows what its parent opened.
    pub(crate) generation: AtomicU64,
    client: Mutex<Option<Arc<KestrelClient>>>,
    logged: AtomicU64,
    unrecorded: AtomicU64,
    warnings: AtomicU64,
}

/// What was logged and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Items that were logged into a rollout.
    pub logged: u64,
    /// Calls that recorded nothing, because no rollout was open or the recorder was shut down.
    pub unrecorded: u64,
    /// Things that were recorded otherwise than asked, such as values that were left out.
    pub warnings: u64,
    /// Spans by destination. A rollout, a group and each criterion are spans as well, so these are more than `logged`.
    pub destinations: BTreeMap<&'static str, DeliveryCounts>,
}

impl Stats {
    /// The sum over all destinations.
    pub fn total(&self) -> DeliveryCounts {
        let mut total = DeliveryCounts::default();
        for counts in self.destinations.values() {
            total.add(counts);
        }
        total
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new(Box::new(ProcessEnvironment), tracing_reporter())
    }
}

impl Recorder {
    /// A recorder that reads variables from `environment` and tells what its owner should know to `reporter`.
    ///
    /// Nothing is started and nothing read until it is configured or a rollout is opened.
    pub fn new(environment: Box<dyn Environment + Send + Sync>, reporter: Reporter) -> Self {
        let slot = Arc::new(PipelineSlot::default());
        let ids = Arc::new(Ids::new());
        Self {
            core: Arc::new(Core {
                environment,
                config: Mutex::default(),
                settings: RwLock::default(),
                recording: AtomicBool::new(false),
                shut_down: AtomicBool::new(false),
                strict: AtomicBool::new(false),
                tracer: private_tracer(&slot, &ids),
                slot,
                retired: Mutex::default(),
                clock: Clock::default(),
                ids,
                notices: Arc::new(Notices::new(reporter)),
                turns: TurnRegistry::default(),
                open: Arc::default(),
                process: AtomicU32::new(std::process::id()),
                generation: AtomicU64::new(0),
                client: Mutex::default(),
                logged: AtomicU64::new(0),
                unrecorded: AtomicU64::new(0),
                warnings: AtomicU64::new(0),
            }),
        }
    }

    /// Configures, or configures again: what is given replaces, what is not given stays.
    ///
    /// # Errors
    /// When a phase or URL cannot be used; then nothing has changed.
    pub fn configure(&self, config: Config) -> Result<(), ConfigureError> {
        let core = &self.core;
        let mut current = core.config.lock().unwrap_or_else(PoisonError::into_inner);
        let merged = current.clone().merged_with(config);
        let settings = Arc::new(merged.resolve(core.environment.as_ref())?);
        *current = merged;
        self.install(&settings);
        *core
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&settings));
        drop(current);
        if settings.enabled {
            for notice in &settings.notices {
                core.notices.tell_once(notice, || notice.clone());
            }
        }
        Ok(())
    }

    fn install(&self, settings: &Settings) {
        let core = &self.core;
        core.strict.store(settings.strict, Ordering::Relaxed);
        core.recording.store(settings.enabled, Ordering::Relaxed);
        core.shut_down.store(false, Ordering::Relaxed);
        let targets = Target::all(settings);
        let current = core.slot.get();
        let serves = current
            .as_ref()
            .is_some_and(|pipeline| pipeline.serves(&targets, settings));
        if settings.enabled && serves {
            return;
        }
        let open = Arc::clone(&core.open);
        let beat: Beat = Arc::new(move || open.beat());
        let next = settings.enabled.then(|| {
            Arc::new(Pipeline::new(
                targets,
                settings.resource.clone(),
                settings.spool.clone(),
                Arc::clone(&core.notices),
                Arc::clone(&core.ids),
                beat,
            ))
        });
        if let Some(former) = core.slot.replace(next) {
            former.retire();
            core.retired
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(former);
        }
    }

    /// The settings in force; configures from the environment where nobody has configured yet.
    ///
    /// # Errors
    /// When the environment holds a phase or URL that cannot be used.
    pub fn settings(&self) -> Result<Arc<Settings>, ConfigureError> {
        loop {
            let settings = self
                .core
                .settings
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            match settings {
                Some(settings) => return Ok(settings),
                None => self.configure(Config::new())?,
            }
        }
    }

    /// Waits until everything logged before is delivered.
    ///
    /// False where that took longer than `timeout`, where something was refused or dropped since the last call, or at
    /// once where all that is left is on disk and its destination is away, or waits there for the end of a rollout.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.flush_while(timeout, &mut || true)
    }

    /// Like [`Recorder::flush`]; asks `go_on` about ten times a second and stops waiting where it says no.
    pub fn flush_while(&self, timeout: Duration, go_on: &mut dyn FnMut() -> bool) -> bool {
        /// How often it looks whether what a shutdown left on disk is delivered.
        const STEP: Duration = Duration::from_millis(20);
        let deadline = Instant::now() + timeout;
        let pipelines = self.core.pipelines();
        let current = self.core.slot.get();
        let mut delivered = true;
        for pipeline in pipelines.iter().rev() {
            let mut is_delivered = pipeline.flush(deadline, go_on);
            // What this recorder left on disk before it was configured again is the present pipeline's to deliver.
            let successor = current
                .as_ref()
                .filter(|current| delivered && current.succeeds(pipeline));
            while let Some(successor) = successor.filter(|_| !is_delivered) {
                if Instant::now() >= deadline || !go_on() {
                    break;
                }
                successor.look_around();
                std::thread::sleep(STEP);
                is_delivered = pipeline.flush(deadline, go_on);
            }
            delivered &= is_delivered;
        }
        delivered
    }

    /// Delivers what is left within `timeout` and stops; what is not delivered by then is left on disk, for the next
    /// program that records to the same destination. What is logged afterwards is counted and lost until
    /// [`Recorder::configure`] is called.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        let core = &self.core;
        if core
            .settings
            .read()
            .is_ok_and(|settings| settings.is_none())
        {
            return true;
        }
        core.shut_down.store(true, Ordering::Relaxed);
        let pipelines = {
            let _still = fork::hold_off();
            let last = core.slot.replace(None);
            let mut retired = core.retired.lock().unwrap_or_else(PoisonError::into_inner);
            retired.extend(last);
            retired.clone()
        };
        let deadline = Instant::now() + timeout;
        let mut delivered = true;
        for pipeline in &pipelines {
            delivered &= pipeline.finish(deadline.saturating_duration_since(Instant::now()));
            for (name, counts) in pipeline.counts() {
                core.tell_unfinished(name, counts.queued);
            }
        }
        delivered
    }

    /// What was logged and what became of it.
    pub fn stats(&self) -> Stats {
        let core = &self.core;
        let mut destinations = BTreeMap::new();
        for pipeline in core.pipelines() {
            for (name, counts) in pipeline.counts() {
                let sum: &mut DeliveryCounts = destinations.entry(name).or_default();
                sum.add(&counts);
            }
        }
        Stats {
            logged: core.logged.load(Ordering::Relaxed),
            unrecorded: core.unrecorded.load(Ordering::Relaxed),
            warnings: core.warnings.load(Ordering::Relaxed),
            destinations,
        }
    }

    /// Whether this process forked from the one that the recorder works in.
    pub(crate) fn is_of_another_process(&self) -> bool {
        self.core.process.load(Ordering::Relaxed) != std::process::id()
    }

    /// Makes the recorder usable in a forked child: another queue, other threads, other ids. What the parent had
    /// queued stays the parent's.
    ///
    /// Call it in the child before anything else of this crate, after [`crate::fork::after_in_child`].
    pub fn after_fork_in_child(&self) {
        let core = &self.core;
        core.process.store(std::process::id(), Ordering::Relaxed);
        core.generation.fetch_add(1, Ordering::Relaxed);
        core.ids.reseed();
        for count in [&core.logged, &core.unrecorded, &core.warnings] {
            count.store(0, Ordering::Relaxed);
        }
        let former = core.slot.get();
        if let Some(former) = &former {
            former.after_fork_in_child();
        }
        let renewed = former.as_ref().map(|pipeline| Arc::new(pipeline.renewed()));
        core.slot.replace(renewed);
        // Its connections are the parent's.
        let client = core
            .client
            .try_lock()
            .ok()
            .and_then(|mut client| client.take());
        std::mem::forget(client);
        // Locks within may be held by threads that do not exist here, so nothing of it may be touched or freed.
        std::mem::forget(former);
        let retired =
            std::mem::take(&mut *core.retired.lock().unwrap_or_else(PoisonError::into_inner));
        for pipeline in &retired {
            pipeline.after_fork_in_child();
        }
        std::mem::forget(retired);
    }

    /// The client of the Kestrel that is configured.
    ///
    /// # Errors
    /// When the environment holds a phase or URL that cannot be used.
    pub fn kestrel_client(&self) -> Result<Arc<KestrelClient>, ConfigureError> {
        let settings = self.settings()?;
        let mut client = self
            .core
            .client
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &*client {
            Some(client) if client.serves(&settings.kestrel) => Ok(Arc::clone(client)),
            _ => {
                let new = Arc::new(KestrelClient::new(settings.kestrel.clone()));
                *client = Some(Arc::clone(&new));
                Ok(new)
            }
        }
    }

    /// Whether mistakes are raised rather than told once: `CARIBOU_STRICT`.
    pub fn is_strict(&self) -> bool {
        self.core.strict.load(Ordering::Relaxed)
    }

    /// Counts something that was not recorded as asked, and tells it once.
    ///
    /// # Errors
    /// In strict mode, with the problem itself.
    pub fn report(&self, problem: Problem) -> Result<(), Problem> {
        self.core.report(problem)
    }
}

impl Core {
    /// Whether items are recorded; after a shutdown that is worth a warning.
    pub(crate) fn admits_items(&self) -> Result<bool, Problem> {
        let shut_down = self.shut_down.load(Ordering::Relaxed);
        if shut_down {
            self.report(Problem::ShutDown)?;
        }
        Ok(!shut_down && self.recording.load(Ordering::Relaxed))
    }

    pub(crate) fn count_logged(&self) {
        self.logged.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn report(&self, problem: Problem) -> Result<(), Problem> {
        let counter = match problem {
            Problem::OutsideRollout { .. } | Problem::ShutDown => &self.unrecorded,
            _ => &self.warnings,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if self.strict.load(Ordering::Relaxed) {
            return Err(problem);
        }
        self.notices
            .tell_once(&problem.key(), || problem.to_string());
        Ok(())
    }

    fn tell_unfinished(&self, destination: &str, spans: u64) {
        if spans > 0 {
            let _still = fork::hold_off();
            self.notices.tell_once("unfinished", || {
                format!(
                    "{spans} spans were not acknowledged by {destination} in time and are lost if the program ends now"
                )
            });
        }
    }

    fn pipelines(&self) -> Vec<Arc<Pipeline>> {
        let _still = fork::hold_off();
        let mut pipelines = self
            .retired
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        pipelines.extend(self.slot.get());
        pipelines
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Core")
            .field("recording", &self.recording)
            .finish_non_exhaustive()
    }
}

/// A provider of our own: instrumentations of model clients emit into the global one and would double every call.
fn private_tracer(slot: &Arc<PipelineSlot>, ids: &Arc<Ids>) -> SdkTracer {
    let unlimited = SpanLimits {
        max_events_per_span: u32::MAX,
        max_attributes_per_span: u32::MAX,
        max_links_per_span: u32::MAX,
        max_attributes_per_event: u32::MAX,
        max_attributes_per_link: u32::MAX,
    };
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOn)
        .with_span_limits(unlimited)
        .with_id_generator(SuppliedIds(Arc::clone(ids)))
        .with_resource(Resource::builder_empty().build())
        .with_span_processor(QueueProcessor::new(Arc::clone(slot)))
        .build();
    let scope = InstrumentationScope::builder("caribou")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    provider.tracer_with_scope(scope)
}
