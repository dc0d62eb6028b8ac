//! Queue, threads and outboxes as one thing that starts, flushes and ends.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use opentelemetry_sdk::trace::SpanData;

use super::backoff::Backoff;
use super::deliver::Courier;
use super::encoder::{Beat, Encoder};
use super::outbox::{Counts, Outbox};
use super::queue::SpanQueue;
use super::target::Target;
use crate::ids::Ids;
use crate::notice::Notices;

/// Everything between an ended span and its destinations.
pub(crate) struct Pipeline {
    queue: Arc<SpanQueue>,
    /// One for each target, in their order.
    outboxes: Vec<Arc<Outbox>>,
    started: AtomicBool,
    starting: Mutex<()>,
    /// Losses that a `flush` has owned up to.
    losses_told: AtomicU64,
    targets: Vec<Target>,
    resource: Vec<(String, String)>,
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
            started: AtomicBool::new(false),
            starting: Mutex::default(),
            losses_told: AtomicU64::new(0),
            targets,
            resource,
            notices,
            ids,
            beat,
        }
    }

    /// Whether it sends to the same places in the same way.
    pub(crate) fn serves(&self, targets: &[Target], resource: &[(String, String)]) -> bool {
        self.targets == targets && self.resource == resource
    }

    /// A new pipeline to the same places.
    pub(crate) fn renewed(&self) -> Self {
        Self::new(
            self.targets.clone(),
            self.resource.clone(),
            Arc::clone(&self.notices),
            Arc::clone(&self.ids),
            Arc::clone(&self.beat),
        )
    }

    /// Takes a span in without waiting.
    pub(crate) fn push(&self, span: SpanData) {
        if !self.started.load(Ordering::Acquire) {
            self.start();
        }
        if !self.queue.push(span) {
            self.notices.tell_once("queue_full", || {
                "more is logged than can be encoded: some of it is dropped and counted in stats()".to_owned()
            });
        }
    }

    /// Threads start with the first span, so that configuring before a fork costs nothing.
    fn start(&self) {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.started.load(Ordering::Acquire) {
            return;
        }
        let encoder = Encoder {
            queue: Arc::clone(&self.queue),
            outboxes: self.outboxes.clone(),
            notices: Arc::clone(&self.notices),
            beat: Arc::clone(&self.beat),
        };
        let mut threads = vec![
            std::thread::Builder::new()
                .name("caribou-encoder".to_owned())
                .spawn(move || encoder.run()),
        ];
        for (target, outbox) in self.targets.iter().zip(&self.outboxes) {
            let courier = Courier {
                outbox: Arc::clone(outbox),
                destination: target.open(&self.resource, &self.notices),
                notices: Arc::clone(&self.notices),
                ids: Arc::clone(&self.ids),
                backoff: Backoff::default(),
                away: false,
                told_away: None,
            };
            threads.push(
                std::thread::Builder::new()
                    .name(format!("caribou-{}", target.name()))
                    .spawn(move || courier.run()),
            );
        }
        for error in threads.into_iter().filter_map(Result::err) {
            self.notices.tell_once("no_thread", || {
                format!("no thread could be started, so nothing is sent: {error}")
            });
        }
        self.started.store(true, Ordering::Release);
    }

    /// Waits until what was logged before is settled, as long as `go_on` agrees. False where that took too long, or
    /// where something was lost or refused since the last call.
    pub(crate) fn flush(&self, deadline: Instant, go_on: &mut dyn FnMut() -> bool) -> bool {
        const STEP: Duration = Duration::from_millis(100);
        if !self.started.load(Ordering::Acquire) {
            return true;
        }
        let accepted = self.queue.hurry();
        for outbox in &self.outboxes {
            outbox.hurry();
        }
        let settled = loop {
            let step = deadline.min(Instant::now() + STEP);
            let all = self.outboxes.iter();
            // Not `all`, which would wait for the later ones a step longer each time.
            if all
                .filter(|outbox| !outbox.wait_settled(accepted, step))
                .count()
                == 0
            {
                break true;
            }
            if step >= deadline || !go_on() {
                break false;
            }
        };
        let losses = self.losses();
        let told = self.losses_told.swap(losses, Ordering::AcqRel);
        settled && losses == told
    }

    /// Delivers what is left within a time, then lets the threads end.
    pub(crate) fn finish(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        if !self.started.load(Ordering::Acquire) {
            return true;
        }
        let accepted = self.queue.hurry();
        self.queue.close();
        // The encoder needs moments; the outbox may only close once everything is in it.
        for outbox in &self.outboxes {
            while outbox.counts().offered < accepted && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
            outbox.close(deadline);
        }
        // The couriers notice the deadline themselves, unless a request is in flight.
        let delivered = self.flush(deadline, &mut || true);
        for outbox in &self.outboxes {
            outbox.wait_ended(deadline);
        }
        delivered
    }

    /// Takes no more; what is left is still delivered, however long that takes.
    pub(crate) fn retire(&self) {
        self.queue.close();
    }

    fn losses(&self) -> u64 {
        let lost = |outbox: &Arc<Outbox>| outbox.counts().dropped + outbox.counts().refused;
        self.queue.dropped() + self.outboxes.iter().map(lost).sum::<u64>()
    }

    /// What became of what was logged, by destination.
    pub(crate) fn counts(&self) -> Vec<(&'static str, DeliveryCounts)> {
        let counts = |outbox: &Arc<Outbox>| {
            let Counts {
                offered,
                acknowledged,
                refused,
                dropped,
            } = outbox.counts();
            let settled = acknowledged + refused + dropped;
            let counts = DeliveryCounts {
                acknowledged,
                queued: self.queue.len() as u64 + offered.saturating_sub(settled),
                spooled: 0,
                dropped: dropped + self.queue.dropped(),
                refused,
            };
            (outbox.name, counts)
        };
        self.outboxes.iter().map(counts).collect()
    }
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
    pub(crate) fn push(&self, span: SpanData) {
        let pipeline = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = &*pipeline {
            pipeline.push(span);
        }
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
