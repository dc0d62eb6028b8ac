//! One segment on its way to Langfuse.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use caribou_model::{ItemType, SpanId};
use caribou_otlp::encode::Envelope;
use caribou_spool::{Damage, Entry, SegmentReader, SpoolError, StoredRecord};

use super::api::{Answer, Api, Later};
use super::gathered::{Gathered, Part};
use super::score::Score;
use super::segment::Converter;
use crate::export::records::{Reader, read};
use crate::export::search::Search;
use crate::export::{Chunk, Resource};

/// Reads the spans of a segment back, in the order of the transcript, and sends them. What was accepted is noted, so
/// that it is not sent twice.
pub(super) struct Departure {
    pub(super) gathered: Gathered,
    reader: Reader,
    envelope: Envelope,
    /// Those of the parts, while they are read.
    files: Files,
    /// Parts that could not be read, or not to their end.
    pub(super) unread: BTreeSet<usize>,
    /// The spans in the order of sending.
    spans: Vec<Located>,
    /// How many of them are converted.
    converted: usize,
    /// How many of them are accepted or refused, now or by a process before.
    settled: usize,
    converter: Converter,
    batch: Vec<Vec<u8>>,
    batch_bytes: usize,
    /// What did not fit into the batch.
    overflow: Option<Vec<u8>>,
    resource: Option<Resource>,
    search: Search,
    pub(super) scores: Vec<Score>,
    /// The encoded root, for what comes late.
    pub(super) root: Option<Arc<[u8]>>,
    /// Spans that were refused, and why.
    pub(super) refused: u64,
    pub(super) reason: String,
    /// Where a refused one was kept.
    pub(super) kept_in: Option<String>,
    /// Spans that could not be read back.
    pub(super) unreadable: u64,
    /// When the last of them was.
    last_seen: i64,
}

/// One span, and where it lies.
#[derive(Clone, Copy, Debug)]
struct Located {
    span_id: SpanId,
    revision: u64,
    is_root: bool,
    /// Its place in the transcript.
    logged: (i64, u64),
    part: usize,
    position: u64,
}

/// The open files of a segment, by part.
pub(super) type Files = Vec<Option<SegmentReader>>;

/// What is found out by reading a segment once.
#[derive(Default)]
struct Found {
    unread: BTreeSet<usize>,
    spans: HashMap<SpanId, Located>,
    records: u64,
    last_seen: i64,
}

impl Departure {
    /// What any process may have open.
    const MOST_FILES: usize = 32;

    /// Opens the files of a segment. One that never can be is left out.
    ///
    /// # Errors
    /// Where the process has not what it takes just now.
    pub(super) fn open(gathered: &Gathered) -> Result<Files, SpoolError> {
        // So many are never all open, and what cannot be waited for is kept as damaged.
        let is_waited_for = gathered.parts.len() <= Self::MOST_FILES;
        let opened = gathered.parts.iter().map(|part| match open(part) {
            Err(error) if is_waited_for => Err(error),
            opened => Ok(opened.unwrap_or_default()),
        });
        opened.collect()
    }

    pub(super) fn prepare(
        gathered: Gathered,
        mut files: Files,
        own_resource: &[(String, String)],
    ) -> Self {
        let other_resource = gathered.resource(own_resource);
        let resource = other_resource
            .as_ref()
            .map_or(own_resource, |resource| resource);
        let reader = Reader::new(resource);
        let found = Found::in_parts(&gathered, &mut files, &reader);
        let mut spans: Vec<Located> = found.spans.into_values().collect();
        if gathered.root_before.is_some() {
            spans.retain(|span| !span.is_root);
        }
        // The root last, because it shows how the conversation ended.
        spans.sort_unstable_by_key(|span| (span.is_root, span.logged, span.span_id));
        let settled = gathered.parts.first().map_or(0, |part| match part {
            Part::Journal(journal) => journal.settled(),
            Part::Memory(_) => 0,
        });
        let mut departure = Self {
            reader,
            envelope: Envelope::from_text(&texts(resource), "caribou", env!("CARGO_PKG_VERSION")),
            files,
            unread: found.unread,
            converted: 0,
            settled: usize::try_from(settled)
                .unwrap_or(usize::MAX)
                .min(spans.len()),
            spans,
            converter: Converter::default(),
            batch: Vec::new(),
            batch_bytes: 0,
            overflow: None,
            resource: other_resource.clone(),
            search: Search::default(),
            scores: Vec::new(),
            root: gathered.root_before.clone(),
            refused: 0,
            reason: String::new(),
            kept_in: None,
            unreadable: (gathered.own + gathered.of_others).saturating_sub(found.records),
            last_seen: found.last_seen,
            gathered,
        };
        departure.choose_converter();
        departure
    }

