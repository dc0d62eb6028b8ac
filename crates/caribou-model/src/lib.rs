//! Types, ids, statuses, turn rule and attribute keys of the rollout model; no I/O.
