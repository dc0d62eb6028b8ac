//! Start, state and end of an engine.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use kestrel_engine::{Engine, EngineError, EngineState};

use crate::fixture::{Answer, TestEngine, connect, options, start_on};

/// How long an orderly end may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_second_engine_on_the_same_folder_says_who_has_it() {
    let engine = TestEngine::start();
    let error = start_on(engine.folder.path()).unwrap_err();
    let EngineError::Refused { message } = &error else {
        panic!("{error}")
    };
    let holder = engine.engine.pid().unwrap().to_string();
    assert!(
        message.contains("in use by process") && message.contains(&holder),
        "{message}"
    );
    assert_eq!(engine.sql("SELECT 1"), "1\n");
}

#[test]
fn a_library_that_is_none_is_told_from_one_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let not_a_library = folder.path().join("libchdb.so");
    std::fs::write(&not_a_library, "no library").unwrap();
    let error = Engine::start(kestrel_engine::EngineOptions {
        library: not_a_library,
        ..options(folder.path())
    });
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("cannot load the engine library") && message.contains("make build"),
        "{message}"
    );
}

#[test]
fn data_is_there_after_a_shutdown_and_a_new_start() {
    let mut engine = TestEngine::start();
    engine.sql("CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id");
    engine.sql("INSERT INTO t SELECT number FROM numbers(1000)");
    engine.sql("CREATE DATABASE kept");
    assert!(engine.engine.shutdown(PATIENCE));
    assert_eq!(engine.engine.state(), EngineState::Stopped);
    assert_eq!(engine.engine.pid(), None);
    engine.engine = start_on(engine.folder.path()).unwrap();
    assert_eq!(engine.sql("SELECT count() FROM t"), "1000\n");
    assert!(engine.sql("SHOW DATABASES").contains("kept\n"));
}

#[test]
fn a_shutdown_lets_the_running_request_finish() {
    let mut engine = TestEngine::start();
    // Far more than fits between the server and a client that does not read: it runs until the client goes on.
    let sql = "SELECT number FROM numbers(20000000) FORMAT RowBinary";
    let mut stream = connect(&engine.engine);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n{sql}",
        engine.auth(),
        sql.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut beginning = vec![0; 1024];
    stream.read_exact(&mut beginning).unwrap();
    let url = engine.engine.url();
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| engine.engine.shutdown(PATIENCE));
        // From then on there is nobody to connect to.
        while TcpStream::connect(url.trim_start_matches("http://")).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let rest = Answer::read_after(beginning, stream);
        assert_eq!((rest.status, rest.body.len()), (200, 160_000_000));
        assert!(ended.join().unwrap());
    });
}

#[test]
fn a_given_password_is_used_and_an_unusable_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let with = |password: &str| {
        Engine::start(kestrel_engine::EngineOptions {
            password: Some(password.into()),
            ..options(folder.path())
        })
    };
    assert!(matches!(with(""), Err(EngineError::UnusablePassword)));
    assert!(matches!(with("a\nb"), Err(EngineError::UnusablePassword)));
    let engine = with("sésame: öffne dich").unwrap();
    assert_eq!(engine.password(), "sésame: öffne dich");
    assert!(!format!("{engine:?}").contains("sésame"));
}

#[test]
fn backups_go_into_the_folder_and_can_be_restored() {
    let engine = TestEngine::start();
    engine.sql("CREATE DATABASE d");
    engine.sql("CREATE TABLE d.t (id UInt64) ENGINE = MergeTree ORDER BY id");
    engine.sql("INSERT INTO d.t SELECT number FROM numbers(100)");
    let path = engine
        .folder
        .path()
        .canonicalize()
        .unwrap()
        .join("backups")
        .join("one");
    engine.sql(&format!("BACKUP DATABASE d TO File('{}')", path.display()));
    engine.sql("DROP DATABASE d");
    engine.sql(&format!(
        "RESTORE DATABASE d FROM File('{}')",
        path.display()
    ));
    assert_eq!(engine.sql("SELECT sum(id) FROM d.t"), "4950\n");
    assert_ne!(
        engine
            .post("", "BACKUP DATABASE d TO File('/tmp/elsewhere')")
            .status,
        200
    );
}