    /// Begins with what the root says, which stands on every span.
    fn choose_converter(&mut self) {
        if self.root.is_none() {
            let root = self.spans.last().copied().filter(|span| span.is_root);
            self.root = root.and_then(|root| Some(self.bytes(root)?.into()));
        }
        let bytes = match &self.root {
            Some(root) => Some(root.to_vec()),
            None => self
                .spans
                .first()
                .copied()
                .and_then(|first| self.bytes(first)),
        };
        let Some(bytes) = bytes else { return };
        let request = self.reader.request(&[&bytes]);
        let Some(record) = read(&request).pop() else {
            return;
        };
        self.converter = if self.root.is_some() {
            Converter::new(&record)
        } else {
            Converter::without_root(&record, self.gathered.key.root)
        };
    }

    /// Sends everything; after an error it goes on where it was.
    pub(super) fn send(&mut self, api: &Api) -> Result<(), Later> {
        loop {
            self.fill();
            self.send_batch(api)?;
            // What is true of these spans, as that they were sent before a kill, need not be of those behind them.
            self.search = Search::default();
            if self.is_whole() {
                return Ok(());
            }
        }
    }

    /// Converts as many spans as fit into one request.
    pub(super) fn fill(&mut self) {
        while let Some(observation) = self.overflow.take().or_else(|| self.next_observation()) {
            let fits = self.batch.len() < Chunk::MAX_SPANS
                && self.batch_bytes + observation.len() <= Chunk::MAX_BYTES;
            if !fits && !self.batch.is_empty() {
                self.overflow = Some(observation);
                return;
            }
            self.batch_bytes += observation.len();
            self.batch.push(observation);
        }
        // What waits to leave together holds no file open.
        self.files.clear();
    }

    /// Whether all that is left of it is in its batch.
    pub(super) fn is_whole(&self) -> bool {
        self.converted == self.spans.len() && self.overflow.is_none()
    }

    /// Whether it can share a request with others that have so much already.
    pub(super) fn can_join(&self, first: &Self, spans: usize, bytes: usize) -> bool {
        self.is_whole()
            && self.resource == first.resource
            && spans + self.batch.len() <= Chunk::MAX_SPANS
            && bytes + self.batch_bytes <= Chunk::MAX_BYTES
    }

