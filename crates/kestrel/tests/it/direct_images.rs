//! A program that writes straight into ClickHouse keeps images where the Kestrel that reads it finds them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caribou::{Config, Event, Grade, Message, Meta, Phase, Recorder, ToolExecution};
use serde_json::{Value, json};
use test_support::{KestrelOptions, KestrelProcess};

use crate::images::{data_url, image_file, new_png};
use crate::s3::{S3Server, SECRET};
use crate::support::{BINARY, stored_spans};

const PASSWORD: &str = "password-of-this-test";
const PATIENCE: Duration = Duration::from_secs(60);

fn kestrel() -> KestrelOptions {
    KestrelOptions::with_binary(BINARY).with_env("KESTREL_ENGINE_PASSWORD", PASSWORD)
}

/// A recorder that writes into the engine of a Kestrel.
fn recorder(server: &KestrelProcess, spool: &Path, further: &[(&str, String)]) -> Recorder {
    let port = std::fs::read_to_string(server.data_dir().join("engine/port")).unwrap();
    let own = [
        ("CLICKHOUSE_URL", format!("http://127.0.0.1:{port}")),
        ("CLICKHOUSE_USER", "kestrel".to_owned()),
        ("CLICKHOUSE_PASSWORD", PASSWORD.to_owned()),
        ("CARIBOU_PROJECT", "direct".to_owned()),
        ("CARIBOU_SPOOL_DIR", spool.display().to_string()),
    ];
    let environment: BTreeMap<String, String> = own
        .iter()
        .chain(further)
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let recorder = Recorder::new(Box::new(environment), Arc::new(|_: &str| {}));
    recorder.configure(Config::new()).unwrap();
    recorder
}

/// Records images wherever they may stand; the trace.
fn record(recorder: &Recorder, png: &[u8]) -> String {
    let url = data_url("image/png", png);
    let bare = STANDARD.encode(png);
    let scope = recorder
        .open(Meta::new("d", Phase::Eval), None, None)
        .unwrap();
    let openai = json!([{"type": "image_url", "image_url": {"url": url}}]);
    let anthropic = json!([
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": bare}}
    ]);
    scope.log(Message::new("user", openai)).unwrap();
    scope.log(Message::new("user", anthropic)).unwrap();
    let tool = ToolExecution::new("render")
        .with_arguments(json!({"base": url}))
        .with_result(json!([{"type": "image_url", "image_url": {"url": url}}]));
    scope.log(tool).unwrap();
    let grade = Grade::new(1.0).with_artifacts(&json!({"seen": url}));
    scope.log(grade).unwrap();
    let event = Event::new("shot").with_details(&json!({"screen": url}));
    scope.log(event).unwrap();
    let shortened = "data:image/png;base64,iVBORw0KGgo...";
    scope.log(Message::new("user", shortened)).unwrap();
    scope.trace_id().to_owned()
}

fn hash_of(span: &Value) -> String {
    let text = span.to_string();
    let (_, rest) = text.split_once("caribou-image://").unwrap();
    rest[..64].to_owned()
}

/// Every place refers to the one image, which the project may read and no other.
fn assert_shown(server: &KestrelProcess, trace: &str, png: &[u8]) -> String {
    let spans = stored_spans(server, trace);
    let text = Value::from(spans.clone()).to_string();
    assert_eq!(text.matches("caribou-image://").count(), 6, "{text}");
    assert!(!text.contains(&STANDARD.encode(png)), "{text}");
    let marked: Vec<&Value> = spans
        .iter()
        .filter(|span| span["marks"] == json!(["invalid_image"]))
        .collect();
    assert_eq!(marked.len(), 1);
    assert_eq!(marked[0]["content"], "data:image/png;base64,iVBORw0KGgo...");
    let hash = hash_of(&Value::from(spans));
    let path = format!("/api/v1/images/{hash}");
    let answer = server.get(&format!("{path}?project=direct"));
    assert_eq!((answer.status, answer.body == png), (200, true));
    assert_eq!(answer.header("content-type"), Some("image/png"));
    assert_eq!(server.get(&format!("{path}?project=other")).status, 404);
    hash
}

