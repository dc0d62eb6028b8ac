//! The read API.

use serde_json::{Value, json};
use test_support::KestrelProcess;
use test_support::otlp::{Any, TestSpan};

use crate::support::{JSON, error_code, new_trace, send, server, stored_spans, summed_up};

/// A rollout as the SDK records it: a root, a few messages, a grade.
fn rollout(trace: u64, step: i64, score: f64, model: &str) -> Vec<TestSpan> {
    let root = TestSpan::new(trace, 0)
        .named("rollout")
        .with("caribou.item_type", "rollout")
        .with("caribou.span_kind", "rollout")
        .with("caribou.revision", 2)
        .with("caribou.sequence", 0)
        .with("caribou.rollout_status", "COMPLETED")
        .with("caribou.rollout_status_explicit", true)
        .with("caribou.phase", "train")
        .with("caribou.run_id", "run-1")
        .with("caribou.step_number", step)
        .with("caribou.env_name", "airline")
        .with("caribou.model_name", model)
        .with(
            "caribou.tags",
            Any::List(vec![
                Any::from("even"),
                Any::from(if step % 2 == 0 { "two" } else { "one" }),
            ]),
        )
        .with(
            "caribou.metadata",
            json!({"seed": step, "split": "test"}).to_string(),
        );
    let mut spans = vec![
        root,
        TestSpan::message(trace, 1, "user", &format!("question number {step}")),
        TestSpan::message(trace, 2, "assistant", "an answer about zebras")
            .with("caribou.model", model)
            .with("caribou.input_tokens", 100 + step)
            .with("caribou.output_tokens", 10),
        TestSpan::message(trace, 3, "user", "thanks"),
        TestSpan::new(trace, 4)
            .with("caribou.item_type", "grade")
            .with("caribou.span_kind", "grader")
            .with("caribou.revision", 1)
            .with("caribou.sequence", 4)
            .with("caribou.score", score),
    ];
    for span in &mut spans[1..] {
        span.parent_span_id = 1_u64.to_be_bytes().to_vec();
    }
    spans
}

/// Ten rollouts of one project; returns their ids in the order of their steps.
fn ten_rollouts(server: &KestrelProcess, project: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for step in 0..10 {
        let model = if step < 5 { "model-a" } else { "model-b" };
        let mut spans = rollout(new_trace(), step, step as f64 / 10.0, model);
        for span in &mut spans {
            let later = step.cast_unsigned() * 3_600_000_000_000;
            span.start += later;
            span.end += later;
        }
        send(server, project, &spans);
        ids.push(spans[0].trace_hex());
    }
    server.wait_for_json(
        &format!("/api/v1/traces?project={project}&count=true"),
        |page| {
            page["total"] == 10
                && page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|trace| trace["span_count"] == 5)
        },
    );
    ids
}

fn ids_of(page: &Value) -> Vec<&str> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace["trace_id"].as_str().unwrap())
        .collect()
}

#[test]
fn lists_are_filtered_sorted_and_paged() {
    let server = server();
    let ids = ten_rollouts(server, "lists");
    let list = |query: &str| server.get_json(&format!("/api/v1/traces?project=lists&{query}"));
    let found = |query: &str| -> Vec<usize> {
        let page = list(query);
        let mut steps: Vec<_> = ids_of(&page)
            .iter()
            .map(|id| ids.iter().position(|known| known == id).unwrap())
            .collect();
        steps.sort_unstable();
        steps
    };
    assert_eq!(found("model=model-a"), [0, 1, 2, 3, 4]);
    assert_eq!(found("model=model-a&model=model-b&limit=100").len(), 10);
    assert_eq!(found("step_number=3&step_number=7"), [3, 7]);
    assert_eq!(found("tags=even&tags=two"), [0, 2, 4, 6, 8]);
    assert_eq!(found("any_tags=one&any_tags=nothing"), [1, 3, 5, 7, 9]);
    assert_eq!(found("min_score=0.7"), [7, 8, 9]);
    assert_eq!(found("max_score=0.15&status=success"), [0, 1]);
    assert_eq!(found("status=ERROR"), [] as [usize; 0]);
    assert_eq!(found("state=ended").len(), 10);
    assert_eq!(found("phase=train&run_id=run-1&env_name=airline").len(), 10);
    assert_eq!(found("metadata=seed=4"), [4]);
    assert_eq!(found("metadata=seed%3E7&metadata=split=test"), [8, 9]);
    assert_eq!(found("from=2026-11-01T08:00:00Z"), [8, 9]);
    assert_eq!(found("q=zebras").len(), 10);
    assert_eq!(found("q=nowhere"), [] as [usize; 0]);

    let by_score = list("sort=score&limit=3");
    assert_eq!(ids_of(&by_score), ids[..3]);
    let mut walked = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(&format!("sort=-input_tokens&limit=3&cursor={cursor}"));
        walked.extend(ids_of(&page).iter().map(ToString::to_string));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let backwards: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(walked, backwards);

    let facets = server.get_json("/api/v1/facets?project=lists&status=success");
    let models = facets
        .as_array()
        .unwrap()
        .iter()
        .find(|facet| facet["field"] == "model")
        .unwrap();
    assert_eq!(
        models["values"],
        json!([{"value": "model-a", "count": 5}, {"value": "model-b", "count": 5}])
    );
}

