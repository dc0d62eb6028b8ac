//! What is not acknowledged waits on disk and is delivered later.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use caribou::{Config, Event, Meta, Phase, Recorder, Scope};
use caribou_model::ItemType;
use test_support::{Reply, ReservedAddress, Sink};

use crate::support::PATIENCE;

/// A recorder that keeps what waits in a folder, and what it had to say.
struct Spooling {
    recorder: Recorder,
    notices: Arc<Mutex<Vec<String>>>,
}

impl Spooling {
    fn start(folder: &Path, url: &str) -> Self {
        Self::with_variables(folder, url, &[])
    }

    fn with_variables(folder: &Path, url: &str, variables: &[(&str, &str)]) -> Self {
        let environment: BTreeMap<String, String> = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let notices: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&notices);
        let reporter = Arc::new(move |message: &str| told.lock().unwrap().push(message.to_owned()));
        let recorder = Recorder::new(Box::new(environment), reporter);
        let config = Config::new()
            .with_kestrel_api_url(url)
            .with_project("test-project")
            .with_spool_dir(folder);
        recorder.configure(config).unwrap();
        Self { recorder, notices }
    }

    fn open(&self) -> Scope {
        let meta = Meta::new("d", Phase::Eval);
        self.recorder.open(meta, None, None).unwrap()
    }

    fn log(&self, names: impl IntoIterator<Item = String>) {
        let scope = self.open();
        for name in names {
            scope.log(Event::new(name)).unwrap();
        }
    }

    fn wait_for(&self, what: impl Fn(&caribou::DeliveryCounts) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !what(&self.recorder.stats().total()) {
            assert!(Instant::now() < deadline, "{:?}", self.recorder.stats());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn told(&self, text: &str) -> usize {
        let notices = self.notices.lock().unwrap();
        let told = notices.iter().filter(|notice| notice.contains(text));
        told.count()
    }
}

fn numbers(range: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    range.map(|number| number.to_string())
}

fn names(sink: &Sink) -> Vec<String> {
    let events = sink.received();
    let events = events
        .iter()
        .filter(|span| span.item_type == ItemType::Event);
    events.map(|span| span.name.to_string()).collect()
}

fn wait_for_names(sink: &Sink, count: usize) {
    let deadline = Instant::now() + PATIENCE;
    while names(sink).len() < count {
        assert!(Instant::now() < deadline, "{:?}", names(sink));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The threads of a recorder that was shut down end a moment later, and with them its hold on the folder. The end of
/// a process would be that of its threads.
fn wait_until_nobody_is_in(folder: &Path) {
    let deadline = Instant::now() + PATIENCE;
    while std::fs::read_dir(folder.join("processes"))
        .unwrap()
        .next()
        .is_some()
    {
        assert!(Instant::now() < deadline, "somebody is still there");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_a_server_misses_is_on_disk_and_comes_in_order_once_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let spooling = Spooling::start(folder.path(), &format!("http://{address}"));
    spooling.log(numbers(0..1_000));
    assert!(!spooling.recorder.flush(PATIENCE), "nobody is there");
    let counts = spooling.recorder.stats().total();
    assert_eq!((counts.spooled, counts.queued), (1_001, 0));
    assert_eq!(spooling.told("waits on disk"), 1);
    assert_eq!(spooling.told(&folder.path().display().to_string()), 1);

    let sink = Sink::start_at(&address);
    spooling.log(numbers(1_000..2_000));
    assert!(spooling.recorder.flush(PATIENCE));
    assert_eq!(names(&sink), numbers(0..2_000).collect::<Vec<_>>());
    let counts = spooling.recorder.stats().total();
    assert_eq!((counts.acknowledged, counts.spooled), (2_002, 0));
}

#[test]
fn flush_does_not_wait_for_a_server_that_is_away_once_everything_is_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let spooling = Spooling::start(folder.path(), &format!("http://{address}"));
    spooling.log(numbers(0..10));
    let started = Instant::now();
    assert!(!spooling.recorder.flush(Duration::from_secs(600)));
    assert!(started.elapsed() < PATIENCE);
    assert_eq!(spooling.recorder.stats().total().spooled, 11);
}

#[test]
fn the_next_program_delivers_what_was_left_at_exit() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let first = Spooling::start(folder.path(), &format!("http://{address}"));
    first.log(numbers(0..100));
    assert!(!first.recorder.shutdown(PATIENCE));
    let counts = first.recorder.stats().total();
    assert_eq!((counts.spooled, counts.dropped), (101, 0));
    assert!(!first.recorder.shutdown(PATIENCE), "as at exit");
    assert_eq!(first.told("101 spans wait for"), 1);
    drop(first);
    wait_until_nobody_is_in(folder.path());

    let sink = Sink::start_at(&address);
    let next = Spooling::start(folder.path(), &format!("http://{address}"));
    next.log(numbers(100..101));
    assert!(next.recorder.flush(PATIENCE));
    // Where its folder is slow to open, its own goes first.
    wait_for_names(&sink, 101);
    let mut left = names(&sink);
    left.retain(|name| name != "100");
    assert_eq!(left, numbers(0..100).collect::<Vec<_>>());
    assert_eq!(next.recorder.stats().total().acknowledged, 2, "its own");
}

#[test]
fn a_shutdown_without_time_leaves_everything_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    sink.hold_answers();
    let spooling = Spooling::start(folder.path(), sink.url());
    spooling.log(numbers(0..100));
    assert!(!spooling.recorder.shutdown(Duration::from_millis(50)));
    let counts = spooling.recorder.stats().total();
    assert_eq!((counts.spooled, counts.dropped, counts.queued), (101, 0, 0));
}

#[test]
fn what_a_slow_server_took_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    let spooling = Spooling::start(folder.path(), sink.url());
    sink.hold_answers();
    let scope = spooling.open();
    for name in numbers(0..50) {
        scope.log(Event::new(name)).unwrap();
    }
    spooling.wait_for(|counts| counts.spooled == 51);
    for name in numbers(50..100) {
        scope.log(Event::new(name)).unwrap();
    }
    sink.let_go();
    assert!(spooling.recorder.flush(PATIENCE));
    assert_eq!(names(&sink), numbers(0..100).collect::<Vec<_>>());
    let counts = spooling.recorder.stats().total();
    assert_eq!((counts.acknowledged, counts.spooled), (101, 0));
}

