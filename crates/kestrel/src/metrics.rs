//! What the server counts, in the text format of Prometheus.
//!
//! A few atomics instead of a metrics crate: the set is small, fixed, and read by `/metrics` only.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds `amount`.
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// Its value.
    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    /// Replaces its value.
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Its value.
    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often values up to each of some bounds were seen.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [u64],
    /// Divides a value and its bounds when they are shown, as `1e6` turns microseconds into seconds.
    unit: f64,
    buckets: Box<[Counter]>,
    above: Counter,
    sum: Counter,
}

impl Histogram {
    fn new(bounds: &'static [u64], unit: f64) -> Self {
        Self {
            bounds,
            unit,
            buckets: bounds.iter().map(|_| Counter::default()).collect(),
            above: Counter::default(),
            sum: Counter::default(),
        }
    }

    /// Counts one value.
    pub(crate) fn observe(&self, value: u64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound);
        bucket
            .map_or(&self.above, |index| &self.buckets[index])
            .add(1);
        self.sum.add(value);
    }

    /// Counts one duration, in microseconds.
    pub(crate) fn observe_duration(&self, duration: Duration) {
        self.observe(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }
}

/// Answers by class of their status.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    classes: [Counter; 5],
}

impl Responses {
    /// Counts one answer.
    pub(crate) fn count(&self, status: u16) {
        let class = usize::from(status / 100).clamp(1, 5);
        self.classes[class - 1].add(1);
    }
}

/// Everything that is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Answers to HTTP requests.
    pub(crate) responses: Responses,
    /// Requests to OTLP over gRPC.
    pub(crate) grpc_requests: Counter,
    /// Spans that were stored and acknowledged.
    pub(crate) spans_accepted: Counter,
    /// Spans that were refused because they cannot be stored.
    pub(crate) spans_rejected: Counter,
    /// Requests that were asked to come later.
    pub(crate) requests_deferred: Counter,
    /// Images that were stored for a project for the first time, as far as is remembered.
    pub(crate) images_stored: Counter,
    /// Their bytes.
    pub(crate) image_bytes: Counter,
    /// Images that the object store or the tables did not take.
    pub(crate) image_failures: Counter,
    /// Inserts that the store did not take.
    pub(crate) insert_failures: Counter,
    /// Time of one insert, fsync included, in microseconds.
    pub(crate) insert_duration: Histogram,
    /// Requests that shared one insert.
    pub(crate) group_requests: Histogram,
    /// Spans of one insert.
    pub(crate) group_spans: Histogram,
    /// Summaries written again.
    pub(crate) traces_recomputed: Counter,
    /// Recomputations that the store did not take; they are tried again.
    pub(crate) recompute_failures: Counter,
    /// Time from the commit of spans to their summaries, in microseconds.
    pub(crate) recompute_lag: Histogram,
    /// Traces whose summaries are waiting to be computed.
    pub(crate) traces_pending: Gauge,
    /// Clients that follow live events.
    pub(crate) live_clients: Gauge,
    /// Live clients that read too slowly and were let go.
    pub(crate) live_clients_dropped: Counter,
    /// How often the embedded engine was started again.
    pub(crate) engine_restarts: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let group = &[1, 2, 4, 8, 16, 32, 64, 128];
        Self {
            responses: Responses::default(),
            grpc_requests: Counter::default(),
            spans_accepted: Counter::default(),
            spans_rejected: Counter::default(),
            requests_deferred: Counter::default(),
            images_stored: Counter::default(),
            image_bytes: Counter::default(),
            image_failures: Counter::default(),
            insert_failures: Counter::default(),
            insert_duration: Histogram::new(
                &[
                    2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
                    5_000_000,
                ],
                1e6,
            ),
            group_requests: Histogram::new(group, 1.0),
            group_spans: Histogram::new(&[1, 10, 100, 500, 1_000, 2_000, 5_000, 20_000], 1.0),
            traces_recomputed: Counter::default(),
            recompute_failures: Counter::default(),
            recompute_lag: Histogram::new(
                &[
                    50_000, 100_000, 200_000, 400_000, 700_000, 1_000_000, 2_000_000, 10_000_000,
                ],
                1e6,
            ),
            traces_pending: Gauge::default(),
            live_clients: Gauge::default(),
            live_clients_dropped: Counter::default(),
            engine_restarts: Counter::default(),
        }
    }
}

impl Metrics {
    /// The text that Prometheus reads.
    ///
    /// `queue_bytes` and `resident_bytes` are measured by whoever asks.
    pub(crate) fn render(&self, queue_bytes: u64, resident_bytes: Option<u64>) -> String {
        let mut page = Page::default();
        page.responses(&self.responses);
        for (name, help, counter) in self.counters() {
            page.counter(name, help, counter);
        }
        for (name, help, histogram) in self.histograms() {
            page.histogram(name, help, histogram);
        }
        page.gauge(
            "traces_pending",
            "Traces whose summaries are waiting.",
            self.traces_pending.value(),
        );
        page.gauge("queue_bytes", "Bytes of requests in memory.", queue_bytes);
        page.gauge(
            "live_clients",
            "Clients that follow live events.",
            self.live_clients.value(),
        );
        if let Some(resident_bytes) = resident_bytes {
            page.gauge(
                "resident_memory_bytes",
                "Resident memory of this process.",
                resident_bytes,
            );
        }
        page.0
    }

