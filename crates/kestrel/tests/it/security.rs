//! Only this machine is served, as long as there are no API keys.

use std::process::Command;

use crate::support::{BINARY, raw, server};

fn status_of(headers: &str) -> String {
    let answer = raw(
        server(),
        format!("GET /api/v1/projects HTTP/1.1\r\nconnection: close\r\n{headers}\r\n").as_bytes(),
    );
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn requests_of_this_machine_are_answered_whatever_they_authorize_with() {
    for headers in [
        "host: localhost:4700\r\n",
        "host: 127.0.0.1\r\n",
        "host: [::1]:4700\r\n",
        "host: localhost\r\nauthorization: Bearer anything\r\n",
        "host: localhost\r\norigin: http://localhost:5173\r\n",
    ] {
        assert_eq!(status_of(headers), "HTTP/1.1 200 OK", "{headers}");
    }
}

#[test]
fn foreign_hosts_origins_and_forwarded_requests_are_refused() {
    for headers in [
        "host: example.com\r\n",
        "host: localhost.example.com:4700\r\n",
        "host: localhost\r\norigin: https://example.com\r\n",
        "host: localhost\r\norigin: null\r\n",
        "host: localhost\r\nforwarded: for=10.0.0.1\r\n",
        "host: localhost\r\nx-forwarded-for: 10.0.0.1\r\n",
    ] {
        assert_eq!(status_of(headers), "HTTP/1.1 403 Forbidden", "{headers}");
    }
}

#[test]
fn an_address_that_others_can_reach_is_refused_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(BINARY)
        .args(["serve", "--listen", "0.0.0.0:0", "--data"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("no API keys") && message.contains("SSH tunnel"),
        "{message}"
    );
    assert!(!folder.path().join("data").exists());
}

#[test]
fn pages_carry_a_content_policy_and_nothing_is_sniffed() {
    let page = server().get("/traces");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    for path in ["/traces", "/api/v1/projects", "/docs", "/api/v1/nothing"] {
        assert_eq!(
            server().get(path).header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
}