#[test]
fn one_bad_span_does_not_take_the_others_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    sink.refuse_requests_with("17");
    let spooling = Spooling::start(folder.path(), sink.url());
    spooling.log(numbers(0..40));
    assert!(!spooling.recorder.flush(PATIENCE), "one was refused");
    let expected: Vec<String> = numbers(0..40).filter(|name| name != "17").collect();
    assert_eq!(names(&sink), expected);
    let counts = spooling.recorder.stats().total();
    assert_eq!((counts.acknowledged, counts.refused), (40, 1));
    assert_eq!(spooling.told("a span of a name that nobody wants"), 1);
    assert_eq!(set_aside(folder.path()), 1);
    assert!(spooling.recorder.flush(PATIENCE), "it was told once");
}

#[test]
fn a_bad_span_among_spooled_ones_is_set_aside_alone() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let spooling = Spooling::start(folder.path(), &format!("http://{address}"));
    spooling.log(numbers(0..40));
    assert!(!spooling.recorder.flush(PATIENCE));
    let sink = Sink::start_at(&address);
    sink.refuse_requests_with("17");
    assert!(!spooling.recorder.flush(PATIENCE));
    assert_eq!(names(&sink).len(), 39);
    let counts = spooling.recorder.stats().total();
    assert_eq!(
        (counts.acknowledged, counts.refused, counts.spooled),
        (40, 1, 0)
    );
    assert_eq!(set_aside(folder.path()), 1);
}

#[test]
fn what_is_refused_as_a_whole_is_set_aside_without_asking_about_every_span() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let spooling = Spooling::start(folder.path(), &format!("http://{address}"));
    spooling.log(numbers(0..400));
    assert!(!spooling.recorder.flush(PATIENCE));
    let report = caribou_spool::inspect(folder.path()).unwrap();
    let files = report.destinations.iter().map(|found| found.files.len());
    // What is sent together is one file, or what was on its way when it was appended.
    let together = files.sum::<usize>() + 1;
    let sink = Sink::start_at(&address);
    for _ in 0..400 {
        sink.reply_once(Reply {
            status: 400,
            ..Reply::default()
        });
    }
    assert!(!spooling.recorder.flush(PATIENCE));
    assert_eq!(spooling.recorder.stats().total().refused, 401);
    assert_eq!(set_aside(folder.path()), 401);
    assert!(sink.request_headers().len() < 40 * together);
}

