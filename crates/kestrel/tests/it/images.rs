//! Images leave the rows, are stored once, and come back to who may see them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use test_support::otlp::{TestSpan, json_request, protobuf_request};
use test_support::{Answer, KestrelOptions, KestrelProcess, request};

use crate::s3::{S3Server, SECRET};
use crate::support::{
    BINARY, JSON, PROTOBUF, error_code, export_by_grpc, new_trace, raw, server, stored_spans,
};

/// A PNG of one pixel that no other test has: what follows its end is not looked at.
pub(crate) fn new_png() -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let mut png = STANDARD.decode(pixel).unwrap();
    png.extend(NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    png
}

pub(crate) fn data_url(mime: &str, bytes: &[u8]) -> String {
    format!("data:{mime};base64,{}", STANDARD.encode(bytes))
}

fn message_with(bytes: &[u8]) -> TestSpan {
    let content = format!("look: {} there", data_url("image/png", bytes));
    TestSpan::message(new_trace(), 0, "user", &content)
}

/// The hash in the one reference that a span holds.
fn referred_hash(span: &Value) -> String {
    let content = span["content"].as_str().unwrap();
    assert!(!content.contains("base64"), "{content}");
    let (_, rest) = content.split_once("caribou-image://").unwrap();
    rest[..64].to_owned()
}

fn upload(server: &KestrelProcess, project: &str, mime: &str, bytes: &[u8]) -> Value {
    let path = format!("/api/v1/images?project={project}");
    let answer = server.post(&path, &[("content-type", mime)], bytes);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn get(server: &KestrelProcess, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    request(method, &format!("{}{path}", server.url()), headers, None).unwrap()
}

pub(crate) fn image_file(folder: &Path, hash: &str) -> PathBuf {
    folder.join("sha256").join(&hash[..2]).join(&hash[2..])
}

#[test]
fn an_image_in_a_span_is_stored_and_the_row_refers_to_it_whichever_way_it_came() {
    let server = server();
    for way in ["protobuf", "json", "grpc"] {
        let png = new_png();
        let span = message_with(&png);
        let spans = std::slice::from_ref(&span);
        let protobuf = protobuf_request("images-in", spans);
        match way {
            "grpc" => assert_eq!(export_by_grpc(server, &protobuf), "0"),
            "json" => {
                let body = json_request("images-in", spans);
                assert_eq!(server.post("/v1/traces", &[JSON], &body).status, 200);
            }
            _ => assert_eq!(
                server.post("/v1/traces", &[PROTOBUF], &protobuf).status,
                200
            ),
        }
        let stored = stored_spans(server, &span.trace_hex());
        let content = stored[0]["content"].as_str().unwrap();
        assert!(
            content.starts_with("look: caribou-image://")
                && content.ends_with("?type=image%2Fpng&bytes=78&width=1&height=1 there"),
            "{way}: {content}"
        );
        let path = format!("/api/v1/images/{}", referred_hash(&stored[0]));
        let answer = server.get(&format!("{path}?project=images-in"));
        assert_eq!((answer.status, answer.body == png), (200, true), "{way}");
        assert_eq!(answer.header("content-type"), Some("image/png"));
        assert_eq!(answer.header("content-disposition"), Some("inline"));
    }
}

#[test]
fn an_image_is_stored_once_however_often_and_in_whichever_project_it_is_sent() {
    let server = server();
    let png = new_png();
    let stored = upload(server, "once-a", "image/png", &png);
    let hash = stored["hash"].as_str().unwrap();
    let file = image_file(&server.data_dir().join("images"), hash);
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    for project in ["once-a", "once-b"] {
        assert_eq!(upload(server, project, "text/plain", &png), stored);
        let span = message_with(&png);
        let body = protobuf_request(project, std::slice::from_ref(&span));
        assert_eq!(server.post("/v1/traces", &[PROTOBUF], &body).status, 200);
        let spans = stored_spans(server, &span.trace_hex());
        assert_eq!(referred_hash(&spans[0]), hash);
    }
    let metadata = std::fs::metadata(&file).unwrap();
    assert_eq!(metadata.modified().unwrap(), written);
    assert_eq!(std::fs::read(&file).unwrap(), png);
}

#[test]
fn an_upload_answers_what_the_bytes_are() {
    let stored = upload(server(), "uploads", "image/jpeg", &new_png());
    let hash = stored["hash"].as_str().unwrap();
    let url = format!("caribou-image://{hash}?type=image%2Fpng&bytes=78&width=1&height=1");
    assert_eq!(stored["url"], url);
    assert_eq!(stored["mime"], "image/png");
    assert_eq!(
        (&stored["bytes"], &stored["width"]),
        (&78.into(), &1.into())
    );
    let empty = server().post("/api/v1/images", &[], b"");
    assert_eq!(
        (empty.status, error_code(&empty).as_str()),
        (400, "invalid_body")
    );
}

#[test]
fn an_upload_beyond_the_limit_is_refused_before_it_is_read() {
    let length = (48 << 20) + 1;
    let answer = raw(
        server(),
        format!("POST /api/v1/images HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n")
            .as_bytes(),
    );
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("body_too_large"), "{answer}");
}

