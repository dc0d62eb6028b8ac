//! Queue, threads and outboxes as one thing that starts, flushes and ends.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use caribou_otlp::encode::{WrittenSpan, encode_span};
use opentelemetry_sdk::trace::SpanData;

use super::Chunk;
use super::backoff::Backoff;
use super::deliver::Courier;
use super::drain::Draining;
use super::gatherer::{Beat, Gatherer};
use super::keeper::Keeper;
use super::outbox::{Counts, Outbox};
use super::queue::SpanQueue;
use super::scratch;
use super::shelf::SpoolSlot;
use super::target::Target;
use crate::fork;
use crate::ids::Ids;
use crate::notice::Notices;
use crate::settings::{Settings, SpoolSettings};

/// Everything between an ended span and its destinations.
pub(crate) struct Pipeline {
    queue: Arc<SpanQueue>,
    /// One for each target, in their order.
    outboxes: Vec<Arc<Outbox>>,
    /// The spool of each, while it is open.
    spools: Vec<Arc<SpoolSlot>>,
    started: AtomicBool,
    starting: Mutex<()>,
    /// Losses that a `flush` has owned up to.
    losses_told: AtomicU64,
    /// It was said what is left on disk.
    left_told: AtomicBool,
    targets: Vec<Target>,
    resource: Vec<(String, String)>,
    spool: SpoolSettings,
    notices: Arc<Notices>,
    ids: Arc<Ids>,
    beat: Beat,
}

/// What became of what was logged, per destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryCounts {
    /// Taken by the destination.
    pub acknowledged: u64,
    /// On their way.
    pub queued: u64,
    /// On disk, to be delivered later.
    pub spooled: u64,
    /// Lost because there was no more room, or no more time.
    pub dropped: u64,
    /// Refused by the destination for good.
    pub refused: u64,
}

impl DeliveryCounts {
    /// Adds the counts of another destination.
    pub(crate) fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.queued += other.queued;
        self.spooled += other.spooled;
        self.dropped += other.dropped;
        self.refused += other.refused;
    }
}

impl Pipeline {
    pub(crate) fn new(
        targets: Vec<Target>,
        resource: Vec<(String, String)>,
        spool: SpoolSettings,
        notices: Arc<Notices>,
        ids: Arc<Ids>,
        beat: Beat,
    ) -> Self {
        Self {
            queue: Arc::default(),
            outboxes: targets
                .iter()
                .map(|target| Arc::new(Outbox::new(target.name())))
                .collect(),
            spools: targets.iter().map(|_| Arc::default()).collect(),
            started: AtomicBool::new(false),
            starting: Mutex::default(),
            losses_told: AtomicU64::new(0),
            left_told: AtomicBool::new(false),
            targets,
            resource,
            spool,
            notices,
            ids,
            beat,
        }
    }

    /// Whether it sends to the same places in the same way.
    pub(crate) fn serves(&self, targets: &[Target], settings: &Settings) -> bool {
        self.targets == targets
            && self.resource == settings.resource
            && self.spool == settings.spool
    }

    /// A new pipeline to the same places.
    pub(crate) fn renewed(&self) -> Self {
        Self::new(
            self.targets.clone(),
            self.resource.clone(),
            self.spool.clone(),
            Arc::clone(&self.notices),
            Arc::clone(&self.ids),
            Arc::clone(&self.beat),
        )
    }

    /// To be called in a forked child for each pipeline of its parent: lets go of what the two would share.
    pub(crate) fn after_fork_in_child(&self) {
        for spool in &self.spools {
            spool.after_fork_in_child();
        }
    }

    /// Takes a span in without waiting. It comes encoded, because memory that one thread takes and another gives back
    /// costs both of them more than the encoding does, up to waiting for each other.
    pub(crate) fn push(&self, name: &str, span: WrittenSpan) {
        if !self.started.load(Ordering::Acquire) {
            self.start();
        }
        let length = span.length();
        if length > Chunk::MAX_SPAN_BYTES {
            self.tell_too_large(name, length);
        }
        if !self.queue.push(span) {
            self.notices.tell_once("queue_full", || {
                "more is logged than can be handed on: some of it is dropped and counted in stats()".to_owned()
            });
        }
    }

