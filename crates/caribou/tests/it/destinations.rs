//! Several destinations at once.

use caribou::{Config, Event};
use caribou_model::ItemType;

use crate::support::Recording;

#[test]
fn the_console_is_a_destination_beside_kestrel() {
    let recording = Recording::start();
    recording
        .recorder
        .configure(Config::new().with_debug(true))
        .unwrap();
    let scope = recording.open_one();
    scope.log(Event::new("shown")).unwrap();
    assert!(recording.flush());
    assert_eq!(recording.sink.spans_of(ItemType::Event).len(), 1);
    let stats = recording.recorder.stats();
    assert_eq!(stats.destinations["console"].acknowledged, 2);
    assert_eq!(stats.destinations["kestrel"].acknowledged, 2);
}