#[test]
fn mistakes_in_a_query_are_told_with_what_would_do() {
    let server = server();
    for (query, code, hint) in [
        ("modle=x", "unknown_parameter", "\"model\""),
        ("limit=many", "invalid_parameter", "limit"),
        ("sort=colour", "invalid_parameter", "started_at"),
        ("from=yesterday", "invalid_parameter", "from"),
        ("state=asleep", "invalid_parameter", "running"),
        ("metadata=seed", "invalid_parameter", "key=value"),
        ("cursor=nonsense", "invalid_parameter", "cursor"),
    ] {
        let answer = server.get(&format!("/api/v1/traces?{query}"));
        assert_eq!(
            (answer.status, error_code(&answer).as_str()),
            (400, code),
            "{query}: {}",
            answer.text()
        );
        let message = answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(message.contains(hint), "{query}: {message}");
    }
}

#[test]
fn one_rollout_is_told_whole_and_by_any_form_of_its_id() {
    let server = server();
    let spans = rollout(new_trace(), 4, 0.5, "model-a");
    let id = spans[0].trace_hex();
    send(server, "one", &spans);
    let trace = summed_up(server, &id, 5);
    assert_eq!(trace["project"], "one");
    assert_eq!(trace["status"], "COMPLETED");
    assert_eq!(trace["score"], 0.5);
    assert_eq!(trace["input_tokens"], 104);
    assert_eq!(trace["metadata"]["split"], "test");
    assert_eq!(trace["segments"].as_array().unwrap().len(), 1);
    assert_eq!(trace["first_message"], "question number 4");
    assert_eq!(trace["url"], format!("{}/traces/{id}", server.url()));
    let uuid = format!(
        "{}-{}-{}-{}-{}",
        &id[..8],
        &id[8..12],
        &id[12..16],
        &id[16..20],
        &id[20..]
    );
    for form in [id.to_uppercase(), uuid] {
        assert_eq!(
            server.get_json(&format!("/api/v1/traces/{form}"))["trace_id"],
            trace["trace_id"]
        );
    }
    assert_eq!(
        server
            .get(&format!("/api/v1/traces/{id}?project=another"))
            .status,
        404
    );
    let missing = server.get("/api/v1/traces/no-such-trace");
    assert_eq!(
        (missing.status, error_code(&missing).as_str()),
        (404, "trace_not_found")
    );
}

#[test]
fn spans_are_read_in_windows_from_both_ends_and_around_one() {
    let server = server();
    let trace = new_trace();
    let spans: Vec<_> = (0..250)
        .map(|span| TestSpan::message(trace, span, "user", &format!("text {span}")))
        .collect();
    let id = spans[0].trace_hex();
    send(server, "windows", &spans);
    let window = |query: &str| server.get_json(&format!("/api/v1/traces/{id}/spans?{query}"));
    let numbers = |page: &Value| -> Vec<u64> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|span| span["sequence"].as_u64().unwrap())
            .collect()
    };
    let first = window("limit=100");
    assert_eq!(
        (numbers(&first), &first["total"]),
        ((0..100).collect(), &json!(250))
    );
    assert!(first["previous_cursor"].is_null());
    let second = window(&format!(
        "limit=100&cursor={}",
        first["next_cursor"].as_str().unwrap()
    ));
    assert_eq!(
        (numbers(&second), &second["offset"]),
        ((100..200).collect(), &json!(100))
    );
    let back = window(&format!(
        "limit=100&cursor={}",
        second["previous_cursor"].as_str().unwrap()
    ));
    assert_eq!(numbers(&back), (0..100).collect::<Vec<_>>());
    assert_eq!(
        numbers(&window("offset=245&limit=100")),
        (245..250).collect::<Vec<_>>()
    );
    let around = window(&format!("limit=11&around={}", spans[120].span_hex()));
    assert_eq!(numbers(&around), (115..126).collect::<Vec<_>>());

    let missing = server.get(&format!(
        "/api/v1/traces/{id}/spans?around=00000000000fffff"
    ));
    assert_eq!(
        (missing.status, error_code(&missing).as_str()),
        (404, "span_not_found")
    );
    let both = server.get(&format!("/api/v1/traces/{id}/spans?offset=1&cursor=x"));
    assert_eq!(
        (both.status, error_code(&both).as_str()),
        (400, "invalid_parameter")
    );

    let outline = server.get_json(&format!("/api/v1/traces/{id}/outline"));
    assert_eq!(
        (
            outline["span_id"].as_array().unwrap().len(),
            &outline["total"]
        ),
        (250, &json!(250))
    );
    assert_eq!(outline["kinds"][0]["item_type"], "message");

    let matches = server.get_json(&format!("/api/v1/traces/{id}/search?q=TEXT%2012"));
    let found: Vec<_> = matches["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["index"].as_u64().unwrap())
        .collect();
    assert_eq!(found, [12].into_iter().chain(120..130).collect::<Vec<_>>());
    assert_eq!(
        server.get(&format!("/api/v1/traces/{id}/search")).status,
        400
    );
}

