//! Scores on their way: in batches, or one by one within a rate where the batch route is gone.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::api::{Answer, Api, Later};
use super::score::Score;

/// Scores that wait, in the order of their grades.
#[derive(Debug, Default)]
pub(super) struct Scores {
    waiting: VecDeque<Value>,
    /// The route for batches does not exist.
    one_by_one: bool,
    /// When the latest single ones were sent.
    sent_at: VecDeque<Instant>,
}

impl Scores {
    const BATCH: usize = 50;
    /// The smallest plan takes this many single ones in a minute.
    const A_MINUTE: usize = 30;
    const MINUTE: Duration = Duration::from_secs(60);

    pub(super) fn add(&mut self, scores: Vec<Score>) {
        self.waiting
            .extend(scores.into_iter().map(|score| score.body));
    }

    /// Sends what waits; `refused` is told what is set aside.
    pub(super) fn send(&mut self, api: &Api, refused: &mut dyn FnMut(&str)) -> Result<(), Later> {
        while !self.waiting.is_empty() {
            if self.one_by_one {
                self.send_one(api, refused)?;
            } else {
                self.send_batch(api, refused)?;
            }
        }
        Ok(())
    }

    fn send_batch(&mut self, api: &Api, refused: &mut dyn FnMut(&str)) -> Result<(), Later> {
        let count = self.waiting.len().min(Self::BATCH);
        let batch = &self.waiting.make_contiguous()[..count];
        match api.send_scores(batch) {
            Answer::Taken(answer) => self.settle_batch(count, &answer, refused),
            Answer::NoRoute => {
                self.one_by_one = true;
                Ok(())
            }
            Answer::Bad(reason) => {
                refused(&reason);
                self.waiting.drain(..count);
                Ok(())
            }
            Answer::Later(later) => Err(later),
        }
    }

    /// Each entry has a status of its own: what may succeed later is kept.
    fn settle_batch(
        &mut self,
        count: usize,
        answer: &Value,
        refused: &mut dyn FnMut(&str),
    ) -> Result<(), Later> {
        let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
        let mut again = Vec::new();
        for score in self.waiting.drain(..count) {
            let error = errors.iter().find(|error| error["id"] == score["id"]);
            match error.map(|error| error["status"].as_u64()) {
                None => {}
                Some(Some(429 | 500..=599)) => again.push(score),
                Some(_) => refused(&format!(
                    "score {}: {}",
                    score["name"],
                    error.unwrap_or(&Value::Null)
                )),
            }
        }
        if again.is_empty() {
            return Ok(());
        }
        let reason = format!("{} scores are to be sent again", again.len());
        for score in again.into_iter().rev() {
            self.waiting.push_front(score);
        }
        Err(Later {
            after: None,
            unreachable: false,
            reason,
        })
    }

    fn send_one(&mut self, api: &Api, refused: &mut dyn FnMut(&str)) -> Result<(), Later> {
        self.keep_pace(Instant::now())?;
        let Some(score) = self.waiting.front() else {
            return Ok(());
        };
        self.sent_at.push_back(Instant::now());
        match api.send_score(score) {
            Answer::Taken(_) => {}
            Answer::Later(later) => return Err(later),
            Answer::Bad(reason) => refused(&reason),
            Answer::NoRoute => refused("HTTP 404: it takes no scores"),
        }
        self.waiting.pop_front();
        Ok(())
    }

    fn keep_pace(&mut self, now: Instant) -> Result<(), Later> {
        while let Some(&oldest) = self.sent_at.front()
            && now.duration_since(oldest) > Self::MINUTE
        {
            self.sent_at.pop_front();
        }
        match self.sent_at.front() {
            Some(&oldest) if self.sent_at.len() >= Self::A_MINUTE => Err(Later {
                after: Some(Self::MINUTE.saturating_sub(now.duration_since(oldest))),
                unreachable: false,
                reason: format!("it takes {} scores a minute", Self::A_MINUTE),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scores(count: usize) -> Scores {
        let body = |number| Score {
            body: json!({"id": format!("s{number}"), "name": "n"}),
        };
        let mut scores = Scores::default();
        scores.add((0..count).map(body).collect());
        scores
    }

    #[test]
    fn of_a_batch_only_what_may_succeed_is_kept() {
        let mut scores = scores(3);
        let mut refused = Vec::new();
        let answer = json!({"successes": [{"id": "s0", "status": 201}], "errors": [
            {"id": "s1", "status": 400, "message": "no"}, {"id": "s2", "status": 429, "message": "slow"}]});
        let later = scores.settle_batch(3, &answer, &mut |reason| refused.push(reason.to_owned()));
        assert!(later.is_err());
        assert_eq!(scores.waiting.len(), 1);
        assert_eq!(scores.waiting[0]["id"], "s2");
        assert_eq!(refused.len(), 1);
    }

    #[test]
    fn single_scores_keep_to_thirty_a_minute() {
        let mut scores = scores(0);
        let now = Instant::now();
        scores.sent_at = vec![now; 29].into();
        assert!(scores.keep_pace(now).is_ok());
        scores.sent_at.push_back(now);
        let later = scores.keep_pace(now).unwrap_err();
        assert_eq!(later.after, Some(Scores::MINUTE));
        assert!(scores.keep_pace(now + Duration::from_secs(61)).is_ok());
    }
}