#[test]
fn an_image_is_cached_for_good_and_by_its_user_alone() {
    let server = server();
    let png = new_png();
    let hash = upload(server, "cached", "image/png", &png)["hash"].clone();
    let hash = hash.as_str().unwrap();
    let path = format!("/api/v1/images/{hash}");
    let tag = format!("\"{hash}\"");
    let whole = server.get(&path);
    let head = get(server, "HEAD", &path, &[]);
    let none = get(
        server,
        "GET",
        &path,
        &[("if-none-match", &format!("\"x\", W/{tag}"))],
    );
    assert_eq!((whole.status, head.status, none.status), (200, 200, 304));
    assert_eq!((head.body.len(), none.body.len()), (0, 0));
    for answer in [&whole, &head] {
        assert_eq!(answer.header("content-length"), Some("78"));
    }
    for answer in [&whole, &head, &none] {
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
        assert_eq!(
            answer.header("cache-control"),
            Some("private, max-age=31536000, immutable")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            answer.header("content-security-policy"),
            Some("default-src 'none'; sandbox")
        );
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            Some("same-origin")
        );
    }
    let changed = get(server, "GET", &path, &[("if-none-match", "\"x\"")]);
    assert_eq!((changed.status, changed.body == png), (200, true));
}

#[test]
fn what_could_run_in_a_page_is_a_download_of_no_type() {
    let server = server();
    let script = "<script>alert(1)</script>".repeat(4);
    let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{script}</svg>");
    let html = format!("<!doctype html><html>{script}</html>");
    for (mime, bytes) in [
        ("image/svg+xml", &svg),
        ("image/png", &svg),
        ("text/html", &html),
    ] {
        let stored = upload(server, "active", mime, bytes.as_bytes());
        let answer = server.get(&format!(
            "/api/v1/images/{}",
            stored["hash"].as_str().unwrap()
        ));
        assert_eq!(answer.text(), *bytes);
        assert_eq!(
            answer.header("content-type"),
            Some("application/octet-stream"),
            "{stored}"
        );
        assert_eq!(answer.header("content-disposition"), Some("attachment"));
    }
    let span = TestSpan::message(
        new_trace(),
        0,
        "user",
        &data_url("image/svg+xml", svg.as_bytes()),
    );
    let body = protobuf_request("active", std::slice::from_ref(&span));
    assert_eq!(server.post("/v1/traces", &[PROTOBUF], &body).status, 200);
    let hash = referred_hash(&stored_spans(server, &span.trace_hex())[0]);
    let answer = server.get(&format!("/api/v1/images/{hash}"));
    assert_eq!(answer.header("content-disposition"), Some("attachment"));
}

#[test]
fn a_project_reads_only_what_it_has_stored() {
    let server = server();
    let stored = upload(server, "owner", "image/png", &new_png());
    let hash = stored["hash"].as_str().unwrap();
    let status = |path: String| {
        let answer = server.get(&path);
        if answer.status == 404 {
            assert_eq!(error_code(&answer), "image_not_found");
        }
        answer.status
    };
    assert_eq!(status(format!("/api/v1/images/{hash}?project=owner")), 200);
    assert_eq!(status(format!("/api/v1/images/{hash}?project=other")), 404);
    // A reference that somebody wrote down is not the image itself.
    let reference = stored["url"].as_str().unwrap();
    let span = TestSpan::message(new_trace(), 0, "user", reference);
    let body = protobuf_request("other", std::slice::from_ref(&span));
    assert_eq!(server.post("/v1/traces", &[PROTOBUF], &body).status, 200);
    assert_eq!(status(format!("/api/v1/images/{hash}?project=other")), 404);
    for wrong in [
        "0".repeat(64),
        hash.to_uppercase(),
        hash[1..].to_owned(),
        format!("..%2F..%2F{}", &hash[6..]),
    ] {
        assert_eq!(status(format!("/api/v1/images/{wrong}")), 404, "{wrong}");
    }
}