#[test]
fn a_status_in_words_of_another_system_is_listed_and_found_by_those_words() {
    let server = server();
    let trace = new_trace();
    let mut spans = rollout(trace, 1, 0.5, "model-a");
    let id = spans[0].trace_hex();
    spans[0] = TestSpan::new(trace, 0)
        .named("rollout")
        .with("caribou.item_type", "rollout")
        .with("caribou.span_kind", "rollout")
        .with("caribou.revision", 2)
        .with("caribou.rollout_status", "needs_review")
        .with("caribou.rollout_status_explicit", true);
    send(server, "other-words", &spans);
    summed_up(server, &id, 5);
    let found = |status: &str| {
        let path = format!("/api/v1/traces?project=other-words&status={status}");
        server.get_json(&path)["items"].clone()
    };
    let listed = found("needs_review");
    assert_eq!(listed[0]["trace_id"], json!(id));
    assert_eq!(
        (&listed[0]["status"], &listed[0]["status_text"]),
        (&json!("PENDING"), &json!("needs_review"))
    );
    assert_eq!(found("nonsense"), json!([]));
    assert_eq!(found("pending"), json!([]));
    let facets = server.get_json("/api/v1/facets?project=other-words");
    assert_eq!(
        facets[0],
        json!({"field": "status", "values": [{"value": "needs_review", "count": 1}]})
    );
}

#[test]
fn a_deleted_rollout_is_gone_and_another_of_its_project_is_not() {
    let server = server();
    let (gone, kept) = (TestSpan::new(new_trace(), 0), TestSpan::new(new_trace(), 0));
    for span in [&gone, &kept] {
        send(server, "deleted", std::slice::from_ref(span));
        summed_up(server, &span.trace_hex(), 1);
    }
    let path = format!("{}/api/v1/traces/{}", server.url(), gone.trace_hex());
    let delete = || test_support::request("DELETE", &path, &[], None).unwrap();
    assert_eq!(delete().status, 204);
    assert_eq!(delete().status, 404);
    assert_eq!(
        server
            .get(&format!("/api/v1/traces/{}", gone.trace_hex()))
            .status,
        404
    );
    let left = server.get_json("/api/v1/traces?project=deleted");
    assert_eq!(ids_of(&left), [kept.trace_hex()]);
    assert_eq!(stored_spans(server, &kept.trace_hex()).len(), 1);
}

#[test]
fn a_project_is_registered_once_however_often_it_is_asked_for() {
    let server = server();
    let register = || server.post("/api/v1/projects", &[JSON], br#"{"name": "registered"}"#);
    let (first, second) = (register(), register());
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(first.json()["id"], second.json()["id"]);
    let projects = server.get_json("/api/v1/projects?limit=1000");
    let named = projects["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|project| project["name"] == "registered");
    assert_eq!(named.count(), 1);
    for body in [
        &b"{"[..],
        br#"{"name": ""}"#,
        br#"{"name": "x", "colour": 1}"#,
        br#"{"nmae": "x"}"#,
    ] {
        let answer = server.post("/api/v1/projects", &[JSON], body);
        assert_eq!(
            (answer.status, error_code(&answer).as_str()),
            (400, "invalid_body")
        );
    }
    let large = server.post("/api/v1/projects", &[JSON], &vec![b' '; (1 << 20) + 1]);
    assert_eq!(
        (large.status, error_code(&large).as_str()),
        (413, "body_too_large")
    );
}
