//! Delivery: retries, refusals, redaction, shutdown and forks.

use std::time::Duration;

use caribou::{Config, Event, Left, Message, Meta, Phase, Problem};
use caribou_model::ItemType;
use test_support::Reply;

use crate::support::{PATIENCE, Recording};

fn reply(status: u16, headers: &str, body: &str) -> Reply {
    Reply {
        status,
        headers: headers.to_owned(),
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn a_busy_server_is_tried_again_until_it_takes_the_spans() {
    let recording = Recording::start();
    recording
        .sink
        .reply_once(reply(503, "Retry-After: 0\r\n", ""));
    recording.sink.reply_once(reply(429, "", "slow down"));
    let scope = recording.open_one();
    scope.log(Event::new("kept")).unwrap();
    assert!(recording.flush());
    assert_eq!(recording.sink.spans_of(ItemType::Event).len(), 1);
    assert_eq!(recording.told("does not take spans now"), 1);
}

#[test]
fn a_refusal_is_counted_and_told_with_the_servers_words() {
    let recording = Recording::start();
    recording
        .sink
        .reply_once(reply(400, "", r#"{"error":{"message":"no such project"}}"#));
    let scope = recording.open_one();
    assert!(!recording.flush(), "the root was not acknowledged");
    scope.log(Event::new("kept")).unwrap();
    assert!(recording.flush());
    assert_eq!(recording.recorder.stats().total().refused, 1);
    assert_eq!(recording.told("no such project"), 1);
}

#[test]
fn nothing_listening_is_told_and_counted_at_the_end() {
    let recording = Recording::start();
    recording
        .recorder
        .configure(Config::new().with_kestrel_api_url("http://127.0.0.1:9"))
        .unwrap();
    let scope = recording.open_one();
    scope.log(Event::new("lost")).unwrap();
    assert!(!recording.recorder.flush(Duration::from_millis(50)));
    assert_eq!(recording.recorder.stats().total().queued, 2);
    assert!(!recording.recorder.shutdown(PATIENCE));
    assert_eq!(recording.recorder.stats().total().dropped, 2);
    assert_eq!(recording.told("were not delivered"), 1);
}

#[test]
fn after_a_shutdown_nothing_is_recorded_until_configured() {
    let recording = Recording::start();
    let scope = recording.open_one();
    assert!(recording.recorder.shutdown(PATIENCE));
    scope.log(Event::new("lost")).unwrap();
    assert_eq!(recording.recorder.stats().unrecorded, 1);
    recording.recorder.configure(Config::new()).unwrap();
    scope.log(Event::new("kept")).unwrap();
    assert!(recording.flush());
    let events = recording.sink.spans_of(ItemType::Event);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].name, "kept");
}

#[test]
fn redaction_comes_before_everything_else() {
    let recording = Recording::start();
    let config = Config::new().with_redact(|text| text.replace("hunter2", "*"));
    recording.recorder.configure(config).unwrap();
    let scope = recording.open_one();
    scope.log(Message::new("user", "hunter2")).unwrap();
    assert!(recording.flush());
    assert_eq!(
        recording.sink.spans_of(ItemType::Message)[0]
            .content
            .as_str(),
        "*"
    );
}

#[test]
fn strict_mode_returns_what_is_only_told_otherwise() {
    let strict = Recording::with_environment(&[("CARIBOU_STRICT", "1")]);
    let scope = strict.open_one();
    assert_eq!(
        scope.set_status("half", None),
        Err(Problem::UnknownStatus("half".to_owned()))
    );
    let lenient = Recording::start();
    let scope = lenient.open_one();
    assert_eq!(scope.set_status("half", None), Ok(()));
    assert_eq!(lenient.told("unknown rollout status"), 1);
    assert_eq!(lenient.recorder.stats().warnings, 1);
}

#[test]
fn a_disabled_recorder_gives_ids_and_sends_nothing() {
    let recording = Recording::with_environment(&[("OTEL_SDK_DISABLED", "true")]);
    let scope = recording.open_one();
    scope.log(Event::new("e")).unwrap();
    scope.leave(&Left::Normally);
    assert_eq!(scope.trace_id().len(), 32);
    assert!(recording.flush());
    assert!(recording.sink.request_headers().is_empty());
    assert_eq!(recording.recorder.stats().logged, 0);
}

#[test]
fn a_forked_childs_recorder_leaves_the_parents_rollout_open() {
    let recording = Recording::start();
    let scope = recording.open_one();
    scope.log(Event::new("parent")).unwrap();
    assert!(recording.flush());
    // What a child does first; forking a process with many threads has no place in a test of many threads.
    recording.recorder.after_fork_in_child();
    scope.log(Event::new("child")).unwrap();
    scope.leave(&Left::Normally);
    scope.add_metadata([("from".to_owned(), "\"child\"".to_owned())]);
    assert!(recording.flush());
    assert_eq!(recording.recorder.stats().logged, 1);
    let roots = recording.sink.spans_of(ItemType::Rollout);
    assert_eq!(roots.len(), 2);
    assert_eq!(roots[0].ended_at, None, "the parent ends it");
    assert_eq!(roots[1].metadata, r#"{"from":"child"}"#);
    assert_eq!(recording.sink.spans_of(ItemType::Event).len(), 2);
}

#[test]
fn many_segments_of_one_rollout_go_on_with_its_turns() {
    let recording = Recording::start();
    for _ in 0..3 {
        let scope = recording.open(Meta::new("d", Phase::Eval).with_trace_id("trc"));
        scope.log(Message::new("user", "u")).unwrap();
        scope.log(Message::new("assistant", "a")).unwrap();
        scope.leave(&Left::Normally);
    }
    assert!(recording.flush());
    let turns: Vec<i32> = recording
        .sink
        .spans_of(ItemType::Message)
        .iter()
        .map(|span| span.turn_index)
        .collect();
    assert_eq!(turns, [0, 0, 1, 1, 2, 2]);
}

#[test]
fn what_a_wrong_environment_says_is_an_error_of_opening() {
    let environment =
        std::collections::BTreeMap::from([("CARIBOU_PHASE".to_owned(), "production".to_owned())]);
    let recorder = caribou::Recorder::new(Box::new(environment), std::sync::Arc::new(|_: &str| {}));
    let error = recorder
        .open(Meta::new("d", Phase::Eval), None, None)
        .unwrap_err();
    assert!(error.to_string().contains("production"));
}
