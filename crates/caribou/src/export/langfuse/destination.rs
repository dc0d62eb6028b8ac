//! The destination: gathers spans, and sends segments once they are complete.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use caribou_model::ItemType;
use caribou_spool::{Damage, DestinationSpool, Journal, Lead, SpoolError};

use super::api::{Answer, Api, Later};
use super::departure::{Departure, for_each_record};
use super::gathered::{Gathered, Key, Part, Room};
use super::gathering::Gathering;
use super::scores::Scores;
use crate::export::destination::{Destination, Outcome};
use crate::export::keeper::with_sources;
use crate::export::kept::KeptReport;
use crate::export::records::{Reader, read};
use crate::export::shelf::{Shelf, resource_from_context};
use crate::export::{Chunk, Resource};
use crate::fork;
use crate::notice::Notices;
use crate::settings::LangfuseTarget;

/// Folder of segments that are gathered, beside the spool's own for what has just come in.
pub(in crate::export) const ROLLOUTS: &str = "langfuse-rollouts";
/// Folder of scores.
pub(in crate::export) const SCORES: &str = "langfuse-scores";

/// Sends whole segments to Langfuse.
pub(in crate::export) struct LangfuseDestination {
    address: String,
    api: Api,
    reader: Reader,
    room: Room,
    gathering: Gathering,
    complete: VecDeque<Gathered>,
    /// On their way, in one request where they are several.
    leaving: Vec<Departure>,
    /// The next, which did not fit to these.
    next: Option<Departure>,
    /// What is leaving was refused together.
    one_by_one: bool,
    scores: Scores,
    /// The right to take over what others have left.
    lead: Option<Lead>,
    /// Files of others that could not be read just now.
    adopt_again: Vec<Journal>,
    notices: Arc<Notices>,
    report: KeptReport,
}

/// Spans of one segment that came in together.
struct Incoming<'a> {
    key: Key,
    spans: Vec<&'a [u8]>,
    /// The end of the root is among them.
    ends_it: bool,
}

impl LangfuseDestination {
    /// Segments in one request: each has its file open.
    const MOST_TOGETHER: usize = 64;

    pub(in crate::export) fn new(
        target: &LangfuseTarget,
        resource: &[(String, String)],
        notices: &Arc<Notices>,
    ) -> Self {
        Self {
            address: format!("Langfuse at {}", target.host),
            api: Api::new(target),
            reader: Reader::new(resource),
            room: Room::new(resource),
            gathering: Gathering::default(),
            complete: VecDeque::new(),
            leaving: Vec::new(),
            next: None,
            one_by_one: false,
            scores: Scores::default(),
            lead: None,
            adopt_again: Vec::new(),
            notices: Arc::clone(notices),
            report: KeptReport::default(),
        }
    }

    /// Puts the spans of a chunk to their segments, those of one segment together.
    fn take_in(&mut self, chunk: &Chunk) {
        let foreign = chunk.resource.as_deref().map(|own| Reader::new(own));
        let mut by_segment: Vec<Incoming<'_>> = Vec::new();
        let mut places: HashMap<Key, usize> = HashMap::new();
        for span in chunk.spans() {
            let reader = foreign.as_ref().unwrap_or(&self.reader);
            let request = reader.request(&[span]);
            let Some(record) = read(&request).pop() else {
                self.lost(1, chunk.is_of_others);
                continue;
            };
            let Some(key) = self.gathering.key_of(&record) else {
                // Langfuse knows the span and takes no later revision of it.
                self.left(1, chunk.is_of_others);
                continue;
            };
            let gathered = self.gathering.note(key, &record);
            gathered.has_own_root |= record.item_type == ItemType::Rollout && !chunk.is_of_others;
            let place = *places.entry(key).or_insert_with(|| {
                by_segment.push(Incoming {
                    key,
                    spans: Vec::new(),
                    ends_it: false,
                });
                by_segment.len() - 1
            });
            let incoming = &mut by_segment[place];
            incoming.spans.push(span);
            incoming.ends_it |= record.item_type == ItemType::Rollout && record.ended_at.is_some();
        }
        for incoming in &by_segment {
            self.put(incoming, chunk.resource.as_ref(), chunk.is_of_others);
        }
        // Two of them may stand in one segment by now, which leaves with both.
        for incoming in by_segment {
            // Where another had gathered the end already, what comes in again is waited for, and known as such.
            if incoming.ends_it || !chunk.is_of_others {
                let key = self.gathering.home_of(incoming.key);
                self.complete.extend(self.gathering.take_complete(key));
            }
        }
    }

