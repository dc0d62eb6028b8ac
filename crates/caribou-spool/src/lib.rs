//! Keeps on disk what a destination has not acknowledged.
//!
//! A folder with one subfolder per destination; in it files of records, each with a first line that a person can read
//! and a checksum for every record. What [`DestinationSpool::append`] took survives a kill of the process, and is
//! delivered by it, by the next process, or by `kestrel spool drain`. Several processes share a folder.
//!
//! ```
//! use caribou_spool::{DestinationIdentity, Record, Spool, SpoolOptions};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path().join("spool");
//! let spool = Spool::open(SpoolOptions::new(folder))?;
//! let identity = DestinationIdentity::new("kestrel", "http://127.0.0.1:4700", "");
//! let mut waiting = spool.destination(&identity)?;
//! waiting.set_context(serde_json::json!({"service.name": "trainer"}))?;
//! waiting.append(&[Record { kind: 1, time_unix_nano: 1_764_000_000_000_000_000, payload: b"a span" }])?;
//!
//! while let Some(mut claim) = waiting.claim_oldest()? {
//!     while let Some(batch) = claim.next_batch(4 << 20, 10_000)? {
//!         // Send it. What the destination took is acknowledged, what it refused for good is set aside.
//!         assert_eq!(batch.records()[0].payload, b"a span");
//!         claim.acknowledge(&batch)?;
//!     }
//! }
//! assert_eq!(waiting.stats()?.records, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not do
//!
//! No network, no retries, no threads, no clock but for file names: the caller decides what is sent when.
//! Delivery is at least once: after a kill, at most the batches that were sent and not yet acknowledged are read again.
//! Without [`FsyncPolicy::OnRotate`] a power cut takes what the kernel had not written back.
//! It needs Unix and a file system with `flock`; on network file systems it is as good as their locks.

#![forbid(unsafe_code)]

mod account;
mod aside;
mod claim;
mod destination;
mod error;
mod frame;
mod header;
mod identity;
mod inspect;
mod journal;
mod left;
mod listing;
mod name;
mod options;
mod private_fs;
mod process;
mod progress;
mod record;
mod segment_reader;
mod segment_writer;
mod spool;
mod stats;

pub use claim::{Batch, Claim, MovedDamage};
pub use destination::DestinationSpool;
pub use error::{AppendError, Result, SpoolError};
pub use header::{Origin, SegmentHeader};
pub use identity::{DestinationIdentity, account_from_headers};
pub use inspect::{AsideReport, DestinationReport, FileReport, FileState, Inspection, inspect};
pub use journal::{Journal, Lead};
pub use left::{Left, LeftCounts};
pub use options::{FsyncPolicy, MAX_RECORD_BYTES, SpoolOptions};
pub use record::{Appended, Record, StoredRecord};
pub use segment_reader::{Damage, DamageKind, Entry, SegmentReader};
pub use spool::Spool;
pub use stats::Stats;
