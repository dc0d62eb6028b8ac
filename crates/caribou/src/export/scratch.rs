//! A buffer per thread, in which spans are encoded before they are queued.

use std::cell::Cell;

/// A longer buffer is not kept between spans.
const LONGEST_KEPT: usize = 256 << 10;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The thread's buffer, empty; another one where it is in use already.
pub(crate) fn take() -> Vec<u8> {
    BUFFER.try_with(Cell::take).unwrap_or_default()
}

/// Keeps a buffer for the thread's next span.
pub(crate) fn give_back(mut buffer: Vec<u8>) {
    if buffer.capacity() <= LONGEST_KEPT {
        buffer.clear();
        // A thread that is ending keeps nothing.
        BUFFER.try_with(|kept| kept.set(buffer)).ok();
    }
}
