//! The destination: takes spans in, and sends segments once they are complete.

use std::collections::VecDeque;
use std::sync::Arc;

use caribou_model::SpanRecord;

use super::api::{Answer, Api, Later};
use super::buffer::{Buffer, Complete};
use super::scores::Scores;
use super::segment::Converter;
use crate::export::Chunk;
use crate::export::destination::{Destination, Outcome};
use crate::export::records::{Reader, read};
use crate::notice::Notices;
use crate::settings::LangfuseTarget;

/// Sends whole segments to Langfuse.
pub(in crate::export) struct LangfuseDestination {
    address: String,
    api: Api,
    reader: Reader,
    buffer: Buffer,
    outgoing: VecDeque<Outgoing>,
    scores: Scores,
    notices: Arc<Notices>,
    /// Spans set aside since the last outcome, and why.
    rejected: (u64, String),
}

/// A segment on its way. What was accepted of it is gone from here, so that nothing is sent twice.
struct Outgoing {
    complete: Complete,
    converter: Converter,
    batch: Vec<Vec<u8>>,
    batch_bytes: usize,
}

impl LangfuseDestination {
    pub(in crate::export) fn new(
        target: &LangfuseTarget,
        resource: &[(String, String)],
        notices: &Arc<Notices>,
    ) -> Self {
        Self {
            address: format!("Langfuse at {}", target.host),
            api: Api::new(target, resource),
            reader: Reader::new(resource),
            buffer: Buffer::default(),
            outgoing: VecDeque::new(),
            scores: Scores::default(),
            notices: Arc::clone(notices),
            rejected: (0, String::new()),
        }
    }

    fn take_in(&mut self, chunks: &[Arc<Chunk>]) {
        for span in chunks.iter().flat_map(|chunk| chunk.spans()) {
            let request = self.reader.request(&[span]);
            for record in read(&request) {
                if let Some(complete) = self.buffer.take_in(&record, span) {
                    self.add_outgoing(complete);
                }
            }
        }
    }

    fn add_outgoing(&mut self, complete: Complete) {
        let request = self.reader.request(&[&complete.root]);
        if let Some(root) = read(&request).first() {
            let converter = Converter::new(root);
            self.outgoing.push_back(Outgoing {
                complete,
                converter,
                batch: Vec::new(),
                batch_bytes: 0,
            });
        }
    }

    fn send(&mut self) -> Result<(), Later> {
        while let Some(mut outgoing) = self.outgoing.pop_front() {
            if let Err(later) = self.send_segment(&mut outgoing) {
                self.outgoing.push_front(outgoing);
                return Err(later);
            }
        }
        let notices = &self.notices;
        self.scores.send(&self.api, &mut |reason| {
            notices.tell_once("langfuse_score", || {
                format!(
                    "Langfuse refused a score for good, and further ones are not told: {reason}"
                )
            });
        })
    }

    fn send_segment(&mut self, outgoing: &mut Outgoing) -> Result<(), Later> {
        // What an attempt before this one left.
        self.send_batch(outgoing)?;
        while let Some(held) = outgoing.complete.spans.pop_front() {
            match self.buffer.bytes_of(held) {
                Ok(encoded) => self.convert(outgoing, &encoded)?,
                Err(error) => self.set_aside(&format!("a temporary file cannot be read: {error}")),
            }
        }
        if !std::mem::replace(&mut outgoing.complete.root_sent, true) {
            // Last, because it shows how the conversation ended.
            let root = Arc::clone(&outgoing.complete.root);
            self.convert(outgoing, &root)?;
        }
        self.send_batch(outgoing)
    }

    /// Adds an observation to the batch; sends the batch before it where both do not fit.
    fn convert(&mut self, outgoing: &mut Outgoing, encoded: &[u8]) -> Result<(), Later> {
        let request = self.reader.request(&[encoded]);
        let Some(record) = read(&request).pop() else {
            return Ok(());
        };
        let observation = self.observation(outgoing, &record);
        let fits = outgoing.batch.len() < Chunk::MAX_SPANS
            && outgoing.batch_bytes + observation.len() <= Chunk::MAX_BYTES;
        let sent = if fits {
            Ok(())
        } else {
            self.send_batch(outgoing)
        };
        // Also where the batch did not leave: then it is a little too large, and is cut when it is sent.
        outgoing.batch_bytes += observation.len();
        outgoing.batch.push(observation);
        sent
    }

    fn observation(&mut self, outgoing: &mut Outgoing, record: &SpanRecord<'_>) -> Vec<u8> {
        let (observation, scores) = outgoing.converter.convert(record);
        self.scores.add(scores);
        let mut encoded = Vec::new();
        caribou_otlp::encode::encode_span(&observation.span, &mut encoded);
        encoded
    }

    /// Sends the batch, of which one bad span must not take the others with it.
    fn send_batch(&mut self, outgoing: &mut Outgoing) -> Result<(), Later> {
        let batch = &mut outgoing.batch;
        let mut count = batch.len();
        while !batch.is_empty() {
            count = count.clamp(1, batch.len().min(Chunk::MAX_SPANS));
            match self.api.send_spans(&batch[..count]) {
                Answer::Taken(_) => {
                    batch.drain(..count);
                    count = batch.len();
                }
                Answer::Later(later) => return Err(later),
                Answer::Bad(_) if count > 1 => count /= 2,
                Answer::Bad(reason) => {
                    batch.remove(0);
                    count = batch.len();
                    self.set_aside(&reason);
                }
                Answer::NoRoute => {
                    let reason = "HTTP 404: there is no /api/public/otel; set LANGFUSE_HOST to a Langfuse >= 3.22";
                    batch.drain(..).for_each(|_| self.set_aside(reason));
                }
            }
        }
        outgoing.batch_bytes = 0;
        Ok(())
    }

    fn set_aside(&mut self, reason: &str) {
        self.rejected.0 += 1;
        reason.clone_into(&mut self.rejected.1);
    }
}

impl Destination for LangfuseDestination {
    fn address(&self) -> &str {
        &self.address
    }

    fn deliver(&mut self, chunks: &[Arc<Chunk>]) -> Outcome {
        self.take_in(chunks);
        if let Err(later) = self.send() {
            return later.into();
        }
        let (rejected, message) = std::mem::take(&mut self.rejected);
        Outcome::Delivered { rejected, message }
    }

    fn finish(&mut self) {
        let waiting = self.buffer.waiting();
        if waiting > 0 {
            self.notices.tell(&format!(
                "{waiting} spans of rollouts that have not ended were not sent to Langfuse, which takes whole ones only"
            ));
        }
    }
}
