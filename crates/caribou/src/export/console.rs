//! The console: what was logged, one line a span.

use std::io::Write;
use std::sync::Arc;

use caribou_model::{ItemType, SpanRecord, SpanStatus};

use super::Chunk;
use super::destination::{Destination, Outcome};
use super::records::{Reader, read};
use crate::clock::rfc3339_from_unix_nanos;

/// Writes readable lines. A console that is gone is no reason to keep anything.
pub(super) struct Console<W> {
    out: W,
    reader: Reader,
}

impl<W: Write + Send> Console<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            reader: Reader::new(&[]),
        }
    }
}

impl<W: Write + Send> Destination for Console<W> {
    fn address(&self) -> &'static str {
        "the console"
    }

    fn deliver(&mut self, chunks: &[Arc<Chunk>]) -> Outcome {
        let spans: Vec<&[u8]> = chunks.iter().flat_map(|chunk| chunk.spans()).collect();
        let request = self.reader.request(&spans);
        let mut lines = String::new();
        for record in read(&request) {
            // An open revision says nothing that the span's last one does not say.
            if record.ended_at.is_some() {
                lines.push_str(&line(&record));
                lines.push('\n');
            }
        }
        // Several processes share a console: whole lines in one write do not mix.
        self.out.write_all(lines.as_bytes()).ok();
        self.out.flush().ok();
        Outcome::Delivered {
            rejected: 0,
            message: String::new(),
        }
    }
}

/// `caribou 10:00:01.250 1a2b3c4d #2.1 message.user: Hello`.
fn line(record: &SpanRecord<'_>) -> String {
    let moment = rfc3339_from_unix_nanos(record.logged_at);
    let time = moment.get(11..23).unwrap_or(&moment);
    let trace = record.trace_id.to_string();
    // Generated ids begin with the time, so that only their ends tell them apart.
    let trace = &trace[trace.len() - 8..];
    let mut words = vec![format!("caribou {time} {trace}")];
    if matches!(record.item_type, ItemType::Message | ItemType::Tool) {
        words.push(format!("#{}.{}", record.turn_index, record.intra_index));
    }
    words.push(record.span_name.to_string());
    if record.item_type == ItemType::Rollout {
        words.push(format!("{} {}", record.phase, record.rollout_status));
    }
    if let Some(score) = record.score {
        words.push(format!("score {score}"));
    }
    if !record.model.is_empty() {
        let tokens = match (record.input_tokens, record.output_tokens) {
            (Some(input), Some(output)) => format!(", {input}+{output} tokens"),
            _ => String::new(),
        };
        words.push(format!("[{}{tokens}]", record.model));
    }
    if record.status == SpanStatus::Error {
        words.push(format!("ERROR {}", shortened(&record.error_message)));
    }
    let line = words.join(" ");
    let said = said(record);
    if said.is_empty() {
        line
    } else {
        format!("{line}: {said}")
    }
}

fn said(record: &SpanRecord<'_>) -> String {
    match record.item_type {
        ItemType::Message if record.content.as_str().is_empty() => shortened(&record.tool_calls),
        ItemType::Message => shortened(record.content.as_str()),
        ItemType::Tool => format!(
            "{} -> {}",
            shortened(record.input.as_str()),
            shortened(record.output.as_str())
        ),
        ItemType::Grade => shortened(&record.reasoning),
        ItemType::Rollout => shortened(&record.datapoint_id),
        _ => shortened(&record.details),
    }
}

/// The beginning of a text, on one line, without what would steer a terminal.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 120;
    let mut short: String = text
        .chars()
        .take(LONGEST)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use caribou_model::{Payload, TraceId};

    use super::*;

    #[test]
    fn a_line_says_who_said_what_and_cannot_steer_a_terminal() {
        let record = SpanRecord {
            trace_id: TraceId([0xab; 16]),
            item_type: ItemType::Message,
            span_name: "message.assistant".into(),
            turn_index: 2,
            model: "gpt-4o".into(),
            input_tokens: Some(10),
            output_tokens: Some(3),
            content: Payload::Text("two\nlines \u{1b}[2J".into()),
            logged_at: 1_795_255_201_250_000_000,
            ..SpanRecord::default()
        };
        assert_eq!(
            line(&record),
            "caribou 10:00:01.250 abababab #2.0 message.assistant [gpt-4o, 10+3 tokens]: two lines  [2J"
        );
    }

    #[test]
    fn long_texts_are_shortened() {
        assert_eq!(shortened(&"é".repeat(500)).chars().count(), 121);
    }
}
