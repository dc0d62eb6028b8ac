//! What follows from the other fields of a record.

use caribou_model::{ItemType, SpanRecord};

/// Time between start and end, where it has ended.
pub(crate) fn measured_duration(record: &SpanRecord<'_>) -> Option<u64> {
    let nanos = record.ended_at?.saturating_sub(record.started_at);
    u64::try_from(nanos).ok()
}

/// A score that is no number is none; one outside 0 to 1 stays. Both are marked.
pub(crate) fn check_score(record: &mut SpanRecord<'_>) {
    match record.score {
        Some(score) if !score.is_finite() => {
            record.score = None;
            record.marks.push("score_not_finite");
        }
        Some(score) if !(0.0..=1.0).contains(&score) && record.item_type == ItemType::Grade => {
            record.marks.push("score_out_of_range");
        }
        _ => {}
    }
}

/// The end, or the start while open, as the revision.
pub(crate) fn fallback_revision(record: &SpanRecord<'_>) -> u64 {
    u64::try_from(record.ended_at.unwrap_or(record.started_at)).unwrap_or_default()
}