    fn put(&mut self, incoming: &Incoming<'_>, resource: Option<&Resource>, of_others: bool) {
        // A group that came in after what is below it has taken that along.
        let key = self.gathering.home_of(incoming.key);
        let Some(gathered) = self.gathering.get_mut(key) else {
            return;
        };
        let (is_kept, reason) = self
            .room
            .put(gathered, &incoming.spans, resource, of_others);
        if of_others {
            gathered.is_abandoned = true;
        }
        if let Some(reason) = reason {
            let _still = fork::hold_off();
            self.notices.tell_once("langfuse_memory", || {
                format!("what waits for Langfuse stays in memory, as it cannot be kept on disk: {reason}")
            });
        }
        if !is_kept {
            self.lost(incoming.spans.len() as u64, of_others);
        }
    }

    fn lost(&mut self, spans: u64, of_others: bool) {
        if !of_others {
            self.report.dropped += spans;
            let _still = fork::hold_off();
            self.notices.tell_once("langfuse_lost", || {
                "memory for what waits for Langfuse is used up: further spans are dropped for it and counted in stats()"
                    .to_owned()
            });
        }
    }

    fn left(&mut self, spans: u64, of_others: bool) {
        if of_others {
            self.report.of_others.0 += spans;
        } else {
            self.report.acknowledged += spans;
        }
    }

    fn open_folders(&mut self, shelf: &Shelf) {
        if self.room.journals.is_some() {
            return;
        }
        let opened = shelf
            .beside(ROLLOUTS)
            .and_then(|journals| Ok((journals, shelf.beside(SCORES)?)));
        match opened {
            Ok((journals, scores)) => {
                self.room.journals = Some(journals);
                self.scores.open(scores);
            }
            Err(error) => {
                let _still = fork::hold_off();
                self.notices.tell_once("langfuse_memory", || {
                    format!("what waits for Langfuse stays in memory, as it cannot be kept on disk: {error}")
                });
            }
        }
    }

    /// Takes over a segment that another process had gathered.
    fn adopt(&mut self, journal: Journal) {
        let context = Some(journal.context());
        let resource = resource_from_context(context, &self.room.resource);
        let foreign = resource.as_deref().map(|resource| Reader::new(resource));
        let reader = foreign.as_ref().unwrap_or(&self.reader);
        let (gathering, mut key, mut records) = (&mut self.gathering, None, 0);
        let scanned = journal.reader().and_then(|mut file| {
            for_each_record(&mut file, |_, payload| {
                let request = reader.request(&[payload]);
                if let Some(record) = read(&request).pop() {
                    records += 1;
                    let of_root = Key {
                        trace_id: record.trace_id,
                        root: record.span_id,
                    };
                    let own = gathering.key_of(&record).unwrap_or(of_root);
                    gathering.note(own, &record);
                    key.get_or_insert(own);
                }
            })
        });
        if scanned.as_ref().is_err_and(SpoolError::is_passing) {
            self.adopt_again.push(journal);
            return;
        }
        let key = key.map(|key| self.gathering.home_of(key));
        let Some(gathered) = key.and_then(|key| self.gathering.get_mut(key)) else {
            self.put_away(journal, scanned);
            return;
        };
        // What is noted of it is true of this file alone.
        let is_under_way = journal.settled() > 0;
        if is_under_way && !gathered.parts.is_empty() {
            let root_before = gathered.root_before.clone();
            self.complete.push_back(Gathered {
                parts: vec![Part::Journal(journal)],
                of_others: records,
                root_before,
                ..Gathered::new(gathered.key)
            });
            return;
        }
        gathered.of_others += records;
        gathered.is_abandoned = true;
        if gathered.has_own_root {
            gathered.parts.push(Part::Journal(journal));
        } else {
            gathered.parts.insert(0, Part::Journal(journal));
        }
        if is_under_way && let Some(gathered) = key.and_then(|key| self.gathering.take(key)) {
            self.complete.push_back(gathered);
        }
    }

    /// Removes a file that another process had not come to fill, once what is damaged in it is kept elsewhere.
    fn put_away(&self, journal: Journal, scanned: Result<Vec<Damage>, SpoolError>) {
        let path = journal.path();
        let removed = scanned
            .and_then(|damages| {
                damages
                    .iter()
                    .try_for_each(|damage| journal.move_damage(damage).map(|_| ()))
            })
            .and_then(|()| journal.remove());
        if let Err(error) = removed {
            let _still = fork::hold_off();
            self.notices.tell_once("langfuse_unreadable", || {
                format!(
                    "what waits for Langfuse in {} cannot be read and is left there: {error}",
                    path.display()
                )
            });
        }
    }