#[test]
fn a_full_spool_keeps_the_rest_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let spooling = Spooling::with_variables(
        folder.path(),
        &format!("http://{address}"),
        &[("CARIBOU_SPOOL_MAX_BYTES", "100000")],
    );
    spooling.log(numbers(0..100));
    spooling.wait_for(|counts| counts.spooled == 101);
    spooling.log(numbers(100..2_000));
    let deadline = Instant::now() + PATIENCE;
    while spooling.told("CARIBOU_SPOOL_MAX_BYTES") == 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    let sink = Sink::start_at(&address);
    assert!(spooling.recorder.flush(PATIENCE));
    assert_eq!(names(&sink), numbers(0..2_000).collect::<Vec<_>>());
    assert_eq!(spooling.recorder.stats().total().dropped, 0);
}

#[test]
fn a_folder_that_cannot_be_used_is_told_and_memory_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let sink = Sink::start();
    let spooling = Spooling::start(&file.join("spool"), sink.url());
    spooling.log(numbers(0..10));
    assert!(spooling.recorder.flush(PATIENCE));
    assert_eq!(names(&sink).len(), 10);
    assert_eq!(spooling.told("waits in memory"), 1);
}

#[test]
fn a_folder_that_can_be_used_only_later_is_used_then() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let nobody = ReservedAddress::new();
    let spooling = Spooling::start(&file.join("spool"), &format!("http://{nobody}"));
    spooling.log(numbers(0..10));
    let deadline = Instant::now() + PATIENCE;
    while spooling.told("waits in memory") == 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    std::fs::remove_file(&file).unwrap();
    while spooling.recorder.stats().total().spooled < 11 {
        assert!(Instant::now() < deadline, "{:?}", spooling.recorder.stats());
        spooling.recorder.flush(Duration::from_millis(5));
    }
}

#[test]
fn two_programs_in_one_folder_deliver_their_own_once() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let url = format!("http://{address}");
    let programs = [
        Spooling::start(folder.path(), &url),
        Spooling::start(folder.path(), &url),
    ];
    programs[0].log(numbers(0..500));
    programs[1].log(numbers(500..1_000));
    for program in &programs {
        assert!(!program.recorder.flush(PATIENCE));
    }
    let sink = Sink::start_at(&address);
    for program in &programs {
        assert!(program.recorder.flush(PATIENCE));
        assert_eq!(program.recorder.stats().total().acknowledged, 501);
    }
    let mut names = names(&sink);
    names.sort_by_key(|name| name.parse::<u32>().unwrap());
    assert_eq!(names, numbers(0..1_000).collect::<Vec<_>>());
}

#[test]
fn another_account_at_the_same_address_does_not_get_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let url = format!("http://{address}");
    let first = Spooling::with_variables(folder.path(), &url, &[("KESTREL_API_KEY", "one")]);
    first.log(numbers(0..10));
    assert!(!first.recorder.shutdown(PATIENCE));
    drop(first);
    wait_until_nobody_is_in(folder.path());
    let sink = Sink::start_at(&address);
    let other = Spooling::with_variables(folder.path(), &url, &[("KESTREL_API_KEY", "two")]);
    other.log(numbers(10..11));
    assert!(other.recorder.flush(PATIENCE));
    assert_eq!(names(&sink), ["10"]);
}

#[test]
fn what_a_shutdown_left_is_delivered_by_the_same_program_once_it_is_configured_again() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let url = format!("http://{address}");
    let spooling = Spooling::start(folder.path(), &url);
    spooling.log(numbers(0..100));
    assert!(!spooling.recorder.shutdown(PATIENCE));
    assert_eq!(spooling.recorder.stats().total().spooled, 101);
    let config = || Config::new().with_kestrel_api_url(&url);
    spooling.recorder.configure(config()).unwrap();
    spooling.log(numbers(100..110));
    assert!(
        !spooling.recorder.flush(Duration::from_secs(1)),
        "nobody is there"
    );

    let sink = Sink::start_at(&address);
    assert!(
        spooling.recorder.flush(PATIENCE),
        "{:?}",
        spooling.recorder.stats()
    );
    let mut names = names(&sink);
    names.sort_by_key(|name| name.parse::<u32>().unwrap());
    assert_eq!(names, numbers(0..110).collect::<Vec<_>>());
    let counts = spooling.recorder.stats().total();
    assert_eq!((counts.acknowledged, counts.spooled), (112, 0));
    spooling.log(numbers(110..111));
    assert!(spooling.recorder.flush(PATIENCE));
}

