//! Measures what appending and delivering cost: `cargo run --release -p caribou-spool --example append_cost`.

#![expect(clippy::print_stdout, reason = "the figures are for the terminal")]

use std::error::Error;
use std::time::Instant;

use caribou_spool::{DestinationIdentity, Record, Spool, SpoolOptions};

const RECORDS: usize = 400_000;

fn main() -> Result<(), Box<dyn Error>> {
    let payload: Vec<u8> = (0..1024_u32)
        .map(|at| u8::try_from(at % 251))
        .collect::<Result<_, _>>()?;
    for batch in [1, 16, 128, 512] {
        let folder = tempfile::tempdir()?;
        let spool = Spool::open(SpoolOptions::new(folder.path()))?;
        let mut waiting = spool.destination(&DestinationIdentity::new(
            "kestrel",
            "http://127.0.0.1:4700",
            "",
        ))?;
        let records = vec![
            Record {
                kind: 1,
                time_unix_nano: 0,
                payload: &payload
            };
            batch
        ];

        let started = Instant::now();
        for _ in 0..RECORDS / batch {
            waiting.append(&records)?;
        }
        let append = started.elapsed();

        let started = Instant::now();
        let mut delivered = 0;
        while let Some(mut claim) = waiting.claim_oldest()? {
            while let Some(read) = claim.next_batch(4 << 20, 512)? {
                delivered += read.records().len();
                claim.acknowledge(&read)?;
            }
        }
        let micros = |took: std::time::Duration| {
            took.as_secs_f64() * 1e6 / f64::from(u32::try_from(delivered).unwrap_or(1))
        };
        println!(
            "batches of {batch:>3}: append {:.2} µs, read and settle {:.2} µs a record of 1 KB",
            micros(append),
            micros(started.elapsed())
        );
    }
    Ok(())
}