    /// Spans and bytes of its batch.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.batch.len(), self.batch_bytes)
    }

    /// Sends the batches of several in one request.
    pub(super) fn send_together(departures: &[Self], api: &Api) -> Answer {
        let Some(first) = departures.first() else {
            return Answer::Taken(serde_json::Value::Null);
        };
        let spans: Vec<&[u8]> = departures.iter().flat_map(Self::sendable).collect();
        if spans.is_empty() {
            return Answer::Taken(serde_json::Value::Null);
        }
        api.send_spans(&first.envelope, &spans)
    }

    /// Notes that the whole batch was taken.
    pub(super) fn taken(&mut self) {
        self.settle(self.batch.len());
        self.batch_bytes = 0;
    }

    fn sendable(&self) -> impl Iterator<Item = &[u8]> {
        let spans = self.batch.iter().map(Vec::as_slice);
        spans.filter(|span| !span.is_empty())
    }

    /// The next span that is not settled; empty where it cannot be read, so that what is noted stays true.
    fn next_observation(&mut self) -> Option<Vec<u8>> {
        loop {
            let span = *self.spans.get(self.converted)?;
            let observation = self.convert(span);
            self.converted += 1;
            if self.converted > self.settled {
                self.unreadable += u64::from(observation.is_none());
                return Some(observation.unwrap_or_default());
            }
        }
    }

    fn convert(&mut self, span: Located) -> Option<Vec<u8>> {
        let bytes = self.bytes(span)?;
        let request = self.reader.request(&[&bytes]);
        let mut record = read(&request).pop()?;
        let is_lost = record.ended_at.is_none();
        if is_lost {
            record.ended_at = Some(self.last_seen.max(record.started_at));
        }
        let (observation, scores) = self.converter.convert(&record, is_lost);
        self.scores.extend(scores);
        let mut encoded = Vec::new();
        caribou_otlp::encode::encode_span(&observation.span, &mut encoded);
        Some(encoded)
    }

    /// Sends the batch, of which one bad span must not take the others with it.
    fn send_batch(&mut self, api: &Api) -> Result<(), Later> {
        let mut count = self.batch.len();
        while !self.batch.is_empty() {
            count = count.clamp(1, self.batch.len().min(Chunk::MAX_SPANS));
            let part: Vec<&[u8]> = self.batch[..count]
                .iter()
                .map(Vec::as_slice)
                .filter(|span| !span.is_empty())
                .collect();
            let answer = match self.search.verdict() {
                Some(reason) => Answer::Refused(reason),
                None if part.is_empty() => Answer::Taken(serde_json::Value::Null),
                None => api.send_spans(&self.envelope, &part),
            };
            match answer {
                Answer::Taken(_) => {
                    self.search.taken();
                    self.settle(count);
                    count *= 2;
                }
                Answer::Later(later) => return Err(later),
                Answer::Bad(reason) => {
                    let goes_on =
                        self.search.goes_on(count as u64, &reason) || self.takes_the_last(api)?;
                    if count == 1 {
                        self.set_aside(&reason);
                        self.settle(1);
                    }
                    count = if goes_on { count / 2 } else { 1 };
                }
                Answer::Refused(reason) => {
                    if count == 1 {
                        self.set_aside(&reason);
                        self.settle(1);
                    }
                    count = 1;
                }
                Answer::NoRoute => {
                    let reason = "HTTP 404: there is no /api/public/otel; set LANGFUSE_HOST to a Langfuse >= 3.22";
                    while !self.batch.is_empty() {
                        self.set_aside(reason);
                        self.settle(1);
                    }
                }
            }
        }
        self.batch_bytes = 0;
        Ok(())
    }

    /// Whether it takes the last span of the batch, before everything is held to be refused: those in front may be what
    /// it had been sent before a kill.
    fn takes_the_last(&mut self, api: &Api) -> Result<bool, Later> {
        let Some(last) = self.batch.last_mut().filter(|last| !last.is_empty()) else {
            return Ok(false);
        };
        match api.send_spans(&self.envelope, &[last.as_slice()]) {
            Answer::Taken(_) => {
                last.clear();
                self.search = Search::default();
                self.search.taken();
                Ok(true)
            }
            Answer::Later(later) => {
                // Nothing is decided.
                self.search = Search::default();
                Err(later)
            }
            Answer::Bad(_) | Answer::Refused(_) | Answer::NoRoute => Ok(false),
        }
    }

    fn settle(&mut self, count: usize) {
        self.batch.drain(..count);
        self.settled += count;
        let is_done = self.settled == self.spans.len() && self.scores.is_empty();
        // The whole file goes in a moment.
        if !is_done && let Some(Part::Journal(journal)) = self.gathered.parts.first() {
            // Whoever finds the file has it without the other parts.
            let noted = self.spans[..self.settled].iter();
            let noted = noted.filter(|span| span.part == 0).count();
            // A note that cannot be written costs a repetition after a kill.
            journal.settle(noted as u64).ok();
        }
    }

    /// Keeps the first span of the batch with the reason.
    fn set_aside(&mut self, reason: &str) {
        self.refused += 1;
        reason.clone_into(&mut self.reason);
        let Some(&span) = self.spans.get(self.settled) else {
            return;
        };
        let stored = self.stored(span);
        if let (Some(Part::Journal(journal)), Some(stored)) =
            (self.gathered.parts.get(span.part), stored)
            && let Ok(path) = journal.set_aside(&stored, reason)
        {
            self.kept_in = path.parent().map(|folder| folder.display().to_string());
        }
    }

    fn bytes(&mut self, span: Located) -> Option<Vec<u8>> {
        match self.gathered.parts.get(span.part)? {
            Part::Memory(memory) => {
                let index = usize::try_from(span.position).ok()?;
                memory.spans.get(index).cloned()
            }
            Part::Journal(_) => Some(self.stored(span)?.payload),
        }
    }

    fn stored(&mut self, span: Located) -> Option<StoredRecord> {
        let mut reopened = None;
        let file = match self.files.get_mut(span.part) {
            Some(file) => file.as_mut(),
            None => reopened
                .insert(open(self.gathered.parts.get(span.part)?).ok()?)
                .as_mut(),
        };
        let file = file?;
        file.set_position(span.position);
        if let Ok(Some(Entry::Record(record))) = file.next_entry() {
            return Some(record);
        }
        self.unread.insert(span.part);
        None
    }
}