    fn tell_too_large(&self, name: &str, bytes: usize) {
        self.notices.tell_once("too_large", || {
            format!(
                "an item of {bytes} bytes ({name:?}) is larger than {} bytes and was not recorded: log large data in \
                 parts",
                Chunk::MAX_SPAN_BYTES
            )
        });
    }

    /// Threads start with the first span, so that configuring before a fork costs nothing.
    fn start(&self) {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.started.load(Ordering::Acquire) {
            return;
        }
        let gatherer = Gatherer {
            queue: Arc::clone(&self.queue),
            outboxes: self.outboxes.clone(),
            notices: Arc::clone(&self.notices),
            beat: Arc::clone(&self.beat),
        };
        let mut threads = vec![spawn("gatherer", move || gatherer.run())];
        for (index, target) in self.targets.iter().enumerate() {
            if let Some(keeper) = self.keeper(index, target) {
                self.outboxes[index].expect_shelf();
                let spawned = spawn("spool", move || keeper.run());
                if spawned.is_err() {
                    self.outboxes[index].shelf_opened(None);
                }
                threads.push(spawned);
            }
            let courier = Courier {
                outbox: Arc::clone(&self.outboxes[index]),
                destination: target.open(&self.resource, &self.notices),
                resource: self.resource.clone(),
                notices: Arc::clone(&self.notices),
                ids: Arc::clone(&self.ids),
                backoff: Backoff::default(),
                away: false,
                told_away: None,
                draining: Draining::default(),
                patient: false,
            };
            threads.push(spawn(target.name(), move || courier.run()));
        }
        for error in threads.into_iter().filter_map(Result::err) {
            self.notices.tell_once("no_thread", || {
                format!("no thread could be started, so nothing is sent: {error}")
            });
        }
        self.started.store(true, Ordering::Release);
    }

    fn keeper(&self, index: usize, target: &Target) -> Option<Keeper> {
        let identity = target.spool_identity()?;
        self.spool.is_used().then(|| Keeper {
            outbox: Arc::clone(&self.outboxes[index]),
            settings: self.spool.clone(),
            identity,
            resource: self.resource.clone(),
            starts_small: target.is_a_guess(),
            slot: Arc::clone(&self.spools[index]),
            notices: Arc::clone(&self.notices),
        })
    }

    /// Waits until what was logged before is settled, as long as `go_on` agrees. False where that took too long, where
    /// all that is left is on disk and its destination is away, or where something was lost or refused since the last
    /// call.
    pub(crate) fn flush(&self, deadline: Instant, go_on: &mut dyn FnMut() -> bool) -> bool {
        const STEP: Duration = Duration::from_millis(100);
        if !self.started.load(Ordering::Acquire) {
            return true;
        }
        let accepted = self.queue.hurry();
        for outbox in &self.outboxes {
            outbox.look_after_left();
        }
        let hurries: Vec<u64> = self.outboxes.iter().map(|outbox| outbox.hurry()).collect();
        let settled = loop {
            let step = deadline.min(Instant::now() + STEP);
            let waiting: Vec<bool> = self
                .outboxes
                .iter()
                .map(|outbox| !outbox.wait_settled(accepted, step))
                .collect();
            if !waiting.contains(&true) {
                break true;
            }
            let is_left_to_disk = |index: usize| {
                !waiting[index] || self.outboxes[index].is_left_to_disk(accepted, hurries[index])
            };
            let left_to_disk = (0..waiting.len()).all(is_left_to_disk);
            if left_to_disk || step >= deadline || !go_on() {
                break false;
            }
        };
        let all = |outbox: &Arc<Outbox>| outbox.is_settled(accepted);
        let settled = settled && self.outboxes.iter().all(all);
        let losses = self.losses();
        let told = self.losses_told.swap(losses, Ordering::AcqRel);
        settled && losses == told
    }

    /// Delivers what is left within a time, then lets the threads end; what is not delivered by then is left on disk.
    pub(crate) fn finish(&self, timeout: Duration) -> bool {
        /// What an append may take when there was no time at all.
        const LAST_APPEND: Duration = Duration::from_secs(5);
        /// What an ending thread needs when there is nothing to wait for.
        const LAST_STEPS: Duration = Duration::from_millis(100);
        let deadline = Instant::now() + timeout;
        if !self.started.load(Ordering::Acquire) {
            return true;
        }
        let accepted = self.queue.hurry();
        self.queue.close();
        // The gatherer needs moments; the outbox may only close once everything is in it.
        for outbox in &self.outboxes {
            while outbox.counts().offered < accepted && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
            outbox.close(deadline);
        }
        // The couriers notice the deadline themselves, unless a request is in flight.
        let delivered = self.flush(deadline, &mut || true);
        let last_append = deadline.max(Instant::now() + LAST_APPEND);
        for outbox in &self.outboxes {
            outbox.wait_safe(accepted, last_append);
            let is_left = outbox.counts().on_disk() > 0;
            outbox.wait_ended(if is_left {
                Instant::now() + LAST_STEPS
            } else {
                deadline
            });
        }
        self.tell_left();
        delivered
    }

