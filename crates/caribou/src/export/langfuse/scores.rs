//! Scores on their way: in batches, or one by one within a rate where the batch route is gone. They wait on disk, and
//! hold up no spans.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use caribou_spool::{Batch, Claim, DestinationSpool, Left, Record, SpoolError};
use serde_json::Value;

use super::api::{Answer, Api, Later};
use super::score::Score;

/// Scores that wait, in the order of their grades.
#[derive(Debug, Default)]
pub(super) struct Scores {
    /// Where they wait; none where there is no spool.
    spool: Option<DestinationSpool>,
    /// Something may be in the spool.
    on_disk: bool,
    claim: Option<Claim>,
    /// What was read of the claim and is not settled, the next at the end.
    read: Vec<Batch>,
    /// Scores that wait in memory, as JSON.
    memory: VecDeque<Vec<u8>>,
    memory_bytes: usize,
    /// Scores that found no room.
    lost: u64,
    /// The route for batches does not exist.
    one_by_one: bool,
    /// When the latest single ones were sent.
    sent_at: VecDeque<Instant>,
    /// It asked not to be sent any before.
    not_before: Option<Instant>,
    refused: Vec<Refused>,
}

/// A score that is refused for good.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) reason: String,
    /// Where it was kept.
    pub(super) kept_in: Option<String>,
}

/// What becomes of one score of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    Refused(String),
    Again,
}

/// What a record's payload is: a score as JSON.
const SCORE: u16 = 2;