    /// Sends the next segment, or several small ones in one request.
    fn send_segments(&mut self) -> Option<Result<(), Later>> {
        if self.leaving.is_empty() {
            self.one_by_one = false;
            if let Err(error) = self.gather_leaving() {
                return Some(Err(Later {
                    after: None,
                    unreachable: false,
                    reason: with_sources(&error),
                }));
            }
        }
        if self.leaving.is_empty() {
            return None;
        }
        if self.leaving.len() == 1 || self.one_by_one {
            let sent = self.leaving[0].send(&self.api);
            if sent.is_ok() {
                let departure = self.leaving.remove(0);
                self.departed(departure);
            }
            return Some(sent);
        }
        match Departure::send_together(&self.leaving, &self.api) {
            Answer::Taken(_) => {
                for mut departure in std::mem::take(&mut self.leaving) {
                    departure.taken();
                    self.departed(departure);
                }
                Some(Ok(()))
            }
            Answer::Later(later) => Some(Err(later)),
            Answer::Bad(_) | Answer::Refused(_) | Answer::NoRoute => {
                self.one_by_one = true;
                Some(Ok(()))
            }
        }
    }

    fn gather_leaving(&mut self) -> Result<(), SpoolError> {
        let (mut spans, mut bytes) = (0, 0);
        loop {
            let next = match self.next.take() {
                Some(departure) => Ok(Some(departure)),
                None => self.prepare_next(),
            };
            let departure = match next {
                Ok(Some(departure)) => departure,
                Err(error) if self.leaving.is_empty() => return Err(error),
                Ok(None) | Err(_) => return Ok(()),
            };
            if let Some(first) = self.leaving.first()
                && (self.leaving.len() == Self::MOST_TOGETHER
                    || !departure.can_join(first, spans, bytes))
            {
                self.next = Some(departure);
                return Ok(());
            }
            let size = departure.size();
            let is_whole = departure.is_whole();
            (spans, bytes) = (spans + size.0, bytes + size.1);
            self.leaving.push(departure);
            if !is_whole {
                return Ok(());
            }
        }
    }

    /// The next segment; an error where it stays where it is because it cannot be read just now.
    fn prepare_next(&mut self) -> Result<Option<Departure>, SpoolError> {
        let files = match self.complete.front() {
            Some(complete) => Departure::open(complete)?,
            None => return Ok(None),
        };
        Ok(self.complete.pop_front().map(|complete| {
            let mut departure = Departure::prepare(complete, files, &self.room.resource);
            departure.fill();
            departure
        }))
    }

    fn departed(&mut self, departure: Departure) {
        let Departure {
            gathered,
            scores,
            root,
            refused,
            reason,
            kept_in,
            unreadable,
            unread,
            ..
        } = departure;
        // The scores are safe before the file that they came from goes.
        self.scores.add(scores);
        let lost_scores = self.scores.take_lost();
        self.report.dropped_beside += lost_scores;
        self.gathering.remember(&gathered, root);
        let lost = unreadable.min(gathered.own);
        let refused_own = refused.min(gathered.own - lost);
        self.report.dropped += lost;
        self.report.refused += refused_own;
        self.report.acknowledged += gathered.own - lost - refused_own;
        let refused_others = refused - refused_own;
        self.report.of_others.0 += gathered.of_others.saturating_sub(refused_others);
        self.report.of_others.1 += refused_others;
        let _still = fork::hold_off();
        if lost_scores > 0 {
            self.notices.tell_once("langfuse_scores_lost", || {
                "memory for scores that wait for Langfuse is used up: further ones are dropped and counted in stats()"
                    .to_owned()
            });
        }
        if refused > 0 {
            let kind = reason.split(':').next().unwrap_or_default();
            let kept = kept_in.map_or(String::new(), |place| format!(" (kept in {place})"));
            self.notices.tell_once(&format!("refused:{kind}"), || {
                format!(
                    "{} refused {refused} spans for good{kept}, and stats() counts any further ones: {reason}",
                    self.address
                )
            });
        }
        if unreadable > 0 {
            self.notices.tell_once("langfuse_damaged", || {
                format!(
                    "{unreadable} spans that waited for {} cannot be read back; see the folder `damaged` beside them",
                    self.address
                )
            });
        }
        for (index, part) in gathered.parts.into_iter().enumerate() {
            match part {
                Part::Memory(memory) => self.room.forget(&memory),
                Part::Journal(journal) => {
                    let done = if unread.contains(&index) && journal.path().exists() {
                        journal.keep_damaged().map(drop)
                    } else {
                        journal.remove()
                    };
                    if let Err(error) = done {
                        self.notices.tell_once("spool_unreadable", || {
                            format!(
                                "what was sent to Langfuse cannot be removed from disk: {error}"
                            )
                        });
                    }
                }
            }
        }
    }