    fn counters(&self) -> impl IntoIterator<Item = (&'static str, &'static str, &Counter)> {
        [
            (
                "grpc_requests_total",
                "Requests to OTLP over gRPC.",
                &self.grpc_requests,
            ),
            (
                "spans_accepted_total",
                "Spans stored and acknowledged.",
                &self.spans_accepted,
            ),
            (
                "spans_rejected_total",
                "Spans refused as invalid.",
                &self.spans_rejected,
            ),
            (
                "requests_deferred_total",
                "Ingest requests asked to come later.",
                &self.requests_deferred,
            ),
            (
                "images_stored_total",
                "Images stored, once per project.",
                &self.images_stored,
            ),
            (
                "image_bytes_total",
                "Bytes of the images stored.",
                &self.image_bytes,
            ),
            (
                "image_failures_total",
                "Images that could not be stored.",
                &self.image_failures,
            ),
            (
                "insert_failures_total",
                "Inserts that the store did not take.",
                &self.insert_failures,
            ),
            (
                "traces_recomputed_total",
                "Summaries written again.",
                &self.traces_recomputed,
            ),
            (
                "recompute_failures_total",
                "Recomputations to be tried again.",
                &self.recompute_failures,
            ),
            (
                "live_clients_dropped_total",
                "Live clients that read too slowly.",
                &self.live_clients_dropped,
            ),
            (
                "engine_restarts_total",
                "Restarts of the embedded engine.",
                &self.engine_restarts,
            ),
        ]
    }

    fn histograms(&self) -> impl IntoIterator<Item = (&'static str, &'static str, &Histogram)> {
        [
            (
                "insert_duration_seconds",
                "Time of one insert, fsync included.",
                &self.insert_duration,
            ),
            (
                "insert_group_requests",
                "Requests that shared one insert.",
                &self.group_requests,
            ),
            (
                "insert_group_spans",
                "Spans of one insert.",
                &self.group_spans,
            ),
            (
                "recompute_lag_seconds",
                "Time from spans to their summaries.",
                &self.recompute_lag,
            ),
        ]
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP kestrel_{name} {help}"));
        self.line(format_args!("# TYPE kestrel_{name} {kind}"));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        self.0
            .write_fmt(line)
            .and_then(|()| self.0.write_char('\n'))
            .expect("writing to a String cannot fail");
    }

    fn counter(&mut self, name: &str, help: &str, counter: &Counter) {
        self.head(name, help, "counter");
        self.line(format_args!("kestrel_{name} {}", counter.value()));
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "gauge");
        self.line(format_args!("kestrel_{name} {value}"));
    }

    fn responses(&mut self, responses: &Responses) {
        self.head(
            "http_responses_total",
            "Answers to HTTP requests.",
            "counter",
        );
        for (index, count) in responses.classes.iter().enumerate() {
            self.line(format_args!(
                "kestrel_http_responses_total{{status=\"{}xx\"}} {}",
                index + 1,
                count.value()
            ));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds of centuries fit")]
    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, help, "histogram");
        let mut cumulative = 0;
        for (bound, bucket) in histogram.bounds.iter().zip(&*histogram.buckets) {
            cumulative += bucket.value();
            let bound = *bound as f64 / histogram.unit;
            self.line(format_args!(
                "kestrel_{name}_bucket{{le=\"{bound}\"}} {cumulative}"
            ));
        }
        cumulative += histogram.above.value();
        let sum = histogram.sum.value() as f64 / histogram.unit;
        self.line(format_args!(
            "kestrel_{name}_bucket{{le=\"+Inf\"}} {cumulative}"
        ));
        self.line(format_args!("kestrel_{name}_sum {sum}"));
        self.line(format_args!("kestrel_{name}_count {cumulative}"));
    }
}

/// Resident memory of this process, where the system tells.
pub(crate) fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_are_cumulative_and_in_seconds() {
        let metrics = Metrics::default();
        metrics
            .insert_duration
            .observe_duration(Duration::from_millis(4));
        metrics
            .insert_duration
            .observe_duration(Duration::from_millis(40));
        let page = metrics.render(0, None);
        assert!(
            page.contains("kestrel_insert_duration_seconds_bucket{le=\"0.005\"} 1\n"),
            "{page}"
        );
        assert!(
            page.contains("kestrel_insert_duration_seconds_bucket{le=\"+Inf\"} 2\n"),
            "{page}"
        );
        assert!(
            page.contains("kestrel_insert_duration_seconds_sum 0.044\n"),
            "{page}"
        );
    }

    #[test]
    fn every_metric_is_declared_once() {
        let page = Metrics::default().render(1, Some(2));
        let mut names: Vec<_> = page
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .collect();
        let declared = names.len();
        names.dedup();
        assert_eq!(names.len(), declared);
    }
}