    /// Says what is left on disk, once: a program that shuts down by itself is shut down again when it exits.
    fn tell_left(&self) {
        if self.left_told.load(Ordering::Acquire) {
            return;
        }
        let _still = fork::hold_off();
        for (target, outbox) in self.targets.iter().zip(&self.outboxes) {
            let spooled = outbox.counts().on_disk();
            if let (1.., Some(identity)) = (spooled, target.spool_identity()) {
                self.left_told.store(true, Ordering::Release);
                self.notices.tell(&format!(
                    "{spooled} spans wait for {} on disk in {}: the next program that logs there delivers them, \
                     or `kestrel spool drain` with the same variables",
                    identity.url,
                    self.spool.shown_directory()
                ));
            }
        }
    }

    /// Whether it would deliver what the other left on disk.
    pub(crate) fn succeeds(&self, other: &Self) -> bool {
        let is_over = other.outboxes.iter().all(|outbox| outbox.is_over());
        is_over && self.targets == other.targets && self.spool == other.spool
    }

    /// Looks for what recorders that ended have left.
    pub(crate) fn look_around(&self) {
        for outbox in &self.outboxes {
            outbox.look_around();
        }
    }

    /// Takes no more; what is left is still delivered, however long that takes.
    pub(crate) fn retire(&self) {
        self.queue.close();
    }

    fn losses(&self) -> u64 {
        let lost = |outbox: &Arc<Outbox>| {
            let counts = outbox.counts();
            counts.dropped + counts.dropped_beside + counts.refused + counts.refused_beside
        };
        self.queue.dropped() + self.outboxes.iter().map(lost).sum::<u64>()
    }

    /// What became of what was logged, by destination.
    pub(crate) fn counts(&self) -> Vec<(&'static str, DeliveryCounts)> {
        let counts = |outbox: &Arc<Outbox>| {
            outbox.look_after_left();
            let counts = outbox.counts();
            let spooled = counts.on_disk();
            let elsewhere = counts.settled() + spooled;
            let Counts {
                acknowledged,
                refused,
                dropped,
                refused_beside,
                dropped_beside,
                ..
            } = counts;
            let counts = DeliveryCounts {
                acknowledged,
                // Asked last, so that what the gatherer has in its hands is not missed.
                queued: self.queue.accepted().saturating_sub(elsewhere),
                spooled,
                dropped: dropped + dropped_beside + self.queue.dropped(),
                refused: refused + refused_beside,
            };
            (outbox.name, counts)
        };
        self.outboxes.iter().map(counts).collect()
    }
}

fn spawn(
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name(format!("caribou-{name}"))
        .spawn(run)
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pipeline")
            .field("targets", &self.targets)
            .finish_non_exhaustive()
    }
}

/// The pipeline that spans go to now; none while the recorder is off.
#[derive(Debug, Default)]
pub(crate) struct PipelineSlot(RwLock<Option<Arc<Pipeline>>>);

impl PipelineSlot {
    /// Takes a span in without waiting; nothing happens while the recorder is off.
    pub(crate) fn push(&self, name: &str, span: WrittenSpan) {
        let pipeline = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = &*pipeline {
            pipeline.push(name, span);
        }
    }

    /// Encodes a span and takes it in.
    pub(crate) fn push_span(&self, span: &SpanData) {
        let mut encoded = scratch::take();
        encode_span(span, &mut encoded);
        self.push(&span.name, WrittenSpan::from(encoded));
    }

    pub(crate) fn get(&self) -> Option<Arc<Pipeline>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn replace(&self, pipeline: Option<Arc<Pipeline>>) -> Option<Arc<Pipeline>> {
        std::mem::replace(
            &mut *self.0.write().unwrap_or_else(PoisonError::into_inner),
            pipeline,
        )
    }
}