    fn tell_refused_scores(&mut self) {
        for refused in self.scores.take_refused() {
            self.report.refused_beside += 1;
            let _still = fork::hold_off();
            let kept = refused
                .kept_in
                .map_or(String::new(), |place| format!(" (kept in {place})"));
            self.notices.tell_once("langfuse_score", || {
                format!(
                    "{} refused a score for good{kept}, and stats() counts any further ones: {}",
                    self.address, refused.reason
                )
            });
        }
    }

    fn has_complete(&self) -> bool {
        !self.complete.is_empty() || !self.leaving.is_empty() || self.next.is_some()
    }

    /// Lets others take over what is left, once nothing of it is here.
    fn let_go_of_lead(&mut self) {
        if !self.has_complete() && !self.gathering.has_abandoned() {
            self.lead = None;
        }
    }
}

impl Destination for LangfuseDestination {
    fn address(&self) -> &str {
        &self.address
    }

    fn deliver(&mut self, chunks: &[Arc<Chunk>]) -> Outcome {
        for chunk in chunks {
            self.take_in(chunk);
        }
        Outcome::Kept
    }

    fn take_over(&mut self, shelf: &Shelf) -> bool {
        self.open_folders(shelf);
        self.scores.look_around();
        let Some(journals) = &mut self.room.journals else {
            return false;
        };
        if self.lead.is_none() {
            self.lead = journals.lead().ok().flatten();
        }
        if self.lead.is_none() {
            return false;
        }
        let mut adopted = std::mem::take(&mut self.adopt_again);
        adopted.extend(journals.adopt_journals().unwrap_or_default());
        for journal in adopted {
            self.adopt(journal);
        }
        true
    }

    fn taken_over(&mut self) {
        // What could not be read yet may belong to it.
        if self.lead.is_some() && self.adopt_again.is_empty() {
            self.complete.extend(self.gathering.take_abandoned());
        }
    }

    fn work(&mut self, last: bool) -> Option<Outcome> {
        let now = Instant::now();
        self.complete
            .extend(self.gathering.take_rootless(now, last));
        let done = match self.send_segments() {
            Some(done) => done.map(|()| true),
            None => self.scores.send(&self.api, now),
        };
        self.tell_refused_scores();
        match done {
            Ok(true) => Some(Outcome::Delivered {
                rejected: 0,
                message: String::new(),
            }),
            Ok(false) => {
                self.let_go_of_lead();
                None
            }
            Err(later) => Some(later.into()),
        }
    }

    fn report(&mut self) -> KeptReport {
        KeptReport {
            in_memory: self.room.spans_in_memory(),
            busy: self.has_complete() || self.scores.wait(),
            ..std::mem::take(&mut self.report)
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let times = [self.gathering.next_rootless(), self.scores.wake_at()];
        times.into_iter().flatten().min()
    }

    fn finish(&mut self) {
        let left = self.room.journals.as_ref().map(DestinationSpool::left);
        self.report.left = left.and_then(|left| Some([left, self.scores.left()?]));
        let on_disk = self.scores.left().and_then(|left| left.look().ok());
        let scores = self.scores.close();
        let still = fork::hold_off();
        if let Some(waiting @ 1..) = on_disk.map(|found| found.waiting) {
            self.notices.tell(&format!(
                "{waiting} scores wait for {} on disk: the next program that logs there sends them, or \
                 `kestrel spool drain` with the same variables",
                self.address
            ));
        }
        if scores > 0 {
            self.report.dropped_beside += scores;
            self.notices.tell(&format!(
                "{scores} scores were not sent to Langfuse and are lost, as they could not be kept on disk"
            ));
        }
        let in_memory = self.room.spans_in_memory();
        if in_memory > 0 {
            self.report.dropped += in_memory;
            self.notices.tell(&format!(
                "{in_memory} spans were not sent to Langfuse, which takes whole rollouts only, and are lost, as they \
                 could not be kept on disk"
            ));
        }
        drop(still);
        // What is on disk is free for others once the folder is let go of.
        self.leaving.clear();
        self.next = None;
        self.complete.clear();
        self.adopt_again.clear();
        self.gathering = Gathering::default();
        self.lead = None;
        self.room = Room::default();
    }
}

#[cfg(test)]
mod tests;