impl Found {
    fn in_parts(gathered: &Gathered, files: &mut Files, reader: &Reader) -> Self {
        let mut found = Self::default();
        for (index, (part, file)) in gathered.parts.iter().zip(files).enumerate() {
            match (part, file) {
                (Part::Memory(memory), _) => {
                    for (position, span) in memory.spans.iter().enumerate() {
                        found.add(reader, span, index, position as u64);
                    }
                }
                (Part::Journal(journal), Some(file)) => {
                    let read = for_each_record(file, |position, payload| {
                        found.add(reader, payload, index, position);
                    });
                    match read {
                        Ok(damages) => {
                            for damage in damages {
                                journal.move_damage(&damage).ok();
                            }
                        }
                        Err(_) => drop(found.unread.insert(index)),
                    }
                }
                (Part::Journal(_), None) => drop(found.unread.insert(index)),
            }
        }
        found
    }

    fn add(&mut self, reader: &Reader, payload: &[u8], part: usize, position: u64) {
        let request = reader.request(&[payload]);
        let Some(record) = read(&request).pop() else {
            return;
        };
        self.records += 1;
        let times = [
            record.started_at,
            record.logged_at,
            record.ended_at.unwrap_or_default(),
            i64::try_from(record.revision).unwrap_or_default(),
        ];
        self.last_seen = times.into_iter().fold(self.last_seen, i64::max);
        let located = Located {
            span_id: record.span_id,
            revision: record.revision,
            is_root: record.item_type == ItemType::Rollout,
            logged: (record.logged_at, record.sequence),
            part,
            position,
        };
        let known = self.spans.entry(record.span_id).or_insert(located);
        if known.revision < located.revision {
            *known = located;
        }
    }
}

fn open(part: &Part) -> Result<Option<SegmentReader>, SpoolError> {
    match part {
        Part::Journal(journal) => match journal.reader() {
            Err(error) if error.is_passing() => Err(error),
            opened => Ok(opened.ok()),
        },
        Part::Memory(_) => Ok(None),
    }
}

/// Goes through the records of a file; gives the damage between them.
pub(super) fn for_each_record(
    file: &mut SegmentReader,
    mut each: impl FnMut(u64, &[u8]),
) -> Result<Vec<Damage>, SpoolError> {
    let mut damages = Vec::new();
    loop {
        let position = file.position();
        match file.next_entry()? {
            Some(Entry::Record(record)) => each(position, &record.payload),
            Some(Entry::Damage(damage)) => damages.push(damage),
            None => return Ok(damages),
        }
    }
}

fn texts(resource: &[(String, String)]) -> Vec<(&str, &str)> {
    resource
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}
