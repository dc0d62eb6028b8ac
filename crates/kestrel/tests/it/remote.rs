//! A ClickHouse elsewhere instead of the embedded engine; several servers on one.

use std::process::Command;

use test_support::otlp::TestSpan;
use test_support::{KestrelOptions, KestrelProcess};

use crate::support::{BINARY, send, stored_spans, summed_up};

const PASSWORD: &str = "password-of-this-test";

/// A server whose engine stands for a ClickHouse elsewhere, and the environment that leads to it.
fn clickhouse() -> (KestrelProcess, Vec<(&'static str, String)>) {
    let options = KestrelOptions::with_binary(BINARY).with_env("KESTREL_ENGINE_PASSWORD", PASSWORD);
    let owner = KestrelProcess::start(options);
    let port = std::fs::read_to_string(owner.data_dir().join("engine/port")).unwrap();
    let environment = vec![
        ("CLICKHOUSE_URL", format!("http://127.0.0.1:{port}")),
        ("CLICKHOUSE_USER", "kestrel".to_owned()),
        ("CLICKHOUSE_PASSWORD", PASSWORD.to_owned()),
    ];
    (owner, environment)
}

fn server_on(environment: &[(&str, String)]) -> KestrelProcess {
    let options = environment.iter().fold(
        KestrelOptions::with_binary(BINARY),
        |options, (name, value)| options.with_env(name, value),
    );
    KestrelProcess::start(options)
}

#[test]
fn several_servers_on_one_clickhouse_show_the_same_and_count_once() {
    let (first, environment) = clickhouse();
    let second = server_on(&environment);
    assert_eq!(second.get_json("/readyz")["store"], "remote");
    let spans: Vec<_> = (0..20)
        .map(|span| TestSpan::message(1, span, "user", "hello"))
        .collect();
    let id = spans[0].trace_hex();
    send(&first, "shared", &spans[..15]);
    send(&second, "shared", &spans[5..]);
    for server in [&first, &second] {
        assert_eq!(stored_spans(server, &id).len(), 20);
        summed_up(server, &id, 20);
    }
}

#[test]
fn migrate_brings_a_server_up_to_date_and_says_so() {
    let (_owner, environment) = clickhouse();
    let migrate = |database: &str| {
        Command::new(BINARY)
            .arg("migrate")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("CLICKHOUSE_DATABASE", database)
            .output()
            .unwrap()
    };
    for _ in 0..2 {
        let output = migrate("another");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(String::from_utf8_lossy(&output.stdout).contains("another are up to date"));
    }
    let lost = Command::new(BINARY)
        .arg("migrate")
        .env_remove("CLICKHOUSE_URL")
        .output()
        .unwrap();
    assert!(!lost.status.success());
    assert!(String::from_utf8_lossy(&lost.stderr).contains("CLICKHOUSE_URL"));
}