#[test]
fn images_go_to_the_bucket_that_kestrel_reads() {
    let bucket = S3Server::start();
    let server = KestrelProcess::start(bucket.configure(kestrel(), SECRET));
    let spool = tempfile::tempdir().unwrap();
    let recorder = recorder(&server, spool.path(), &bucket.environment(SECRET));
    let png = new_png();
    let traces = [record(&recorder, &png), record(&recorder, &png)];
    assert!(recorder.flush(PATIENCE), "{:?}", recorder.stats());
    for trace in traces {
        let hash = assert_shown(&server, &trace, &png);
        let object = bucket.object(&format!("sha256/{}/{}", &hash[..2], &hash[2..]));
        assert_eq!(std::fs::read(object).unwrap(), png);
    }
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn spans_wait_while_the_bucket_is_away_and_are_whole_afterwards() {
    let bucket = S3Server::start();
    let server = KestrelProcess::start(bucket.configure(kestrel(), SECRET));
    let spool = tempfile::tempdir().unwrap();
    let recorder = recorder(&server, spool.path(), &bucket.environment(SECRET));
    bucket.set_away(true);
    let png = new_png();
    let trace = record(&recorder, &png);
    assert!(!recorder.flush(Duration::from_millis(300)));
    let counts = &recorder.stats().destinations["clickhouse"];
    assert_eq!((counts.refused, counts.dropped), (0, 0));
    bucket.set_away(false);
    assert!(recorder.flush(PATIENCE), "{:?}", recorder.stats());
    assert_shown(&server, &trace, &png);
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn what_one_program_could_not_sign_for_the_next_one_delivers() {
    let bucket = S3Server::start();
    let server = KestrelProcess::start(bucket.configure(kestrel(), SECRET));
    let spool = tempfile::tempdir().unwrap();
    let png = new_png();
    let stranger = recorder(&server, spool.path(), &bucket.environment("another secret"));
    let trace = record(&stranger, &png);
    assert!(!stranger.shutdown(Duration::from_secs(1)));
    let counts = stranger.stats().destinations["clickhouse"];
    assert_eq!((counts.refused, counts.dropped), (0, 0), "{counts:?}");
    drop(stranger);
    // Its threads end a moment later, and with them its hold on the folder.
    let deadline = Instant::now() + PATIENCE;
    while std::fs::read_dir(spool.path().join("processes"))
        .unwrap()
        .next()
        .is_some()
    {
        assert!(Instant::now() < deadline, "the first one is still there");
        std::thread::sleep(Duration::from_millis(5));
    }

    let next = recorder(&server, spool.path(), &bucket.environment(SECRET));
    record(&next, &png);
    let path = format!("/api/v1/traces/{trace}/spans?limit=100");
    server.wait_for_json(&path, |page| {
        page["items"]
            .as_array()
            .is_some_and(|items| items.len() == 7)
    });
    assert_shown(&server, &trace, &png);
    assert!(next.shutdown(PATIENCE));
}

#[test]
fn without_a_bucket_images_go_to_the_kestrel_that_is_named() {
    let server = KestrelProcess::start(kestrel());
    let spool = tempfile::tempdir().unwrap();
    let url = [("KESTREL_API_URL", server.url().to_owned())];
    let recorder = recorder(&server, spool.path(), &url);
    let png = new_png();
    let trace = record(&recorder, &png);
    assert!(recorder.flush(PATIENCE), "{:?}", recorder.stats());
    let hash = assert_shown(&server, &trace, &png);
    let file = image_file(&server.data_dir().join("images"), &hash);
    assert_eq!(std::fs::read(file).unwrap(), png);
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn without_any_place_for_them_images_stay_in_the_rows() {
    let server = KestrelProcess::start(kestrel());
    let spool = tempfile::tempdir().unwrap();
    let recorder = recorder(&server, spool.path(), &[]);
    let png = new_png();
    let trace = record(&recorder, &png);
    assert!(recorder.flush(PATIENCE), "{:?}", recorder.stats());
    let spans = stored_spans(&server, &trace);
    let text = Value::from(spans.clone()).to_string();
    assert_eq!(text.matches(&STANDARD.encode(&png)).count(), 6);
    assert!(!text.contains("caribou-image://"));
    let marked = spans
        .iter()
        .filter(|span| span["marks"] == json!(["invalid_image"]));
    assert_eq!(marked.count(), 1);
    assert!(recorder.shutdown(PATIENCE));
}