impl Scores {
    const BATCH: usize = 50;
    const BATCH_BYTES: usize = 512 << 10;
    /// What waits in memory where it cannot be on disk.
    const MAX_MEMORY_BYTES: usize = 64 << 20;
    /// When to try again where the disk cannot be read just now.
    const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);
    /// The smallest plan takes this many single ones in a minute.
    const A_MINUTE: usize = 30;
    const MINUTE: Duration = Duration::from_secs(60);

    /// Has them wait on disk from now on, and looks for what others have left there.
    pub(super) fn open(&mut self, spool: DestinationSpool) {
        self.spool = Some(spool);
        self.on_disk = true;
    }

    /// Looks for what others have left.
    pub(super) fn look_around(&mut self) {
        self.on_disk = self.spool.is_some();
    }

    pub(super) fn add(&mut self, scores: Vec<Score>) {
        let payloads: Vec<Vec<u8>> = scores
            .into_iter()
            .map(|score| score.body.to_string().into_bytes())
            .collect();
        if payloads.is_empty() {
            return;
        }
        if self.append(&payloads) {
            self.on_disk = true;
            return;
        }
        for payload in payloads {
            if self.memory_bytes + payload.len() > Self::MAX_MEMORY_BYTES {
                self.lost += 1;
            } else {
                self.memory_bytes += payload.len();
                self.memory.push_back(payload);
            }
        }
    }

    /// How many were lost since the last call.
    pub(super) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Whether any wait.
    pub(super) fn wait(&self) -> bool {
        self.on_disk || !self.memory.is_empty()
    }

    /// When any may be sent again, where not now.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.not_before.filter(|_| self.wait())
    }

    /// What was refused since the last call.
    pub(super) fn take_refused(&mut self) -> Vec<Refused> {
        std::mem::take(&mut self.refused)
    }

    /// Sends some; false where none can be sent now.
    pub(super) fn send(&mut self, api: &Api, now: Instant) -> Result<bool, Later> {
        if !self.wait() || self.not_before.is_some_and(|before| now < before) {
            return Ok(false);
        }
        self.not_before = None;
        if self.one_by_one && !self.is_within_pace(now) {
            return Ok(false);
        }
        if !self.memory.is_empty() {
            return self.send_from_memory(api, now);
        }
        match self.next_batch() {
            Ok(Some(batch)) => self.send_from_disk(api, batch, now),
            Ok(None) => Ok(false),
            Err(_) => {
                self.not_before = Some(now + Self::READ_AGAIN_AFTER);
                Ok(false)
            }
        }
    }

    /// For looking after what is left when the spool is closed.
    pub(super) fn left(&self) -> Option<Left> {
        self.spool.as_ref().map(DestinationSpool::left)
    }

    /// Lets go of the spool; gives the number of scores that are lost with it.
    pub(super) fn close(&mut self) -> u64 {
        self.read.clear();
        self.claim = None;
        self.spool = None;
        self.memory_bytes = 0;
        std::mem::take(&mut self.memory).len() as u64
    }

    fn append(&mut self, payloads: &[Vec<u8>]) -> bool {
        let Some(spool) = &mut self.spool else {
            return false;
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let time_unix_nano = now.map_or(0, |now| now.as_nanos().try_into().unwrap_or(u64::MAX));
        let records: Vec<Record<'_>> = payloads
            .iter()
            .map(|payload| Record {
                kind: SCORE,
                time_unix_nano,
                payload,
            })
            .collect();
        // What was kept before an error is sent twice, which changes nothing: a score has an id.
        spool.append(&records).is_ok()
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, SpoolError> {
        if let Some(batch) = self.read.pop() {
            return Ok(Some(batch));
        }
        loop {
            if self.claim.is_none() {
                let Some(spool) = &mut self.spool else {
                    return Ok(None);
                };
                self.claim = spool.claim_own_or_abandoned()?;
            }
            let Some(claim) = &mut self.claim else {
                self.on_disk = false;
                return Ok(None);
            };
            match claim.next_batch(Self::BATCH_BYTES, Self::BATCH) {
                Ok(Some(batch)) => return Ok(Some(batch)),
                Ok(None) | Err(_) => self.claim = None,
            }
        }
    }

    fn send_from_disk(&mut self, api: &Api, mut batch: Batch, now: Instant) -> Result<bool, Later> {
        if self.one_by_one {
            batch = self.keep_rest(batch, 1);
        }
        let scores: Vec<Value> = batch
            .records()
            .iter()
            .map(|record| parsed(&record.payload))
            .collect();
        match self.ask(api, &scores, now) {
            Ok(verdicts) => {
                self.settle(batch, &verdicts);
                Ok(true)
            }
            Err(Failed::Parted) => {
                let half = batch.records().len() / 2;
                let first = self.keep_rest(batch, half);
                self.read.push(first);
                Ok(true)
            }
            Err(Failed::NotNow) => {
                self.read.push(batch);
                Ok(self.not_before.is_none())
            }
            Err(Failed::Later(later)) => {
                self.read.push(batch);
                Err(later)
            }
        }
    }

    fn send_from_memory(&mut self, api: &Api, now: Instant) -> Result<bool, Later> {
        let most = if self.one_by_one { 1 } else { Self::BATCH };
        let mut count = self.memory.len().min(most);
        loop {
            let waiting = self.memory.iter().take(count);
            let scores: Vec<Value> = waiting.map(|score| parsed(score)).collect();
            match self.ask(api, &scores, now) {
                Ok(verdicts) => {
                    let (again, done): (Vec<_>, Vec<_>) = self
                        .memory
                        .drain(..count)
                        .zip(&verdicts)
                        .partition(|(_, verdict)| **verdict == Verdict::Again);
                    let bytes: usize = done.iter().map(|(score, _)| score.len()).sum();
                    self.memory_bytes = self.memory_bytes.saturating_sub(bytes);
                    let again: Vec<_> = again.into_iter().map(|(score, _)| score).collect();
                    for verdict in verdicts {
                        if let Verdict::Refused(reason) = verdict {
                            self.refused.push(Refused {
                                reason,
                                kept_in: None,
                            });
                        }
                    }
                    for score in again.into_iter().rev() {
                        self.memory.push_front(score);
                    }
                    return Ok(true);
                }
                Err(Failed::Parted) => count /= 2,
                Err(Failed::NotNow) => return Ok(self.not_before.is_none()),
                Err(Failed::Later(later)) => return Err(later),
            }
        }
    }

    /// Makes a request; gives what becomes of each.
    fn ask(&mut self, api: &Api, scores: &[Value], now: Instant) -> Result<Vec<Verdict>, Failed> {
        let answer = if self.one_by_one {
            self.sent_at.push_back(now);
            api.send_score(&scores[0])
        } else {
            api.send_scores(scores)
        };
        match answer {
            Answer::Taken(answer) => {
                let verdicts = verdicts(scores, &answer);
                if verdicts.contains(&Verdict::Again) {
                    self.not_before = Some(now + Duration::from_secs(1));
                }
                Ok(verdicts)
            }
            Answer::NoRoute if !self.one_by_one => {
                self.one_by_one = true;
                Err(Failed::NotNow)
            }
            Answer::NoRoute => Ok(vec![Verdict::Refused(
                "HTTP 404: it takes no scores".to_owned(),
            )]),
            Answer::Bad(_) if scores.len() > 1 => Err(Failed::Parted),
            Answer::Bad(reason) | Answer::Refused(reason) => {
                Ok(vec![Verdict::Refused(reason); scores.len()])
            }
            Answer::Later(Later {
                after: Some(after), ..
            }) => {
                self.not_before = Some(now + after);
                Err(Failed::NotNow)
            }
            Answer::Later(later) => Err(Failed::Later(later)),
        }
    }

    /// Settles a batch in its order; from the first that is to be sent again on, all are sent again.
    fn settle(&mut self, batch: Batch, verdicts: &[Verdict]) {
        let mut rest = Some(batch);
        let mut verdicts = verdicts.iter();
        while let (Some(batch), Some(verdict)) = (rest.take(), verdicts.next()) {
            if *verdict == Verdict::Again {
                self.read.push(batch);
                return;
            }
            let (first, others) = batch.split_after(1);
            rest = others;
            let Some(claim) = &mut self.claim else { return };
            if let Verdict::Refused(reason) = verdict {
                let kept = claim.set_aside(&first, reason);
                let folder = kept
                    .as_ref()
                    .ok()
                    .and_then(|path| Some(path.parent()?.display().to_string()));
                self.refused.push(Refused {
                    reason: reason.clone(),
                    kept_in: folder,
                });
                if kept.is_ok() {
                    continue;
                }
            }
            // A note that cannot be written costs a repetition after a kill, which changes nothing.
            claim.acknowledge(&first).ok();
        }
    }

    /// Parts a batch after so many scores, and keeps the rest for later.
    fn keep_rest(&mut self, batch: Batch, count: usize) -> Batch {
        let (first, rest) = batch.split_after(count);
        self.read.extend(rest);
        first
    }

    fn is_within_pace(&mut self, now: Instant) -> bool {
        while let Some(&oldest) = self.sent_at.front()
            && now.duration_since(oldest) > Self::MINUTE
        {
            self.sent_at.pop_front();
        }
        let Some(&oldest) = self.sent_at.front() else {
            return true;
        };
        let is_within = self.sent_at.len() < Self::A_MINUTE;
        if !is_within {
            self.not_before = Some(oldest + Self::MINUTE + Duration::from_millis(1));
        }
        is_within
    }
}

/// Why a request settled nothing.
enum Failed {
    /// Fewer may be taken.
    Parted,
    /// Nothing is wrong but the time or the way.
    NotNow,
    Later(Later),
}

fn parsed(score: &[u8]) -> Value {
    serde_json::from_slice(score).unwrap_or_default()
}

/// Each entry of a batch has a status of its own.
fn verdicts(scores: &[Value], answer: &Value) -> Vec<Verdict> {
    let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let verdict = |score: &Value| {
        let error = errors.iter().find(|error| error["id"] == score["id"])?;
        Some(match error["status"].as_u64() {
            Some(429 | 500..=599) => Verdict::Again,
            _ => Verdict::Refused(format!("score {}: {error}", score["name"])),
        })
    };
    scores
        .iter()
        .map(|score| verdict(score).unwrap_or(Verdict::Taken))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_batch_only_what_may_succeed_is_sent_again() {
        let scores: Vec<Value> = (0..3)
            .map(|n| json!({"id": format!("s{n}"), "name": "n"}))
            .collect();
        let answer = json!({"successes": [{"id": "s0", "status": 201}], "errors": [
            {"id": "s1", "status": 400, "message": "no"}, {"id": "s2", "status": 429, "message": "slow"}]});
        let verdicts = verdicts(&scores, &answer);
        assert_eq!(
            (&verdicts[0], &verdicts[2]),
            (&Verdict::Taken, &Verdict::Again)
        );
        assert!(matches!(verdicts[1], Verdict::Refused(_)));
    }

    #[test]
    fn scores_that_can_wait_nowhere_take_no_more_memory_than_they_may() {
        let score = |comment: usize| Score {
            body: json!({"id": "s", "comment": "x".repeat(comment)}),
        };
        let mut scores = Scores {
            memory_bytes: Scores::MAX_MEMORY_BYTES - 1_000,
            ..Scores::default()
        };
        scores.add(vec![score(500), score(600), score(100)]);
        assert!(scores.memory_bytes <= Scores::MAX_MEMORY_BYTES);
        assert_eq!((scores.take_lost(), scores.take_lost()), (1, 0));
        assert_eq!(scores.close(), 2);
    }

    #[test]
    fn single_scores_keep_to_thirty_a_minute() {
        let now = Instant::now();
        let mut scores = Scores {
            sent_at: vec![now; 29].into(),
            ..Scores::default()
        };
        assert!(scores.is_within_pace(now));
        scores.sent_at.push_back(now);
        assert!(!scores.is_within_pace(now));
        let next = scores.not_before.unwrap();
        assert!(scores.is_within_pace(next));
    }
}