#[test]
fn what_is_no_base64_stays_text_and_is_marked() {
    let server = server();
    let content = "look: data:image/png;base64,iVBORw0KGgo... there";
    let span = TestSpan::message(new_trace(), 0, "user", content);
    let body = protobuf_request("invalid", std::slice::from_ref(&span));
    assert_eq!(server.post("/v1/traces", &[PROTOBUF], &body).status, 200);
    let stored = stored_spans(server, &span.trace_hex());
    assert_eq!(stored[0]["content"], content);
    assert_eq!(stored[0]["marks"], serde_json::json!(["invalid_image"]));
}

#[test]
fn what_holds_an_image_is_refused_until_the_image_can_be_stored() {
    let server = KestrelProcess::start(
        KestrelOptions::with_binary(BINARY).with_arg("--otlp-grpc=127.0.0.1:0"),
    );
    let folder = server.data_dir().join("images");
    // The server looks at its folder when it starts, and finds it empty.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::write(&folder, b"in the way").unwrap();
    let png = new_png();
    let span = message_with(&png);
    let plain = TestSpan::message(new_trace(), 0, "user", "no image in here");
    let body = protobuf_request("failing", &[span.clone(), plain.clone()]);
    let answer = server.post("/v1/traces", &[PROTOBUF], &body);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    assert_eq!(export_by_grpc(&server, &body), "14");
    let refused = server.post("/api/v1/images", &[], &png);
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    for span in [&span, &plain] {
        let path = format!("/api/v1/traces/{}/spans", span.trace_hex());
        assert_eq!(server.get(&path).status, 404);
    }
    let without = protobuf_request("failing", std::slice::from_ref(&plain));
    assert_eq!(server.post("/v1/traces", &[PROTOBUF], &without).status, 200);

    std::fs::remove_file(&folder).unwrap();
    assert_eq!(server.post("/v1/traces", &[PROTOBUF], &body).status, 200);
    let hash = referred_hash(&stored_spans(&server, &span.trace_hex())[0]);
    assert_eq!(server.get(&format!("/api/v1/images/{hash}")).body, png);
    assert_eq!(std::fs::read(image_file(&folder, &hash)).unwrap(), png);
}

#[test]
fn an_acknowledged_image_survives_that_the_server_is_killed() {
    let mut server = KestrelProcess::start(KestrelOptions::with_binary(BINARY));
    let png = new_png();
    let span = message_with(&png);
    let body = protobuf_request("killed", std::slice::from_ref(&span));
    assert_eq!(server.post("/v1/traces", &[PROTOBUF], &body).status, 200);
    server.kill();
    server.restart();
    let hash = referred_hash(&stored_spans(&server, &span.trace_hex())[0]);
    let answer = server.get(&format!("/api/v1/images/{hash}?project=killed"));
    assert_eq!((answer.status, answer.body == png), (200, true));
}

#[test]
fn a_bucket_keeps_images_of_who_signs_with_the_right_key_and_of_no_other() {
    let bucket = S3Server::start();
    let with_secret = |secret| {
        KestrelProcess::start(bucket.configure(KestrelOptions::with_binary(BINARY), secret))
    };
    let png = new_png();
    let span = message_with(&png);
    let body = protobuf_request("bucket", std::slice::from_ref(&span));

    let stranger = with_secret("another secret");
    let answer = stranger.post("/v1/traces", &[PROTOBUF], &body);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    stranger.wait_for_log("403");

    let server = with_secret(SECRET);
    assert_eq!(server.post("/v1/traces", &[PROTOBUF], &body).status, 200);
    let hash = referred_hash(&stored_spans(&server, &span.trace_hex())[0]);
    let object = bucket.object(&format!("sha256/{}/{}", &hash[..2], &hash[2..]));
    assert_eq!(std::fs::read(object).unwrap(), png);
    assert_eq!(server.get(&format!("/api/v1/images/{hash}")).body, png);
    assert_eq!(
        server
            .get(&format!("/api/v1/images/{}", "0".repeat(64)))
            .status,
        404
    );
    assert!(!server.data_dir().join("images").exists());

    drop(bucket);
    let answer = server.post("/api/v1/images", &[], &new_png());
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    assert_eq!(server.get(&format!("/api/v1/images/{hash}")).status, 503);
}