#[test]
fn what_a_server_takes_in_part_is_kept_with_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let spooling = Spooling::start(folder.path(), &format!("http://{address}"));
    spooling.log(numbers(0..20));
    assert!(!spooling.recorder.flush(PATIENCE), "all of it is on disk");
    let sink = Sink::start_at(&address);
    let in_part = || Reply {
        status: 200,
        body: caribou_otlp::response::encode_success(
            caribou_otlp::response::Encoding::Protobuf,
            1,
            "one is too old",
        ),
        ..Reply::default()
    };
    sink.reply_once(in_part());
    assert!(!spooling.recorder.flush(PATIENCE), "one was refused");
    let counts = spooling.recorder.stats().total();
    assert_eq!(
        (counts.acknowledged, counts.refused, counts.spooled),
        (20, 1, 0)
    );
    let first = set_aside(folder.path());
    assert!(first > 0, "all of that request, as it did not say which");
    assert_eq!(spooling.told("one is too old"), 1);

    sink.reply_once(in_part());
    spooling.log(numbers(20..40));
    assert!(!spooling.recorder.flush(PATIENCE), "one more was refused");
    assert_eq!(spooling.recorder.stats().total().refused, 2);
    assert!(set_aside(folder.path()) > first);
    assert!(spooling.recorder.flush(PATIENCE), "it was told once");
}

#[test]
fn a_file_that_cannot_be_taken_holds_up_nothing() {
    const LONGEST_NAME: usize = 255;
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    let first = Spooling::start(folder.path(), &format!("http://{address}"));
    first.log(numbers(0..10));
    assert!(!first.recorder.shutdown(PATIENCE));
    drop(first);
    wait_until_nobody_is_in(folder.path());
    // Too long for the name that it would get.
    let report = caribou_spool::inspect(folder.path()).unwrap();
    let path = &report.destinations[0].files[0].path;
    let name = path.file_name().unwrap().to_str().unwrap();
    let (stem, state) = name.split_once('.').unwrap();
    let padding = "0".repeat(LONGEST_NAME - name.len());
    std::fs::rename(
        path,
        path.with_file_name(format!("{stem}{padding}.{state}")),
    )
    .unwrap();

    let sink = Sink::start_at(&address);
    let next = Spooling::start(folder.path(), &format!("http://{address}"));
    next.log(numbers(10..20));
    assert!(next.recorder.flush(PATIENCE));
    assert_eq!(names(&sink), numbers(10..20).collect::<Vec<_>>());
    let deadline = Instant::now() + PATIENCE;
    while next.told("cannot be had and is left where it is") == 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn names_that_count_more_than_any_sum_holds_are_drained_as_what_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let address = ReservedAddress::new();
    for program in 0..2 {
        let left = Spooling::start(folder.path(), &format!("http://{address}"));
        left.log(numbers(program..program + 1));
        assert!(!left.recorder.shutdown(PATIENCE));
    }
    wait_until_nobody_is_in(folder.path());
    let report = caribou_spool::inspect(folder.path()).unwrap();
    for file in &report.destinations[0].files {
        let name = file.path.file_name().unwrap().to_str().unwrap();
        let stem = name.split('.').next().unwrap();
        let name = format!("{stem}.{}.ready", u64::MAX);
        std::fs::rename(&file.path, file.path.with_file_name(name)).unwrap();
    }
    let sink = Sink::start_at(&address);
    let drain = caribou::SpoolDrain::new(folder.path());
    let environment = BTreeMap::<String, String>::new();
    let drained = drain.run(&environment, &mut |_| {}).unwrap();
    assert_eq!((drained[0].delivered, drained[0].left), (4, 0));
    assert_eq!(names(&sink), ["0", "1"]);
}

/// Records in files that were set aside.
fn set_aside(folder: &Path) -> u64 {
    let report = caribou_spool::inspect(folder).unwrap();
    let files = report
        .destinations
        .iter()
        .flat_map(|destination| &destination.set_aside);
    files.map(|file| file.records).sum()
}
