//! Guards, futures and threads: what is logged where.

use std::sync::Arc;

use caribou::{Event, Left, Meta, Phase, Recorder, Scope};
use caribou_model::ItemType;

use crate::support::Recording;

fn names(recording: &Recording, scope: &Scope) -> Vec<String> {
    let id = scope.trace_id_hex();
    let spans = recording.sink.spans();
    spans
        .iter()
        .filter(|span| span.trace_id.to_string() == id && span.item_type == ItemType::Event)
        .map(|span| span.name.to_string())
        .collect()
}

fn log_here(name: &str) {
    let scope = caribou::current().expect("something is open");
    scope.log(Event::new(name)).unwrap();
}

#[test]
fn guards_make_a_scope_current_and_give_back_what_was() {
    let recording = Recording::start();
    let (outer, inner) = (recording.open_one(), recording.open_one());
    {
        let _outer = outer.enter();
        log_here("before");
        {
            let _inner = inner.enter();
            log_here("inside");
        }
        log_here("after");
    }
    assert!(caribou::current().is_none());
    assert!(recording.flush());
    assert_eq!(names(&recording, &outer), ["before", "after"]);
    assert_eq!(names(&recording, &inner), ["inside"]);
}

#[test]
fn guards_dropped_in_another_order_do_not_leak() {
    let recording = Recording::start();
    let (first, second) = (recording.open_one(), recording.open_one());
    let entered_first = first.enter();
    let entered_second = second.enter();
    drop(entered_first);
    assert!(caribou::current().unwrap().is_same(&second));
    drop(entered_second);
    assert!(caribou::current().is_none());
}

#[test]
fn a_thousand_futures_do_not_mix() {
    let recording = Arc::new(Recording::start());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    let scopes: Vec<Scope> = (0..1000).map(|_| recording.open_one()).collect();
    runtime.block_on(async {
        let tasks: Vec<_> = scopes
            .iter()
            .enumerate()
            .map(|(number, scope)| {
                let work = async move {
                    for step in 0..4 {
                        log_here(&format!("{number}:{step}"));
                        tokio::task::yield_now().await;
                    }
                };
                tokio::spawn(scope.carry(work))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    for scope in &scopes {
        scope.leave(&Left::Normally);
    }
    assert!(recording.flush());
    let mut logged: std::collections::BTreeMap<String, Vec<String>> =
        std::collections::BTreeMap::new();
    for span in recording.sink.spans_of(ItemType::Event) {
        logged
            .entry(span.trace_id.to_string())
            .or_default()
            .push(span.name.to_string());
    }
    for (number, scope) in scopes.iter().enumerate() {
        let expected: Vec<String> = (0..4).map(|step| format!("{number}:{step}")).collect();
        assert_eq!(logged[&scope.trace_id_hex()], expected);
    }
}

/// The functions of the crate share one recorder; what they leave behind is checked in one test.
#[test]
fn rollouts_end_as_their_guards_and_futures_do() {
    let recording = Recording::start();
    let sink = &recording.sink;
    let spool = tempfile::tempdir().unwrap();
    let config = caribou::Config::new()
        .with_kestrel_api_url(sink.url())
        .with_spool_dir(spool.path())
        .with_project("global");
    caribou::configure(config).unwrap();
    let meta = |datapoint: &str| Meta::new(datapoint, Phase::Eval);

    drop(caribou::trace_run(meta("normal")));
    let panicked = std::thread::spawn(move || {
        let _rollout = caribou::trace_run(Meta::new("panicked", Phase::Eval));
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let done = caribou::trace_run(meta("future")).scope(async {
            tokio::task::yield_now().await;
            let group = caribou::span("group", &[("depth", 2.into())]);
            caribou::log(Event::new("in_the_group"));
            drop(group);
            5
        });
        assert!(
            caribou::current().is_none(),
            "only the future sees its rollout"
        );
        assert_eq!(done.await, 5);
        let failed = caribou::trace_run(meta("failed"))
            .try_scope(async { Err::<(), _>(std::io::Error::other("no disk")) });
        assert!(failed.await.is_err());
        drop(caribou::trace_run(meta("dropped")).scope(std::future::pending::<()>()));
    });
    assert!(caribou::flush(crate::support::PATIENCE));

    let roots = sink.spans_of(ItemType::Rollout);
    let status = |datapoint: &str| {
        let root = roots.iter().find(|root| root.datapoint_id == datapoint);
        root.unwrap().rollout_status.to_string()
    };
    assert_eq!(status("normal"), "COMPLETED");
    assert_eq!(status("panicked"), "ERROR");
    assert_eq!(status("future"), "COMPLETED");
    assert_eq!(status("failed"), "ERROR");
    assert_eq!(status("dropped"), "ABORTED");
    let group = &sink.spans_of(ItemType::Group)[0];
    assert_eq!(
        (&*group.span_name, &*group.attributes),
        ("group", r#"{"depth":2}"#)
    );
    assert_eq!(
        sink.spans_of(ItemType::Event)[0].parent_span_id,
        Some(group.span_id)
    );
}

#[test]
fn a_worker_goes_on_in_another_process() {
    let (here, there) = (Recording::start(), Recording::start());
    let scope = here.open_one();
    let remote = caribou::propagation::Remote::from_headers(
        &scope.traceparent(),
        Some(&scope.baggage(None)),
    )
    .unwrap();
    let worker = there.recorder.open_worker(&remote, None).unwrap();
    worker.log(Event::new("there")).unwrap();
    worker.leave(&Left::Normally);
    assert!(there.flush());
    let root = &there.sink.spans_of(ItemType::Rollout)[0];
    assert_eq!(root.trace_id.to_string(), scope.trace_id_hex());
    assert_eq!(root.project, "test-project");
    assert_eq!(root.rollout_status, "");
    assert!(root.ended_at.is_some());
    assert_eq!(
        there.sink.spans_of(ItemType::Event)[0].parent_span_id,
        Some(root.span_id)
    );
}

#[test]
fn the_applications_own_span_is_linked_and_its_provider_untouched() {
    use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};

    let recording = Recording::start();
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let span = provider.tracer("app").start("request");
    let context = opentelemetry::Context::current_with_span(span);
    let active = context.span().span_context().clone();
    let scope = recording
        .recorder
        .open(Meta::new("d", Phase::Eval), None, Some(active.clone()))
        .unwrap();
    scope.leave(&Left::Normally);
    assert!(recording.flush());
    let root = &recording.sink.spans_of(ItemType::Rollout)[0];
    assert_eq!(root.parent_span_id, None);
    assert!(root.links.contains(&active.span_id().to_string()));
    assert!(root.links.contains(&active.trace_id().to_string()));
}

#[test]
fn a_recorder_may_be_used_from_any_thread() {
    fn shared<T: Send + Sync>() {}
    shared::<Recorder>();
    shared::<Scope>();
}
