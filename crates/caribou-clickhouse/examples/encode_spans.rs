//! Measures the Native writer: `encode_spans ROLLOUTS.json BLOCKS SPANS_PER_BLOCK [OUTPUT_FOLDER]`.
//!
//! The text is that of real rollouts, cut into spans of about 1.1 KB. Prints spans per second of encoding and bytes a
//! span; with a folder it also writes each block to a file, for measuring a bare insert.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small numbers of a measuring program"
)]

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use caribou_clickhouse::{SpanBlock, insert_spans_sql};
use caribou_model::{Cost, ItemType, Payload, SpanId, SpanRecord, TraceId, UsageScope};

const CONTENT_BYTES: usize = 1000;
const SPANS_PER_TRACE: usize = 50;
const RESOURCE: &str = r#"{"service.name":"trainer","host.name":"worker-3","process.pid":4711,"telemetry.sdk.language":"rust"}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let rollouts = arguments.next().ok_or("give the path of the rollouts")?;
    let blocks: usize = arguments
        .next()
        .ok_or("give the number of blocks")?
        .parse()?;
    let rows: usize = arguments
        .next()
        .ok_or("give the spans per block")?
        .parse()?;
    let folder = arguments.next().map(PathBuf::from);

    let text = conversation(&std::fs::read_to_string(rollouts)?)?;
    let mut encode_secs = 0.0;
    let mut bytes = 0;
    for block in 0..blocks {
        let spans: Vec<_> = (0..rows)
            .map(|row| span(block * rows + row, &text))
            .collect();
        let start = Instant::now();
        let encoded = black_box(SpanBlock::encode(black_box(&spans)));
        encode_secs += start.elapsed().as_secs_f64();
        bytes += encoded.bytes().len();
        if let Some(folder) = &folder {
            std::fs::write(folder.join(format!("{block:05}.native")), encoded.bytes())?;
        }
    }
    if let Some(folder) = &folder {
        std::fs::write(folder.join("insert.sql"), insert_spans_sql())?;
    }
    let total = (blocks * rows) as f64;
    #[expect(clippy::print_stdout, reason = "it is a measuring program")]
    {
        println!(
            "{total} spans: {:.0} spans/s encoded, {:.3} us a span, {:.0} bytes a span on the wire",
            total / encode_secs,
            encode_secs / total * 1e6,
            bytes as f64 / total
        );
    }
    Ok(())
}

/// All that was said, one message after another.
fn conversation(json: &str) -> Result<String, serde_json::Error> {
    let rollouts: serde_json::Value = serde_json::from_str(json)?;
    let messages = rollouts
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|rollout| rollout.get("traj")?.as_array())
        .flatten();
    let mut text = String::new();
    for message in messages.filter(|message| message["role"] != "system") {
        text.push_str(message["content"].as_str().unwrap_or_default());
        text.push_str(&message["tool_calls"].to_string());
    }
    Ok(text)
}

fn span(number: usize, text: &str) -> SpanRecord<'_> {
    let trace = number / SPANS_PER_TRACE;
    let place = number % SPANS_PER_TRACE;
    let mut trace_id = [0; 16];
    trace_id[..8].copy_from_slice(&(1_795_000_000_000 + trace as u64).to_be_bytes());
    trace_id[8..].copy_from_slice(&scattered(trace as u64).to_be_bytes());
    let mut start = (scattered(number as u64) as usize) % (text.len() - 2 * CONTENT_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let mut end = start + CONTENT_BYTES;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let at = 1_795_000_000_000_000_000 + number as i64 * 1_000_000;
    let assistant = place.is_multiple_of(2);
    SpanRecord {
        project: "default".into(),
        trace_id: TraceId(trace_id),
        span_id: SpanId((0x0123_4567_0000_0000 + number as u64 * 977).to_be_bytes()),
        revision: at as u64,
        parent_span_id: (place > 0).then(|| SpanId(scattered(trace as u64).to_be_bytes())),
        item_type: ItemType::Message,
        span_kind: "message".into(),
        span_name: if assistant {
            "message.assistant"
        } else {
            "message.user"
        }
        .into(),
        turn_index: (place / 2) as i32,
        intra_index: (place % 2) as i32,
        sequence: number as u64,
        logged_at: at,
        started_at: at,
        ended_at: Some(at),
        role: if assistant { "assistant" } else { "user" }.into(),
        content: Payload::Text(text[start..end].into()),
        model: if assistant { "gpt-4o-2024-08-06" } else { "" }.into(),
        input_tokens: assistant.then_some(900 + number as u64 % 977),
        output_tokens: assistant.then_some(20 + number as u64 % 97),
        cost: assistant.then(|| Cost::from_pico_usd(number as i64 * 1000)),
        usage_scope: UsageScope::Agent,
        resource: RESOURCE.into(),
        scope_name: "caribou".into(),
        ..SpanRecord::default()
    }
}

const fn scattered(number: u64) -> u64 {
    let mixed = (number ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 29)
}
