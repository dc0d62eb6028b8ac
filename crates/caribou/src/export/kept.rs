//! What a destination keeps itself, because it cannot leave yet.

use std::sync::Arc;

use caribou_spool::Left;

use super::outbox::Outbox;
use crate::fork;

/// What became of what a destination keeps, since it last said so.
#[derive(Debug, Default)]
pub(super) struct KeptReport {
    /// Spans of this process that it took at last.
    pub(super) acknowledged: u64,
    /// Spans of this process that it will never take.
    pub(super) refused: u64,
    /// Spans of this process that were lost.
    pub(super) dropped: u64,
    /// What was made of spans beside them and is refused for good.
    pub(super) refused_beside: u64,
    /// What was made of spans beside them and lost.
    pub(super) dropped_beside: u64,
    /// Spans that other processes had left: delivered, and refused for good.
    pub(super) of_others: (u64, u64),
    /// How many spans of this process it keeps in memory, now.
    pub(super) in_memory: u64,
    /// Whether anything of what it keeps could leave now.
    pub(super) busy: bool,
    /// Look after what is left of spans, and of what was made of them, once it is closed.
    pub(super) left: Option<[Left; 2]>,
}

impl KeptReport {
    /// Passes it on.
    pub(super) fn tell(&self, outbox: &Arc<Outbox>, address: &str) {
        let _still = fork::hold_off();
        outbox.report_kept(self);
        if self.of_others.0 > 0 {
            tracing::info!(
                target: "caribou",
                "{} spans that an earlier program had left were delivered to {address}",
                self.of_others.0
            );
        }
    }
}
